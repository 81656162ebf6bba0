"""The timeline of a case in words, for agents. Nothing personal: who is a role, an agent's name, or the clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from domain import claim_deadlines, claim_events, contact_proof, recovery
from domain.case import Audience
from domain.claim import Claim
from domain.decisions import Doubt, Outcome, Reason
from domain.recovery import Recovery, Sight, Standing
from storage import folding
from storage.reads import Entry
from web import words
from web.desk import claim_lines

BAD = frozenset(
    {
        "code_refused",
        "second_proof_refused",
        "decision_refused",
        "owner_objected",
        "account_barred",
        "promise_missed",
        "step_delayed",
        "approval_lapsed",
        "password_lost",
    }
)
LATE = timedelta(seconds=10)
"""A decision that was recorded so much later than it came in had to wait for a worker; the line says so."""

Mark = Literal["done", "bad"]


@dataclass(frozen=True)
class Line:
    """`mark` is the sign on the rail; `since` is when it came in, if that was long before.

    `for_desk`: the claimant's page does not show it.
    """

    at: datetime
    who: str
    what: str
    more: str = ""
    mark: Mark = "done"
    since: datetime | None = None
    for_desk: bool = False


@dataclass(frozen=True)
class Coming:
    """What the clock will do, unless somebody acts before."""

    at: datetime
    what: str


def line_of(entry: Entry, names: Mapping[str, str]) -> Line:
    """One event as a sentence: who, what, and what helps to understand it. `names`: agents as people call them."""
    event = entry.event
    mark: Mark = "bad" if event.kind in BAD else "done"
    for_desk = entry.audience == Audience.DESK
    match event:
        case recovery.DecisionRecorded() | claim_events.DecisionRecorded():
            since = event.received_at if event.at - event.received_at > LATE else None
            who = names.get(event.agent, event.agent)
            return Line(event.at, who, _decided(entry), _why(entry), since=since, for_desk=for_desk)
        case recovery.DecisionRefused() | claim_events.DecisionRefused() if event.doubt is Doubt.UNPROVEN:
            # Without a proof the name is only what the signal says.
            what = f"sent a decision as “{event.agent[:40]}” that was refused"
            return Line(event.at, "Somebody", what, words.DOUBTS[event.doubt], mark, for_desk=for_desk)
        case recovery.DecisionRefused() | claim_events.DecisionRefused():
            what = words.event(entry.after.kind, event.kind)
            who = names.get(event.agent, event.agent)
            return Line(event.at, who, what, words.DOUBTS[event.doubt], mark, for_desk=for_desk)
        case claim_events.OwnerObjected() | claim_events.ObjectionNoted():
            since = event.received_at if event.at - event.received_at > LATE else None
            what = words.event(entry.after.kind, event.kind)
            return Line(event.at, _who(entry, names), what, _more(entry, names), mark, since, for_desk)
        case _:
            what = words.event(entry.after.kind, event.kind)
            if isinstance(entry.after, Claim):
                what = claim_lines.what(entry.event, entry.after) or what
            return Line(event.at, _who(entry, names), what, _more(entry, names), mark, for_desk=for_desk)


def _who(entry: Entry, names: Mapping[str, str]) -> str:
    """An agent by name; everybody else by their part."""
    event, case = entry.event, entry.after
    if isinstance(event, claim_events.CaseOpened) and isinstance(case, Claim) and case.objection:
        return words.PARTIES["owner"]
    agent = getattr(event, "agent", "") if entry.actor == "agent" else ""
    return names.get(agent, agent) or words.PARTIES[entry.actor]


def _decided(entry: Entry) -> str:
    event, case = entry.event, entry.after
    assert isinstance(event, recovery.DecisionRecorded | claim_events.DecisionRecorded)
    if isinstance(case, Claim) and isinstance(event, claim_events.DecisionRecorded):
        return claim_lines.decided(event, case)
    return words.OUTCOMES[Outcome(event.outcome)]


def _why(entry: Entry) -> str:
    event = entry.event
    assert isinstance(event, recovery.DecisionRecorded | claim_events.DecisionRecorded)
    said = [reason_words(event.reason)]
    if isinstance(event, claim_events.DecisionRecorded) and isinstance(entry.after, Claim):
        said += claim_lines.details(event, entry.after)
    return ", ".join(said)


def _more(entry: Entry, names: Mapping[str, str]) -> str:
    case = entry.after
    match entry.event:
        case contact_proof.ContactGiven(to=to):
            return f"by {words.CHANNELS[to.channel]}"
        case contact_proof.CodeRequested(to=to) if to:
            return f"by {words.CHANNELS[to.channel]}"
        case contact_proof.CodeIssued() as issued if case.issue:
            return f"number {issued.issue}, by {words.CHANNELS[case.issue.to.channel]}"
        case contact_proof.CodeRefused() if case.issue:
            return f"try {case.issue.wrong} of {case.policy.tries_per_code}"
        case recovery.CodeAccepted(via=via, sight=sight):
            return ", ".join(part for part in (f"with the {via}", _standing(sight)) if part)
        case recovery.AccountChosen(sight=sight) | recovery.AccountBarred(sight=sight):
            return _standing(sight)
        case (
            recovery.PasswordApplied(sessions=sessions)
            | claim_events.AccountFrozen(sessions=sessions)
            | claim_events.PasswordApplied(sessions=sessions)
        ):
            return {0: "nobody was signed in", 1: "one session ended"}.get(sessions, f"{sessions} sessions ended")
        case _:
            return claim_lines.more(entry.event, names) if isinstance(case, Claim) else ""


def _standing(sight: Sight | None) -> str:
    """How the account stands, if that is worth a word."""
    if sight is None or sight.standing is Standing.ACTIVE:
        return ""
    return f"the account is {words.STANDINGS[sight.standing]}"


def reason_words(code: str) -> str:
    """The words for a reason code; the code itself if it came from a client that has others."""
    said = words.REASONS[Reason(code)] if code in set(Reason) else code[:60]
    return said[:1].lower() + said[1:]


def coming(case: folding.Case) -> list[Coming]:
    """What the clock will do, soonest first."""
    deadlines = recovery.deadlines(case) if isinstance(case, Recovery) else claim_deadlines.deadlines(case)
    found = [Coming(deadline.at, claim_lines.coming(deadline.event)) for deadline in deadlines]
    return sorted(found, key=lambda one: one.at)
