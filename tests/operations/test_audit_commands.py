"""Audits and lost factors from the command line, beside a running service."""

from dataclasses import replace

from sqlalchemy import delete, select, update
from sqlmodel import col

from domain.case import grouped
from domain.recovery import State
from operations import rings as steps
from operations.key_uses import uses
from operations.rewrap import rewrap
from operations.rings import RingName
from storage import agent_events, audit, desk
from storage.agent_events import Deed
from storage.engine import Database
from storage.keys import Rings
from storage.models import AgentRow, AgentSessionRow, CaseEventRow, CaseRow
from tests.house import House
from tests.operations.front import Operator

ADA = "ada@example.com"


async def begun(house: House) -> str:
    """A recovery that has sent its code."""
    opened = await house.open(ADA)
    await house.until(opened.reference, State.AWAITING_CODE)
    return opened.reference


async def test_a_whole_record_is_said_to_be_whole(house: House, operator: Operator) -> None:
    reference = await begun(house)
    for words in ((), ("--case", grouped(reference).lower()), ("--workflows",)):
        outcome = await operator(house, "audit", "verify", *words)
        assert outcome.exit_code == 0, outcome.output
        assert ", 0 wrong" in outcome.stdout


async def test_a_changed_event_is_named(house: House, operator: Operator) -> None:
    reference = await begun(house)
    mine = (col(CaseEventRow.case_ref) == reference, col(CaseEventRow.number) == 1)
    async with house.database.write() as session:
        await session.execute(update(CaseEventRow).where(*mine).values(actor="agent"))
    outcome = await operator(house, "audit", "verify")
    assert outcome.exit_code == 1
    assert f"{grouped(reference)}: event 1 is not what was sealed" in outcome.stderr


async def test_a_table_that_was_cut_in_every_place_is_found_by_its_workflow(house: House, operator: Operator) -> None:
    """Whoever takes the last event away and counts the case down leaves a chain that is whole."""
    reference = await begun(house)
    async with house.database.write() as session:
        mine = select(CaseEventRow).where(col(CaseEventRow.case_ref) == reference)
        last = max(row.number for row in (await session.execute(mine)).scalars())
        of_case = (col(CaseEventRow.case_ref) == reference, col(CaseEventRow.number) == last)
        await session.execute(delete(CaseEventRow).where(*of_case))
        row = (col(CaseRow.reference) == reference,)
        await session.execute(update(CaseRow).where(*row).values(number=last - 1))
    assert (await operator(house, "audit", "verify")).exit_code == 0
    outcome = await operator(house, "audit", "verify", "--workflows")
    assert outcome.exit_code == 1
    assert f"{grouped(reference)}: {last - 1} events here, {last} in its workflow" in outcome.stderr


async def test_a_lost_factor_is_removed_with_all_sessions(house: House, operator: Operator) -> None:
    async with house.database.write() as session:
        await desk.set_totp(session, house.rings.row, "kim", desk.new_totp())
        token = await desk.open_session(session, house.rings, "kim")
    outcome = await operator(house, "agents", "reset-factor", "kim")
    assert outcome.exit_code == 0, outcome.output
    async with house.database.read() as session:
        assert (await session.get_one(AgentRow, "kim")).totp_sealed == ""
        assert await desk.signed_in(session, house.rings, token) is None
        rows = await session.execute(select(AgentSessionRow).where(col(AgentSessionRow.ended_at).is_(None)))
        assert rows.scalars().all() == []
    assert (await operator(house, "agents", "reset-factor", "nobody")).exit_code == 1


async def test_deeds_of_agents_fit_under_the_new_key_alone(database: Database, rings: Rings) -> None:
    async with database.write() as session:
        for key in ("one", "two"):
            await agent_events.note(session, rings, "sam", Deed.EXPORTED, key=key)
    ring = steps.rotated(rings.audit, "later")
    later = replace(rings, audit=ring)
    async with database.read() as session:
        assert (await audit.check_agents(session, ring)).breaks == ()
        assert await uses(session, later, RingName.AUDIT, rings.audit.current) == [
            "2 events in chains; `reinstate keys rewrap audit` chains them anew"
        ]
    (renewal,) = await rewrap(database, later, RingName.AUDIT)
    assert renewal.count == 2
    async with database.read() as session:
        assert (await audit.check_agents(session, steps.without(ring, rings.audit.current))).breaks == ()
        assert not await uses(session, later, RingName.AUDIT, rings.audit.current)
