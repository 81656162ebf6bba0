"""Words that only agents read: what was compared, what may be decided and what follows from it."""

from domain.claim import Freeze, State
from domain.claim_events import Promise, Step
from domain.clock import PauseReason
from domain.decisions import Item, Outcome
from domain.evidence import FactKind, Finding
from web.words import Said

FACTS: dict[FactKind, str] = {
    FactKind.PROVED_CONTACT: "Proved contact",
    FactKind.FORMER_CONTACT: "Former contact",
    FactKind.USERNAME: "Username",
    FactKind.EMAIL: "E-mail",
    FactKind.PHONE: "Phone",
    FactKind.PASSWORD: "Earlier passwords",
    FactKind.RECOVERY_CODE: "Recovery code",
    FactKind.CREATED: "Opened in",
    FactKind.DEVICE: "Devices",
    FactKind.FILES: "Files",
}
REASONS_OF_SCORE: dict[tuple[FactKind, Finding], str] = {
    (FactKind.PROVED_CONTACT, Finding.MATCHED): "The proved contact belongs to the account",
    (FactKind.FORMER_CONTACT, Finding.MATCHED): "The proved contact belonged to the account once",
    (FactKind.USERNAME, Finding.MATCHED): "The username fits",
    (FactKind.USERNAME, Finding.NOT_MATCHED): "The username does not fit",
    (FactKind.EMAIL, Finding.MATCHED): "The e-mail address was registered",
    (FactKind.EMAIL, Finding.NOT_MATCHED): "The e-mail address was never registered",
    (FactKind.PHONE, Finding.MATCHED): "The phone number was registered",
    (FactKind.PHONE, Finding.NOT_MATCHED): "The phone number was never registered",
    (FactKind.PASSWORD, Finding.MATCHED): "An earlier password fits",
    (FactKind.PASSWORD, Finding.NOT_MATCHED): "No password fits",
    (FactKind.RECOVERY_CODE, Finding.MATCHED): "A saved recovery code fits",
    (FactKind.RECOVERY_CODE, Finding.NOT_MATCHED): "The recovery code does not fit",
    (FactKind.CREATED, Finding.MATCHED): "The month of opening is right",
    (FactKind.CREATED, Finding.NOT_MATCHED): "The month of opening is wrong",
    (FactKind.DEVICE, Finding.MATCHED): "A device was used with the account",
}
"""Only what can move the score; the others stand in the table."""
FINDINGS: dict[Finding, Said] = {
    Finding.MATCHED: Said("Fits", "good"),
    Finding.NOT_MATCHED: Said("Does not fit", "bad"),
    Finding.UNKNOWN: Said("Cannot be told"),
}
FINDINGS_OF: dict[tuple[FactKind, Finding], Said] = {
    (FactKind.PROVED_CONTACT, Finding.MATCHED): Said("Of the account", "good"),
    (FactKind.PROVED_CONTACT, Finding.NOT_MATCHED): Said("Not of the account"),
    (FactKind.FORMER_CONTACT, Finding.MATCHED): Said("Was of the account", "good"),
    (FactKind.FORMER_CONTACT, Finding.NOT_MATCHED): Said("Never of the account"),
    (FactKind.DEVICE, Finding.MATCHED): Said("Used before", "good"),
    (FactKind.DEVICE, Finding.NOT_MATCHED): Said("Never seen"),
    (FactKind.FILES, Finding.UNKNOWN): Said("To look at"),
}
"""Where "fits" would be the wrong word."""
GIVEN: dict[str, str] = {
    "contact": "Proved contact",
    "username": "Username",
    "email": "E-mail",
    "phone": "Phone",
    "created": "Opened in",
    "devices": "Devices",
    "what": "What happened",
    "error_code": "Error code",
    "app_version": "App version",
}
"""What a claimant gave, as it is stored. Passwords and recovery codes are never among it."""
OPEN = frozenset({"what", "error_code", "app_version"})
"""What was written to the desk itself, or is about no person: shown without asking."""
FACT_OF_GIVEN: dict[str, FactKind] = {
    "username": FactKind.USERNAME,
    "email": FactKind.EMAIL,
    "phone": FactKind.PHONE,
    "created": FactKind.CREATED,
    "devices": FactKind.DEVICE,
}
ABOUT_THE_CONTACT = frozenset({FactKind.PROVED_CONTACT, FactKind.FORMER_CONTACT})
"""Facts about the contact that the claimant proved."""
FILE_STATES: dict[str, Said] = {
    "waiting": Said("Being scanned", "wait"),
    "clean": Said("Clean", "good"),
    "refused": Said("Refused", "bad"),
}
FILE_REFUSALS: dict[str, str] = {
    "infected": "the scanner found something harmful; the file was deleted",
    "not_scanned": "no scanner was there to look at it; the file was deleted",
    "erased": "the file could be read no more",
}
TYPES: dict[str, str] = {
    "image/jpeg": "JPEG image",
    "image/png": "PNG image",
    "image/webp": "WebP image",
    "application/pdf": "PDF document",
}

