"""Finds every arrow that the rules allow: breadth first, from a case that was just opened.

What may happen next comes from the rules themselves: people through `decide`, agents through `judge`, the clock
through `deadlines`, the machine as the workflow lets it. A code that is wanted is made before anything else happens.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from domain.case import earliest
from domain.decisions import Doubt, Outcome, Verdict
from domain.errors import CaseError
from domain.policy import Policy
from domain.recovery import (
    AccountBarred,
    AccountChosen,
    AskedBy,
    AskHelp,
    CaseOpened,
    ChooseAccount,
    CodeAccepted,
    CodeIssued,
    Command,
    Event,
    GiveContact,
    OwnerObjected,
    PasswordApplied,
    PasswordLost,
    Recovery,
    ResendCode,
    SecondProofAccepted,
    SecondProofRefused,
    SetPassword,
    Standing,
    State,
    SubmitCode,
    SubmitSecondProof,
    Superseded,
    UseLink,
    Withdraw,
    apply,
    deadlines,
    decide,
    judge,
)
from tests.diagram import Arrow
from tests.people import ADA, BY_SMS, NOON, OLU, REFERENCE, SAM
from tests.story import WRONG, code, link

SMALL = replace(Policy(), tries_per_code=2, codes_per_case=2, second_proof_tries=2)
POLICIES = (
    SMALL,
    # A day that is shorter than a code: what else ends first, ends the case here.
    replace(SMALL, case_lifetime=timedelta(minutes=5)),
)
SIGHTS = (None, *(ADA.seen(standing) for standing in Standing))
TICK = timedelta(seconds=1)


def recovery_arrows() -> set[Arrow]:
    """Every `(state, event, state)` that a recovery can go through."""
    first = [
        (Recovery(REFERENCE, asked_by, ADA.browser, policy), NOON)
        for policy in POLICIES
        for asked_by in (AskedBy.EMAIL, AskedBy.USERNAME)
    ]
    found: set[Arrow] = set()
    known = {_likeness(case, now) for case, now in first}
    ahead = deque(first)
    while ahead:
        case, now = ahead.popleft()
        for event in _possible(case, now):
            after = apply(case, event)
            if after is case:
                continue
            found.add((case.state, event.kind, after.state))
            then = max(now, event.at)
            if (likeness := _likeness(after, then)) not in known:
                known.add(likeness)
                ahead.append((after, then))
    return found


def _likeness(case: Recovery, now: datetime) -> object:
    """What of a case decides about its future; clock times only as far as something has come to its end."""
    over = tuple(deadline.event.kind for deadline in deadlines(case) if deadline.at <= now)
    link_is_fresh = bool(case.link_until and now < case.link_until)
    short = case.policy is not SMALL
    return (
        *(case.state, case.asked_by, short, case.wanted, case.codes_left, case.resend_open, case.accounts, case.sight),
        *(case.proofs_refused, bool(case.help_asked_at), over, link_is_fresh),
        replace(case.issue, at=NOON, number=0, digest="", link_digest=bool(case.issue.link_digest) and "out")
        if case.issue
        else None,
    )


def _possible(case: Recovery, now: datetime) -> Iterator[Event]:
    if case.is_closed:
        return
    if case.number == 0:
        yield CaseOpened(now)
    elif case.wanted:
        number = case.issues + 1
        accounts = (ADA.account, OLU.account)
        yield CodeIssued(now, number, accounts, "k1/k1", code(number), link(number))
    else:
        yield from _brought_by_the_clock(case)
        for moment in _moments(case, now):
            yield from _done_by_people(case, moment)
            yield from _done_by_the_desk(case, moment)
            yield from _done_by_the_machine(case, moment)


def _brought_by_the_clock(case: Recovery) -> Iterator[Event]:
    deadline = earliest(deadlines(case))
    if deadline:
        yield deadline.event


def _moments(case: Recovery, now: datetime) -> Iterator[datetime]:
    """Soon, and just before the clock acts next."""
    yield now + TICK
    deadline = earliest(deadlines(case))
    if deadline and deadline.at - TICK > now + TICK:
        yield deadline.at - TICK


def _done_by_people(case: Recovery, now: datetime) -> Iterator[Event]:
    for command in _commands(case):
        try:
            event = decide(case, command, now)
        except CaseError:
            continue
        if isinstance(event, CodeAccepted):
            yield from (replace(event, sight=sight) for sight in SIGHTS)
        elif isinstance(event, AccountChosen):
            yield from (replace(event, sight=sight) for sight in SIGHTS if sight)
        elif isinstance(event, SecondProofRefused):
            yield from (event, SecondProofAccepted(now))
        else:
            yield event


def _commands(case: Recovery) -> tuple[Command, ...]:
    newest = case.issues
    return (
        GiveContact(case.holder, BY_SMS),
        SubmitCode(case.holder, newest, code(newest)),
        SubmitCode(case.holder, newest, WRONG),
        UseLink(case.holder, link(newest)),
        ResendCode(case.holder),
        ChooseAccount(case.holder, ADA.account),
        SubmitSecondProof(case.holder, "vault-1"),
        SetPassword(case.holder, "vault-2"),
        AskHelp(case.holder),
        Withdraw(case.holder),
    )


def _done_by_the_desk(case: Recovery, now: datetime) -> Iterator[Event]:
    for outcome in Outcome:
        yield judge(case, SAM.decides(outcome, version=case.version), Verdict(now), now)
    yield judge(case, SAM.decides(version=case.version, name="forged"), Verdict(now, Doubt.UNPROVEN), now)


def _done_by_the_machine(case: Recovery, now: datetime) -> Iterator[Event]:
    yield OwnerObjected(now, "received-1", now)
    yield Superseded(now)
    if case.state is State.APPLYING_PASSWORD:
        yield PasswordApplied(now, 1)
        yield PasswordLost(now)
        yield AccountBarred(now, ADA.seen(Standing.FROZEN))
