"""The timeline of a case in words, for agents. Nothing personal: who is a role, an agent's name, or the clock."""

from dataclasses import dataclass
from datetime import datetime

from domain import recovery
from domain.decisions import Outcome, Reason
from domain.recovery import Recovery
from storage.reads import Entry
from web import words


@dataclass(frozen=True)
class Line:
    at: datetime
    who: str
    what: str
    more: str = ""
    at_mark: str = "done"
    """done or bad: the mark on the rail."""


BAD = frozenset({"code_refused", "second_proof_refused", "decision_refused", "owner_objected", "account_barred"})


def line_of(entry: Entry) -> Line:
    """One event as a sentence: who, what, and what helps to understand it."""
    event = entry.event
    who = getattr(event, "agent", "") or words.PARTIES[entry.actor]
    what = words.event(entry.after.kind, event.kind)
    return Line(event.at, who, what, _more(entry), "bad" if event.kind in BAD else "done")


def _more(entry: Entry) -> str:
    case = entry.after
    match entry.event:
        case recovery.CodeIssued() as issued if isinstance(case, Recovery) and case.issue:
            return f"number {issued.issue}, by {words.CHANNELS[case.issue.to.channel]}"
        case recovery.CodeRefused() if isinstance(case, Recovery) and case.issue:
            return f"try {case.issue.wrong} of {case.policy.tries_per_code}"
        case recovery.CodeAccepted() as accepted:
            return f"with the {accepted.via}"
        case recovery.AccountBarred() as barred:
            return words.STANDINGS[barred.sight.standing]
        case recovery.PasswordApplied() as applied:
            return f"{applied.sessions} sessions"
        case recovery.DecisionRecorded() as recorded:
            return f"{words.OUTCOMES[Outcome(recorded.outcome)]}: {reason_words(recorded.reason)}"
        case recovery.DecisionRefused() as refused:
            return words.DOUBTS[refused.doubt]
        case _:
            return ""


def reason_words(code: str) -> str:
    """The words for a reason code; the code itself if it came from a client that has others."""
    return words.REASONS[Reason(code)].lower() if code in set(Reason) else code
