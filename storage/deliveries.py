"""The delivery log for agents: what was sent, by which channel, and what became of it. Addresses stay sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, case, cast, extract, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.models import NoticeRow, Utc

PAGE = 50
LATELY = timedelta(hours=24)
AT_ONCE = timedelta(minutes=1)
"""What is handed over within a minute counts as at once."""


@dataclass(frozen=True)
class Wanted:
    """What of the log is asked for; empty means any."""

    case: str = ""
    channel: str = ""
    state: str = ""
    template: str = ""


@dataclass(frozen=True)
class Channel:
    """What became of a channel's messages of the last day."""

    name: str
    made: int
    at_once: int
    later: int
    failed: int
    waiting: int
    oldest_waiting: datetime | None

    @property
    def handed_over(self) -> int:
        return self.at_once + self.later


@dataclass(frozen=True)
class Trouble:
    """A class of failure, as the provider or the network gave it: how often, and when last."""

    channel: str
    error: str
    count: int
    last: datetime
    waiting: int
    """How many of these will still be tried again."""


async def notices(
    session: AsyncSession, wanted: Wanted, *, before: tuple[datetime, str] | None = None, limit: int = PAGE
) -> Sequence[NoticeRow]:
    """Messages, newest first, from a place on."""
    order = (col(NoticeRow.made_at), col(NoticeRow.name))
    asked = {"case_ref": wanted.case, "channel": wanted.channel, "state": wanted.state, "template": wanted.template}
    conditions: list[Any] = [getattr(NoticeRow, name) == value for name, value in asked.items() if value]
    if before:
        conditions.append(tuple_(*order) < tuple_(literal(before[0], Utc), literal(before[1])))
    found = await session.execute(
        select(NoticeRow).where(*conditions).order_by(*(one.desc() for one in order)).limit(limit)
    )
    return found.scalars().all()


async def channels(session: AsyncSession, now: datetime) -> list[Channel]:
    """How each channel does, of what was made in the last day."""
    made, taken = col(NoticeRow.made_at), col(NoticeRow.handed_over_at)
    waits = (col(NoticeRow.state) == "queued").label("waits")
    found = await session.execute(
        select(
            col(NoticeRow.channel),
            func.count(),
            _count(taken.is_not(None) & (seconds_between(session, made, taken) <= AT_ONCE.total_seconds())),
            _count(taken.is_not(None)),
            _count(col(NoticeRow.state).in_(("failed", "bounced"))),
            _count(waits),
            func.min(case((waits, made))),
        )
        .where(made > now - LATELY)
        .group_by(col(NoticeRow.channel))
        .order_by(col(NoticeRow.channel))
    )
    return [
        Channel(name, count, at_once, taken_at_all - at_once, failed, waiting, oldest)
        for name, count, at_once, taken_at_all, failed, waiting, oldest in found.all()
    ]


async def troubles(session: AsyncSession, now: datetime, limit: int = 20) -> list[Trouble]:
    """What went wrong in the last day, what came last first."""
    last = func.max(col(NoticeRow.made_at))
    found = await session.execute(
        select(
            col(NoticeRow.channel),
            col(NoticeRow.error),
            func.count(),
            last,
            _count(col(NoticeRow.state) == "queued"),
        )
        .where(col(NoticeRow.made_at) > now - LATELY, col(NoticeRow.error) != "")
        .group_by(col(NoticeRow.channel), col(NoticeRow.error))
        .order_by(last.desc())
        .limit(limit)
    )
    return [Trouble(*row) for row in found.all()]


def _count(condition: Any) -> Any:
    return func.coalesce(func.sum(cast(condition, Integer)), 0)


def seconds_between(session: AsyncSession, first: Any, then: Any) -> Any:
    """The seconds from one time of a row to another, as both databases compute them."""
    if session.get_bind().dialect.name == "postgresql":
        return extract("epoch", then - first)
    return (func.julianday(then) - func.julianday(first)) * 86400.0
