"""What activities write: events, folded into the row of their case (design 4.2). The web never imports this."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain import claim, claim_events, recovery
from domain.claim import Claim, State
from domain.decisions import Doubt
from domain.recovery import Recovery
from storage import audit, budgets, folding
from storage.folding import AnyEvent, Case
from storage.keys import Ring
from storage.models import CaseAccessRow, CaseEventRow, CaseRow, CodeIssueRow, ReceivedRow, VaultRow
from storage.reads import event_rows

log = structlog.get_logger()


class Gap(Exception):
    """Events before these are missing: never retried into order, so it must be loud."""


async def record(session: AsyncSession, ring: Ring, reference: str, after: int, events: Sequence[AnyEvent]) -> None:
    """Append the events that follow number `after` and fold them into the row. Recording them again changes nothing.

    The workflow is the truth: an event that stands in the place of one of these never happened. A worker recorded it
    and was gone before the history had it, and when its task was done again something else came first.
    """
    row = (
        await session.execute(select(CaseRow).where(col(CaseRow.reference) == reference).with_for_update())
    ).scalar_one()
    if row.number < after:
        raise Gap(f"{reference}: event {row.number} is the last one, {after} was expected")
    if first := await _never_happened(session, row, after, events):
        await _take_back(session, row, first)
    case = folding.load_case(row.kind, row.snapshot)
    previous = await _last_hash(session, reference)
    for number, event in enumerate(events, start=after + 1):
        if number <= row.number:
            continue
        before, case = case, folding.apply(case, event)
        previous = _append(session, ring, row, number, event, previous)
        await _follow(session, before, case, event)
    _fold(row, case)


async def _never_happened(session: AsyncSession, row: CaseRow, after: int, events: Sequence[AnyEvent]) -> int | None:
    """The number of the first recorded event in whose place another one happened."""
    if row.number == after:
        return None
    for kept, event in zip((await event_rows(session, row.reference))[after:], events, strict=False):
        if (kept.kind, kept.at, kept.data) != (event.kind, event.at, folding.dump_event(row.kind, event)):
            return kept.number
    return None


async def _take_back(session: AsyncSession, row: CaseRow, first: int) -> None:
    """The row as it was before event `first`, and the events from there on gone. What they led to is done anew."""
    log.warning("record taken back", case=row.reference, first=first, last=row.number)
    case = folding.load_case(row.kind, row.opening)
    for kept in (await event_rows(session, row.reference))[: first - 1]:
        case = folding.apply(case, folding.load_event(row.kind, kept.kind, kept.at, kept.data))
    mine = col(CaseEventRow.case_ref) == row.reference
    await session.execute(delete(CaseEventRow).where(mine, col(CaseEventRow.number) >= first))
    row.snapshot, row.number = folding.dump_case(case), first - 1


def _append(session: AsyncSession, ring: Ring, row: CaseRow, number: int, event: AnyEvent, previous: str) -> str:
    entry = CaseEventRow(
        case_ref=row.reference,
        number=number,
        kind=event.kind,
        at=event.at.astimezone(UTC),
        actor=event.actor,
        audience=event.audience,
        data=folding.dump_event(row.kind, event),
        previous_hash=previous,
        hash="",
    )
    entry.hash = audit.chained(ring, entry, previous)
    session.add(entry)
    return entry.hash


def _fold(row: CaseRow, case: Case) -> None:
    row.snapshot = folding.dump_case(case)
    row.number = case.number
    row.state = case.state
    row.waiting_on = folding.waiting_on(case)
    row.due_at = folding.due_at(case)
    row.closed_at = case.since if case.is_closed else None
    row.erase_at = row.closed_at + case.policy.personal_data_kept if row.closed_at else None
    row.forget_at = row.closed_at + case.policy.record_kept if row.closed_at else None
    if isinstance(case, Recovery):
        row.account_ref = case.account or row.account_ref
        row.channel = case.issue.to.channel if case.issue else row.channel
    else:
        row.account_ref = case.account or row.account_ref
        row.channel = case.contact.channel if case.contact else row.channel
        row.assignee, row.lease_until = case.assignee or None, case.lease_until
        row.priority = int(case.with_lead)
        _count(row, case)


def _count(row: CaseRow, case: Claim) -> None:
    """What the figures say of a claim."""
    row.answered = case.first_answer.outcome if case.first_answer else ""
    row.decided = case.decision.outcome if case.decision else ""
    if case.decision and case.decision.met_at:
        row.decided_after = int((case.decision.met_at - case.decision.started_at).total_seconds())
    else:
        row.decided_after = None
    stopped = case.contested_in or case.state in {State.STOPPED, State.UNDONE}
    row.course = ("stopped" if stopped else "approved") if case.plan else ""


async def _follow(session: AsyncSession, before: Case, after: Case, event: AnyEvent) -> None:
    """What belongs to the event and to the same transaction: reservations, access, vault, answers."""
    if ended := _spent_tries(before, after):
        await _settle(session, after.reference, *ended)
    match event:
        case (
            recovery.CodeAccepted()
            | claim_events.ContactProved()
            | claim_events.LinkUsed()
            | claim_events.HolderMoved()
        ):
            await _hand_over(session, after.reference, event.holder, event.at)
        case recovery.DecisionRecorded() | claim_events.DecisionRecorded():
            await _answered(session, event.id, event.at)
        case recovery.DecisionRefused() | claim_events.DecisionRefused() if event.doubt is not Doubt.UNPROVEN:
            await _answered(session, event.id, event.at)  # a forgery answers for nobody
        case recovery.OwnerObjected() | claim_events.OwnerObjected() | claim_events.ObjectionNoted():
            await _answered(session, event.received, event.at)
    if before.secret and not after.secret:
        await session.execute(delete(VaultRow).where(col(VaultRow.name) == before.secret))


def _spent_tries(before: Case, after: Case) -> tuple[int, int] | None:
    if isinstance(before, Claim) and isinstance(after, Claim):
        return claim.spent_tries(before, after)
    if isinstance(before, Recovery) and isinstance(after, Recovery):
        return recovery.spent_tries(before, after)
    return None


async def _settle(session: AsyncSession, reference: str, issue: int, wrong: int) -> None:
    row = await session.get(CodeIssueRow, (reference, issue))
    if row is None or row.settled:
        return
    window, _ = budgets.Limit("", 0, budgets.DAY).window(_noon(row))
    await budgets.settle(session, row.buckets, window, row.reserved, wrong)
    row.settled = True


def _noon(row: CodeIssueRow) -> datetime:
    return datetime(row.window.year, row.window.month, row.window.day, 12, tzinfo=UTC)


async def _hand_over(session: AsyncSession, reference: str, holder: str, at: datetime) -> None:
    """The browser that proved the contact holds the case; every other one is told "continued elsewhere"."""
    mine = col(CaseAccessRow.case_ref) == reference
    await session.execute(
        update(CaseAccessRow)
        .where(mine, col(CaseAccessRow.digest) != holder, col(CaseAccessRow.revoked_at).is_(None))
        .values(revoked_at=at)
    )
    await session.execute(
        update(CaseAccessRow).where(mine, col(CaseAccessRow.digest) == holder).values(pending=False, revoked_at=None)
    )


async def _answered(session: AsyncSession, received: str, at: datetime) -> None:
    row = await session.get(ReceivedRow, received)
    if row is not None:
        row.answered_at = at
        row.delivered_at = row.delivered_at or at


async def _last_hash(session: AsyncSession, reference: str) -> str:
    found = await session.execute(
        select(col(CaseEventRow.hash))
        .where(col(CaseEventRow.case_ref) == reference)
        .order_by(col(CaseEventRow.number).desc())
        .limit(1)
    )
    return found.scalar_one_or_none() or audit.FIRST
