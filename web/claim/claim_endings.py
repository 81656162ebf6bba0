"""What the last page of a claim says when the account was not given back: what happened, and the way on."""

from collections.abc import Iterable

from domain import claim_events
from domain.claim import Claim, State
from domain.decisions import Reason
from storage.reads import Entry
from web.claim.endings import UNCHANGED, Ending
from web.times import span
from web.words import REASONS_TO_CLAIMANT

AGAIN = "You can make a new claim, with what you know by then."
APPEAL = "A decision can be appealed: another agent looks at it anew. Appeals are not built into these pages yet."


def ending_of(case: Claim, entries: Iterable[Entry] = ()) -> Ending | None:
    """The words for this end; None while the claim is open, or when it ended well."""
    match case.state:
        case State.DENIED:
            return Ending(
                "Your claim is denied",
                (f"An agent decided so, because {_why(case.because)}. {UNCHANGED}",),
                (APPEAL, "Until then write to the address below, with the reference, before you start again.", AGAIN),
                again_at="/claim",
            )
        case State.WITHDRAWN:
            return Ending(
                "You withdrew this claim",
                (f"Nobody looks at it any more. {UNCHANGED}",),
                (AGAIN,),
                again_at="/claim",
            )
        case State.EXPIRED:
            return _expired(case)
        case State.STOPPED:
            return _stopped(case, entries)
        case State.UNDONE:
            return _undone(case, entries)
        case _:
            return None


def _why(reason: str) -> str:
    known = {item.value: words for item, words in REASONS_TO_CLAIMANT.items()}
    return known.get(reason, "it was not clear that the account is yours")


def _expired(case: Claim) -> Ending:
    waited = span(case.policy.claim_wait)
    if case.can_reopen:
        return Ending(
            "Your claim is closed for now",
            (f"We waited {waited} and heard nothing from you. {UNCHANGED} Everything that you gave is kept.",),
            until_words="You can take it up again until",
            until=case.reopen_until,
        )
    if case.because == State.AWAITING_CONTACT_PROOF:
        return Ending(
            "Your claim is closed",
            (f"No contact was proved within {waited}, so nobody could have answered you. {UNCHANGED}",),
            (AGAIN,),
            again_at="/claim",
        )
    return Ending(
        "Your claim is closed",
        (f"We waited {waited} and heard nothing from you. The time to take it up again is over. {UNCHANGED}",),
        (AGAIN,),
        again_at="/claim",
    )


def _stopped(case: Claim, entries: Iterable[Entry]) -> Ending:
    if case.because == "silence":
        return Ending(
            "Your claim was stopped",
            (f"{_silence(case)} {UNCHANGED}",),
            (AGAIN,),
            again_at="/claim",
        )
    reason = _last_reason(entries)
    return Ending(
        "Your claim was stopped",
        (f"An agent stopped it, because {_why(reason)}. {UNCHANGED}",),
        (APPEAL, "Until then write to the address below if you think that this is wrong. A person reads it."),
        again_at="" if reason == Reason.SUSPICIOUS else "/claim",
    )


def _undone(case: Claim, entries: Iterable[Entry]) -> Ending:
    decided = f"An agent decided so, because {_why(_last_reason(entries))}."
    why = _silence(case) if case.because == "silence" else decided
    return Ending(
        "The hand-back was undone",
        (f"{why} The contacts of the account are what they were before your claim, and everybody is signed out.",),
        (APPEAL, "Until then write to the address below if you think that this is wrong. A person reads it."),
        again_at="",
    )


def _silence(case: Claim) -> str:
    waited = span(case.policy.contest_wait)
    return f"Somebody who reads an older contact of the account objected, and you said nothing for {waited}."


def _last_reason(entries: Iterable[Entry]) -> str:
    reasons = [entry.event.reason for entry in entries if isinstance(entry.event, claim_events.DecisionRecorded)]
    return reasons[-1] if reasons else ""
