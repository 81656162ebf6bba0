"""What may be decided about a claim now, by whom, and what follows: the rules asked before anybody presses a button."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain import claim_decisions
from domain.case import Audience, Kind
from domain.claim import Claim, State, hold_length, needs_second_approval, probation_length
from domain.claim_decisions import outcomes_now, plans
from domain.decisions import ALL, KEEP, Decision, Doubt, Item, Outcome, Reason, reasons
from storage.desk import Agent
from web import words as common
from web.desk import words
from web.desk.claim_view import contact_words


@dataclass(frozen=True)
class Choice:
    """One outcome. `refused` says why this agent may not choose it; empty if they may."""

    outcome: Outcome
    label: str
    hint: str
    button: str
    reasons: tuple[tuple[Reason, str], ...]
    refused: str = ""


@dataclass(frozen=True)
class Plan:
    """What an approval does with the contacts, and how long everybody has to object."""

    id: str
    says: str
    hold: timedelta
    probation: timedelta
    needs_two: bool


def choices(case: Claim, agent: Agent, now: datetime) -> list[Choice]:
    """Everything that may be decided in this state, also what somebody else has to decide."""
    open_now = outcomes_now(case)
    return [_choice(case, outcome, agent, now) for outcome in words.CHOICES if outcome in open_now]


def _choice(case: Claim, outcome: Outcome, agent: Agent, now: datetime) -> Choice:
    label, hint = _label(case, outcome)
    given = tuple((reason, common.REASONS[reason]) for reason in reasons(Kind.CLAIM, outcome))
    return Choice(outcome, label, hint, label, given, refusal(case, outcome, agent, now))


def _label(case: Claim, outcome: Outcome) -> tuple[str, str]:
    label, hint = words.CHOICES[outcome]
    match outcome:
        case Outcome.APPROVE if case.proposal:
            return "Approve the hand-back", "You are the second person; the cooling-off begins"
        case Outcome.DENY if case.proposal:
            return "Send the proposal back", "It goes back to the review; nobody outside the desk is told"
        case Outcome.APPROVE if case.contested_in is State.PROBATION:
            return "Propose to let the hand-back stand", "Another person has to agree; the probation begins anew"
        case Outcome.APPROVE if always_two(case):
            return "Propose approval", "Another person has to agree before anything happens"
        case _:
            return label, hint


def refusal(case: Claim, outcome: Outcome, agent: Agent, now: datetime) -> str:
    """Why this agent may not decide so, in a sentence; empty if they may."""
    tried = Decision(
        case.reference,
        case.version,
        "",
        outcome,
        reasons(Kind.CLAIM, outcome)[0],
        agent.name,
        now,
        "",
        items=(Item.EXPLANATION,),
        plan=next(iter(plans(case)), ""),
    )
    match claim_decisions.doubt_about(case, tried, agent.role):
        case None:
            return ""
        case Doubt.SAME_PERSON if case.proposal:
            return "You proposed it, so somebody else decides."
        case Doubt.SAME_PERSON:
            return "You took part in what was objected to, so somebody else decides."
        case Doubt.ROLE if case.proposal:
            return "Approvers and leads give the second approval."
        case Doubt.ROLE:
            return "A lead decides this."
        case Doubt.NO_PLAN:
            return "It is not known which account this is about, so there is nothing to hand back."
        case doubt:
            return common.capitalised(common.DOUBTS[doubt]) + "."


def plans_of(case: Claim) -> list[Plan]:
    """What an approval may do with the contacts; of a proposal only what was proposed."""
    found = (case.proposal.plan,) if case.proposal else plans(case)
    return [_plan(case, plan) for plan in found]


def _plan(case: Claim, plan: str) -> Plan:
    after = replace(case, plan=plan)
    two = case.proposal is None and needs_second_approval(case, plan)
    return Plan(plan, plan_words(case, plan), hold_length(after), probation_length(after), two)


def plan_words(case: Claim, plan: str) -> str:
    """What becomes of the contacts, without any address."""
    if plan == KEEP:
        return "Keep the contacts as they are"
    seen = {one.id: one for one in case.survey.contacts} if case.survey else {}
    if plan == ALL and not seen:
        return "Put in the proved contact; the account has no other"
    if plan == ALL:
        return "Replace every contact by the proved one"
    contact = seen.get(plan)
    if contact is None:
        return "Replace one contact"
    says = contact_words(contact.channel, contact.since)
    alike = [one for one in seen.values() if contact_words(one.channel, one.since) == says]
    return f"Replace the {says}" + (f" ({plan})" if len(alike) > 1 else "")


def why_two(case: Claim) -> list[str]:
    """Why one person is not enough for this account, whatever becomes of its contacts."""
    found = []
    if case.score < case.policy.single_approval_score:
        found.append(f"The score is {case.score}, below {case.policy.single_approval_score}.")
    if case.survey and case.survey.high_value:
        found.append("It is a high-value account.")
    if case.contested_in:
        found.append("Somebody objected.")
    return found


def always_two(case: Claim) -> bool:
    """Whether any approval is only a proposal."""
    offered = plans(case)
    return case.proposal is None and bool(offered) and all(needs_second_approval(case, plan) for plan in offered)


def may_be_one(case: Claim) -> bool:
    """Whether some approvals need a second person and some do not."""
    needs = {needs_second_approval(case, plan) for plan in plans(case)}
    return case.proposal is None and len(needs) > 1


def audience_of(case: Claim, outcome: Outcome, plan: str) -> Audience:
    """Who reads what an agent writes beside a decision: the claimant, or only the desk.

    Words to whoever proposed, to a second person or to a lead never leave the desk.
    """
    match outcome:
        case Outcome.APPROVE:
            is_proposal = case.proposal is None and needs_second_approval(case, plan)
            return Audience.DESK if is_proposal else Audience.BOTH
        case Outcome.DENY:
            return Audience.DESK if case.proposal else Audience.BOTH
        case Outcome.ASK | Outcome.STOP | Outcome.UNDO:
            return Audience.BOTH
        case _:
            return Audience.DESK
