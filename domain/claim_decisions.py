"""What an agent's decision makes happen to a claim: recorded or refused with the doubt, never raised (design 3)."""

from datetime import datetime

from domain.case import Kind
from domain.claim import BEFORE_THE_EFFECT, Claim, Freeze, State
from domain.claim_deadlines import caught_up
from domain.claim_events import DecisionRecorded, DecisionRefused
from domain.decisions import ALL, APPROVERS, KEEP, LEADS, OUTCOMES, Decision, Doubt, Item, Outcome, Verdict, reasons
from domain.plain import plain

_FREEZING = frozenset({Outcome.KEEP_FREEZE, Outcome.LIFT_FREEZE})


def judge(case: Claim, decision: Decision, verdict: Verdict, now: datetime) -> DecisionRecorded | DecisionRefused:
    """Judged by when it was received: late because no worker was there is not late."""
    doubt = verdict.doubt or doubt_about(caught_up(case, verdict.received_at), decision, verdict.role)
    if doubt:
        return DecisionRefused(now, plain(decision.id), doubt, plain(decision.agent))
    return DecisionRecorded(
        now,
        decision.id,
        Outcome(decision.outcome),
        decision.reason,
        decision.agent,
        verdict.received_at,
        decision.text,
        decision.items,
        decision.plan,
    )


def doubt_about(case: Claim, decision: Decision, role: str) -> Doubt | None:
    """Why this decision may not be taken; None if it may. The desk asks the same before it sends one."""
    if decision.case != case.reference:
        return Doubt.UNPROVEN
    if decision.outcome not in OUTCOMES[Kind.CLAIM]:
        return Doubt.UNKNOWN_OUTCOME
    outcome = Outcome(decision.outcome)
    if decision.reason not in reasons(Kind.CLAIM, outcome):
        return Doubt.UNKNOWN_REASON
    if outcome not in outcomes_now(case):
        return Doubt.NOT_NOW
    if decision.version != case.version:
        return Doubt.STALE
    return _who(case, outcome, decision.agent, role) or _what(case, decision, outcome)


def outcomes_now(case: Claim) -> frozenset[Outcome]:
    """What may be decided in this state, whoever decides it."""
    found: set[Outcome] = set()
    if case.undoing or case.is_closed:
        return frozenset()
    match case.state:
        case State.AWAITING_REVIEW:
            found = {Outcome.APPROVE, Outcome.DENY, Outcome.ASK, Outcome.ESCALATE, Outcome.STOP}
        case State.AWAITING_SECOND_APPROVAL:
            found = {Outcome.APPROVE, Outcome.DENY} | ({Outcome.STOP} if case.begun_at is None else set())
        case State.CONTESTED if case.contested_in is State.PROBATION:
            found = {Outcome.APPROVE, Outcome.ASK, Outcome.ESCALATE, Outcome.UNDO}
        case State.CONTESTED:
            found = {Outcome.APPROVE, Outcome.DENY, Outcome.ASK, Outcome.ESCALATE, Outcome.STOP}
        case state if state in BEFORE_THE_EFFECT and case.begun_at is None:
            found = {Outcome.STOP}
    if case.with_lead:
        found.discard(Outcome.ESCALATE)
    if case.freeze is Freeze.ON and case.contested_in is None:
        found |= _FREEZING if case.frozen_until else {Outcome.LIFT_FREEZE}
    return frozenset(found)


def _who(case: Claim, outcome: Outcome, agent: str, role: str) -> Doubt | None:
    """Four eyes: who proposed does not approve, and after an objection somebody else decides."""
    if case.with_lead and outcome not in _FREEZING and case.state is State.AWAITING_REVIEW and role not in LEADS:
        return Doubt.ROLE
    if case.proposal and outcome in {Outcome.APPROVE, Outcome.DENY}:
        if agent == case.proposal.agent:
            return Doubt.SAME_PERSON
        return None if role in APPROVERS else Doubt.ROLE
    if case.state is State.CONTESTED and outcome not in {Outcome.ASK, Outcome.ESCALATE} and agent in case.deciders:
        return Doubt.SAME_PERSON
    return None


def _what(case: Claim, decision: Decision, outcome: Outcome) -> Doubt | None:
    if outcome is Outcome.ASK and (not decision.items or not set(decision.items) <= set(Item)):
        return Doubt.NO_ITEMS
    if outcome is Outcome.APPROVE and case.proposal is None and decision.plan not in plans(case):
        return Doubt.NO_PLAN
    return None


def plans(case: Claim) -> tuple[str, ...]:
    """What an approval may do with the contacts: nothing if the proved one is one of them, else replace one or all.

    Without a known account nothing can be handed back. After an objection in the probation the contacts stay.
    """
    if case.survey is None or not case.survey.account or not case.contact:
        return ()
    if case.contested_in is State.PROBATION or case.survey.proved:
        return (KEEP,)
    return (*(contact.id for contact in case.survey.contacts), ALL)
