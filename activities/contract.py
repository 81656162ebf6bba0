"""Everything this product can do to the world, as signatures; the bodies stand beside this file.

Every activity may run more than once with the same argument and must then change nothing more. What will never work
raises a non-retryable `ApplicationError`; everything else is raised and tried again. Arguments and results
hold opaque references, keyed digests, enums and times, never personal data.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from temporalio import activity

from domain import claim_events, recovery
from domain.claim import Claim
from domain.claim_events import ContactSight, Step, Survey
from domain.contact_proof import Destination
from domain.decisions import Decision, Verdict
from domain.evidence import Fact
from domain.policy import Policy
from domain.recovery import Recovery, Sight


@dataclass(frozen=True)
class RecoveryRecord:
    """The events that follow event `after` of the case, in order."""

    case: str
    after: int
    events: tuple[recovery.Event, ...]


@dataclass(frozen=True)
class ClaimRecord:
    case: str
    after: int
    events: tuple[claim_events.Event, ...]


class Records(ABC):
    """What pages read: the projection, folded from the same events (design 4.2)."""

    @activity.defn
    @abstractmethod
    async def record_recovery(self, record: RecoveryRecord) -> None: ...

    @activity.defn
    @abstractmethod
    async def record_claim(self, record: ClaimRecord) -> None: ...


Purpose = Literal["recovery", "contact", "hand_back"]


@dataclass(frozen=True)
class CodeWanted:
    """Code number `issue` of the case, to be sent `to` one of the contacts that the claimant typed.

    `purpose`: `recovery` sends only to contacts of the account that was named; `contact` proves that a claimant
    reads what they typed, whoever they are; `hand_back` carries only a link, to a contact that was proved.
    """

    case: str
    issue: int
    to: Destination
    policy: Policy
    purpose: Purpose = "recovery"


@dataclass(frozen=True)
class CodeMade:
    """Keyed digests only. `accounts` are opaque; `keys` are the ids of the issue and the digest key."""

    accounts: tuple[str, ...]
    keys: str
    digest: str
    link_digest: str


@dataclass(frozen=True)
class CodeToSend:
    case: str
    issue: int
    to: Destination
    keys: str
    issued_at: datetime
    policy: Policy
    purpose: Purpose = "recovery"
    account: str = ""
    """`hand_back`: whose password the link is for; the message names the account."""


class Codes(ABC):
    """Codes and links: derived, never stored."""

    @activity.defn
    @abstractmethod
    async def issue_code(self, wanted: CodeWanted) -> CodeMade: ...

    @activity.defn
    @abstractmethod
    async def send_code(self, code: CodeToSend) -> None: ...


@dataclass(frozen=True)
class Look:
    case: str
    accounts: tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """A saved recovery code, sealed in the vault row `secret`; `tries` a day for the account, over all its cases."""

    case: str
    account: str
    secret: str
    tries: int


@dataclass(frozen=True)
class NewPassword:
    """A new password, sealed in the vault row `secret`."""

    case: str
    account: str
    secret: str
    opened_at: datetime


@dataclass(frozen=True)
class PasswordResult:
    """What became of it.

    `superseded` are the workflow ids of the account's other open recoveries, `objections` those of claims that would
    replace the contact that was just used, each with the `received` row that stops it.
    """

    result: Literal["applied", "lost", "barred", "objected", "superseded"]
    sessions: int = 0
    superseded: tuple[str, ...] = ()
    sight: Sight | None = None
    received: str = ""
    received_at: datetime | None = None
    objections: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Freeze:
    """`objection` is the id of the `received` row that asked for it, if one did.

    Automatic freezes are at most one in `policy.freeze_interval`, so that freezing is no weapon; one that stops an
    approved hand-back is `needed`, whatever was before, and has no end of its own.
    """

    case: str
    account: str
    objection: str
    policy: Policy
    needed: bool = False


@dataclass(frozen=True)
class FreezeResult:
    frozen: bool
    sessions: int = 0


class Accounts(ABC):
    """The platform's account system. An implementation is an adapter to it (`activities/accounts/`)."""

    @activity.defn
    @abstractmethod
    async def look_at_accounts(self, look: Look) -> tuple[Sight, ...]: ...

    @activity.defn
    @abstractmethod
    async def check_recovery_code(self, proof: Proof) -> bool: ...

    @activity.defn
    @abstractmethod
    async def apply_password(self, new: NewPassword) -> PasswordResult: ...

    @activity.defn
    @abstractmethod
    async def freeze_account(self, freeze: Freeze) -> FreezeResult: ...

    @activity.defn
    @abstractmethod
    async def end_freeze(self, freeze: Freeze) -> bool: ...


@dataclass(frozen=True)
class ContactLook:
    """The contact that a claimant has just proved (a `case_person` row)."""

    case: str
    contact: str
    policy: Policy


@dataclass(frozen=True)
class EvidenceToWeigh:
    """What a claimant gave, as `evidence_item` rows of this name; passwords and recovery codes in the vault.

    `account` is the account if it is known already, `contact` the proved one.
    """

    case: str
    account: str
    contact: str
    evidence: str
    secrets: tuple[str, ...]
    files: int
    policy: Policy


