"""When the clock acts on a claim, what is due when, and whose turn it is."""

from collections.abc import Iterator
from datetime import datetime

from domain import claim_events as events
from domain.case import Deadline, Party, earliest
from domain.claim import AT_THE_DESK, Claim, Freeze, State, apply, is_alive
from domain.claim_events import Event, Promise, Stage
from domain.contact_proof import CodeExpired, CooldownEnded


def deadlines(case: Claim) -> tuple[Deadline, ...]:
    """When the clock acts, and what it brings."""
    if case.opened_at is None:
        return ()
    if case.is_closed:
        lapses = case.reopen_until
        return (Deadline(lapses, events.ReopenLapsed(lapses)),) if lapses else ()
    return tuple(_deadlines(case))


def _deadlines(case: Claim) -> Iterator[Deadline]:
    if case.freeze is Freeze.ON and case.frozen_until:
        yield Deadline(case.frozen_until, events.FreezeLapsed(case.frozen_until))
    if case.lease_until and case.assignee:
        yield Deadline(case.lease_until, events.LeaseExpired(case.lease_until, case.assignee))
    yield from _code_deadlines(case)
    yield from _promises(case)
    yield from _waits(case)


def _code_deadlines(case: Claim) -> Iterator[Deadline]:
    if case.issue is None or case.proof.wanted:
        return
    if case.state is State.AWAITING_CONTACT_PROOF and is_alive(case) and case.code_until:
        yield Deadline(case.code_until, CodeExpired(case.code_until, case.issue.number))
    waits_for_link = case.state is State.PROBATION and case.password_set_at is None
    waits = case.state is State.AWAITING_CONTACT_PROOF or waits_for_link
    if waits and case.resend_at and not case.proof.resend_open:
        yield Deadline(case.resend_at, CooldownEnded(case.resend_at, case.issue.number))


def _promises(case: Claim) -> Iterator[Deadline]:
    if case.state not in AT_THE_DESK:
        return
    for promise, clock in ((Promise.FIRST_ANSWER, case.first_answer), (Promise.DECISION, case.decision)):
        if clock and clock.due_at and clock.missed_at is None:
            yield Deadline(clock.due_at, events.PromiseMissed(clock.due_at, promise))


def _waits(case: Claim) -> Iterator[Deadline]:
    assert case.since
    match case.state:
        case State.AWAITING_CONTACT_PROOF:
            yield _expiry(case.since + case.policy.claim_wait)
        case State.AWAITING_EVIDENCE:
            yield from _reminders(case)
            yield _expiry(case.since + case.policy.claim_wait)
        case State.AWAITING_ANSWER if case.asked:
            yield from _reminders(case)
            lapses = case.asked.due_at
            yield Deadline(lapses, events.ContestLapsed(lapses)) if case.contested_in else _expiry(lapses)
        case State.AWAITING_SECOND_APPROVAL if case.proposal:
            lapses = case.proposal.at + case.policy.approval_within
            yield Deadline(lapses, events.ApprovalLapsed(lapses))
        case State.COOLING_OFF if case.hold_until:
            for stage, at in hold_notices(case):
                if stage not in case.told:
                    yield Deadline(at, events.HoldNoticeDue(at, stage))
            yield Deadline(case.hold_until, events.HoldEnded(case.hold_until))
        case State.PROBATION if case.probation_until and not case.secret:
            if case.password_until:
                yield Deadline(case.password_until, events.ProofLapsed(case.password_until))
            yield Deadline(case.probation_until, events.ProbationEnded(case.probation_until))
        case State.CONTESTED if not case.undoing:
            lapses = max(case.since, case.spoke_at or case.since) + case.policy.contest_wait
            yield Deadline(lapses, events.ContestLapsed(lapses))


def _expiry(at: datetime) -> Deadline:
    return Deadline(at, events.CaseExpired(at))


def _reminders(case: Claim) -> Iterator[Deadline]:
    assert case.since
    if case.reminders < len(case.policy.reminders):
        at = case.since + case.policy.reminders[case.reminders]
        yield Deadline(at, events.ReminderDue(at, case.reminders + 1))


def hold_notices(case: Claim) -> tuple[tuple[Stage, datetime], ...]:
    """When the older contacts hear of a hold again: half way, and when a tenth of it is left."""
    if case.since is None or case.hold_until is None:
        return ()
    length = case.hold_until - case.since
    return (Stage.MIDDLE, case.since + length / 2), (Stage.ENDING, case.hold_until - length / 10)


def due_at(case: Claim) -> datetime | None:
    """What the desk's list is sorted by: when this should be dealt with, or moves on by itself."""
    if case.state in AT_THE_DESK:
        promised = (clock.due_at for clock in (case.first_answer, case.decision) if clock and not clock.missed_at)
        late = (clock.due_at for clock in (case.first_answer, case.decision) if clock)
        return min((at for at in promised if at), default=None) or min((at for at in late if at), default=None)
    waits = [deadline.at for deadline in _waits(case)] if case.since and not case.is_closed else []
    return max(waits, default=None)


def due(case: Claim, now: datetime) -> Event | None:
    """What the clock has brought by `now`, earliest first; whoever acts later is judged after it."""
    deadline = earliest(deadlines(case))
    return deadline.event if deadline and deadline.at <= now else None


def caught_up(case: Claim, now: datetime) -> Claim:
    """The claim after everything that the clock has brought by `now`."""
    while event := due(case, now):
        case = apply(case, event)
    return case


def waiting_on(case: Claim) -> Party | None:
    """Whose turn it is; None when it is nobody's any more."""
    if case.is_closed:
        return None
    if case.state in AT_THE_DESK:
        return Party.MACHINE if case.undoing else Party.AGENT
    return {
        State.OPENING: Party.MACHINE,
        State.HANDING_BACK: Party.MACHINE,
        State.COOLING_OFF: Party.CLOCK,
        State.PROBATION: Party.CLOCK,
    }.get(case.state, Party.CLAIMANT)
