"""Who looks at a case, and who is writing. It is forgotten within a minute, and nothing depends on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.engine import database_time
from storage.models import PresenceRow
from storage.once import insert_into

BEAT = timedelta(seconds=15)
"""How often an open page says that it is there."""
LOOKS = 3 * BEAT
"""An agent who said nothing for so long is gone: two beats may be lost."""
WRITES = timedelta(seconds=20)
"""How long after the last key an agent counts as writing: a little more than a beat."""


@dataclass(frozen=True)
class Present:
    """An agent who has the case on the screen."""

    agent: str
    is_writing: bool


async def seen(session: AsyncSession, reference: str, agent: str, *, is_writing: bool = False) -> None:
    """This agent has the case open, and types something or does not."""
    now = await database_time(session)
    values = {"seen_at": now, "writing_at": now if is_writing else None}
    statement = insert_into(session, PresenceRow).values(case_ref=reference, agent=agent, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["case_ref", "agent"], set_=values))


async def left(session: AsyncSession, reference: str, agent: str) -> None:
    """This agent closed the page."""
    mine = col(PresenceRow.case_ref) == reference, col(PresenceRow.agent) == agent
    await session.execute(delete(PresenceRow).where(*mine))


async def present(session: AsyncSession, references: Iterable[str]) -> dict[str, tuple[Present, ...]]:
    """Who has these cases open now, by reference, in order of names. A case that nobody looks at is not named."""
    wanted = list(references)
    if not wanted:
        return {}
    now = await database_time(session)
    rows = await session.execute(
        select(PresenceRow)
        .where(col(PresenceRow.case_ref).in_(wanted), col(PresenceRow.seen_at) > now - LOOKS)
        .order_by(col(PresenceRow.agent))
    )
    found: dict[str, tuple[Present, ...]] = {}
    for row in rows.scalars():
        found[row.case_ref] = (*found.get(row.case_ref, ()), Present(row.agent, _is_writing(row, now)))
    return found


def _is_writing(row: PresenceRow, now: datetime) -> bool:
    return row.writing_at is not None and now - row.writing_at < WRITES


async def forget(session: AsyncSession, now: datetime) -> None:
    """Agents who are gone without a word; for the upkeep."""
    await session.execute(delete(PresenceRow).where(col(PresenceRow.seen_at) < now - LOOKS))