@dataclass(frozen=True)
class Weighed:
    survey: Survey
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class HandBack:
    """One step of a hand-back or of its undoing. `plan`: the contact to replace, `all` or `keep`."""

    case: str
    account: str
    contact: str
    plan: str
    policy: Policy
    step: Step | None = None
    probation_until: datetime | None = None


@dataclass(frozen=True)
class HandBackBegun:
    """`begun` false: an objection came in before; `received` names it."""

    begun: bool
    received: str = ""
    received_at: datetime | None = None


@dataclass(frozen=True)
class StepTaken:
    """What the account system answered: a word, and how many things it concerned."""

    result: str
    count: int = 0


class Claims(ABC):
    """What a claim asks of the platform's account system, besides `Accounts`."""

    @activity.defn
    @abstractmethod
    async def look_at_contact(self, look: ContactLook) -> ContactSight: ...

    @activity.defn
    @abstractmethod
    async def weigh_evidence(self, evidence: EvidenceToWeigh) -> Weighed: ...

    @activity.defn
    @abstractmethod
    async def begin_hand_back(self, hand_back: HandBack) -> HandBackBegun: ...

    @activity.defn
    @abstractmethod
    async def take_step(self, hand_back: HandBack) -> StepTaken: ...


@dataclass(frozen=True)
class FilesToScan:
    case: str


@dataclass(frozen=True)
class FilesScanned:
    clean: int
    refused: int


class Files(ABC):
    @activity.defn
    @abstractmethod
    async def scan_files(self, files: FilesToScan) -> FilesScanned:
        """Scan what waits; what is not clean is deleted at once."""


NoticeName = Literal[
    "password-changed",
    "password-not-set",
    "account-frozen",
    "freeze-ended",
    "claim-received",
    "claim-reminder",
    "claim-question",
    "claim-message",
    "claim-delayed",
    "claim-approved",
    "claim-contested",
    "claim-ended",
    "hold-started",
    "hold-middle",
    "hold-ending",
    "handed-back",
    "hand-back-stopped",
    "hand-back-undone",
]


@dataclass(frozen=True)
class Notice:
    """A message to every contact of the account, or only to the contact that the case proved.

    `until`: the moment that the message promises (the end of a hold, of a wait, of a probation). `disputed_at`:
    contacts that are younger are told, but their message carries no "stop this". `because`: the state or reason
    that the words depend on.
    """

    name: NoticeName
    case: str
    account: str
    happened_at: datetime
    policy: Policy
    only: Destination | None = None
    until: datetime | None = None
    disputed_at: datetime | None = None
    because: str = ""


class Notices(ABC):
    """What we tell people, besides codes."""

    @activity.defn
    @abstractmethod
    async def send_notice(self, notice: Notice) -> None: ...


@dataclass(frozen=True)
class FindRequest:
    """A `find_request` row: the reference and the contact that somebody typed to come back to their case."""

    id: str


class Find(ABC):
    @activity.defn
    @abstractmethod
    async def send_way_back(self, request: FindRequest) -> None:
        """A one-time link to the contact that the case proved, if it is the one that was typed; else nothing."""


class Decisions(ABC):
    """Who decided is proved, not claimed (design 3)."""

    @activity.defn
    @abstractmethod
    async def check_decision(self, decision: Decision) -> Verdict: ...


@dataclass(frozen=True)
class Objection:
    """The id of a `received` row of the kind "objection"."""

    case: str
    received: str


@dataclass(frozen=True)
class ObjectionFound:
    received_at: datetime
    valid: bool
    may_object: bool = True
    """False for a contact that is younger than what is disputed: it is told, and stops nothing."""


class Objections(ABC):
    @activity.defn
    @abstractmethod
    async def check_objection(self, objection: Objection) -> ObjectionFound: ...


@dataclass(frozen=True)
class StartCase:
    """An opening row that no workflow has begun, with the workflow's input."""

    reference: str
    recovery: Recovery | None = None
    claim: Claim | None = None


@dataclass(frozen=True)
class TellCase:
    """A `received` row whose signal Temporal never accepted. For a decision `data` holds the signal's fields."""

    received: str
    case: str
    kind: str
    data: dict[str, Any]
    case_kind: str = "recovery"


@dataclass(frozen=True)
class Orphans:
    cases: tuple[StartCase, ...]
    signals: tuple[TellCase, ...]


class Erasure(ABC):
    """What is kept no longer than promised (design 5), in portions: call again until the answer is 0."""

    @activity.defn
    @abstractmethod
    async def erase_people(self) -> int:
        """What is personal about closed cases whose time has come; how many cases."""

    @activity.defn
    @abstractmethod
    async def erase_records(self) -> int:
        """Closed cases whose record has been kept for long enough; how many."""


class Upkeep(ABC):
    """What a Schedule does (design 4.3): find what was written but never reached Temporal."""

    @activity.defn
    @abstractmethod
    async def find_orphans(self) -> Orphans: ...

    @activity.defn
    @abstractmethod
    async def mark_reached(self, reached: Orphans) -> None: ...

    @activity.defn
    @abstractmethod
    async def forget_what_is_over(self) -> None: ...
