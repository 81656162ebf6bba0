"""What agents do in a claim besides deciding: take it, give it back, write; and who may not."""

import asyncio
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlmodel import col

from domain.claim_events import Taken
from storage.engine import Database
from storage.models import AgentRow, CaseEventRow, CaseRow, MessageRow
from tests.web import claims
from tests.web.desk import at_the_desk, case_page
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from web.desk.forms import LONGEST_TEXT
from web.gateway import CaseIsBusy, CaseIsClosed, StillWorking, Unavailable


@pytest.fixture
async def reference(ada: Browser, gateway: FakeGateway) -> str:
    return await claims.sends(ada, gateway)


async def events_of(database: Database, reference: str) -> list[str]:
    async with database.read() as session:
        mine = col(CaseEventRow.case_ref) == reference
        found = await session.execute(select(col(CaseEventRow.kind)).where(mine).order_by(col(CaseEventRow.number)))
        return list(found.scalars())


async def test_a_taken_case_is_mine_for_ten_minutes(app: FastAPI, reference: str, database: Database) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    await sam.post(f"{sam.address}/take")
    assert "Yours for 10 min until" in sam.said
    assert "Give it back" in sam.said
    async with database.read() as session:
        row = await session.get_one(CaseRow, reference)
        assert row.assignee == "sam"
    await sam.post(f"{sam.address}/release")
    assert "Take the case" in sam.said
    assert (await events_of(database, reference))[-2:] == ["taken", "released"]


async def test_of_two_takes_at_once_one_gets_it_and_the_other_sees_who(app: FastAPI, reference: str) -> None:
    sam, kim = await at_the_desk(app), await at_the_desk(app, "kim")
    for agent in (sam, kim):
        await agent.get(case_page(reference))
    answers = await asyncio.gather(*(agent.post(f"{agent.address}/take") for agent in (sam, kim)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    loser = sam if answers[0].status_code == 409 else kim
    winner = "Kim" if loser is sam else "Sam"
    assert f"{winner} has taken the case, until" in loser.said
    assert f"{winner} has it for" in loser.said
    assert faults_of(loser.page) == []


async def test_taking_twice_with_the_same_form_is_one_event(app: FastAPI, reference: str, database: Database) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    page = sam.page
    await sam.post(f"{case_page(reference)}/take")
    sam.page = page
    await sam.post(f"{case_page(reference)}/take")
    assert (await events_of(database, reference)).count("taken") == 1


async def test_a_lease_that_ran_out_is_nobodys(app: FastAPI, reference: str, gateway: FakeGateway) -> None:
    long_ago = gateway._now() - timedelta(minutes=11)
    await gateway.happen(reference, Taken(long_ago, "kim", long_ago + timedelta(minutes=10)))
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "has it for" not in sam.said
    await sam.post(f"{sam.address}/take")
    assert "Yours for 10 min" in sam.said


async def test_a_message_is_sealed_and_reaches_the_claimant(
    app: FastAPI, ada: Browser, reference: str, database: Database
) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    await sam.post(f"{sam.address}/message", text="Which phone\r\nwas it? <b>Really</b>")
    assert faults_of(sam.page) == []
    assert "You to the claimant" in sam.said
    assert "&lt;b&gt;Really" in sam.page
    async with database.read() as session:
        (row,) = (await session.execute(select(MessageRow).where(col(MessageRow.author) == "sam"))).scalars()
        assert row.audience == "both"
        assert "phone" not in row.sealed
    await ada.get(f"/case/{reference}")
    assert "Which phone" in ada.said


async def test_the_same_message_twice_is_said_once(app: FastAPI, reference: str, database: Database) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    page, address = sam.page, f"{sam.address}/message"
    for _ in range(2):
        sam.page = page
        await sam.post(address, text="Hello")
    assert (await events_of(database, reference)).count("message_sent") == 1
    async with database.read() as session:
        assert len(list((await session.execute(select(MessageRow))).scalars())) == 1


@pytest.mark.parametrize("route", ["note", "message"])
async def test_nothing_and_too_much_are_refused_and_kept(
    app: FastAPI, reference: str, database: Database, route: str
) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    page = case_page(reference)
    assert (await sam.post(f"{page}/{route}", text="  \r\n ")).status_code == 422
    assert "Write something first" in sam.said
    assert faults_of(sam.page) == []
    long = "word " * LONGEST_TEXT
    assert (await sam.post(f"{page}/{route}", text=long)).status_code == 422
    assert "That is too long" in sam.said
    assert long.strip() in sam.page
    assert faults_of(sam.page) == []
    assert (await sam.post(f"{page}/{route}", text="x" * 70_000)).status_code == 413
    async with database.read() as session:
        assert list((await session.execute(select(MessageRow))).scalars()) == []


async def test_what_the_case_refused_was_never_said(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.proves(ada, gateway)
    gateway.cases[reference] = gateway._claim(reference)
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    gateway.trouble = CaseIsClosed("closed")
    await sam.post(f"{sam.address}/message", text="Never said")
    gateway.trouble = None
    await sam.get(case_page(reference))
    assert "Never said" not in sam.said
    await ada.get(f"/case/{reference}")
    assert "Never said" not in ada.said


@pytest.mark.parametrize(("route", "fields"), [("take", {}), ("note", {"text": "x"}), ("message", {"text": "x"})])
async def test_auditors_and_admins_only_read(
    app: FastAPI, reference: str, gateway: FakeGateway, route: str, fields: dict[str, str]
) -> None:
    told = len(gateway.told)
    for name in ("ina", "max"):
        agent = await at_the_desk(app, name)
        await agent.get(case_page(reference))
        assert f"/{route}" not in agent.page
        answer = await agent.post(f"{case_page(reference)}/{route}", **fields)
        assert answer.status_code == 403
        assert faults_of(agent.page) == []
    assert len(gateway.told) == told


@pytest.mark.parametrize("route", ["take", "release", "note", "message", "reveal", "decision", "preview"])
async def test_a_role_that_was_taken_away_is_gone_with_the_next_click(
    app: FastAPI, reference: str, database: Database, gateway: FakeGateway, route: str
) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    told = len(gateway.told)
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(role="auditor"))
    fields = {"text": "x", "what": "contact", "outcome": "deny", "reason": "suspicious", "version": "5"}
    answer = await sam.post(f"{case_page(reference)}/{route}", **fields)
    assert answer.status_code == 403
    assert (len(gateway.told), gateway.decided) == (told, [])


@pytest.mark.parametrize("route", ["take", "note", "message", "reveal", "decision", "preview"])
async def test_nobody_acts_on_an_account_of_their_own(
    app: FastAPI, reference: str, database: Database, gateway: FakeGateway, route: str
) -> None:
    async with database.write() as session:
        account = claims.ACCOUNT["nia"]
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(own_accounts=[account]))
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "an account of your own" in sam.said
    told = len(gateway.told)
    fields = {"text": "x", "what": "contact", "outcome": "deny", "reason": "suspicious", "version": "5"}
    assert (await sam.post(f"{case_page(reference)}/{route}", **fields)).status_code == 403
    assert (len(gateway.told), gateway.decided) == (told, [])


async def test_an_agent_who_has_left_is_at_the_door(app: FastAPI, reference: str, database: Database) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(is_active=False))
    answer = await sam.post(f"{case_page(reference)}/take", follow=False)
    assert answer.headers["Location"].startswith("/desk/sign-in")


