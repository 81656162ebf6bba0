"""A code or link proves that somebody reads a contact: what a recovery and a claim have in common (design 6, 7).

The events and the newest code; what follows from them is for the kind of case to say.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from domain.case import Audience, Channel, Party

IDENTIFIER = "identifier"


@dataclass(frozen=True)
class Destination:
    """Where a code goes: by which channel, and to which of the contacts that the claimant typed.

    `contact` is the opaque name of a `case_person` row; `IDENTIFIER` is what was typed into the one box.
    """

    channel: Channel
    contact: str


@dataclass(frozen=True)
class Issue:
    """One code and its link. Only keyed digests; who has the keys is in design 6."""

    number: int
    at: datetime
    to: Destination
    keys: str = ""
    """`<issue key id>/<digest key id>`: what it was derived and digested with."""
    digest: str = ""
    link_digest: str = ""
    wrong: int = 0
    granted: bool = False


@dataclass(frozen=True)
class ContactGiven:
    at: datetime
    to: Destination
    kind: Literal["contact_given"] = "contact_given"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class CodeRequested:
    at: datetime
    to: Destination | None = None
    kind: Literal["code_requested"] = "code_requested"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class CodeIssued:
    """A code exists: its keyed digests, and the ids of the keys it was derived and digested with."""

    at: datetime
    issue: int
    accounts: tuple[str, ...]
    keys: str
    digest: str = ""
    link_digest: str = ""
    kind: Literal["code_issued"] = "code_issued"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class CodeRefused:
    at: datetime
    issue: int
    kind: Literal["code_refused"] = "code_refused"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class CodeExpired:
    at: datetime
    issue: int
    kind: Literal["code_expired"] = "code_expired"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class CooldownEnded:
    at: datetime
    issue: int
    kind: Literal["cooldown_ended"] = "cooldown_ended"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH
