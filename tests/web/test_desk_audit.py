"""The audit log: who may read it, what it shows, what a check says, and that a copy of it is whole."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlmodel import col

from domain.case import grouped
from storage import audit_log
from storage.engine import Database
from storage.keys import Rings
from storage.models import AgentEventRow, CaseEventRow
from tests.desk_cases import claim_to_review, reference
from tests.web.desk import at_the_desk, uses_up
from tests.web.pages import faults_of
from tests.web.stage import Browser


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


async def test_only_some_roles_read_it_and_fewer_take_it_away(app: FastAPI) -> None:
    for name, reads, exports in [
        ("sam", 403, 403),
        ("kim", 403, 403),
        ("lee", 200, 200),
        ("ina", 200, 200),
        ("max", 200, 403),
    ]:
        agent = await at_the_desk(app, name)
        assert (await agent.get("/desk/audit")).status_code == reads
        assert ("Export as CSV" in agent.said) == (exports == 200)
        assert (await agent.client.post("/desk/audit/export", data={"format": "csv"})).status_code == exports
        assert (await agent.client.post("/desk/audit/check")).status_code == (303 if reads == 200 else 403)


async def test_it_shows_what_happened_and_nobody_s_name(
    app: FastAPI, ada: Browser, database: Database, rings: Rings, now: datetime
) -> None:
    address = await uses_up(ada)
    await claim_to_review(database, rings, 1, now - timedelta(days=30))
    ina = await at_the_desk(app, "ina")
    await ina.get("/desk/audit")
    assert address.rpartition("/")[2] in ina.said
    assert "Entered a code that is not correct" in ina.said
    assert grouped(reference(1)) not in ina.said
    assert faults_of(ina.page) == []
    for planted in ("ada@", "a•••@"):
        assert planted not in ina.page
    await ina.get(f"/desk/audit?case={grouped(reference(1))}")
    assert grouped(reference(1)) in ina.said
    assert address.rpartition("/")[2] not in ina.said


async def test_days_are_those_of_the_desk(app: FastAPI, database: Database, rings: Rings) -> None:
    """In June midnight in London is 23:00 in UTC."""
    await claim_to_review(database, rings, 1, datetime(2026, 6, 10, 23, 30, tzinfo=UTC))
    lee = await at_the_desk(app, "lee")
    for first, last, is_shown in [
        ("2026-06-11", "2026-06-11", True),
        ("2026-06-10", "2026-06-10", False),
        ("2026-06-01", "", True),
        ("", "2026-06-12", True),
        ("", "", False),
        ("nonsense", "9999-12-31", False),
    ]:
        await lee.get(f"/desk/audit?from={first}&to={last}")
        assert (grouped(reference(1)) in lee.said) == is_shown
        assert faults_of(lee.page) == []


async def test_long_logs_have_pages(
    app: FastAPI, database: Database, rings: Rings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await claim_to_review(database, rings, number, now)
    monkeypatch.setattr(audit_log, "PAGE", 5)
    monkeypatch.setattr(audit_log.events, "__kwdefaults__", {"before": None, "limit": 5})
    lee = await at_the_desk(app, "lee")
    await lee.get("/desk/audit")
    rows = lee.page.count("<tr><td>")
    while 'rel="next"' in lee.page:
        await lee.get(lee.page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&"))
        rows += lee.page.count("<tr><td>")
    assert rows == 12


async def test_a_check_says_what_it_saw_and_which_event_breaks(
    app: FastAPI, database: Database, rings: Rings, now: datetime
) -> None:
    for number in (1, 2):
        await claim_to_review(database, rings, number, now)
    ina = await at_the_desk(app, "ina")
    await ina.get("/desk/audit")
    await ina.post("/desk/audit/check")
    assert "The chains are whole. 8 events of 2 chains" in ina.said
    assert faults_of(ina.page) == []
    async with database.write() as session:
        mine = (col(CaseEventRow.case_ref) == reference(2), col(CaseEventRow.number) == 3)
        await session.execute(update(CaseEventRow).where(*mine).values(actor="agent"))
    await ina.post("/desk/audit/check")
    assert "1 chain is broken" in ina.said
    assert f"{grouped(reference(2))} , event 3: its content is not what was sealed" in ina.said
    assert faults_of(ina.page) == []
    await ina.get(f"/desk/audit?case={grouped(reference(1))}")
    await ina.post("/desk/audit/check")
    assert "The chain is whole. 4 events of 1 chain" in ina.said
    await ina.get("/desk/audit?log=desk")
    assert "Checked chains" in ina.said
    assert "Signed in" in ina.said
    await ina.post("/desk/audit/check")
    assert "The chains are whole. 4 events of 5 chains" in ina.said
    assert faults_of(ina.page) == []


async def test_a_check_stops_at_its_limit_and_says_so(
    app: FastAPI, database: Database, rings: Rings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        await claim_to_review(database, rings, number, now)
    monkeypatch.setattr("web.desk.audit.MOST_CHECKED", 3)
    monkeypatch.setattr("web.desk.audit.CHECKED_AT_ONCE", 2)
    ina = await at_the_desk(app, "ina")
    await ina.get("/desk/audit")
    await ina.post("/desk/audit/check")
    assert "12 events of 3 chains" in ina.said
    assert "There are more than one click checks" in ina.said


async def test_an_export_is_complete_and_recorded(
    app: FastAPI, database: Database, rings: Rings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "BATCH", 5)
    for number in range(4):
        await claim_to_review(database, rings, number, now)
    lee = await at_the_desk(app, "lee")
    answer = await lee.client.post("/desk/audit/export", data={"format": "jsonl"})
    assert "attachment" in answer.headers["Content-Disposition"]
    *lines, last = [json.loads(line) for line in answer.text.splitlines()]
    assert last == {"events": len(lines)} == {"events": 16}
    async with database.read() as session:
        kept = {(row.case_ref, row.number): row for row in (await session.execute(select(CaseEventRow))).scalars()}
    assert {(line["case"], line["number"]) for line in lines} == set(kept)
    for line in lines:
        row = kept[line["case"], line["number"]]
        assert (line["hash"], line["data"], line["event"]) == (row.hash, row.data, row.kind)
    answer = await lee.client.post("/desk/audit/export", data={"format": "csv", "case": grouped(reference(1))})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["number"] for row in rows] == ["4", "3", "2", "1"]
    assert rows[0]["data"] == json.dumps(kept[reference(1), 4].data, sort_keys=True)
    async with database.read() as session:
        deeds = (await session.execute(select(AgentEventRow).order_by(col(AgentEventRow.number)))).scalars().all()
    assert [row.kind for row in deeds] == ["signed_in", "exported", "exported"]
    assert deeds[2].data == {"format": "csv", "case": reference(1)}