@pytest.mark.parametrize("trouble", [StillWorking("slow"), Unavailable("away")])
async def test_while_temporal_is_away_nothing_is_lost(
    app: FastAPI, reference: str, gateway: FakeGateway, trouble: Exception, database: Database
) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    gateway.trouble = trouble
    answer = await sam.post(f"{case_page(reference)}/note", text="Kept as it is")
    assert answer.status_code == 503
    assert "Nothing was lost" in sam.said
    assert "Kept as it is" in sam.page
    gateway.trouble = None
    await sam.post(f"{case_page(reference)}/note", text="Kept as it is")
    assert (await events_of(database, reference)).count("note_written") == 1
    assert "Kept as it is" in sam.said


async def test_a_busy_case_says_how_long_to_wait(app: FastAPI, reference: str, gateway: FakeGateway) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    gateway.trouble = CaseIsBusy("busy")
    answer = await sam.post(f"{case_page(reference)}/note", text="Kept")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert ">\nKept</textarea>" in sam.page


async def test_recoveries_are_not_taken(app: FastAPI, ada: Browser) -> None:
    reference = await ada.ask("ada@example.com")
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "/take" not in sam.page
    assert (await sam.post(f"{case_page(reference)}/take")).status_code == 409


async def test_strangers_do_nothing(ada: Browser, reference: str, gateway: FakeGateway) -> None:
    told = len(gateway.told)
    for route in ("take", "release", "note", "message", "reveal", "decision", "preview", "presence"):
        answer = await ada.client.post(f"{case_page(reference)}/{route}", data={"text": "x", "what": "contact"})
        assert answer.headers["Location"].startswith("/desk/sign-in")
    for path in ("presence", "files/0a0a"):
        answer = await ada.client.get(f"{case_page(reference)}/{path}")
        assert answer.headers["Location"].startswith("/desk/sign-in")
    assert len(gateway.told) == told


async def test_a_closed_claim_takes_a_last_note_but_no_message(
    app: FastAPI, ada: Browser, gateway: FakeGateway
) -> None:
    reference = await claims.proves(ada, gateway)
    await gateway.clock(reference, timedelta(days=15))
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert f"{sam.address}/message" not in sam.page
    await sam.post(f"{sam.address}/note", text="Called twice.")
    assert "Called twice." in sam.said
    assert (await sam.post(f"{case_page(reference)}/message", text="x")).status_code == 409


async def test_htmx_gets_the_block_with_what_was_said(app: FastAPI, reference: str) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    sam.client.headers["HX-Request"] = "true"
    await sam.post(f"{sam.address}/note", text="By htmx")
    assert 'id="talk"' in sam.page
    assert "By htmx" in sam.said
