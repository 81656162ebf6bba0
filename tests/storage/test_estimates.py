"""Honest waiting: figures from at least twenty decided claims, a place in the queue, and a minute's memory."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from domain.case import ALPHABET
from domain.claim import Claim, Reason, State
from domain.clock import Clock
from storage import estimates, folding, intake
from storage.engine import Database
from storage.estimates import Kept, estimate_of
from storage.models import CaseRow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def row_of(case: Claim, number: int, opened_at: datetime) -> CaseRow:
    row = intake.opening_row(case, f"opening-{case.reference}", opened_at)
    row.snapshot, row.state, row.number = folding.dump_case(case), case.state, number
    return row


def reference(number: int, first: str = "E") -> str:
    return f"{first}{ALPHABET[number // 32 % 32]}{ALPHABET[number % 32]}0000000"


async def decided(
    database: Database,
    number: int,
    took: timedelta,
    *,
    ago: timedelta = DAY,
    state: State = State.DENIED,
    reason: Reason = Reason.CONTACT,
) -> None:
    """A claim of which somebody decided `took` after the evidence was there, closed `ago`."""
    closed = datetime.now(UTC) - ago
    clock = Clock(closed - took, 72 * HOUR).met(closed)
    case = Claim(reference(number), reason, state=state, since=closed, opened_at=closed - took, decision=clock)
    row = row_of(case, 5, closed - took)
    row.closed_at, row.waiting_on = closed, None
    async with database.write() as session:
        session.add(row)


async def waits(database: Database, number: int, due: timedelta) -> CaseRow:
    now = datetime.now(UTC)
    case = Claim(reference(number, "W"), Reason.CONTACT, state=State.AWAITING_REVIEW, since=now, opened_at=now)
    row = row_of(case, 5, now)
    row.waiting_on, row.due_at = "agent", now + due
    async with database.write() as session:
        session.add(row)
    async with database.read() as session:
        return await session.get_one(CaseRow, row.reference)


async def look(database: Database, row: CaseRow, kept: Kept | None = None) -> estimates.Waiting:
    async with database.read() as session:
        return await estimates.waiting(session, row, kept or Kept())


def test_nothing_is_said_of_fewer_than_twenty() -> None:
    assert estimate_of([HOUR] * 19) is None
    found = estimate_of([HOUR * hours for hours in range(1, 21)])
    assert found
    assert (found.earliest, found.usual, found.claims) == (HOUR, 10.5 * HOUR, 20)
    assert 18 * HOUR <= found.latest <= 19 * HOUR


async def test_twenty_decided_claims_of_the_reason_are_enough(database: Database) -> None:
    for number in range(19):
        await decided(database, number, HOUR * (number + 1))
    await decided(database, 20, HOUR, reason=Reason.OTHER)
    await decided(database, 21, HOUR, ago=91 * DAY)
    await decided(database, 22, HOUR, state=State.WITHDRAWN)
    await decided(database, 23, HOUR, state=State.EXPIRED)
    mine = await waits(database, 1, DAY)
    assert (await look(database, mine)).estimate is None
    await decided(database, 24, HOUR * 20, state=State.RECOVERED)
    found = (await look(database, mine)).estimate
    assert found
    assert (found.claims, found.earliest, found.usual) == (20, HOUR, 10.5 * HOUR)


async def test_the_place_counts_what_is_due_before(database: Database) -> None:
    first, second, third = [await waits(database, number, DAY * number) for number in (1, 2, 3)]
    closed = await waits(database, 4, HOUR)
    asked = await waits(database, 5, HOUR)
    async with database.write() as session:
        (await session.get_one(CaseRow, closed.reference)).closed_at = datetime.now(UTC)
        (await session.get_one(CaseRow, asked.reference)).waiting_on = "claimant"
    found = [await look(database, row) for row in (first, second, third)]
    assert [(waiting.position, waiting.of) for waiting in found] == [(1, 3), (2, 3), (3, 3)]


async def test_those_due_at_the_same_moment_have_places_too(database: Database) -> None:
    rows = [await waits(database, number, DAY) for number in (2, 1)]
    async with database.write() as session:
        for row in rows:
            (await session.get_one(CaseRow, row.reference)).due_at = rows[0].due_at
    async with database.read() as session:
        fresh = [await session.get_one(CaseRow, row.reference) for row in rows]
    assert [(await look(database, row)).position for row in fresh] == [2, 1]


@pytest.mark.parametrize(("seconds", "position"), [(59.0, 1), (61.0, 2)])
async def test_what_was_computed_is_kept_for_a_minute(database: Database, seconds: float, position: int) -> None:
    moment = [100.0]
    kept = Kept(clock=lambda: moment[0])
    mine = await waits(database, 9, DAY)
    assert (await look(database, mine, kept)).position == 1
    await waits(database, 1, HOUR)
    moment[0] += seconds
    assert (await look(database, mine, kept)).position == position


async def test_another_date_is_another_place_at_once(database: Database) -> None:
    kept, mine = Kept(), await waits(database, 9, HOUR)
    await waits(database, 1, DAY)
    assert (await look(database, mine, kept)).position == 1
    async with database.write() as session:
        (await session.get_one(CaseRow, mine.reference)).due_at = datetime.now(UTC) + 2 * DAY
    async with database.read() as session:
        later = await session.get_one(CaseRow, mine.reference)
    assert (await look(database, later, kept)).position == 2


def test_what_is_kept_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "MOST_KEPT", 3)
    kept = Kept()
    for number in range(10):
        kept.put(number, str(number))
    assert len(kept.values) <= 3
    assert kept.get("9") == 9
    assert kept.get("1") is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_neither_figure_reads_more_than_its_index(database: Database) -> None:
    """PostgreSQL reads an empty table whole; the benchmark of the desk looks at a full one."""
    mine = await waits(database, 1, DAY)
    plans: list[str] = []
    async with database.read() as session:
        connection = await session.connection()

        def explain(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if statement.lstrip().startswith("SELECT") and 'FROM "case"' in statement:
                plans.append(statement)

        event.listen(connection.sync_connection, "before_cursor_execute", explain)
        await estimates.waiting(session, mine, Kept())
        found = []
        for statement in plans:
            count = statement.count("?")
            rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(["x"] * count))
            found.append(" ".join(str(row[3]) for row in rows))
    assert len(found) == 3
    assert all("case_at_desk" in plan or "case_closed_claim" in plan for plan in found), found
