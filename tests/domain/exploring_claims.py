"""Finds every arrow that the rules of a claim allow: breadth first, from claims that were just opened.

What may happen next comes from the rules themselves, as in `exploring.py`: people through `decide`, agents through
`judge`, the clock through any of `deadlines`, the account system as the workflow asks it. Two claims whose future is
alike are looked at once.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from domain import claim_events as events
from domain.claim import AT_THE_DESK, Claim, Freeze, Reason, State, apply
from domain.claim_commands import decide, objected
from domain.claim_deadlines import deadlines
from domain.claim_decisions import judge, outcomes_now, plans
from domain.claim_events import ContactSight, Event, Survey
from domain.contact_proof import CodeIssued
from domain.decisions import Decision, Doubt, Item, Outcome, Verdict, reasons
from domain.errors import CaseError
from domain.policy import Policy
from tests.claim_story import ACCOUNT, NIA, OLD_EMAIL, REACHED_AT
from tests.diagram import Arrow
from tests.people import KIM, LEE, NOON, REFERENCE, SAM
from tests.story import WRONG, code, link

SMALL = replace(Policy(), tries_per_code=2, reminders=(timedelta(days=3),))
TICK = timedelta(seconds=1)
SEVERAL = (KIM, LEE, SAM)


def claim_arrows() -> set[Arrow]:
    """Every `(state, event, state)` that a claim can go through."""
    first = [
        (Claim(REFERENCE, Reason.CONTACT, NIA, SMALL, to=REACHED_AT), NOON),
        (Claim(REFERENCE, Reason.COMPROMISED, NIA, SMALL, ACCOUNT, "received-1"), NOON),
    ]
    found: set[Arrow] = set()
    known = {_likeness(case) for case, now in first}
    ahead = deque(first)
    while ahead:
        case, now = ahead.popleft()
        for event in _possible(case, now):
            after = apply(case, event)
            if after is case:
                continue
            found.add((case.state, event.kind, after.state))
            then = max(now, event.at)
            if (likeness := _likeness(after)) not in known:
                known.add(likeness)
                ahead.append((after, then))
    return found


def _likeness(case: Claim) -> object:
    """What of a claim decides about its future. What goes on beside a freeze is looked at without one."""
    towards_a_proof = case.state in {State.AWAITING_CONTACT_PROOF, State.PROBATION}
    issue = (case.proof.code_is_over, case.issue.wrong, bool(case.issue.link_digest)) if case.issue else None
    who = (len(set(case.deciders)), case.score < case.policy.single_approval_score)
    beside = (bool(case.assignee), case.with_lead, bool(case.files_waiting))
    return (
        *(case.state, case.reason, bool(case.proof.wanted), issue if towards_a_proof else None, case.freeze),
        *(bool(case.frozen_until), bool(case.evidence), bool(case.asked), bool(case.proposal), case.contested_in),
        *(bool(case.begun_at), case.to_do, case.undoing, bool(case.link_used_at), bool(case.secret)),
        *(bool(case.password_set_at), case.can_reopen),
        who if case.state in AT_THE_DESK | {State.AWAITING_ANSWER} else None,
        beside if case.freeze is Freeze.NONE or case.state is State.CONTESTED else None,
    )


def _possible(case: Claim, now: datetime) -> Iterator[Event]:
    if case.number == 0:
        yield events.CaseOpened(now)
    elif case.proof.wanted and not case.is_closed:
        number = case.proof.issues + 1
        yield CodeIssued(now, number, (), "k1/k1", code(number), link(number))
    else:
        for deadline in deadlines(case):
            yield deadline.event
        yield from _done_by_people(case, now + TICK)
        yield from _done_by_the_desk(case, now + TICK)
        yield from _done_by_the_machine(case, now + TICK)


def _done_by_people(case: Claim, now: datetime) -> Iterator[Event]:
    newest = case.proof.issues
    commands = (
        events.GiveContact(case.holder, REACHED_AT),
        events.SubmitCode(case.holder, newest, code(newest)),
        events.SubmitCode(case.holder, newest, WRONG),
        events.UseLink(case.holder, link(newest)),
        events.ResendCode(case.holder),
        events.GiveEvidence(case.holder, "evidence-1", files=1),
        events.Reply(case.holder, "message-1"),
        events.Enter(case.holder),
        events.Withdraw(case.holder),
        events.Reopen(case.holder),
        events.SetPassword(case.holder, "vault-1"),
        events.Take("sam"),
        events.Release("sam"),
        events.WriteNote("sam", "note-1"),
        events.SendMessage("sam", "message-2"),
        events.Reveal("sam", "contact"),
    )
    for command in commands:
        try:
            event = decide(case, command, now)
        except CaseError:
            continue
        if isinstance(event, events.ContactProved):
            yield replace(event, sight=ContactSight((ACCOUNT,)))
        elif isinstance(event, events.EvidenceGiven):
            yield replace(event, survey=Survey(ACCOUNT, contacts=(OLD_EMAIL,)), score=80)
            yield replace(event, survey=Survey(ACCOUNT, contacts=(OLD_EMAIL,)), score=10)
        else:
            yield event


def _done_by_the_desk(case: Claim, now: datetime) -> Iterator[Event]:
    for outcome in sorted(outcomes_now(case)):
        for agent in SEVERAL:
            for plan in plans(case)[:1] if outcome is Outcome.APPROVE else ("",):
                decision = Decision(
                    REFERENCE,
                    case.version,
                    f"decision-{case.number}-{agent.name}",
                    outcome,
                    reasons("claim", outcome)[0],
                    agent.name,
                    now,
                    "test:proof",
                    items=(Item.EXPLANATION,) if outcome is Outcome.ASK else (),
                    plan=plan,
                )
                yield judge(case, decision, Verdict(now, None, agent.role), now)
    yield events.DecisionRefused(now, f"forged-{case.number}", Doubt.UNPROVEN, "eve")


def _done_by_the_machine(case: Claim, now: datetime) -> Iterator[Event]:
    for may_object in (True, False):
        yield objected(case, "received-1", now, now, may_object=may_object)
    if case.state in AT_THE_DESK and not case.with_lead:
        yield events.Nudged(now)  # once the date has passed
    if case.files_waiting:
        yield events.FilesScanned(now, case.files_waiting, 0)
    if case.freeze is Freeze.WANTED:
        yield events.AccountFrozen(now, 1)
        yield events.FreezeWithheld(now)
    if case.freeze is Freeze.ENDING:
        yield events.FreezeEnded(now)
    if case.state is State.HANDING_BACK and case.begun_at is None:
        yield events.HandBackBegun(now)
    elif case.to_do:
        yield events.StepDone(now, case.to_do[0], "done")
        yield events.StepDelayed(now, case.to_do[0])
    if case.secret:
        yield events.PasswordApplied(now, 1)
        yield events.PasswordLost(now)
        yield events.PasswordRefused(now, "barred")
