"""Figures for whoever watches the service: how much is open, and what has been waiting for a machine too long.

Numbers only, by kinds and states; no reference, no account.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage import reads
from storage.engine import database_time
from storage.models import CaseRow, ReceivedRow


@dataclass(frozen=True)
class Waiting:
    """Rows that should have reached Temporal within seconds: how many, and for how many seconds the oldest waits."""

    count: int = 0
    oldest: float = 0.0


@dataclass(frozen=True)
class Figures:
    """`open_cases` by kind and state; `undelivered` by kind of signal: decision, objection."""

    open_cases: dict[tuple[str, str], int] = field(default_factory=dict)
    unstarted: Waiting = Waiting()
    undelivered: dict[str, Waiting] = field(default_factory=dict)


async def figures(session: AsyncSession) -> Figures:
    """As they are at this moment, by the database's clock."""
    now = await database_time(session)
    return Figures(await reads.open_counts(session), await _unstarted(session, now), await _undelivered(session, now))


async def _unstarted(session: AsyncSession, now: datetime) -> Waiting:
    """Opening rows that no workflow has begun (the same rows as the reconciler's)."""
    found = await session.execute(
        select(func.count(), func.min(col(CaseRow.opened_at))).where(
            col(CaseRow.started_at).is_(None), col(CaseRow.number) == 0
        )
    )
    count, oldest = found.one()
    return _waiting(count, oldest, now)


async def _undelivered(session: AsyncSession, now: datetime) -> dict[str, Waiting]:
    found = await session.execute(
        select(col(ReceivedRow.kind), func.count(), func.min(col(ReceivedRow.received_at)))
        .where(col(ReceivedRow.delivered_at).is_(None), col(ReceivedRow.answered_at).is_(None))
        .group_by(col(ReceivedRow.kind))
    )
    return {kind: _waiting(count, oldest, now) for kind, count, oldest in found.all()}


def _waiting(count: int, oldest: datetime | None, now: datetime) -> Waiting:
    return Waiting(count, max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)
