"""The words and tones of states, events, reasons and refusals: one place, tested against the enums of the domain."""

from dataclasses import dataclass
from typing import Literal

from domain import claim, recovery
from domain.case import Channel, Party
from domain.decisions import Doubt, Outcome, Reason
from domain.recovery import Standing
from storage.identifiers import Problem

Tone = Literal["now", "good", "soon", "bad", "wait", ""]


@dataclass(frozen=True)
class Said:
    """A word and its tone. The tone never stands alone."""

    word: str
    tone: Tone = ""


R = recovery.State

RECOVERY_STATES: dict[recovery.State, Said] = {
    R.OPENING: Said("Opening", "now"),
    R.AWAITING_CONTACT: Said("Waiting for a contact", "wait"),
    R.AWAITING_CODE: Said("Waiting for the code", "wait"),
    R.AWAITING_RESEND: Said("Waiting to send again", "wait"),
    R.AWAITING_HELP: Said("Out of codes", "soon"),
    R.AWAITING_ACCOUNT: Said("Waiting for the choice of account", "wait"),
    R.AWAITING_SECOND_PROOF: Said("Waiting for a second proof", "wait"),
    R.AWAITING_NEW_PASSWORD: Said("Waiting for the password", "wait"),
    R.APPLYING_PASSWORD: Said("Setting the password", "now"),
    R.RECOVERED: Said("Recovered", "good"),
    R.EXPIRED: Said("Expired"),
    R.WITHDRAWN: Said("Withdrawn"),
    R.STOPPED: Said("Stopped", "bad"),
    R.REFERRED: Said("Goes on elsewhere"),
}

CLAIM_STATES: dict[claim.State, Said] = {
    claim.State.OPENING: Said("Opening", "now"),
    claim.State.AWAITING_CONTACT_PROOF: Said("Waiting for the address", "wait"),
}

KINDS: dict[str, str] = {"recovery": "Recovery", "claim": "Claim"}
CHANNELS: dict[str, str] = {Channel.EMAIL: "e-mail", Channel.SMS: "text message"}

PARTIES: dict[str, str] = {
    Party.CLAIMANT: "Claimant",
    Party.OWNER: "Owner",
    Party.AGENT: "Agent",
    Party.CLOCK: "Clock",
    Party.MACHINE: "Machine",
}

STANDINGS: dict[Standing, str] = {
    Standing.ACTIVE: "active",
    Standing.SECOND_FACTOR: "active, with a second factor",
    Standing.BANNED: "banned",
    Standing.FROZEN: "frozen",
    Standing.BEING_DELETED: "being deleted",
    Standing.GONE: "gone",
}

OUTCOMES: dict[Outcome, str] = {
    Outcome.ALLOW: "allowed one more code",
    Outcome.STOP: "stopped the case",
}

REASONS: dict[Reason, str] = {
    Reason.CODES_USED_UP: "Codes used up by mistake",
    Reason.DELIVERY_PROBLEM: "Messages did not arrive",
    Reason.SUSPICIOUS: "It looks like somebody else",
    Reason.ASKED_BY_CLAIMANT: "The claimant asked for it",
}
REASONS_TO_CLAIMANT: dict[Reason, str] = {
    Reason.CODES_USED_UP: "the codes were used up",
    Reason.DELIVERY_PROBLEM: "our messages did not arrive",
    Reason.SUSPICIOUS: "it was not clear that the account is yours",
    Reason.ASKED_BY_CLAIMANT: "you asked us to",
}

DOUBTS: dict[Doubt, str] = {
    Doubt.UNPROVEN: "it carried no valid proof of who decided",
    Doubt.ROLE: "the role of this agent does not allow it",
    Doubt.OWN_ACCOUNT: "agents do not decide about their own accounts",
    Doubt.STALE: "the case had moved on since the agent looked at it",
    Doubt.NOT_NOW: "the case does not take this decision now",
    Doubt.UNKNOWN_OUTCOME: "there is no such outcome",
    Doubt.UNKNOWN_REASON: "there is no such reason",
}

PROBLEMS: dict[Problem, str] = {
    Problem.EMPTY: "Write a username, an e-mail address or a phone number",
    Problem.TOO_LONG: "That is too long. Write at most 254 characters",
    Problem.EMAIL: "Write an e-mail address with an @, such as name@example.org",
    Problem.PHONE: "Write a phone number with its country, such as +44 7700 900001",
    Problem.USERNAME: "Write a username without spaces, an e-mail address or a phone number",
}
CONTACT_PROBLEMS: dict[Problem, str] = PROBLEMS | {
    Problem.EMPTY: "Write an e-mail address or a phone number",
    Problem.EMAIL: "Write an e-mail address with an @, such as name@example.org, or a phone number",
    Problem.USERNAME: "Write an e-mail address or a phone number",
}

RECOVERY_EVENTS: dict[str, str] = {
    "case_opened": "opened the case",
    "contact_given": "said where to send the code",
    "code_requested": "asked for a new code",
    "code_issued": "made a code",
    "code_refused": "entered a code that is not correct",
    "code_expired": "ended the code: its time was over",
    "cooldown_ended": "made a new code possible",
    "code_accepted": "proved a contact",
    "account_chosen": "chose an account",
    "second_proof_accepted": "gave a second proof",
    "second_proof_refused": "gave a second proof that is not correct",
    "proof_lapsed": "ended the proof: the time for the next step was over",
    "password_submitted": "sent a new password",
    "password_applied": "set the new password and ended all sessions",
    "password_lost": "could not set the password; nothing changed",
    "account_barred": "found that the account cannot be recovered this way now",
    "help_asked": "asked the desk for help",
    "decision_recorded": "decided",
    "decision_refused": "sent a decision that was refused",
    "owner_objected": "said “this was not me”",
    "superseded": "stopped the case: another case of the account was quicker",
    "withdrawn": "withdrew the case",
    "case_expired": "closed the case: its time was over",
}

CLAIM_EVENTS: dict[str, str] = {
    "case_opened": "opened the claim with “this was not me”",
    "account_frozen": "froze the account and ended all sessions",
    "freeze_withheld": "did not freeze the account: it was frozen this way not long ago",
    "freeze_lapsed": "ended the freeze: its time was over",
}

COMING: dict[str, str] = {
    "code_expired": "The code stops working",
    "cooldown_ended": "A new code can be asked for",
    "proof_lapsed": "The proof lapses; a contact must be proved again",
    "case_expired": "The case closes",
    "freeze_lapsed": "The freeze ends, unless an agent keeps it",
}
"""What the clock will do if nobody acts before it."""

NOTICES: dict[str, str] = {
    "code": "Code and link",
    "password-changed": "New password set",
    "password-not-set": "Password not set",
    "account-frozen": "Account frozen",
    "freeze-ended": "Freeze ended",
}
NOTICE_STATES: dict[str, Said] = {
    "queued": Said("Waiting to be sent", "wait"),
    "handed_over": Said("Handed over", "good"),
    "delivered": Said("Delivered", "good"),
    "bounced": Said("Came back", "bad"),
    "failed": Said("Not sent", "bad"),
}


def state(kind: str, name: str) -> Said:
    """The word for a state of a case of this kind."""
    return CLAIM_STATES[claim.State(name)] if kind == "claim" else RECOVERY_STATES[recovery.State(name)]


def event(kind: str, name: str) -> str:
    """What happened, to follow the name of who did it."""
    return (CLAIM_EVENTS if kind == "claim" else RECOVERY_EVENTS)[name]


def capitalised(text: str) -> str:
    """The first letter large, the others as they are."""
    return text[:1].upper() + text[1:]
