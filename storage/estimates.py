"""Honest waiting: how long claims like this one took until they were decided, and how many wait before it.

Both come from SQL, by indexes, and are kept for a minute in each process: a page that many people reload costs
nothing more. Where fewer than `LEAST` claims were decided nothing is said; a guess would be a promise.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any

from sqlalchemy import func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.claim import State
from storage.engine import database_time
from storage.models import AT_DESK, CLOSED_CLAIM, CaseRow

LEAST = 20
"""Closed claims of the same reason that an estimate needs (design 11)."""
SINCE = timedelta(days=90)
MOST = 500
"""Of so many claims, the newest: enough for a 90th percentile, and a bound for the work."""
DECIDED = (State.RECOVERED, State.DENIED, State.UNDONE)
"""Ends of claims that a person has decided; withdrawn and expired ones say nothing about our time."""
KEPT_SECONDS = 60.0
MOST_KEPT = 10_000


@dataclass(frozen=True)
class Estimate:
    """From the moment the evidence was there to the decision, as it was for `claims` others, pauses included."""

    earliest: timedelta
    usual: timedelta
    """Half of them were decided within this time."""
    latest: timedelta
    """Nine of ten were."""
    claims: int


@dataclass(frozen=True)
class Waiting:
    """`position`: 1 is next. `estimate` is None where there are too few claims to say anything."""

    position: int
    of: int
    estimate: Estimate | None


@dataclass
class Kept:
    """What was computed lately, by what it is about. One in each process."""

    clock: Callable[[], float] = time.monotonic
    values: dict[tuple[str, ...], tuple[float, Any]] = field(default_factory=dict)

    def get(self, *about: str) -> Any:
        until, value = self.values.get(about, (0.0, None))
        return value if self.clock() < until else None

    def put(self, value: Any, *about: str) -> None:
        if len(self.values) >= MOST_KEPT:
            self.values.clear()
        self.values[about] = (self.clock() + KEPT_SECONDS, value)


async def waiting(session: AsyncSession, row: CaseRow, kept: Kept) -> Waiting:
    """Where the claim stands among everything that waits for the desk, and how long others took."""
    about = ("waiting", row.reference, str(row.due_at))
    found: Waiting | None = kept.get(*about)
    if found is None:
        found = Waiting(*await _position(session, row), await _estimate(session, row.reason, kept))
        kept.put(found, *about)
    return found


async def _position(session: AsyncSession, row: CaseRow) -> tuple[int, int]:
    at_desk = select(func.count()).select_from(CaseRow).where(text(AT_DESK))
    mine = row.order_at or row.opened_at
    before = or_(
        col(CaseRow.order_at) < mine,
        (col(CaseRow.order_at) == mine) & (col(CaseRow.reference) <= row.reference),
    )
    position = (await session.execute(at_desk.where(before))).scalar_one()
    return max(int(position), 1), max(int((await session.execute(at_desk)).scalar_one()), 1)


async def _estimate(session: AsyncSession, reason: str, kept: Kept) -> Estimate | None:
    known: tuple[Estimate | None] | None = kept.get("estimate", reason)
    if known is None:
        known = (estimate_of(await _times(session, reason)),)
        kept.put(known, "estimate", reason)
    return known[0]


async def _times(session: AsyncSession, reason: str) -> list[timedelta]:
    since = await database_time(session) - SINCE
    found = await session.execute(
        select(col(CaseRow.snapshot)["decision"])
        .where(
            text(CLOSED_CLAIM),
            col(CaseRow.reason) == reason,
            col(CaseRow.state).in_(DECIDED),
            col(CaseRow.closed_at) >= since,
        )
        .order_by(col(CaseRow.closed_at).desc())
        .limit(MOST)
    )
    return [_length(clock) for clock in found.scalars() if clock and clock.get("met_at")]


def _length(clock: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(clock["met_at"]) - datetime.fromisoformat(clock["started_at"])


def estimate_of(times: list[timedelta]) -> Estimate | None:
    """None for fewer than `LEAST` claims."""
    if len(times) < LEAST:
        return None
    latest = quantiles(times_in_seconds := [length.total_seconds() for length in times], n=10)[-1]
    return Estimate(min(times), timedelta(seconds=median(times_in_seconds)), timedelta(seconds=latest), len(times))
