"""Who is told what when something happens to a claim: one line an event. Words and addresses are for the activity."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.contract import Notice, NoticeName
    from domain import claim_events as events
    from domain.claim import Claim, State
    from domain.claim_deadlines import due_at
    from domain.claim_events import Event, Stage
    from domain.contact_proof import CodeIssued
    from domain.decisions import Outcome


def notices(case: Claim, event: Event, now: datetime) -> tuple[Notice, ...]:
    """The notices that follow from this event; `case` is the claim after it."""
    told = (*_to_the_claimant(case, event), *_to_the_owner(case, event))
    return tuple(_notice(case, now, name, only_claimant=only, until=until) for name, only, until in told)


Told = tuple[NoticeName, bool, datetime | None]
"""Which notice, whether only to the claimant's proved contact, and the moment it promises."""


def _notice(case: Claim, now: datetime, name: NoticeName, *, only_claimant: bool, until: datetime | None) -> Notice:
    return Notice(
        name,
        case.reference,
        case.account,
        now,
        case.policy,
        only=case.contact if only_claimant else None,
        until=until,
        disputed_at=None if only_claimant else case.disputed_at,
        because=str(case.state),
    )


def _to_the_claimant(case: Claim, event: Event) -> tuple[Told, ...]:
    if case.contact is None:
        return ()
    name: NoticeName | None = None
    match event:
        case events.EvidenceGiven() if case.since == event.at:
            name = "claim-received"
        case events.ReminderDue():
            name = "claim-reminder"
        case events.MessageSent():
            name = "claim-message"
        case events.PromiseMissed():
            name = "claim-delayed"
        case events.OwnerObjected() if case.state is State.CONTESTED:
            name = "claim-contested"
        case events.DecisionRecorded():
            name = _after_a_decision(case, event)
        case events.CaseExpired() | events.ProbationEnded() | events.Withdrawn() | events.ContestLapsed():
            name = "claim-ended"
        case events.StepDone() if case.state is State.UNDONE:
            name = "claim-ended"
    return ((name, True, case.reopen_until or due_at(case)),) if name else ()


def _after_a_decision(case: Claim, event: events.DecisionRecorded) -> NoticeName | None:
    if case.state is State.AWAITING_ANSWER:
        return "claim-question"
    if case.state is State.COOLING_OFF:
        return "claim-approved"
    ends = event.outcome in {Outcome.DENY, Outcome.STOP} and case.is_closed
    return "claim-ended" if ends else None


def _to_the_owner(case: Claim, event: Event) -> tuple[Told, ...]:
    """To every safe contact of the account, also those that this claim has taken off it."""
    if not case.account:
        return ()
    match event:
        case events.AccountFrozen():
            return (("account-frozen", False, case.frozen_until),)
        case events.FreezeEnded() if not case.done:
            return (("freeze-ended", False, None),)
        case events.DecisionRecorded(outcome=Outcome.APPROVE) if case.state is State.COOLING_OFF:
            return (("hold-started", False, case.hold_until),)
        case events.HoldNoticeDue():
            name: NoticeName = "hold-middle" if event.stage is Stage.MIDDLE else "hold-ending"
            return ((name, False, case.hold_until),)
        case CodeIssued() if case.state is State.PROBATION and case.since == event.at:
            return (("handed-back", False, case.probation_until),)
        case events.OwnerObjected() if case.state is State.CONTESTED:
            return (("hand-back-stopped", False, None),)
        case events.StepDone() if case.state is State.UNDONE:
            return (("hand-back-undone", False, None),)
        case _:
            return ()
