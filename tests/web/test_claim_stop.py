"""`/not-me` of a claim: an older contact stops it, a younger one is told, and the way on when it is too late."""

from datetime import UTC, datetime, timedelta

import pytest

from domain import claim_events
from domain.claim_events import Step
from domain.decisions import Outcome
from storage import reads
from storage.engine import Database
from storage.keys import Rings
from storage.models import HandBackRow, ObjectionLinkRow, ReceivedRow
from tests.web.claims import ACCOUNT, PAT, approved, handed_back, sends
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from tests.web.test_not_me import mailed
from web.gateway import Unavailable

DAY = timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC)


async def link(database: Database, rings: Rings, reference: str, **more: object) -> str:
    return await mailed(database, rings, reference, "claim", account=ACCOUNT["pat"], **more)  # type: ignore[arg-type]


async def presses(owner: Browser, address: str) -> int:
    await owner.get(address)
    return (await owner.post(address)).status_code


async def received(database: Database, reference: str) -> list[ReceivedRow]:
    async with database.read() as session:
        return list(await reads.unanswered(session, reference))


@pytest.mark.parametrize("state", ["review", "approved"])
async def test_an_older_contact_stops_it(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings, state: str
) -> None:
    start = approved if state == "approved" else sends
    reference = await start(eve, gateway, evidence=PAT)
    address = await link(database, rings, reference)
    await ada.get(address)
    assert ada.title == "Stop this claim?"
    assert gateway.objected == []
    assert ("The account is handed to them from" in ada.said) == (state == "approved")
    assert faults_of(ada.page) == []
    assert await presses(ada, address) == 200
    assert ada.title == "It is stopped"
    assert faults_of(ada.page) == []
    (row,) = await received(database, reference)
    assert gateway.objected == [(reference, row.id)]
    assert row.data["may_object"] is True
    assert (await eve.get(address)).status_code == 410


async def test_the_page_names_neither_the_account_nor_the_claimant(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await approved(eve, gateway, evidence=PAT)
    await ada.get(await link(database, rings, reference))
    for hidden in ("nia.new", "•••", ">pat<", "Firefox"):
        assert hidden not in ada.page


async def test_the_same_press_twice_is_one(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await approved(eve, gateway, evidence=PAT)
    address = await link(database, rings, reference)
    await ada.get(address)
    for _ in range(2):
        assert (await ada.client.post(address, data={"key": "one"})).status_code == 200
    assert len(await received(database, reference)) == 1


async def test_a_younger_contact_is_told_and_stops_nothing(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await approved(eve, gateway, evidence=PAT)
    address = await link(database, rings, reference, may_object=False)
    await ada.get(address)
    assert ada.title == "This contact cannot stop the claim"
    assert "btn-stop" not in ada.page
    assert faults_of(ada.page) == []
    answer = await ada.client.post(address, data={"key": "k"})
    assert answer.status_code == 409
    assert "This contact cannot stop the claim" in answer.text
    assert await received(database, reference) == []
    assert gateway.objected == []


async def test_it_is_kept_while_temporal_is_away(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await approved(eve, gateway, evidence=PAT)
    address = await link(database, rings, reference)
    gateway.trouble = Unavailable("away")
    assert await presses(ada, address) == 200
    (row,) = await received(database, reference)
    assert row.delivered_at is None


async def test_from_the_moment_the_hand_back_began_it_is_for_the_probation(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    gateway.later = -31 * DAY
    reference = await approved(eve, gateway, evidence=PAT)
    address = await link(database, rings, reference)
    await ada.get(address)  # the button is on the page when it begins
    gateway.at_work = False
    await gateway.clock(reference, 31 * DAY)
    async with database.write() as session:
        session.add(HandBackRow(case_ref=reference, account_ref=ACCOUNT["pat"], before={}, steps={}, begun_at=now()))
    assert (await ada.client.post(address, data={"key": "k"})).status_code == 410
    assert await received(database, reference) == []
    await gateway.happen(reference, claim_events.HandBackBegun(now()))
    await ada.get(address)
    assert ada.title == "The hand-back has begun"
    assert faults_of(ada.page) == []
    for step in (Step.LIFT_FREEZE, Step.CHANGE_CONTACTS, Step.END_SESSIONS):
        await gateway.happen(reference, claim_events.StepDone(now(), step))
    assert await presses(ada, address) == 200  # now it is the probation, and the link was not used up
    assert ada.title == "It is stopped"


async def test_in_the_probation_the_result_is_stopped(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    gateway.later = -31 * DAY
    reference = await handed_back(eve, gateway, evidence=PAT)
    address = await link(database, rings, reference)
    await ada.get(address)
    assert ada.title == "Stop the hand-back?"
    assert faults_of(ada.page) == []
    assert await presses(ada, address) == 200
    (row,) = await received(database, reference)
    assert gateway.objected == [(reference, row.id)]


async def test_when_all_is_over_the_way_on_is_a_claim(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    gateway.later = -70 * DAY
    reference = await handed_back(eve, gateway, evidence=PAT)
    address = await link(database, rings, reference)
    await gateway.clock(reference, 35 * DAY)
    assert (await ada.get(address)).status_code == 410
    assert 'href="/claim?reason=compromised"' in ada.page
    assert faults_of(ada.page) == []
    assert (await ada.client.post(address, data={})).status_code == 410
    assert await received(database, reference) == []


@pytest.mark.parametrize("outcome", [Outcome.DENY, Outcome.STOP])
async def test_a_claim_that_got_nothing_needs_no_stopping(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings, outcome: Outcome
) -> None:
    reference = await sends(eve, gateway, evidence=PAT)
    address = await link(database, rings, reference)
    await gateway.judged(reference, outcome)
    assert (await ada.get(address)).status_code == 410
    assert ada.title == "There is nothing left to stop"
    assert (await ada.client.post(address, data={})).status_code == 410


async def test_what_is_stopped_already_is_said(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await approved(eve, gateway, evidence=PAT)
    first, second = await link(database, rings, reference), await link(database, rings, reference, name="2")
    await presses(ada, first)
    await gateway.happen(reference, claim_events.OwnerObjected(now(), gateway.objected[0][1], now()))
    assert (await ada.get(second)).status_code == 410
    assert ada.title == "It was stopped already"
    assert (await ada.client.post(second, data={})).status_code == 410


async def test_a_link_that_stopped_nothing_stays_unused(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await approved(eve, gateway, evidence=PAT)
    address = await link(database, rings, reference, may_object=False)
    await ada.client.post(address, data={})
    async with database.read() as session:
        row = await reads.objection_link(session, rings, address.rpartition("/")[2])
    assert isinstance(row, ObjectionLinkRow)
    assert row.used_at is None
