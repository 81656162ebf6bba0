"""Objections, as whoever holds an account's gate sees them: which one stops an effect, and which a recovery is."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.contract import NewPassword
from domain.case import Kind, workflow_id
from domain.claim import Claim, State
from domain.decisions import ALL
from domain.recovery import Recovery
from storage import directory, reads
from storage.directory import Held
from storage.keys import Rings
from storage.models import CaseRow, ReceivedRow
from storage.once import insert_once

_APPROVED = frozenset({State.AWAITING_SECOND_APPROVAL, State.COOLING_OFF, State.HANDING_BACK, State.PROBATION})
"""Where a claim is about to change contacts, or has."""


async def in_the_way(session: AsyncSession, reference: str) -> ReceivedRow | None:
    """The objection that stops what this case is about to do; None if it may go on.

    The one that opened a claim is what it is about, and those that an agent has judged are over, unless the claim is
    still contested. A contact that is younger than what is disputed stops nothing.
    """
    found = await session.execute(
        select(ReceivedRow)
        .where(col(ReceivedRow.case_ref) == reference, col(ReceivedRow.kind) == "objection")
        .order_by(col(ReceivedRow.received_at))
    )
    case = await session.get(CaseRow, reference)
    opening = case.opening.get("objection", "") if case else ""
    counting = [row for row in found.scalars() if row.id != opening and row.data.get("may_object", True)]
    if case is None or case.kind != Kind.CLAIM:
        return counting[0] if counting else None
    if case.state == State.CONTESTED:
        return counting[-1] if counting else None
    return next((row for row in counting if row.answered_at is None), None)


async def raise_by_recovery(session: AsyncSession, rings: Rings, new: NewPassword, now: datetime) -> None:
    """A recovery that succeeds objects to claims that would replace the contact it used (design 6).

    In the transaction that sets the password: neither happens without the other.
    """
    used = await _contact_used(session, rings, new)
    if used is None:
        return
    for row in await _claims_about(session, new.account):
        claim = reads.case_of(row)
        if isinstance(claim, Claim) and _would_replace(claim, used):
            await insert_once(session, _objection(claim, used, new.case, now))


async def raised_by_recovery(session: AsyncSession, new: NewPassword) -> tuple[tuple[str, str], ...]:
    """The objections that this recovery has made: workflow id of the claim, and id of the row."""
    claims = await _claims_about(session, new.account)
    names = {_name(row.reference, new.case): workflow_id(Kind.CLAIM, row.reference) for row in claims}
    made = await session.execute(select(col(ReceivedRow.id)).where(col(ReceivedRow.id).in_(names)))
    return tuple((names[name], name) for name in sorted(made.scalars()))


async def _claims_about(session: AsyncSession, account: str) -> Sequence[CaseRow]:
    mine = col(CaseRow.account_ref) == account, col(CaseRow.kind) == Kind.CLAIM
    return (await session.execute(select(CaseRow).where(*mine).order_by(col(CaseRow.reference)))).scalars().all()


async def _contact_used(session: AsyncSession, rings: Rings, new: NewPassword) -> Held | None:
    """The contact of the account to which the recovery's newest code went; None if it is one no more."""
    row = await session.get(CaseRow, new.case)
    case = reads.case_of(row) if row else None
    if not isinstance(case, Recovery) or case.issue is None:
        return None
    typed = await reads.typed(session, rings, new.case, case.issue.to.contact)
    held = await directory.holders(session, rings, typed) if typed else []
    return next((one for one in held if one.account == new.account and one.removed_at is None), None)


def _would_replace(claim: Claim, used: Held) -> bool:
    plan = claim.proposal.plan if claim.proposal else claim.plan
    is_near = claim.state in _APPROVED and not (claim.state is State.HANDING_BACK and claim.begun_at)
    return is_near and plan in {ALL, used.contact} and used.added_by != claim.reference


def _objection(claim: Claim, used: Held, recovery: str, now: datetime) -> ReceivedRow:
    is_older = claim.disputed_at is None or used.since <= claim.disputed_at
    data = {"scope": "claim", "by": recovery, "may_object": is_older}
    name = _name(claim.reference, recovery)
    return ReceivedRow(id=name, case_ref=claim.reference, kind="objection", received_at=now, data=data)


def _name(claim: str, recovery: str) -> str:
    return f"objection/{claim}/{recovery}"
