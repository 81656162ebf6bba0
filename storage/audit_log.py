"""The audit log as people read it and take it away: events of all cases by time, newest first, and deeds of agents."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import literal, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.engine import Database
from storage.models import AgentEventRow, CaseEventRow, CaseRow, Utc

PAGE = 100
BATCH = 1000
"""Rows that an export reads at once."""
BY_AGENTS = "case_event.actor = 'agent'"
MOMENT = "%Y%m%dT%H%M%S.%f"

GROUPS: Mapping[str, frozenset[str]] = {
    "decisions": frozenset({"decision_recorded", "decision_refused", "approval_lapsed"}),
    "revealed": frozenset({"revealed"}),
    "objections": frozenset({"owner_objected", "objection_noted", "contest_lapsed"}),
    "messages": frozenset({"message_sent", "reply_sent", "note_written", "evidence_given", "nudged"}),
    "account": frozenset(
        {
            *("account_frozen", "freeze_ended", "freeze_lapsed", "freeze_withheld", "hand_back_begun", "step_done"),
            *("step_delayed", "password_applied", "password_lost"),
        }
    ),
    "promises": frozenset({"promise_missed", "lease_expired"}),
}
"""Kinds of event that are looked for together; the words are in `web/desk/lists.py`."""


@dataclass(frozen=True)
class Wanted:
    """What of the log is asked for. `agent` shows what this agent did; empty or None means any."""

    case: str = ""
    agent: str = ""
    group: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Place:
    """A place in the log, before which (in time) a page begins. `chain` is a case or an agent."""

    at: datetime
    chain: str
    number: int

    def text(self) -> str:
        """For an address."""
        return f"{self.at.astimezone(UTC).strftime(MOMENT)}-{self.chain}-{self.number}"

    @classmethod
    def parse(cls, typed: str) -> "Place | None":
        """None for anything that `text` did not write."""
        moment, _, rest = typed.partition("-")
        chain, _, number = rest.rpartition("-")
        if not chain or not (number.isascii() and number.isdecimal() and len(number) < 10):
            return None
        try:
            return cls(datetime.strptime(moment, MOMENT).replace(tzinfo=UTC), chain, int(number))
        except ValueError:
            return None


@dataclass(frozen=True)
class Logged:
    """One event of a case as it is kept, with the kind of its case."""

    row: CaseEventRow
    kind: str

    @property
    def place(self) -> Place:
        return Place(self.row.at, self.row.case_ref, self.row.number)


async def events(
    session: AsyncSession, wanted: Wanted, *, before: Place | None = None, limit: int = PAGE
) -> tuple[Logged, ...]:
    """Events, newest first, from the place on."""
    statement = select(CaseEventRow, col(CaseRow.kind)).join(CaseRow, col(CaseRow.reference) == CaseEventRow.case_ref)
    order = (col(CaseEventRow.at), col(CaseEventRow.case_ref), col(CaseEventRow.number))
    statement = statement.where(*_conditions(wanted))
    if before:
        statement = statement.where(tuple_(*order) < _value(before))
    found = await session.execute(statement.order_by(*(one.desc() for one in order)).limit(limit))
    return tuple(Logged(row, kind) for row, kind in found.all())


async def everything(database: Database, wanted: Wanted) -> AsyncIterator[tuple[Logged, ...]]:
    """All of it, newest first, in batches: each its own short session, so that nobody waits for a slow reader."""
    before: Place | None = None
    while True:
        async with database.read() as session:
            batch = await events(session, wanted, before=before, limit=BATCH)
        if batch:
            yield batch
        if len(batch) < BATCH:
            return
        before = batch[-1].place


async def deeds(
    session: AsyncSession, wanted: Wanted, *, before: Place | None = None, limit: int = PAGE
) -> Sequence[AgentEventRow]:
    """What agents did outside of cases, newest first."""
    order = (col(AgentEventRow.at), col(AgentEventRow.agent), col(AgentEventRow.number))
    conditions: list[Any] = []
    if wanted.agent:
        conditions.append(col(AgentEventRow.agent) == wanted.agent)
    if wanted.since:
        conditions.append(col(AgentEventRow.at) >= wanted.since)
    if wanted.until:
        conditions.append(col(AgentEventRow.at) < wanted.until)
    if before:
        conditions.append(tuple_(*order) < _value(before))
    found = await session.execute(
        select(AgentEventRow).where(*conditions).order_by(*(one.desc() for one in order)).limit(limit)
    )
    return found.scalars().all()


async def deed(session: AsyncSession, agent: str, number: int) -> AgentEventRow | None:
    """One of them."""
    return await session.get(AgentEventRow, (agent, number))


def _value(place: Place) -> Any:
    return tuple_(literal(place.at, Utc), literal(place.chain), literal(place.number))


def _conditions(wanted: Wanted) -> list[Any]:
    found: list[Any] = []
    if wanted.case:
        found.append(col(CaseEventRow.case_ref) == wanted.case)
    if wanted.agent:
        found += [text(BY_AGENTS), col(CaseEventRow.data)["agent"].as_string() == wanted.agent]
    if wanted.group:
        found.append(col(CaseEventRow.kind).in_(sorted(GROUPS[wanted.group])))
    if wanted.since:
        found.append(col(CaseEventRow.at) >= wanted.since)
    if wanted.until:
        found.append(col(CaseEventRow.at) < wanted.until)
    return found
