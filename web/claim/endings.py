"""What the last page of a case says when the account was not given back: what happened, and the way on."""

from dataclasses import dataclass
from datetime import datetime

from domain.decisions import Reason
from domain.recovery import Recovery, Standing, State
from web.times import span
from web.words import REASONS_TO_CLAIMANT


@dataclass(frozen=True)
class Ending:
    title: str
    lines: tuple[str, ...]
    way_on: tuple[str, ...] = ()
    topic: str = ""
    until_words: str = ""
    until: datetime | None = None
    start_again: bool = False
    claim: str = ""
    """The reason of the claim that leads on, if one does."""
    again_at: str = "/"
    """Where one starts again; empty if that leads nowhere."""


UNCHANGED = "Nothing was changed in the account."


def ending_of(case: Recovery, reason: str = "") -> Ending | None:
    """The words for this end; None while the case is open, or when it ended well. `reason` is an agent's code."""
    match case.state:
        case State.EXPIRED:
            return Ending(
                "This case is closed",
                (f"Its {span(case.policy.case_lifetime)} are over. {UNCHANGED}",),
                start_again=True,
            )
        case State.WITHDRAWN:
            return Ending(
                "You withdrew this case",
                (f"Codes and links that were sent no longer work. {UNCHANGED}",),
                start_again=True,
            )
        case State.STOPPED:
            return _stopped(case, reason)
        case State.REFERRED:
            return _referred(case)
        case _:
            return None


def _stopped(case: Recovery, reason: str) -> Ending:
    if case.because == "superseded":
        return Ending(
            "This case was stopped",
            ("Another case of the same account was quicker, and a new password is set. This one can do nothing more.",),
            ("If that was not you, open “this was not me” in the message that we sent about the new password.",),
        )
    if case.because == "agent":
        known = {item.value: words for item, words in REASONS_TO_CLAIMANT.items()}
        why = f"An agent stopped it, because {known[reason]}." if reason in known else "An agent stopped it."
        again = reason != Reason.SUSPICIOUS
        return Ending(
            "This case was stopped",
            (f"{why} {UNCHANGED}",),
            ("Write to the address below if you think that this is wrong. A person reads it.",),
            start_again=again,
        )
    return Ending(
        "This case was stopped",
        (f"Somebody who reads a contact of the account said “this was not me”. {UNCHANGED}",),
        ("If you are the owner and pressed it by mistake, start again.",),
        start_again=True,
    )


def _referred(case: Recovery) -> Ending:
    until = case.sight.until if case.sight else None
    match case.because:
        case Standing.BANNED:
            return _banned(until)
        case Standing.FROZEN:
            return Ending(
                "The account is frozen",
                (f"Somebody who reads one of its contacts said “this was not me”, so nobody can sign in. {UNCHANGED}",),
                (
                    "If that was you, open the case that the message led you to and go on there.",
                    "If not, wait until the freeze ends, or write to the address below with the reference.",
                ),
                "hacked",
                "The freeze holds until",
                until,
            )
        case Standing.BEING_DELETED:
            return Ending(
                "The account is being deleted",
                (f"Somebody asked for it, so a new password cannot be set. {UNCHANGED}",),
                (
                    "Bringing it back by yourself is not built into these pages yet.",
                    "Make a claim before that date: until then almost everything can come back.",
                ),
                "deleted",
                "It is deleted for good on",
                until,
                claim="deleted",
            )
        case Standing.GONE:
            return Ending("The account no longer exists", ("It was deleted for good, and nothing of it is left.",))
        case _:
            return Ending(
                "A person has to check this",
                (f"The recovery code was refused {case.policy.second_proof_tries} times. {UNCHANGED}",),
                (
                    "If you find the right code, start again: a code that was not used still works.",
                    "If you have none, make a claim: you say what you know about the account, and a person decides.",
                ),
                start_again=True,
                claim="contact",
            )


def _banned(until: datetime | None) -> Ending:
    appeal = "Appeals are not built into these pages yet. Write to the address below with the reference."
    if until is None:
        return Ending(
            "The account is banned",
            (f"It is banned for good, so a new password would not open it. {UNCHANGED}",),
            ("The reasons are in the message that told you about the ban.", appeal),
            "banned",
        )
    return Ending(
        "The account is banned for a time",
        (f"Until then a new password would not open it. {UNCHANGED}",),
        ("After that, start again here if you still need a new password.", appeal),
        "banned",
        "The ban ends",
        until,
    )
