"""Entering the code, and asking for another one."""

import re
from datetime import timedelta

import pytest

from domain.recovery import Recovery, ResendCode, State
from tests.web.stage import Browser, FakeGateway
from web.gateway import CaseIsBusy, StillWorking, Unavailable


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def asked_a_while_ago(visitor: Browser, gateway: FakeGateway) -> str:
    """A case whose first cooldown is over."""
    gateway.later = timedelta(seconds=-61)
    reference = await visitor.ask("ada@example.com")
    gateway.later = timedelta(0)
    return reference


async def test_the_right_code_leads_to_the_password(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    code = gateway.code(reference)
    answer = await ada.post(f"{ada.address}/code", follow=False, code=f" {code[:3]}-{code[3:]} ")
    assert answer.status_code == 303
    await ada.get(answer.headers["Location"])
    assert ada.title == "Choose a new password"


async def test_a_wrong_code_is_said_at_the_field(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    answer = await ada.post(f"{ada.address}/code", code=wrong(gateway.code(reference)))
    assert answer.status_code == 422
    assert ada.title == "Error: Enter the code"
    assert ada.said.count("The code is not correct") == 2
    assert "tries left" not in ada.said


async def test_tries_left_are_told_when_two_are_left(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    page = ada.address
    for _ in range(3):
        await ada.get(page)
        await ada.post(f"{page}/code", code=wrong(gateway.code(reference)))
    assert "You have 2 tries left with this code" in ada.said


async def test_the_fifth_wrong_try_ends_the_code(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    page = ada.address
    for _ in range(5):
        await ada.get(page)
        answer = await ada.post(f"{page}/code", code=wrong(gateway.code(reference)))
    assert answer.status_code == 422
    assert "that was the last try" in ada.said
    assert "That code no longer works" in ada.said
    await ada.get(page)
    assert "entered wrong 5 times" in ada.said
    late = await ada.post(f"{page}/code", code=gateway.code(reference), issue="1", key="another")
    assert late.status_code == 410


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Enter the 6 digits"),
        ("12345", "Some are missing"),
        ("1234567", "These are too many"),
        ("12a456", "has only digits"),
    ],
)
async def test_what_cannot_be_a_code_costs_no_try(ada: Browser, gateway: FakeGateway, typed: str, says: str) -> None:
    await ada.ask("ada@example.com")
    answer = await ada.post(f"{ada.address}/code", code=typed)
    assert answer.status_code == 422
    assert says in ada.said
    assert gateway.told == []


async def test_digits_of_other_scripts_count(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    arabic = gateway.code(reference).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    await ada.post(f"{ada.address}/code", code=arabic)
    assert ada.title == "Choose a new password"


async def test_a_stale_form_is_told_to_use_the_newest_code(ada: Browser, gateway: FakeGateway) -> None:
    reference = await asked_a_while_ago(ada, gateway)
    page, old = ada.address, gateway.code(reference)
    await ada.post(f"{page}/resend")
    answer = await ada.post(f"{page}/code", code=old, issue="1")
    assert answer.status_code == 422
    assert "Use the newest one" in ada.said


async def test_asking_too_early_gets_the_time_from_which_it_is_possible(ada: Browser) -> None:
    await ada.ask("ada@example.com")
    assert re.search(r"Possible from \d\d:\d\d:\d\d", ada.said)
    answer = await ada.post(f"{ada.address}/resend")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 61


async def test_asking_too_early_costs_no_message(ada: Browser) -> None:
    await ada.ask("ada@example.com")
    page = ada.address
    for _ in range(8):
        await ada.get(page)
        assert (await ada.post(f"{page}/resend")).status_code == 429
    again = [await ada.client.post("/recover", data={"identifier": "ada@example.com"}) for _ in range(5)]
    assert [answer.status_code for answer in again] == [303] * 4 + [429]


async def test_a_code_that_the_case_allows_before_the_page_would_is_counted_all_the_same(
    ada: Browser, gateway: FakeGateway
) -> None:
    """Clocks differ. Whoever asks in the moment between them gets no message more."""
    await ada.ask("ada@example.com")
    page = ada.address
    gateway.later = timedelta(seconds=61)
    assert (await ada.post(f"{page}/resend", follow=False)).status_code == 303
    gateway.later = timedelta(0)
    again = [await ada.client.post("/recover", data={"identifier": "ada@example.com"}) for _ in range(4)]
    assert [answer.status_code for answer in again] == [303] * 3 + [429]


async def test_after_the_cooldown_a_new_code_can_be_sent(ada: Browser, gateway: FakeGateway) -> None:
    reference = await asked_a_while_ago(ada, gateway)
    assert "A new code can be sent now." in ada.said
    await ada.post(f"{ada.address}/resend")
    assert "we sent a new 6‑digit code" in ada.said
    assert gateway.cases[reference].issues == 2  # type: ignore[union-attr]


async def test_the_other_channel_is_one_question(ada: Browser, gateway: FakeGateway) -> None:
    await asked_a_while_ago(ada, gateway)
    page = ada.address
    await ada.get(f"{page}/other")
    assert ada.title == "Where else shall we send the code?"
    assert (await ada.post(f"{page}/resend", contact="")).status_code == 422
    await ada.post(f"{page}/resend", contact="+44 7700 900001")
    assert ada.title == "Enter the code"
    assert "+44 ••• ••• 01" in ada.said


async def test_an_expired_code_is_said_and_another_offered(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    page = ada.address
    await gateway.clock(reference, timedelta(minutes=10))
    await ada.get(page)
    assert ada.title == "That code no longer works"
    assert "Its 10 minutes are over" in ada.said


async def test_a_username_is_asked_for_a_contact_first(ada: Browser, gateway: FakeGateway) -> None:
    await ada.ask("vip")
    assert ada.title == "Where shall we send the code?"
    page = ada.address
    assert (await ada.post(f"{page}/contact", contact="someone")).status_code == 422
    assert "or a phone number" in ada.said
    await ada.post(f"{page}/contact", contact="vip@example.com")
    assert ada.title == "Enter the code"
    assert "v•••@example.com" in ada.said


@pytest.mark.parametrize("trouble", [Unavailable("x"), StillWorking("x")])
async def test_while_temporal_is_away_nothing_is_lost(ada: Browser, gateway: FakeGateway, trouble: Exception) -> None:
    await ada.ask("vip")
    page = ada.address
    gateway.trouble = trouble
    answer = await ada.post(f"{page}/contact", contact="vip@example.com")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert 'value="vip@example.com"' in answer.text
    gateway.trouble = None
    await ada.post(f"{page}/contact")
    assert ada.title == "Enter the code"


async def test_a_code_is_not_kept_by_the_page_that_says_try_again(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    gateway.trouble = Unavailable("x")
    answer = await ada.post(f"{ada.address}/code", code=gateway.code(reference))
    assert answer.status_code == 503
    assert gateway.code(reference) not in answer.text
    assert "did not keep what you typed" in ada.said


async def test_a_busy_case_says_when_to_try_again(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    gateway.trouble = CaseIsBusy("x")
    answer = await ada.post(f"{ada.address}/code", code=gateway.code(reference))
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3"


async def test_the_same_form_twice_is_one_step(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    sent = {"code": wrong(gateway.code(reference)), "issue": "1", "key": "once"}
    page = ada.address
    for _ in range(3):
        await ada.client.post(f"{page}/code", data=sent)
    assert len({update for _, update in gateway.told}) == 1
    case = gateway.cases[reference]
    assert case.issue.wrong == 1  # type: ignore[union-attr]


async def test_all_codes_used_leads_to_the_desk(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = timedelta(hours=-2)
    reference = await ada.ask("ada@example.com")
    page = ada.address
    case = gateway.cases[reference]
    for _ in range(case.policy.codes_per_case - 1):
        await gateway.clock(reference, timedelta(minutes=11))
        await gateway.tell(reference, _resend(gateway, reference), update_id=str(gateway.later))
    await gateway.clock(reference, timedelta(minutes=11))
    assert gateway.cases[reference].state is State.AWAITING_HELP
    await ada.get(page)
    assert ada.title == "All codes of this case are used"
    await ada.post(f"{page}/help")
    assert ada.title == "The desk looks at your case"
    assert "stays open until" in ada.said


def _resend(gateway: FakeGateway, reference: str) -> ResendCode:
    case = gateway.cases[reference]
    assert isinstance(case, Recovery)
    return ResendCode(case.holder)
