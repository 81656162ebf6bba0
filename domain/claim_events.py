"""What people ask of a claim and what happens to it; what follows is in `domain/claim.py`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from domain.case import Audience, Party
from domain.contact_proof import (
    CodeExpired,
    CodeIssued,
    CodeRefused,
    CodeRequested,
    ContactGiven,
    CooldownEnded,
    Destination,
)
from domain.decisions import Doubt, Outcome
from domain.evidence import Fact


@dataclass(frozen=True)
class ContactSight:
    """What the account system knows of a proved contact.

    `accounts`: those that it belongs to, or belonged to within `policy.current_contact`. `disputed_at`: when it was
    taken off, if it was.
    """

    accounts: tuple[str, ...] = ()
    disputed_at: datetime | None = None


@dataclass(frozen=True)
class ContactSeen:
    """A contact of the account, opaque; an unsafe one is never written to (a mailbox that changed hands)."""

    id: str
    channel: str
    since: datetime
    is_safe: bool = True


@dataclass(frozen=True)
class Survey:
    """The account as the account system described it when the evidence was weighed.

    `proved` is the id of the proved contact if it belongs to the account now.
    """

    account: str
    high_value: bool = False
    contacts: tuple[ContactSeen, ...] = ()
    proved: str = ""
    knows_devices: bool = False
    device_is_known: bool = False
    disputed_at: datetime | None = None


class Step(StrEnum):
    """What a hand-back, and its undoing, consist of; each is recorded with its result."""

    LIFT_FREEZE = "lift_freeze"
    CHANGE_CONTACTS = "change_contacts"
    END_SESSIONS = "end_sessions"
    SEND_LINK = "send_link"
    RESTORE_CONTACTS = "restore_contacts"
    RESTORE_FREEZE = "restore_freeze"


class Promise(StrEnum):
    FIRST_ANSWER = "first_answer"
    DECISION = "decision"


class Stage(StrEnum):
    """When those who could object are told of a hold, besides its start."""

    MIDDLE = "middle"
    ENDING = "ending"


# ---- what people ask ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GiveContact:
    """`by` is the digest of the case secret of the browser that asks, here and below."""

    by: str
    to: Destination
    kind: Literal["give_contact"] = "give_contact"


@dataclass(frozen=True)
class SubmitCode:
    by: str
    issue: int
    digest: str
    kind: Literal["submit_code"] = "submit_code"


@dataclass(frozen=True)
class UseLink:
    """Whoever posts the link becomes the holder, so `by` need not be the present one."""

    by: str
    digest: str
    kind: Literal["use_link"] = "use_link"


@dataclass(frozen=True)
class ResendCode:
    by: str
    to: Destination | None = None
    kind: Literal["resend_code"] = "resend_code"


@dataclass(frozen=True)
class GiveEvidence:
    """`evidence` names what was typed, `secrets` the vault rows of passwords and recovery codes."""

    by: str
    evidence: str
    secrets: tuple[str, ...] = ()
    files: int = 0
    kind: Literal["give_evidence"] = "give_evidence"


@dataclass(frozen=True)
class Reply:
    """`text` names the `message` row."""

    by: str
    text: str
    files: int = 0
    kind: Literal["reply"] = "reply"


@dataclass(frozen=True)
class Nudge:
    by: str
    kind: Literal["nudge"] = "nudge"


@dataclass(frozen=True)
class Enter:
    """A one-time link to a proved contact was posted: this browser continues the case."""

    by: str
    kind: Literal["enter"] = "enter"


@dataclass(frozen=True)
class Withdraw:
    by: str
    kind: Literal["withdraw"] = "withdraw"


@dataclass(frozen=True)
class Reopen:
    by: str
    kind: Literal["reopen"] = "reopen"


@dataclass(frozen=True)
class SetPassword:
    """`secret` names the vault row that holds the new password."""

    by: str
    secret: str
    kind: Literal["set_password"] = "set_password"


@dataclass(frozen=True)
class Take:
    agent: str
    kind: Literal["take"] = "take"


@dataclass(frozen=True)
class Release:
    agent: str
    kind: Literal["release"] = "release"


@dataclass(frozen=True)
class WriteNote:
    """For the desk only. `text` names the `message` row."""

    agent: str
    text: str
    kind: Literal["write_note"] = "write_note"


@dataclass(frozen=True)
class SendMessage:
    """To the claimant. `text` names the `message` row."""

    agent: str
    text: str
    kind: Literal["send_message"] = "send_message"


@dataclass(frozen=True)
class Reveal:
    """The agent looks at something personal: `what` names it."""

    agent: str
    what: str
    kind: Literal["reveal"] = "reveal"


ClaimantCommand = (
    GiveContact
    | SubmitCode
    | UseLink
    | ResendCode
    | GiveEvidence
    | Reply
    | Nudge
    | Enter
    | Withdraw
    | Reopen
    | SetPassword
)
DeskCommand = Take | Release | WriteNote | SendMessage | Reveal
Command = ClaimantCommand | DeskCommand


# ---- what happened -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CaseOpened:
    at: datetime
    kind: Literal["case_opened"] = "case_opened"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class ContactProved:
    at: datetime
    issue: int
    via: Literal["code", "link"]
    holder: str
    sight: ContactSight = ContactSight()
    kind: Literal["contact_proved"] = "contact_proved"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class AccountFrozen:
    at: datetime
    sessions: int
    kind: Literal["account_frozen"] = "account_frozen"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class FreezeWithheld:
    """The account was frozen by an objection less than `policy.freeze_interval` ago, so not again."""

    at: datetime
    kind: Literal["freeze_withheld"] = "freeze_withheld"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class FreezeLapsed:
    at: datetime
    kind: Literal["freeze_lapsed"] = "freeze_lapsed"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class FreezeEnded:
    """The account system has let the account go."""

    at: datetime
    kind: Literal["freeze_ended"] = "freeze_ended"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class EvidenceGiven:
    """What was given was weighed; the score is kept as it was computed then."""

    at: datetime
    evidence: str
    survey: Survey
    facts: tuple[Fact, ...] = ()
    score: int = 0
    files: int = 0
    kind: Literal["evidence_given"] = "evidence_given"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class FilesScanned:
    at: datetime
    clean: int
    refused: int
    kind: Literal["files_scanned"] = "files_scanned"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class ReplySent:
    at: datetime
    text: str
    files: int = 0
    kind: Literal["reply_sent"] = "reply_sent"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class Nudged:
    at: datetime
    kind: Literal["nudged"] = "nudged"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class ReminderDue:
    at: datetime
    number: int
    kind: Literal["reminder_due"] = "reminder_due"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class PromiseMissed:
    at: datetime
    promise: Promise
    kind: Literal["promise_missed"] = "promise_missed"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class Taken:
    at: datetime
    agent: str
    until: datetime
    kind: Literal["taken"] = "taken"
    actor: ClassVar[Party] = Party.AGENT
    audience: ClassVar[Audience] = Audience.DESK


@dataclass(frozen=True)
class Released:
    at: datetime
    agent: str
    kind: Literal["released"] = "released"
    actor: ClassVar[Party] = Party.AGENT
    audience: ClassVar[Audience] = Audience.DESK


@dataclass(frozen=True)
class LeaseExpired:
    at: datetime
    agent: str
    kind: Literal["lease_expired"] = "lease_expired"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.DESK


@dataclass(frozen=True)
class NoteWritten:
    at: datetime
    agent: str
    text: str
    kind: Literal["note_written"] = "note_written"
    actor: ClassVar[Party] = Party.AGENT
    audience: ClassVar[Audience] = Audience.DESK


@dataclass(frozen=True)
class MessageSent:
    at: datetime
    agent: str
    text: str
    kind: Literal["message_sent"] = "message_sent"
    actor: ClassVar[Party] = Party.AGENT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class Revealed:
    at: datetime
    agent: str
    what: str
    kind: Literal["revealed"] = "revealed"
    actor: ClassVar[Party] = Party.AGENT
    audience: ClassVar[Audience] = Audience.DESK


@dataclass(frozen=True)
class DecisionRecorded:
    at: datetime
    id: str
    outcome: Outcome
    reason: str
    agent: str
    received_at: datetime
    text: str = ""
    items: tuple[str, ...] = ()
    plan: str = ""
    kind: Literal["decision_recorded"] = "decision_recorded"
    actor: ClassVar[Party] = Party.AGENT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class DecisionRefused:
    at: datetime
    id: str
    doubt: Doubt
    agent: str
    kind: Literal["decision_refused"] = "decision_refused"
    actor: ClassVar[Party] = Party.AGENT
    audience: ClassVar[Audience] = Audience.DESK


@dataclass(frozen=True)
class ApprovalLapsed:
    """Nobody gave the second approval in time; a lead decides."""

    at: datetime
    kind: Literal["approval_lapsed"] = "approval_lapsed"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class HoldNoticeDue:
    at: datetime
    stage: Stage
    kind: Literal["hold_notice_due"] = "hold_notice_due"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class HoldEnded:
    at: datetime
    kind: Literal["hold_ended"] = "hold_ended"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class HandBackBegun:
    """From here on an objection is for the probation."""

    at: datetime
    kind: Literal["hand_back_begun"] = "hand_back_begun"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class StepDone:
    """`result` is a word of the account system, never a text about a person."""

    at: datetime
    step: Step
    result: str = ""
    count: int = 0
    kind: Literal["step_done"] = "step_done"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class StepDelayed:
    """The account system did not answer for a while; tried again until it does."""

    at: datetime
    step: Step
    kind: Literal["step_delayed"] = "step_delayed"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class OwnerObjected:
    """Somebody who reads an older contact of the account stopped it."""

    at: datetime
    received: str
    received_at: datetime
    kind: Literal["owner_objected"] = "owner_objected"
    actor: ClassVar[Party] = Party.OWNER
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class ObjectionNoted:
    """The contact is younger than the disputed change, or the effect had begun: noted, without effect."""

    at: datetime
    received: str
    received_at: datetime
    kind: Literal["objection_noted"] = "objection_noted"
    actor: ClassVar[Party] = Party.OWNER
    audience: ClassVar[Audience] = Audience.DESK


@dataclass(frozen=True)
class ContestLapsed:
    """After an objection the claimant said nothing for too long."""

    at: datetime
    kind: Literal["contest_lapsed"] = "contest_lapsed"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class LinkUsed:
    """The mailed link of the hand-back was posted: a password may be set."""

    at: datetime
    issue: int
    holder: str
    kind: Literal["link_used"] = "link_used"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class ProofLapsed:
    """The time to set a password is over; another link may be asked for."""

    at: datetime
    kind: Literal["proof_lapsed"] = "proof_lapsed"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class PasswordSubmitted:
    at: datetime
    secret: str
    kind: Literal["password_submitted"] = "password_submitted"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class PasswordApplied:
    at: datetime
    sessions: int
    kind: Literal["password_applied"] = "password_applied"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class PasswordLost:
    """The sealed password was gone before it could be set; nothing changed."""

    at: datetime
    kind: Literal["password_lost"] = "password_lost"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class PasswordRefused:
    """The account takes no password now: it is barred, or another case has set one since."""

    at: datetime
    because: str
    kind: Literal["password_refused"] = "password_refused"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class ProbationEnded:
    at: datetime
    kind: Literal["probation_ended"] = "probation_ended"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class HolderMoved:
    """Another browser continues the case."""

    at: datetime
    holder: str
    kind: Literal["holder_moved"] = "holder_moved"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class Withdrawn:
    at: datetime
    kind: Literal["withdrawn"] = "withdrawn"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class CaseExpired:
    at: datetime
    kind: Literal["case_expired"] = "case_expired"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class Reopened:
    at: datetime
    kind: Literal["reopened"] = "reopened"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class ReopenLapsed:
    """From here on the claim cannot be taken up again."""

    at: datetime
    kind: Literal["reopen_lapsed"] = "reopen_lapsed"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


Event = (
    CaseOpened
    | ContactGiven
    | CodeRequested
    | CodeIssued
    | CodeRefused
    | CodeExpired
    | CooldownEnded
    | ContactProved
    | AccountFrozen
    | FreezeWithheld
    | FreezeLapsed
    | FreezeEnded
    | EvidenceGiven
    | FilesScanned
    | ReplySent
    | Nudged
    | HolderMoved
    | ReminderDue
    | PromiseMissed
    | Taken
    | Released
    | LeaseExpired
    | NoteWritten
    | MessageSent
    | Revealed
    | DecisionRecorded
    | DecisionRefused
    | ApprovalLapsed
    | HoldNoticeDue
    | HoldEnded
    | HandBackBegun
    | StepDone
    | StepDelayed
    | OwnerObjected
    | ObjectionNoted
    | ContestLapsed
    | LinkUsed
    | ProofLapsed
    | PasswordSubmitted
    | PasswordApplied
    | PasswordLost
    | PasswordRefused
    | ProbationEnded
    | Withdrawn
    | CaseExpired
    | Reopened
    | ReopenLapsed
)
