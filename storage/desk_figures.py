"""The figures of the desk: what comes in and goes out, what waits, which promises were kept, how far recoveries come.

Numbers only. Every statement is bounded by a time or by what is open, so none grows with all the cases that ever
were. Names that no account has are counted with all others: nothing in a case tells them apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

from sqlalchemy import ColumnElement, Integer, case, cast, func, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.case import Kind, Party
from domain.claim import Reason
from domain.recovery import State as RecoveryState
from storage.models import AT_DESK, CaseEventRow, CaseRow, NoticeRow
from storage.queue import OPEN

AGES: tuple[tuple[str, timedelta | None], ...] = (
    ("under 4 h", timedelta(hours=4)),
    ("4 to 24 h", timedelta(hours=24)),
    ("1 to 3 days", timedelta(days=3)),
    ("3 to 7 days", timedelta(days=7)),
    ("7 to 14 days", timedelta(days=14)),
    ("over 14 days", None),
)
MOST_DECIDED = 5_000
"""Claims whose time to a decision is looked at, the newest: more say nothing more."""
CLAIM = "kind = 'claim'"
LEAST_DECIDED = 20
"""Fewer say nothing (design 11)."""


@dataclass(frozen=True)
class Day:
    begins: datetime
    opened: int
    closed: int


@dataclass(frozen=True)
class Age:
    """Open cases of an age: those that wait for the desk, and those that wait for somebody else."""

    name: str
    with_us: int
    elsewhere: int


@dataclass(frozen=True)
class Promise:
    """A clock of the claims that were opened in the time: how often it was kept, missed, or still runs."""

    name: str
    kept: int
    missed: int
    running: int

    @property
    def share(self) -> float | None:
        over = self.kept + self.missed
        return self.kept / over if over else None


@dataclass(frozen=True)
class Funnel:
    """How far recoveries came, and how those that ended did."""

    started: int
    sent: int
    proved: int
    recovered: int
    ends: Mapping[str, int]


@dataclass(frozen=True)
class Claims:
    """`half`, `most`: within which time half, and nine of ten, were decided; None for too few."""

    promises: tuple[Promise, ...]
    approved: int
    stopped: int
    half: timedelta | None
    most: timedelta | None


@dataclass(frozen=True)
class Now:
    open: int
    at_desk: int
    overdue: int


async def now_open(session: AsyncSession, now: datetime) -> Now:
    """What is open at this moment, counted by indexes over open cases."""

    def count(*conditions: Any) -> Any:
        return select(func.count()).select_from(CaseRow).where(*conditions).scalar_subquery()

    at_desk = text(AT_DESK)
    found = await session.execute(
        select(count(text(OPEN)), count(at_desk), count(at_desk, col(CaseRow.order_at) <= now))
    )
    return Now(*found.one())


async def days(session: AsyncSession, begins: Sequence[datetime], ends: datetime) -> list[Day]:
    """Opened and closed on each of these days, which begin at the desk's own midnights."""

    def between(column: Any, first: datetime, last: datetime) -> Any:
        return select(func.count()).select_from(CaseRow).where(column >= first, column < last).scalar_subquery()

    bounds = list(zip(begins, [*begins[1:], ends], strict=True))
    found = await session.execute(
        union_all(
            *(
                select(
                    literal(place).label("place"),
                    between(col(CaseRow.opened_at), first, last).label("opened"),
                    between(col(CaseRow.closed_at), first, last).label("closed"),
                )
                for place, (first, last) in enumerate(bounds)
            )
        )
    )
    return [Day(begins[place], opened, closed) for place, opened, closed in sorted(found.all())]


async def ages(session: AsyncSession, now: datetime) -> list[Age]:
    """Open cases by how long ago they were opened."""
    opened, whole = col(CaseRow.opened_at), len(AGES)
    limits = [(opened > now - limit, place) for place, (_, limit) in enumerate(AGES) if limit]
    bucket = case(*limits, else_=whole - 1)
    with_us = case((col(CaseRow.waiting_on) == Party.AGENT, 1), else_=0)
    found = await session.execute(select(bucket, func.count(), func.sum(with_us)).where(text(OPEN)).group_by(text("1")))
    counts = {place: (count, ours) for place, count, ours in found.all()}
    return [
        Age(name, ours, count - ours)
        for place, (name, _) in enumerate(AGES)
        for count, ours in [counts.get(place, (0, 0))]
    ]


async def claims(session: AsyncSession, since: datetime) -> Claims:
    """Promises, approvals and objections of the claims that were opened since; read from an index alone."""
    hurried = col(CaseRow.reason) == Reason.COMPROMISED
    asked = {
        "First answer, 24 h": (col(CaseRow.answered), ~hurried),
        "Decision, 72 h": (col(CaseRow.decided), ~hurried),
        "Compromised, 4 h": (col(CaseRow.decided), hurried),
    }
    columns = [
        _sum(only & (clock == outcome)) for clock, only in asked.values() for outcome in ("kept", "missed", "running")
    ]
    course = col(CaseRow.course)
    mine = text(CLAIM), col(CaseRow.opened_at) >= since
    found = (await session.execute(select(*columns, _sum(course != ""), _sum(course == "stopped")).where(*mine))).one()
    promises = tuple(Promise(name, *found[3 * place : 3 * place + 3]) for place, name in enumerate(asked))
    half, most = await _decided_within(session, since)
    return Claims(promises, found[-2], found[-1], half, most)


async def _decided_within(session: AsyncSession, since: datetime) -> tuple[timedelta | None, timedelta | None]:
    after = col(CaseRow.decided_after)
    found = await session.execute(
        select(after)
        .where(text(CLAIM), col(CaseRow.opened_at) >= since, after.is_not(None))
        .order_by(col(CaseRow.opened_at).desc())
        .limit(MOST_DECIDED)
    )
    seconds = [one for one in found.scalars() if one is not None]
    if len(seconds) < LEAST_DECIDED:
        return None, None
    tenths = quantiles(seconds, n=10)
    return timedelta(seconds=tenths[4]), timedelta(seconds=tenths[8])


async def funnel(session: AsyncSession, since: datetime) -> Funnel:
    """What recoveries did since: begun, sent a message, proved a contact, set a password, and how they ended."""
    recovery = (col(CaseRow.kind) == Kind.RECOVERY,)
    started = select(func.count()).select_from(CaseRow).where(*recovery, col(CaseRow.opened_at) >= since)
    sent = select(func.count(col(NoticeRow.case_ref).distinct())).where(
        col(NoticeRow.made_at) >= since, col(NoticeRow.template) == "code"
    )
    proved = select(func.count(col(CaseEventRow.case_ref).distinct())).where(
        col(CaseEventRow.at) >= since, col(CaseEventRow.kind) == "code_accepted"
    )
    counts = (
        await session.execute(select(started.scalar_subquery(), sent.scalar_subquery(), proved.scalar_subquery()))
    ).one()
    found = await session.execute(
        select(col(CaseRow.state), func.count())
        .where(*recovery, col(CaseRow.closed_at) >= since)
        .group_by(col(CaseRow.state))
    )
    ends = {row[0]: row[1] for row in found.all()}
    return Funnel(*counts, ends.get(RecoveryState.RECOVERED, 0), ends)


def _sum(condition: ColumnElement[bool]) -> Any:
    return func.coalesce(func.sum(cast(func.coalesce(condition, False), Integer)), 0)
