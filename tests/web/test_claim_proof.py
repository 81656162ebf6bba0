"""Proving the contact of a claim: by code, by link, again, elsewhere, and what it does to an account in danger."""

from datetime import timedelta

from domain.claim import Claim, Freeze, State
from storage.engine import Database
from storage.keys import Rings
from tests.web.claims import makes_claim, proves
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from tests.web.test_code import wrong
from tests.web.test_not_me import mailed
from web.gateway import StillWorking


async def test_the_code_proves_the_contact(ada: Browser, gateway: FakeGateway) -> None:
    reference = await proves(ada, gateway)
    assert gateway.cases[reference].state is State.AWAITING_EVIDENCE
    assert ada.title == "What do you still know about the account?"


async def test_a_wrong_code_is_said_at_its_field(ada: Browser, gateway: FakeGateway) -> None:
    reference = await makes_claim(ada)
    answer = await ada.post(f"{ada.address}/code", code=wrong(gateway.code(reference)))
    assert answer.status_code == 422
    assert ada.said.count("The code is not correct") == 2
    assert faults_of(ada.page) == []


async def test_the_fifth_wrong_code_ends_it(ada: Browser, gateway: FakeGateway) -> None:
    reference = await makes_claim(ada)
    page = ada.address
    for left in (4, 3, 2, 1, 0):
        await ada.get(page)
        await ada.post(f"{page}/code", code=wrong(gateway.code(reference)))
        assert ("tries left" in ada.said or "1 try left" in ada.said) == (left in {1, 2})
    assert "that was the last try" in ada.said
    await ada.get(page)
    assert ada.title == "That code no longer works"
    assert "entered wrong 5 times" in ada.said
    assert (await ada.post(f"{page}/code", issue="1", code=gateway.code(reference))).status_code == 410


async def test_an_earlier_code_is_stale(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -timedelta(seconds=61)
    reference = await makes_claim(ada)
    page, first = ada.address, gateway.code(reference)
    gateway.later = timedelta(0)
    await gateway.clock(reference, timedelta(0))
    await ada.get(page)
    await ada.post(f"{page}/resend")
    assert (await ada.post(f"{page}/code", issue="1", code=first)).status_code == 422
    assert "Use the newest one" in ada.said


async def test_nonsense_is_no_try(ada: Browser, gateway: FakeGateway) -> None:
    reference = await makes_claim(ada)
    page = ada.address
    for code in ("", "12", "abcdef", "1234567", "\0", "²²²²²²"):
        assert (await ada.post(f"{page}/code", code=code)).status_code == 422
    assert gateway.cases[reference].tries_left == 5


async def test_another_contact_is_named_no_sooner_than_the_wait_is_over(ada: Browser, gateway: FakeGateway) -> None:
    await makes_claim(ada)
    page = ada.address
    await ada.get(f"{page}/other")
    assert ada.title == "Enter the code"  # not yet
    assert (await ada.post(f"{page}/resend", other="1", contact="two@example.net")).status_code == 429


async def test_a_new_code_goes_to_the_other_contact(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -timedelta(seconds=61)
    reference = await makes_claim(ada)
    page = ada.address
    gateway.later = timedelta(0)
    await gateway.clock(reference, timedelta(0))
    await ada.get(f"{page}/other")
    assert ada.title == "Where else can we answer you?"
    assert (await ada.post(f"{page}/resend", contact="x")).status_code == 422
    assert ada.title == "Error: Where else can we answer you?"
    assert faults_of(ada.page) == []
    await ada.post(f"{page}/resend", contact="two@example.net")
    assert "t•••@example.net" in ada.said
    await ada.post(f"{page}/code", code=gateway.code(reference))
    assert "t•••@example.net" in ada.page


async def test_the_link_goes_on_in_the_browser_that_posts_it(ada: Browser, eve: Browser, gateway: FakeGateway) -> None:
    link = gateway.link(await makes_claim(eve))
    await ada.get(link)
    assert ada.title == "Go on in this browser?"
    assert "made a claim" in ada.said
    await ada.post(link)
    assert ada.title == "What do you still know about the account?"
    await eve.get(eve.address)
    assert eve.title == "This case is continued elsewhere"


async def test_a_link_works_once(ada: Browser, gateway: FakeGateway) -> None:
    reference = await makes_claim(ada)
    link = gateway.link(reference)
    await ada.post(f"{ada.address}/code", code=gateway.code(reference))
    assert (await ada.get(link)).status_code == 410
    assert (await ada.client.post(link, data={})).status_code == 410


async def test_a_proved_contact_of_lately_freezes_at_once(ada: Browser, gateway: FakeGateway) -> None:
    reference = await proves(ada, gateway, reason="compromised", contact="ada@example.com")
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert case.freeze is Freeze.ON
    assert "The account is frozen until" in ada.said


async def test_a_contact_of_nobody_freezes_nothing(ada: Browser, gateway: FakeGateway) -> None:
    reference = await proves(ada, gateway, reason="compromised", contact="nobody@example.net")
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert (case.freeze, case.account) == (Freeze.NONE, "")
    assert "frozen" not in ada.said


async def test_a_claim_of_an_objection_asks_for_a_contact_first(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    address = await mailed(database, rings, await eve.ask("ada@example.com"), "account")
    await ada.get(address)
    await ada.post(address)
    page = ada.address
    assert "Where can we answer you?" in ada.said
    assert faults_of(ada.page) == []
    assert (await ada.post(f"{page}/contact", contact="nothing")).status_code == 422
    assert faults_of(ada.page) == []
    await ada.post(f"{page}/contact", contact="ada@example.com")
    assert ada.title == "Enter the code"
    assert (await ada.post(f"{page}/contact", contact="other@example.com")).status_code == 409


async def test_a_silent_case_keeps_what_was_typed_but_the_code(ada: Browser, gateway: FakeGateway) -> None:
    reference = await makes_claim(ada)
    gateway.trouble = StillWorking(reference)
    answer = await ada.post(f"{ada.address}/code", code=gateway.code(reference))
    assert answer.status_code == 503
    assert gateway.code(reference) not in answer.text
