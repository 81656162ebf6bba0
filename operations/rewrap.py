"""What lasts longer than a key is made anew with the newest one: keys of people, the blind index, chains of events.

Small transactions, so that nobody waits; doing it again does what is left.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from operations.key_uses import PORTION, accounts, indexed, sealed_with
from operations.rings import RingName
from storage import audit
from storage.engine import Database
from storage.keys import Rings
from storage.models import AccountRow, AgentEventRow, AgentRow, CaseEventRow, CaseRow, RowKeyRow


class ChainBroken(Exception):
    """The events of a case do not fit their hashes: making them fit would hide who changed them."""


@dataclass(frozen=True)
class Renewal:
    """What was made anew, for the operator: `1,204 keys of people`."""

    count: int
    what: str


async def rewrap(database: Database, rings: Rings, ring: RingName) -> list[Renewal]:
    """Make everything of this ring anew that lasts; rings whose things pass by themselves have nothing to do."""
    match ring:
        case RingName.ROW:
            return [await _people(database, rings), await _factors(database, rings)]
        case RingName.INDEX:
            return [await _index(database, rings)]
        case RingName.AUDIT:
            return [await _chains(database, rings)]
        case _:
            return []


async def _people(database: Database, rings: Rings) -> Renewal:
    """Wrap the keys of people anew. One that is erased meanwhile stays erased."""
    count = 0
    while True:
        async with database.write() as session:
            found = await session.execute(
                select(RowKeyRow).where(~sealed_with(RowKeyRow.wrapped, rings.row.current)).limit(PORTION)
            )
            rows = [(row.subject, row.wrapped) for row in found.scalars()]
            for subject, old in rows:
                new = rings.row.seal(rings.row.open(old, subject), subject)
                same = col(RowKeyRow.subject) == subject, col(RowKeyRow.wrapped) == old
                await session.execute(update(RowKeyRow).where(*same).values(wrapped=new))
        count += len(rows)
        if not rows:
            return Renewal(count, "keys of people")


async def _factors(database: Database, rings: Rings) -> Renewal:
    count = 0
    async with database.write() as session:
        old = ~sealed_with(AgentRow.totp_sealed, rings.row.current), col(AgentRow.totp_sealed) != ""
        for row in (await session.execute(select(AgentRow).where(*old).with_for_update())).scalars():
            context = f"totp/{row.name}"
            row.totp_sealed = rings.row.seal(rings.row.open(row.totp_sealed, context), context)
            count += 1
    return Renewal(count, "second factors of agents")


async def _index(database: Database, rings: Rings) -> Renewal:
    count = 0
    async with database.read() as session:
        references = [account.ref async for account in accounts(session)]
    for ref in references:
        async with database.write() as session:
            row = await session.get(AccountRow, ref, with_for_update=True)
            count += await _reindex(session, rings, row) if row else 0
    return Renewal(count, "entries of the index")


async def _reindex(session: AsyncSession, rings: Rings, row: AccountRow) -> int:
    username, contacts = await indexed(session, rings, row, rings.index.current)
    changed = sum(contact.index != made for made, contact in contacts.items())
    for made, contact in contacts.items():
        contact.index = made
    if username and row.username_index != username:
        row.username_index, changed = username, changed + 1
    return changed


async def _chains(database: Database, rings: Rings) -> Renewal:
    count = 0
    async for reference in _cases_of_earlier_keys(database, rings):
        async with database.write() as session:
            count += await _rechain(session, rings, reference)
    async with database.read() as session:
        old = ~sealed_with(AgentEventRow.hash, rings.audit.current)
        agents = (await session.execute(select(col(AgentEventRow.agent)).where(old).distinct())).scalars().all()
    for name in agents:
        async with database.write() as session:
            count += await _rechain_agent(session, rings, name)
    return Renewal(count, "events in chains")


async def _cases_of_earlier_keys(database: Database, rings: Rings) -> AsyncIterator[str]:
    async with database.read() as session:
        found = await session.execute(
            select(col(CaseEventRow.case_ref)).where(~sealed_with(CaseEventRow.hash, rings.audit.current)).distinct()
        )
        references = found.scalars().all()
    for reference in references:
        yield reference


async def _rechain(session: AsyncSession, rings: Rings, reference: str) -> int:
    """Check the chain of a case with the old keys, then make it with the newest. Raises `ChainBroken`."""
    # The same lock as recording takes: nothing is added in between.
    await session.execute(select(CaseRow).where(col(CaseRow.reference) == reference).with_for_update())
    mine = col(CaseEventRow.case_ref) == reference
    rows = (await session.execute(select(CaseEventRow).where(mine).order_by(col(CaseEventRow.number)))).scalars().all()
    return _chained_anew(rings, reference, rows)


async def _rechain_agent(session: AsyncSession, rings: Rings, name: str) -> int:
    """The same for what an agent did outside of cases."""
    await session.execute(select(AgentRow).where(col(AgentRow.name) == name).with_for_update())
    mine = select(AgentEventRow).where(col(AgentEventRow.agent) == name).order_by(col(AgentEventRow.number))
    return _chained_anew(rings, name, (await session.execute(mine)).scalars().all())


def _chained_anew(rings: Rings, name: str, rows: Sequence[CaseEventRow] | Sequence[AgentEventRow]) -> int:
    broken = audit.broken(rings.audit, rows)
    if broken is not None:
        raise ChainBroken(f"the chain of {name} is broken at event {broken.number}")
    previous = audit.FIRST
    for row in rows:
        row.previous_hash, row.hash = previous, audit.chained(rings.audit, row, previous)
        previous = row.hash
    return len(rows)
