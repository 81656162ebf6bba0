"""The words and tones of states, events, reasons and refusals: one place, tested against the enums of the domain."""

from dataclasses import dataclass
from typing import Literal

from domain import claim, recovery
from domain.case import Channel, Party
from domain.claim_events import Step
from domain.clock import PauseReason
from domain.decisions import Doubt, Item, Outcome, Reason
from domain.recovery import Standing
from storage.identifiers import Problem
from storage.uploads import Refusal

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

C = claim.State

CLAIM_STATES: dict[claim.State, Said] = {
    C.OPENING: Said("Opening", "now"),
    C.AWAITING_CONTACT_PROOF: Said("Waiting for the address", "wait"),
    C.AWAITING_EVIDENCE: Said("Waiting for evidence", "wait"),
    C.AWAITING_REVIEW: Said("Waiting for review", "now"),
    C.AWAITING_ANSWER: Said("Waiting for an answer", "wait"),
    C.AWAITING_SECOND_APPROVAL: Said("Waiting for a second person", "soon"),
    C.CONTESTED: Said("Contested", "bad"),
    C.COOLING_OFF: Said("Cooling-off", "wait"),
    C.HANDING_BACK: Said("Handing back", "now"),
    C.PROBATION: Said("Probation", "good"),
    C.RECOVERED: Said("Recovered", "good"),
    C.DENIED: Said("Denied", "bad"),
    C.WITHDRAWN: Said("Withdrawn"),
    C.EXPIRED: Said("Expired"),
    C.STOPPED: Said("Stopped", "bad"),
    C.UNDONE: Said("Undone", "bad"),
}
CLAIM_REASONS: dict[claim.Reason, str] = {
    claim.Reason.CONTACT: "Contact lost or changed",
    claim.Reason.COMPROMISED: "Somebody else is in the account",
    claim.Reason.DELETED: "Account deleted",
    claim.Reason.OTHER: "Something else",
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
    Outcome.APPROVE: "approved the hand-back",
    Outcome.DENY: "denied the claim",
    Outcome.ASK: "asked the claimant for more",
    Outcome.ESCALATE: "passed the case to a lead",
    Outcome.UNDO: "rolled the hand-back back",
    Outcome.KEEP_FREEZE: "kept the account frozen",
    Outcome.LIFT_FREEZE: "ended the freeze",
}

REASONS: dict[Reason, str] = {
    Reason.CODES_USED_UP: "Codes used up by mistake",
    Reason.DELIVERY_PROBLEM: "Messages did not arrive",
    Reason.SUSPICIOUS: "It looks like somebody else",
    Reason.ASKED_BY_CLAIMANT: "The claimant asked for it",
    Reason.EVIDENCE_FITS: "The evidence fits the account",
    Reason.EVIDENCE_DOES_NOT_FIT: "The evidence does not fit the account",
    Reason.NOT_ENOUGH_EVIDENCE: "There is not enough evidence",
    Reason.NO_SUCH_ACCOUNT: "There is no such account",
    Reason.MORE_NEEDED: "More is needed to decide",
    Reason.HARD_CASE: "A lead has to decide this",
    Reason.OWNER_OBJECTED: "The owner objected",
    Reason.OBJECTION_UNFOUNDED: "The objection is unfounded",
    Reason.ACCOUNT_IN_DANGER: "The account is still in danger",
    Reason.DANGER_IS_OVER: "The danger is over",
}
REASONS_TO_CLAIMANT: dict[Reason, str] = {
    Reason.CODES_USED_UP: "the codes were used up",
    Reason.DELIVERY_PROBLEM: "our messages did not arrive",
    Reason.SUSPICIOUS: "it was not clear that the account is yours",
    Reason.ASKED_BY_CLAIMANT: "you asked us to",
    Reason.EVIDENCE_FITS: "what you gave us fits the account",
    Reason.EVIDENCE_DOES_NOT_FIT: "what you gave us does not fit the account",
    Reason.NOT_ENOUGH_EVIDENCE: "what you gave us is not enough to tell that the account is yours",
    Reason.NO_SUCH_ACCOUNT: "we found no account that fits what you gave us",
    Reason.MORE_NEEDED: "we need more to decide",
    Reason.HARD_CASE: "a colleague with more experience has to decide",
    Reason.OWNER_OBJECTED: "somebody who reads another contact of the account objected",
    Reason.OBJECTION_UNFOUNDED: "the objection to your claim was unfounded",
    Reason.ACCOUNT_IN_DANGER: "the account is still in danger",
    Reason.DANGER_IS_OVER: "the account is no longer in danger",
}

