"""What a command makes happen to a claim, or why it is refused."""

from datetime import datetime

from domain import claim_events as events
from domain.claim import AT_THE_DESK, Claim, State, apply, is_alive, may_resend
from domain.claim_deadlines import caught_up
from domain.claim_events import ClaimantCommand, Command, DeskCommand, Event, Survey
from domain.contact_proof import CodeRefused, CodeRequested, ContactGiven
from domain.errors import CodeIsOver, LinkIsOver, NotAllowedNow, NotYours, TooSoon, UseTheNewest


def decide(case: Claim, command: Command, now: datetime) -> Event:
    """What the command makes happen, or a refusal (`domain.errors`). Judged after what the clock has brought."""
    case = caught_up(case, now)
    entering = isinstance(command, events.UseLink | events.Enter)
    if isinstance(command, ClaimantCommand) and not entering and command.by != case.holder:
        raise NotYours(command.kind)
    event = _event_of(case, command, now)
    if apply(case, event) is case:
        raise NotAllowedNow(f"{command.kind} while {case.state}")
    return event


def _event_of(case: Claim, command: Command, now: datetime) -> Event:
    match command:
        case events.GiveContact() | events.SubmitCode() | events.UseLink() | events.ResendCode():
            return _towards_a_proof(case, command, now)
        case events.GiveEvidence():
            # Weighed by the workflow; here only whether evidence may be given at all.
            return events.EvidenceGiven(now, command.evidence, case.survey or Survey(case.account), files=command.files)
        case events.Reply():
            return events.ReplySent(now, command.text, command.files)
        case events.Nudge():
            return _nudge_checked(case, now)
        case events.Enter():
            return events.HolderMoved(now, command.by)
        case events.Withdraw():
            return events.Withdrawn(now)
        case events.Reopen():
            return events.Reopened(now)
        case events.SetPassword():
            return events.PasswordSubmitted(now, command.secret)
        case _:
            return _at_the_desk(case, command, now)


def _towards_a_proof(
    case: Claim,
    command: events.GiveContact | events.SubmitCode | events.UseLink | events.ResendCode,
    now: datetime,
) -> Event:
    match command:
        case events.GiveContact():
            return ContactGiven(now, command.to)
        case events.SubmitCode():
            return _code_checked(case, command, now)
        case events.UseLink():
            return _link_checked(case, command, now)
        case events.ResendCode():
            return _resend_checked(case, command, now)


def _at_the_desk(case: Claim, command: DeskCommand, now: datetime) -> Event:
    match command:
        case events.Take():
            return _taken(case, command, now)
        case events.Release():
            return events.Released(now, command.agent)
        case events.WriteNote():
            return events.NoteWritten(now, command.agent, command.text)
        case events.SendMessage():
            return events.MessageSent(now, command.agent, command.text)
        case events.Reveal():
            return events.Revealed(now, command.agent, command.what)


def _code_checked(case: Claim, command: events.SubmitCode, now: datetime) -> Event:
    if case.state is not State.AWAITING_CONTACT_PROOF or case.issue is None:
        raise NotAllowedNow(f"submit_code while {case.state}")
    if command.issue != case.issue.number:
        raise UseTheNewest(str(case.issue.number))
    if not is_alive(case):
        raise CodeIsOver(case.state)
    if not case.issue.digest or command.digest != case.issue.digest:
        return CodeRefused(now, command.issue)
    return events.ContactProved(now, command.issue, "code", command.by)


def _link_checked(case: Claim, command: events.UseLink, now: datetime) -> Event:
    issue = case.issue
    fresh = issue and case.link_until and now < case.link_until
    if not issue or not fresh or not issue.link_digest or command.digest != issue.link_digest:
        raise LinkIsOver(case.state)
    if case.state is State.PROBATION:
        return events.LinkUsed(now, issue.number, command.by)
    if case.state is not State.AWAITING_CONTACT_PROOF:
        raise LinkIsOver(case.state)
    return events.ContactProved(now, issue.number, "link", command.by)


def _resend_checked(case: Claim, command: events.ResendCode, now: datetime) -> Event:
    if not may_resend(case) or case.resend_at is None:
        raise NotAllowedNow(f"resend_code while {case.state}")
    if now < case.resend_at:
        raise TooSoon(case.resend_at.isoformat())
    # After a hand-back the link goes to the contact that was proved, and nowhere else.
    return CodeRequested(now, command.to if case.state is State.AWAITING_CONTACT_PROOF else None)


def _nudge_checked(case: Claim, now: datetime) -> Event:
    if not may_nudge(case, now):
        raise NotAllowedNow(f"nudge while {case.state}")
    return events.Nudged(now)


def may_nudge(case: Claim, now: datetime) -> bool:
    """Once a promised date has passed, and nobody was nudged since."""
    clocks = (case.first_answer, case.decision)
    late = any(clock and clock.due_at and clock.due_at <= now for clock in clocks)
    return case.state in AT_THE_DESK and late and not case.with_lead


def _taken(case: Claim, command: events.Take, now: datetime) -> Event:
    if case.assignee not in {"", command.agent} and case.lease_until and now < case.lease_until:
        raise NotAllowedNow(f"taken by {case.assignee}")
    return events.Taken(now, command.agent, now + case.policy.lease)


def objected(
    case: Claim, received: str, received_at: datetime, now: datetime, *, may_object: bool
) -> events.OwnerObjected | events.ObjectionNoted:
    """What an objection makes happen: where nothing is approved there is nothing to stop, and the desk sees it."""
    event = events.OwnerObjected(now, received, received_at)
    if may_object and apply(case, event) is not case:
        return event
    return events.ObjectionNoted(now, received, received_at)
