"""What agents do outside of cases, written down: who signed in, who took what out, who changed which setting."""

from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage import audit
from storage.engine import database_time
from storage.keys import Rings
from storage.models import AgentEventRow, AgentRow


class Deed(StrEnum):
    """What was done; the words are in `web/desk/words.py`."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    ENDED_SESSION = "ended_session"
    SET_UP_FACTOR = "set_up_factor"
    REMOVED_FACTOR = "removed_factor"
    SWITCHED_KEYS = "switched_keys"
    TOOK_NEXT = "took_next"
    RELEASED = "released"
    CHECKED = "checked"
    EXPORTED = "exported"


async def done_before(session: AsyncSession, rings: Rings, agent: str, deed: Deed, key: str) -> AgentEventRow | None:
    """The same form, if it came in before."""
    wanted = rings.digest.digests("agent-event", agent, deed, key)
    found = await session.execute(select(AgentEventRow).where(col(AgentEventRow.id).in_(wanted)))
    return found.scalar_one_or_none()


async def note(
    session: AsyncSession, rings: Rings, agent: str, deed: Deed, data: dict[str, Any] | None = None, *, key: str
) -> AgentEventRow:
    """Write it down, at the end of the agent's chain. The same form sent twice is one event."""
    # Whoever adds to a chain holds the agent's row, so that two requests cannot add the same number.
    await session.execute(select(AgentRow.name).where(col(AgentRow.name) == agent).with_for_update())  # type: ignore[call-overload]
    if before := await done_before(session, rings, agent, deed, key):
        return before
    mine = select(AgentEventRow).where(col(AgentEventRow.agent) == agent)
    last = (await session.execute(mine.order_by(col(AgentEventRow.number).desc()).limit(1))).scalar_one_or_none()
    row = AgentEventRow(
        agent=agent,
        number=last.number + 1 if last else 1,
        id=rings.digest.digest("agent-event", agent, deed, key),
        kind=deed,
        at=await database_time(session),
        data=data or {},
        previous_hash=last.hash if last else audit.FIRST,
        hash="",
    )
    row.hash = audit.chained(rings.audit, row, row.previous_hash)
    session.add(row)
    await session.flush()
    return row