DOUBTS: dict[Doubt, str] = {
    Doubt.UNPROVEN: "it carried no valid proof of who decided",
    Doubt.ROLE: "the role of this agent does not allow it",
    Doubt.OWN_ACCOUNT: "agents do not decide about their own accounts",
    Doubt.STALE: "the case had moved on since the agent looked at it",
    Doubt.NOT_NOW: "the case does not take this decision now",
    Doubt.UNKNOWN_OUTCOME: "there is no such outcome",
    Doubt.UNKNOWN_REASON: "there is no such reason",
    Doubt.SAME_PERSON: "another agent has to decide this, because this agent took part in it",
    Doubt.NO_PLAN: "it did not say what becomes of the contacts",
    Doubt.NO_ITEMS: "it did not say what to ask for",
    Doubt.NO_TEXT: "the text that belongs to it is not there",
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
    "case_opened": "opened the claim",
    "contact_given": "said where to send the code",
    "code_requested": "asked for a new code",
    "code_issued": "made a code",
    "code_refused": "entered a code that is not correct",
    "code_expired": "ended the code: its time was over",
    "cooldown_ended": "made a new code possible",
    "contact_proved": "proved a contact",
    "account_frozen": "froze the account and ended all sessions",
    "freeze_withheld": "did not freeze the account: it was frozen this way not long ago",
    "freeze_lapsed": "ended the freeze: its time was over",
    "freeze_ended": "let the account go",
    "evidence_given": "gave evidence",
    "files_scanned": "scanned the files",
    "reply_sent": "wrote to the desk",
    "nudged": "asked where the answer is",
    "holder_moved": "continued in another browser",
    "reminder_due": "reminded the claimant",
    "promise_missed": "noted a broken promise",
    "taken": "took the case",
    "released": "gave the case back",
    "lease_expired": "gave the case back: nobody worked on it",
    "note_written": "wrote a note for the desk",
    "message_sent": "wrote to the claimant",
    "revealed": "looked at something hidden",
    "decision_recorded": "decided",
    "decision_refused": "sent a decision that was refused",
    "approval_lapsed": "passed the case to a lead: nobody gave the second approval in time",
    "hold_notice_due": "told the owner of the hand-back again",
    "hold_ended": "ended the cooling-off: nobody objected",
    "hand_back_begun": "began the hand-back",
    "step_done": "did a step of the hand-back",
    "step_delayed": "waits for the account system",
    "owner_objected": "objected",
    "objection_noted": "objected, without effect",
    "contest_lapsed": "ended the wait: the claimant said nothing after the objection",
    "link_used": "used the link to set a password",
    "proof_lapsed": "ended the link: the time to set a password was over",
    "password_submitted": "sent a new password",
    "password_applied": "set the new password and ended all sessions",
    "password_lost": "could not set the password; nothing changed",
    "password_refused": "did not take the password",
    "probation_ended": "ended the probation",
    "withdrawn": "withdrew the claim",
    "case_expired": "closed the claim: its time was over",
    "reopened": "took the claim up again",
    "reopen_lapsed": "closed the claim for good",
}

