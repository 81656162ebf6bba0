"""The first forms of a claim: what happened, where we can answer, and what a stranger may not do with them."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import text

from domain.claim import Claim, Reason
from storage import claim_reads
from storage.engine import Database
from storage.intake_claim import OPENING
from storage.keys import Rings
from storage.models import CaseRow
from tests.web.claims import makes_claim
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway, hidden
from tests.web.test_after_the_proof import prove
from web.gateway import Unavailable
from web.services import Services


@pytest.mark.parametrize("reason", Reason)
async def test_every_reason_leads_to_a_form(ada: Browser, reason: Reason) -> None:
    await ada.get("/claim")
    assert f'value="{reason}"' in ada.page
    assert faults_of(ada.page) == []
    await ada.get(f"/claim?reason={reason}")
    assert ada.title == "Where can we answer you?"
    assert faults_of(ada.page) == []


@pytest.mark.parametrize("reason", ["", "banned", "contact\0", "a" * 2000])
async def test_without_a_reason_it_is_asked_for(ada: Browser, reason: str) -> None:
    answer = await ada.client.post("/claim", data={"reason": reason, "contact": "ada@example.com"})
    assert answer.status_code == 422
    assert "Error: What happened to your account?" in answer.text
    assert faults_of(answer.text) == []


@pytest.mark.parametrize("contact", ["", "nobody", "ada@", "12", "x" * 300, "\0", "☎"])
async def test_what_is_no_contact_is_said_and_nothing_typed_is_lost(ada: Browser, contact: str) -> None:
    await ada.get("/claim?reason=other")
    answer = await ada.post("/claim", contact=contact, what="The <b>app</b> is empty", error_code="E-403")
    assert answer.status_code == 422
    assert ada.title == "Error: Where can we answer you?"
    assert "The &lt;b&gt;app&lt;/b&gt; is empty" in ada.page
    assert 'value="E-403"' in ada.page
    assert faults_of(ada.page) == []


async def test_something_else_needs_words(ada: Browser) -> None:
    await ada.get("/claim?reason=other")
    assert (await ada.post("/claim", contact="ada@example.com", what="  ")).status_code == 422
    assert "Write what happens" in ada.said


async def test_a_novel_is_too_long(ada: Browser) -> None:
    await ada.get("/claim?reason=contact")
    assert (await ada.post("/claim", contact="ada@example.com", what="a" * 5000)).status_code == 422
    assert "That is too long" in ada.said


async def test_what_was_told_is_kept_sealed(ada: Browser, database: Database, rings: Rings) -> None:
    await ada.get("/claim?reason=other")
    await ada.post("/claim", contact="ada@example.com", what="Nothing works", error_code="E-403", app_version="7.1")
    async with database.read() as session:
        told = await claim_reads.texts(session, rings, ada.reference, OPENING)
        dump = [str(row) for row in await session.execute(text("SELECT * FROM evidence_item"))]
        dump += [str(row) for row in await session.execute(text('SELECT * FROM "case"'))]
        dump += [str(row) for row in await session.execute(text("SELECT * FROM case_person"))]
    assert told == {"what": "Nothing works", "error_code": "E-403", "app_version": "7.1"}
    assert not [row for row in dump if re.search("Nothing works|E-403|ada@", row)]


async def test_pressing_twice_opens_one_claim(ada: Browser, gateway: FakeGateway) -> None:
    await ada.get("/claim?reason=contact")
    form = hidden(ada.page, "/claim")
    first = await ada.client.post("/claim", data={**form, "contact": "ada@example.com"})
    second = await ada.client.post("/claim", data={**form, "contact": "ada@example.com"})
    assert first.headers["Location"] == second.headers["Location"]
    assert len(gateway.cases) == 1


async def test_an_orphan_waits_on_its_page(ada: Browser, gateway: FakeGateway, database: Database) -> None:
    gateway.trouble = Unavailable("away")
    reference = await makes_claim(ada)
    assert ada.title == "We are opening your claim"
    assert "n•••@example.net" in ada.said
    async with database.read() as session:
        row = await session.get_one(CaseRow, reference)
    assert row.started_at is None


async def test_a_network_starts_so_many_in_an_hour(ada: Browser, services: Services) -> None:
    object.__setattr__(services, "settings", services.settings.model_copy(update={"starts_per_network": 2}))
    for number in range(2):
        await makes_claim(ada, contact=f"ada{number}@example.com")
    await ada.get("/claim?reason=contact")
    answer = await ada.post("/claim", contact="ada9@example.com")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    await ada.get("/")
    assert (await ada.post("/recover", identifier="ada")).status_code == 429  # recoveries and claims count together


async def test_messages_to_one_address_are_counted(ada: Browser, services: Services) -> None:
    object.__setattr__(services, "policy", replace(services.policy, sends_per_hour=1))
    await makes_claim(ada, contact="ada@example.com")
    await ada.get("/claim?reason=contact")
    assert (await ada.post("/claim", contact="ADA@example.com ")).status_code == 429


async def test_a_claim_opens_only_in_its_browser(ada: Browser, eve: Browser) -> None:
    await makes_claim(ada)
    for path in ("", "/evidence", "/check", "/sent", "/withdraw", "/other"):
        assert (await eve.client.get(f"{ada.address}{path}")).status_code == 404
    for step in ("code", "evidence", "reply", "nudge", "reopen", "withdraw", "resend", "password"):
        assert (await eve.client.post(f"{ada.address}/{step}", data={"message": "x"})).status_code == 404


async def test_who_has_neither_goes_from_a_recovery_to_a_claim(ada: Browser) -> None:
    await ada.ask("nia")
    assert '<a href="/claim?reason=contact">I have neither</a>' in ada.page


async def test_a_recovery_without_a_second_proof_leads_to_a_claim(ada: Browser, gateway: FakeGateway) -> None:
    await prove(ada, gateway, "olu@example.com")
    for _ in range(3):
        page = ada.address.removesuffix("/second-proof")
        await ada.post(f"{page}/second-proof", proof="WRONG-0000")
    await ada.get(page)
    found = re.search(r'href="(/claim\?reason=contact[^"]*)"', ada.page)
    assert found
    await ada.get(found[1].replace("&amp;", "&"))
    assert 'value="olu@example.com"' in ada.page


async def test_nobody_learns_what_another_browser_typed(ada: Browser, eve: Browser) -> None:
    await ada.ask("ada@example.com")
    await eve.get(f"/claim?reason=contact&after={ada.reference}")
    assert "ada@example.com" not in eve.page
    assert eve.title == "Where can we answer you?"


@pytest.mark.parametrize("after", ["", "x", "AAAA-BBBB-CC", "\0" * 3, "7F3K-Q2M9-XA&after=1"])
async def test_nonsense_before_the_claim_is_no_matter(ada: Browser, after: str) -> None:
    answer = await ada.client.get("/claim", params={"reason": "contact", "after": after})
    assert answer.status_code == 200


async def test_htmx_gets_the_page_of_the_claim(ada: Browser) -> None:
    await ada.get("/claim?reason=contact")
    sent = {**hidden(ada.page, "/claim"), "contact": "ada@example.com"}
    answer = await ada.client.post("/claim", data=sent, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.headers["HX-Push-Url"].startswith("/case/")
    assert "Enter the code" in answer.text


async def test_a_claim_says_nothing_of_accounts_to_the_case(ada: Browser, gateway: FakeGateway) -> None:
    reference = await makes_claim(ada, contact="ada@example.com")
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert (case.account, case.reason, case.sight) == ("", Reason.CONTACT, None)
