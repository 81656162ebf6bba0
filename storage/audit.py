"""The chain of hashes over the events of a case: keyed, so that whoever can write to the table cannot recompute it.

What an agent did outside of cases is chained the same way, with a chain for each agent.
"""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.keys import Ring
from storage.models import AgentEventRow, AgentRow, CaseEventRow, CaseRow

FIRST = ""
Link = CaseEventRow | AgentEventRow


class Wrong(StrEnum):
    """What is wrong with an event, as far as the chain can tell."""

    CHANGED = "changed"
    """Its content is not what was sealed, or it stands in another's place."""
    MISSING = "missing"
    """The event before this one is gone, or another one stands there."""
    CUT_OFF = "cut_off"
    """The case has had more events than are there."""
    UNKNOWN_KEY = "unknown_key"
    """Sealed with a key that is not in the ring, so that nothing can be said."""


@dataclass(frozen=True)
class Break:
    """Where a chain breaks first: the case or agent, the number of the event, and what is wrong with it."""

    chain: str
    number: int
    wrong: Wrong


@dataclass(frozen=True)
class Checked:
    """What a check has seen. `last` is where to go on if it stopped early."""

    chains: int
    events: int
    breaks: tuple[Break, ...]
    last: str = ""


def chained(ring: Ring, row: Link, previous: str) -> str:
    """`<key id>:<hex>` over this event and the hash before it."""
    return ring.sign(_text(row, previous))


def first_break(ring: Ring, rows: Sequence[CaseEventRow]) -> int | None:
    """The number of the first event (of one case, in order) whose hash does not fit; None when all do."""
    found = broken(ring, rows)
    return found.number if found else None


def broken(ring: Ring, rows: Sequence[Link], wanted: int | None = None) -> Break | None:
    """Where this chain (all events of one case or agent, in order) breaks first; None if it is whole.

    `wanted` is how many events there have to be, as the row of the case says.
    """
    previous = FIRST
    for expected, row in enumerate(rows, start=1):
        if row.number != expected or row.previous_hash != previous:
            return Break(_name(row), row.number, _linked(ring, row))
        if not ring.is_signed(_text(row, previous), row.hash):
            return Break(_name(row), row.number, _unsigned(ring, row))
        previous = row.hash
    if rows and wanted is not None and len(rows) < wanted:
        return Break(_name(rows[0]), len(rows) + 1, Wrong.CUT_OFF)
    return None


async def check_case(session: AsyncSession, ring: Ring, reference: str) -> Checked:
    """The whole chain of one case."""
    return await check_cases(session, ring, [reference])


async def check_cases(session: AsyncSession, ring: Ring, references: Iterable[str]) -> Checked:
    """The chains of these cases, a few hundred at most: their events are read at once."""
    wanted = list(references)
    counts = await session.execute(
        select(col(CaseRow.reference), col(CaseRow.number)).where(col(CaseRow.reference).in_(wanted))
    )
    found = await session.execute(
        select(CaseEventRow)
        .where(col(CaseEventRow.case_ref).in_(wanted))
        .order_by(col(CaseEventRow.case_ref), col(CaseEventRow.number))
    )
    numbers = {row.reference: row.number for row in counts.all()}
    events = found.scalars().all()
    chains = {name: list(rows) for name, rows in groupby(events, key=lambda row: row.case_ref)}
    breaks = [_of_case(ring, name, chains.get(name, []), count) for name, count in numbers.items()]
    return Checked(len(numbers), len(events), tuple(one for one in breaks if one))


def _of_case(ring: Ring, reference: str, rows: Sequence[CaseEventRow], count: int) -> Break | None:
    if not rows and count:
        return Break(reference, 1, Wrong.CUT_OFF)
    return broken(ring, rows, count)


async def references(
    session: AsyncSession, *, since: datetime | None, until: datetime | None, after: str, limit: int
) -> list[str]:
    """Cases with an event in this time, by reference, from the one after `after` on."""
    statement = select(col(CaseEventRow.case_ref)).where(col(CaseEventRow.case_ref) > after).distinct()
    if since:
        statement = statement.where(col(CaseEventRow.at) >= since)
    if until:
        statement = statement.where(col(CaseEventRow.at) < until)
    found = await session.execute(statement.order_by(col(CaseEventRow.case_ref)).limit(limit))
    return list(found.scalars())


async def all_references(session: AsyncSession, *, after: str, limit: int) -> list[str]:
    """Every case that has had an event, by reference, from the one after `after` on."""
    statement = select(col(CaseRow.reference)).where(col(CaseRow.reference) > after, col(CaseRow.number) > 0)
    return list((await session.execute(statement.order_by(col(CaseRow.reference)).limit(limit))).scalars())


async def check_agents(session: AsyncSession, ring: Ring) -> Checked:
    """The chains of what agents did outside of cases."""
    breaks, events = [], 0
    names = (await session.execute(select(col(AgentRow.name)).order_by(col(AgentRow.name)))).scalars().all()
    for name in names:
        rows = [row async for row in _of_agent(session, name)]
        events += len(rows)
        found = broken(ring, rows)
        breaks += [found] if found else []
    return Checked(len(names), events, tuple(breaks))


async def _of_agent(session: AsyncSession, name: str) -> AsyncIterator[AgentEventRow]:
    mine = select(AgentEventRow).where(col(AgentEventRow.agent) == name).order_by(col(AgentEventRow.number))
    for row in (await session.execute(mine)).scalars():
        yield row


def _linked(ring: Ring, row: Link) -> Wrong:
    """It does not follow the event before it. If it is as it was sealed, what stood before it is gone."""
    return Wrong.MISSING if ring.is_signed(_text(row, row.previous_hash), row.hash) else _unsigned(ring, row)


def _unsigned(ring: Ring, row: Link) -> Wrong:
    known = row.hash.partition(":")[0] in ring.keys
    return Wrong.CHANGED if known or not row.hash else Wrong.UNKNOWN_KEY


def _name(row: Link) -> str:
    return row.case_ref if isinstance(row, CaseEventRow) else row.agent


def _text(row: Link, previous: str) -> str:
    fields: list[Any]
    if isinstance(row, CaseEventRow):
        fields = [row.case_ref, row.number, row.kind, row.at.isoformat(), row.actor, row.audience, row.data, previous]
    else:
        fields = [row.agent, row.number, row.kind, row.at.isoformat(), row.id, row.data, previous]
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))