COMING: dict[str, str] = {
    "code_expired": "The code stops working",
    "cooldown_ended": "A new code can be asked for",
    "proof_lapsed": "The proof lapses; a contact must be proved again",
    "case_expired": "The case closes",
    "freeze_lapsed": "The freeze ends, unless an agent keeps it",
    "reminder_due": "The claimant is reminded",
    "promise_missed": "The promised time is over",
    "lease_expired": "The case goes back to everybody, if nobody works on it",
    "approval_lapsed": "The proposal lapses; a lead decides",
    "hold_notice_due": "The owner is told of the hand-back again",
    "hold_ended": "The account is handed back, if nobody objects",
    "contest_lapsed": "The claim ends, if the claimant says nothing",
    "probation_ended": "The probation ends",
    "reopen_lapsed": "The claim can be taken up no more",
}
"""What the clock will do if nobody acts before it."""

NOTICES: dict[str, str] = {
    "code": "Code and link",
    "password-changed": "New password set",
    "password-not-set": "Password not set",
    "account-frozen": "Account frozen",
    "freeze-ended": "Freeze ended",
    "claim-code": "Code for a claim",
    "claim-received": "Claim received",
    "claim-reminder": "Reminder",
    "claim-question": "Question from the desk",
    "claim-message": "Message from the desk",
    "claim-delayed": "We are late",
    "claim-approved": "Claim approved",
    "claim-contested": "Claim contested",
    "claim-ended": "Claim ended",
    "hold-started": "Cooling-off began",
    "hold-middle": "Cooling-off, half of it",
    "hold-ending": "Cooling-off ends soon",
    "hand-back-link": "Link to set a password",
    "handed-back": "Account handed back",
    "hand-back-stopped": "Hand-back stopped",
    "hand-back-undone": "Hand-back undone",
    "way-back": "Way back to the case",
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


# ---- what claimants read of a claim ----

CLAIM_REASONS_TO_CLAIMANT: dict[claim.Reason, str] = {
    claim.Reason.CONTACT: "I no longer have the phone or the mailbox",
    claim.Reason.COMPROMISED: "Somebody else is in my account",
    claim.Reason.DELETED: "My account was deleted",
    claim.Reason.OTHER: "Something else",
}
REFUSALS: dict[Refusal, str] = {
    Refusal.EMPTY: "The file is empty. Choose another one",
    Refusal.TOO_LARGE: "The file is too large. Send at most 10 MB in one file",
    Refusal.TOO_MANY: "These are too many files. Send at most 5 at once",
    Refusal.KIND: "This kind of file is not taken. Send a JPEG, PNG or WebP image",
    Refusal.UNREADABLE: "The file cannot be read. Open it on your device and save it again, or send a screenshot",
    Refusal.TOO_MANY_PIXELS: "The image is too large. Make it smaller and send it again",
    Refusal.DOCUMENT: "PDF files are not taken here. Send a photo or a screenshot of it",
}
"""Why a file is not taken, and what is."""
ITEMS_TO_CLAIMANT: dict[Item, str] = {
    Item.USERNAME: "The username",
    Item.EMAIL: "An e-mail address that the account had",
    Item.PHONE: "A phone number that the account had",
    Item.PASSWORDS: "Earlier passwords",
    Item.CREATED: "The month in which the account was opened",
    Item.DEVICES: "Devices and places where you used it",
    Item.RECOVERY_CODE: "A saved recovery code",
    Item.DOCUMENT: "A file, such as an invoice or a screenshot",
    Item.EXPLANATION: "An answer in your own words",
}
STEPS_TO_CLAIMANT: dict[Step, str] = {
    Step.LIFT_FREEZE: "The account is open",
    Step.CHANGE_CONTACTS: "The contacts are put right",
    Step.END_SESSIONS: "Everybody is signed out",
    Step.SEND_LINK: "The link to set a password is sent",
    Step.RESTORE_CONTACTS: "The contacts are put back",
    Step.RESTORE_FREEZE: "The freeze is as it was",
}
PAUSES: dict[PauseReason, str] = {PauseReason.WAITING_FOR_CLAIMANT: "we waited for your answer"}
FILES_HINT = "JPEG, PNG or WebP, up to 10 MB each, at most 5. Cover what we do not need. We do not want identity cards."
FILES_HINT_WITH_PDF = FILES_HINT.replace("PNG or WebP", "PNG, WebP or PDF")
"""Where a scanner looks at them."""