ITEMS: dict[Item, str] = {
    Item.USERNAME: "Username",
    Item.EMAIL: "Registered e-mail",
    Item.PHONE: "Registered phone",
    Item.PASSWORDS: "Earlier passwords",
    Item.CREATED: "Month of opening",
    Item.DEVICES: "Devices",
    Item.RECOVERY_CODE: "Saved recovery code",
    Item.DOCUMENT: "A file",
    Item.EXPLANATION: "An explanation",
}
PROMISES: dict[Promise, str] = {Promise.FIRST_ANSWER: "First answer", Promise.DECISION: "Decision"}
PAUSES: dict[PauseReason, str] = {PauseReason.WAITING_FOR_CLAIMANT: "waited for the claimant"}
STEPS: dict[Step, str] = {
    Step.LIFT_FREEZE: "Lift the freeze",
    Step.CHANGE_CONTACTS: "Change the contacts",
    Step.END_SESSIONS: "End all sessions",
    Step.SEND_LINK: "Send the link to set a password",
    Step.RESTORE_CONTACTS: "Put the contacts back",
    Step.RESTORE_FREEZE: "Put the freeze back",
}
STEPS_DONE: dict[Step, str] = {
    Step.LIFT_FREEZE: "lifted the freeze",
    Step.CHANGE_CONTACTS: "changed the contacts",
    Step.END_SESSIONS: "ended all sessions",
    Step.SEND_LINK: "sent the link to set a password",
    Step.RESTORE_CONTACTS: "put the contacts back",
    Step.RESTORE_FREEZE: "put the freeze back as it was",
}
FREEZES: dict[Freeze, str] = {
    Freeze.NONE: "not frozen by this claim",
    Freeze.WANTED: "being frozen",
    Freeze.ON: "frozen",
    Freeze.WITHHELD: "not frozen: it was, not long ago",
    Freeze.ENDING: "the freeze is being ended",
    Freeze.OVER: "no longer frozen by this claim",
}
NOT_TAKEN: dict[str, str] = {
    "barred": "the account takes none now",
    "superseded": "another case has set one since",
}
"""Why the account system refused a password."""
ENDED_BY: dict[str, str] = {
    "agent": "stopped by an agent",
    "silence": "the claimant said nothing",
    "undone": "rolled back",
    State.AWAITING_CONTACT_PROOF: "no contact was proved",
    State.AWAITING_EVIDENCE: "no evidence came",
    State.AWAITING_ANSWER: "no answer came",
}

CHOICES: dict[Outcome, tuple[str, str]] = {
    Outcome.APPROVE: ("Approve the hand-back", "Cooling-off first; every safe contact of the account is told"),
    Outcome.DENY: ("Deny the claim", "The claim ends; the claimant reads the reason"),
    Outcome.ASK: ("Ask for more", "Named things; the clock stands still until they come"),
    Outcome.ESCALATE: ("Pass it to a lead", "Only a lead decides it then"),
    Outcome.UNDO: ("Roll the hand-back back", "Contacts and freeze become again what they were before it"),
    Outcome.STOP: ("Stop the claim", "It ends for good; nothing in the account changes"),
    Outcome.KEEP_FREEZE: ("Keep the account frozen", "The freeze no longer ends by itself"),
    Outcome.LIFT_FREEZE: ("End the freeze", "The account can be used again at once"),
}
"""What may be decided, with what follows from it; in the order in which they stand."""
BUTTONS: dict[Outcome, str] = {
    Outcome.ALLOW: "Allow one more code",
    **{outcome: says for outcome, (says, _) in CHOICES.items()},
}
