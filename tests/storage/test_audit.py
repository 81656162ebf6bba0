"""The chain of events: whatever is changed, taken out or moved in the table, the check says which event it was."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from domain.claim import Claim
from storage import agent_events, audit, audit_log
from storage.agent_events import Deed
from storage.audit import Break, Wrong
from storage.audit_log import Place, Wanted
from storage.engine import Database
from storage.keys import Ring, Rings
from storage.models import AgentEventRow, CaseEventRow
from tests.desk_cases import claim_to_review, recovery_begun, reference

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def checked(database: Database, rings: Rings, *references: str) -> tuple[Break, ...]:
    async with database.read() as session:
        return (await audit.check_cases(session, rings.audit, references)).breaks


async def change(database: Database, case: Claim, which: int, **values: Any) -> None:
    """What somebody with access to the table might do."""
    mine = (col(CaseEventRow.case_ref) == case.reference, col(CaseEventRow.number) == which)
    async with database.write() as session:
        await session.execute(update(CaseEventRow).where(*mine).values(**values))


async def test_whole_chains_are_whole(database: Database, rings: Rings) -> None:
    cases = [await claim_to_review(database, rings, number, NOW) for number in range(3)]
    async with database.read() as session:
        found = await audit.check_cases(session, rings.audit, [case.reference for case in cases])
    assert (found.chains, found.events, found.breaks) == (3, sum(case.number for case in cases), ())


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "withdrawn"},
        {"at": NOW - timedelta(days=1)},
        {"actor": "agent"},
        {"audience": "desk"},
        {"data": {"files": 7}},
        {"hash": "audit-1:00"},
        {"previous_hash": "audit-1:00"},
    ],
    ids=lambda values: next(iter(values)),
)
async def test_a_changed_event_is_found(database: Database, rings: Rings, values: dict[str, Any]) -> None:
    case = await claim_to_review(database, rings, 1, NOW)
    other = await claim_to_review(database, rings, 2, NOW)
    await change(database, case, 2, **values)
    found = await checked(database, rings, case.reference, other.reference)
    assert found == (Break(case.reference, 2, Wrong.CHANGED),)


async def test_an_event_that_was_taken_out_is_found(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOW)
    mine = (col(CaseEventRow.case_ref) == case.reference, col(CaseEventRow.number) == 2)
    async with database.write() as session:
        await session.execute(delete(CaseEventRow).where(*mine))
    assert await checked(database, rings, case.reference) == (Break(case.reference, 3, Wrong.MISSING),)


async def test_closing_the_gap_does_not_help(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOW)
    assert case.number == 4
    async with database.write() as session:
        await session.execute(
            delete(CaseEventRow).where(col(CaseEventRow.case_ref) == case.reference, col(CaseEventRow.number) == 2)
        )
    for number in (3, 4):
        await change(database, case, number, number=number - 1)
    assert await checked(database, rings, case.reference) == (Break(case.reference, 2, Wrong.CHANGED),)


async def test_events_that_changed_places_are_found(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOW)
    for old, new in ((2, 99), (3, 2), (99, 3)):
        await change(database, case, old, number=new)
    assert await checked(database, rings, case.reference) == (Break(case.reference, 2, Wrong.CHANGED),)


async def test_an_end_that_was_cut_off_is_found(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOW)
    for kept in (case.number - 1, 0):
        async with database.write() as session:
            mine = col(CaseEventRow.case_ref) == case.reference
            await session.execute(delete(CaseEventRow).where(mine, col(CaseEventRow.number) > kept))
        found = await checked(database, rings, case.reference)
        assert found == (Break(case.reference, kept + 1, Wrong.CUT_OFF),)


async def test_an_event_of_another_case_is_no_event_of_this_one(database: Database, rings: Rings) -> None:
    case, other = [await claim_to_review(database, rings, number, NOW) for number in (1, 2)]
    async with database.read() as session:
        theirs = await session.get_one(CaseEventRow, (other.reference, 2))
    names = ("kind", "at", "actor", "audience", "data", "previous_hash", "hash")
    await change(database, case, 2, **{name: getattr(theirs, name) for name in names})
    assert await checked(database, rings, case.reference) == (Break(case.reference, 2, Wrong.CHANGED),)


async def test_a_key_that_is_gone_is_told_from_a_change(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOW)
    async with database.read() as session:
        found = await audit.check_case(session, Ring.fresh("audit-2"), case.reference)
    assert found.breaks == (Break(case.reference, 1, Wrong.UNKNOWN_KEY),)


async def test_the_cases_of_a_time_are_those_with_an_event_in_it(database: Database, rings: Rings) -> None:
    for number, at in ((1, NOW - timedelta(days=2)), (2, NOW), (3, NOW)):
        await claim_to_review(database, rings, number, at)
    async with database.read() as session:
        since = NOW - timedelta(hours=1)
        found = await audit.references(session, since=since, until=None, after="", limit=9)
        assert found == [reference(2), reference(3)]
        assert await audit.references(session, since=since, until=None, after=found[0], limit=9) == found[1:]
        assert await audit.references(session, since=None, until=since, after="", limit=9) == [reference(1)]
        assert await audit.all_references(session, after="", limit=2) == [reference(1), reference(2)]


# ---- deeds of agents outside of cases --------------------------------------------------------------------------------


async def does(database: Database, rings: Rings, agent: str, deed: Deed, key: str) -> AgentEventRow:
    async with database.write() as session:
        return await agent_events.note(session, rings, agent, deed, {"count": 1}, key=key)


async def test_deeds_are_chained_and_written_once(database: Database, rings: Rings) -> None:
    for key in ("one", "two", "two", "three"):
        await does(database, rings, "sam", Deed.RELEASED, key)
    await does(database, rings, "kim", Deed.RELEASED, "one")
    async with database.read() as session:
        found = await audit.check_agents(session, rings.audit)
        rows = await audit_log.deeds(session, Wanted(agent="sam"))
    assert (found.events, found.breaks) == (4, ())
    assert [row.number for row in rows] == [3, 2, 1]


async def test_a_deed_that_was_changed_or_taken_out_is_found(database: Database, rings: Rings) -> None:
    for key in ("one", "two", "three"):
        await does(database, rings, "sam", Deed.EXPORTED, key)
        await does(database, rings, "kim", Deed.EXPORTED, key)
    async with database.write() as session:
        await session.execute(
            update(AgentEventRow)
            .where(col(AgentEventRow.agent) == "kim", col(AgentEventRow.number) == 3)
            .values(data={})
        )
        await session.execute(
            delete(AgentEventRow).where(col(AgentEventRow.agent) == "sam", col(AgentEventRow.number) == 2)
        )
    async with database.read() as session:
        found = await audit.check_agents(session, rings.audit)
    assert found.breaks == (Break("kim", 3, Wrong.CHANGED), Break("sam", 3, Wrong.MISSING))


# ---- reading the log -------------------------------------------------------------------------------------------------


async def test_the_log_has_every_event_once_however_it_is_cut(
    database: Database, rings: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [await claim_to_review(database, rings, number, NOW) for number in range(3)]
    everything = {(case.reference, number) for case in cases for number in range(1, case.number + 1)}
    for size in (1, 2, 5, 12, 100):
        monkeypatch.setattr(audit_log, "BATCH", size)
        found = [one async for batch in audit_log.everything(database, Wanted()) for one in batch]
        assert len(found) == len(everything)
        assert {(one.row.case_ref, one.row.number) for one in found} == everything


async def test_the_log_can_be_narrowed(database: Database, rings: Rings) -> None:
    old = await claim_to_review(database, rings, 1, NOW - timedelta(days=3))
    await recovery_begun(database, rings, 2, NOW)

    async def found(wanted: Wanted) -> set[str]:
        async with database.read() as session:
            return {one.row.case_ref for one in await audit_log.events(session, wanted)}

    assert await found(Wanted(case=old.reference)) == {old.reference}
    assert await found(Wanted(since=NOW)) == {reference(2)}
    assert await found(Wanted(until=NOW)) == {old.reference}
    assert await found(Wanted(group="messages")) == {old.reference}
    assert await found(Wanted(group="decisions")) == set()
    assert await found(Wanted(agent="sam")) == set()


def test_a_place_survives_its_way_through_an_address_and_nothing_else_does() -> None:
    place = Place(NOW + timedelta(microseconds=3), "7F3KQ2M9XA", 12)
    assert Place.parse(place.text()) == place
    for typed in ("", "x", "20261123T120000.000000--1", "20261123T120000.000000-a-x", "20261123T120000.000000-a-²"):
        assert Place.parse(typed) is None
