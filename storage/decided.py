"""Decisions across cases, for the desk: what waits for a second person, and what was decided about an account."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.case import Kind
from domain.claim import State
from storage.models import CaseEventRow, CaseRow, ReceivedRow

FOR_A_SECOND = (State.AWAITING_SECOND_APPROVAL, State.CONTESTED)
"""Claims that somebody else has to look at: a proposal, or an objection to what was approved."""


@dataclass(frozen=True)
class Decided:
    """A decision that was recorded in some case. `text` names what was written with it."""

    case: str
    id: str
    at: datetime
    outcome: str
    reason: str
    agent: str
    text: str


async def for_a_second(session: AsyncSession, limit: int = 100) -> Sequence[CaseRow]:
    """Open claims that wait for a second person, what is due first."""
    found = await session.execute(
        select(CaseRow)
        .where(
            col(CaseRow.kind) == Kind.CLAIM,
            col(CaseRow.closed_at).is_(None),
            col(CaseRow.state).in_(FOR_A_SECOND),
        )
        .order_by(col(CaseRow.due_at), col(CaseRow.reference))
        .limit(limit)
    )
    return found.scalars().all()


async def decided(session: AsyncSession, references: Iterable[str]) -> list[Decided]:
    """What was decided in these cases, newest first."""
    wanted = list(references)
    if not wanted:
        return []
    found = await session.execute(
        select(CaseEventRow)
        .where(col(CaseEventRow.case_ref).in_(wanted), col(CaseEventRow.kind) == "decision_recorded")
        .order_by(col(CaseEventRow.at).desc())
    )
    return [_decided(row.case_ref, row.at, row.data) for row in found.scalars()]


async def under_way(session: AsyncSession, references: Iterable[str]) -> dict[str, ReceivedRow]:
    """The decision that each of these cases has not answered yet, if there is one; of several the last."""
    wanted = list(references)
    if not wanted:
        return {}
    found = await session.execute(
        select(ReceivedRow)
        .where(
            col(ReceivedRow.case_ref).in_(wanted),
            col(ReceivedRow.kind) == "decision",
            col(ReceivedRow.answered_at).is_(None),
        )
        .order_by(col(ReceivedRow.received_at))
    )
    return {row.case_ref: row for row in found.scalars()}


def _decided(case: str, at: datetime, data: dict[str, Any]) -> Decided:
    names = ("id", "outcome", "reason", "agent", "text")
    said = {name: str(data.get(name, "")) for name in names}
    return Decided(case=case, at=at, **said)
