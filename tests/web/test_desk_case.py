"""The page of a case for agents: what happened, what was sent, what comes, and never who it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlmodel import col

from domain import claim, claim_events, recovery
from domain.case import grouped
from domain.claim import Claim
from domain.policy import CURRENT_POLICY
from storage import folding, writes
from storage.engine import Database
from storage.keys import Rings
from storage.models import AgentRow, CaseRow, NoticeRow, ReceivedRow
from tests.web.desk import asks_for_help, at_the_desk
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from web.gateway import Unavailable
from web.services import Services


@pytest.fixture
def services(services: Services) -> Services:
    return replace(services, policy=replace(CURRENT_POLICY, codes_per_case=1))


async def test_the_page_tells_the_whole_story(app: FastAPI, ada: Browser) -> None:
    address = await asks_for_help(ada)
    sam = await at_the_desk(app)
    assert (await sam.get(address)).status_code == 200
    assert faults_of(sam.page) == []
    for said in (
        "Claimant opened the case",
        "Machine made a code, number 1, by e-mail",
        "Claimant entered a code that is not correct, try 5 of 5",
        "Claimant asked the desk for help",
        "The case closes",
        "Out of codes",
        "Codes sent 1 of 1",
        "Tries left 0 of 5",
        f"Policy {CURRENT_POLICY.version}",
    ):
        assert said in sam.said
    assert "acc_" in sam.said


async def test_nothing_personal_is_on_it(app: FastAPI, ada: Browser) -> None:
    address = await asks_for_help(ada)
    sam = await at_the_desk(app)
    await sam.get(address)
    for planted in ("ada@", "example.com", "•••", "Firefox", "203.0.113"):
        assert planted not in sam.page


async def test_messages_are_listed_without_addresses(app: FastAPI, ada: Browser, database: Database) -> None:
    reference = await ada.ask("ada@example.com")
    async with database.write() as session:
        session.add_all(
            NoticeRow(
                name=f"{reference}.code.{number}",
                case_ref=reference,
                template="code",
                channel="email",
                state=state,
                attempts=number,
                address="sealed-address",
                subject=f"case/{reference}",
                message_id="<1@example>",
                made_at=datetime.now(UTC),
                error=error,
            )
            for number, (state, error) in enumerate([("handed_over", ""), ("failed", "SMTPConnectError")], start=1)
        )
    sam = await at_the_desk(app)
    await sam.get(f"/desk/cases/{reference}")
    assert "Code and link e-mail Handed over 1" in sam.said
    assert "Code and link e-mail Not sent SMTPConnectError 2" in sam.said
    assert "sealed-address" not in sam.page
    assert faults_of(sam.page) == []


async def test_other_cases_of_the_account_are_linked(app: FastAPI, ada: Browser) -> None:
    first = await ada.ask("ada@example.com")
    second = await ada.ask("ada@example.com")
    sam = await at_the_desk(app)
    await sam.get(f"/desk/cases/{second}")
    assert f'href="/desk/cases/{grouped(first)}"' in sam.page


async def test_a_case_without_events_says_what_it_waits_for(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    gateway.trouble = Unavailable("away")
    reference = await ada.ask("ada@example.com")
    sam = await at_the_desk(app)
    await sam.get(f"/desk/cases/{reference}")
    assert "Nothing recorded yet" in sam.said
    assert faults_of(sam.page) == []


async def test_every_end_has_its_page(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    sam = await at_the_desk(app)
    now = datetime.now(UTC)
    for event in (
        recovery.CaseExpired(now),
        recovery.Superseded(now),
        recovery.OwnerObjected(now, "objection/1", now),
        recovery.Withdrawn(now),
    ):
        reference = await ada.ask("ada@example.com")
        await gateway.happen(reference, event)
        await sam.get(f"/desk/cases/{reference}")
        assert "The case is closed" in sam.said
        assert "/decision" not in sam.page
        assert faults_of(sam.page) == []


async def test_unknown_references_are_not_found(app: FastAPI) -> None:
    sam = await at_the_desk(app)
    for reference in ("7F3K-Q2M9-XA", "nonsense", "%3Cb%3E"):
        answer = await sam.get(f"/desk/cases/{reference}")
        assert answer.status_code == 404
        assert sam.title == "There is no such case"
        assert "<b>" not in sam.page.partition("<main")[2]
    assert faults_of(sam.page) == []


async def test_without_signing_in_there_is_nothing_to_see(ada: Browser) -> None:
    address = await asks_for_help(ada)
    for path in (address, f"{address}/events"):
        answer = await ada.get(path)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/desk/sign-in")


async def test_whoever_may_not_decide_sees_why(app: FastAPI, ada: Browser, database: Database) -> None:
    address = await asks_for_help(ada)
    for name in ("ina", "max"):
        agent = await at_the_desk(app, name)
        await agent.get(address)
        assert "You can read this case. Agents, approvers and leads decide" in agent.said
        assert "/decision" not in agent.page
    async with database.write() as session:
        account = (await session.get(CaseRow, ada_reference(address))).account_ref  # type: ignore[union-attr]
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(own_accounts=[account]))
    sam = await at_the_desk(app)
    await sam.get(address)
    assert "an account of your own" in sam.said
    assert "/decision" not in sam.page


def ada_reference(address: str) -> str:
    return address.rpartition("/")[2].replace("-", "")


async def test_an_open_page_hears_nothing_until_something_changed(
    app: FastAPI, ada: Browser, gateway: FakeGateway
) -> None:
    address = await asks_for_help(ada)
    sam = await at_the_desk(app)
    await sam.get(address)
    seen = sam.page.partition(f'hx-get="{address}?seen=')[2].partition('"')[0]
    assert seen
    assert (await sam.get(f"{address}?seen={seen}")).status_code == 204
    await gateway.clock(ada_reference(address), timedelta(hours=25))
    answer = await sam.get(f"{address}?seen={seen}")
    assert answer.status_code == 200
    assert "The case is closed" in sam.said


async def test_a_claim_shows_the_freeze_and_waits_for_no_answer(
    app: FastAPI, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    async with database.write() as session:
        reference, row = "7F3KQ2M9XA", Claim("7F3KQ2M9XA", account="acc_ada", objection="objection/1")
        session.add(a_claim_row(row))
        session.add(
            ReceivedRow(id="objection/1", case_ref=reference, kind="objection", received_at=datetime.now(UTC), data={})
        )
    gateway.cases[reference] = row
    sam = await at_the_desk(app)
    await sam.get(f"/desk/cases/{reference}")
    assert "The owner said “this was not me”" in sam.said
    now = datetime.now(UTC)
    for event in (claim_events.CaseOpened(now), claim_events.FreezeWithheld(now)):
        async with database.write() as session:
            await writes.record(session, rings.audit, reference, gateway.cases[reference].number, (event,))
        gateway.cases[reference] = claim.apply(gateway.cases[reference], event)  # type: ignore[arg-type]
    await sam.get(f"/desk/cases/{reference}")
    assert "has not answered" not in sam.said
    assert "Machine did not freeze the account" in sam.said
    assert "Nothing is to be decided now" in sam.said
    assert "Somebody else is in the account" in sam.said
    assert faults_of(sam.page) == []


def a_claim_row(case: Claim) -> CaseRow:
    dumped = folding.dump_case(case)
    return CaseRow(
        reference=case.reference,
        kind="claim",
        account_ref=case.account,
        state=case.state,
        opened_at=datetime.now(UTC),
        policy_version=case.policy.version,
        opening_key="a-claim",
        opening=dumped,
        snapshot=dumped,
    )
