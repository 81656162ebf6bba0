"""What all kinds of case share: who acts, who may see it, when the clock acts, and the name of a case."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Kind(StrEnum):
    """The kinds of case; the first half of a workflow id."""

    RECOVERY = "recovery"
    CLAIM = "claim"


class Party(StrEnum):
    """Who acted, or whose turn it is."""

    CLAIMANT = "claimant"
    OWNER = "owner"
    AGENT = "agent"
    CLOCK = "clock"
    MACHINE = "machine"


class Audience(StrEnum):
    """Who may read an event."""

    CLAIMANT = "claimant"
    DESK = "desk"
    BOTH = "both"


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    SMS = "sms"


class Event(Protocol):
    """Something that happened to a case. Subclasses are frozen dataclasses with a `kind` literal."""

    @property
    def at(self) -> datetime: ...
    @property
    def kind(self) -> str: ...


@dataclass(frozen=True)
class Deadline:
    """When the clock acts, and the event that it brings (which carries the promised time, not the time of waking)."""

    at: datetime
    event: Any


@dataclass(frozen=True)
class Answer:
    """What whoever sent a command hears: the event it made, and the case after it."""

    event: str
    state: str
    number: int
    tries_left: int = 0


def earliest(deadlines: Iterable[Deadline]) -> Deadline | None:
    """The deadline that comes first; of equal ones the first named."""
    return min(deadlines, key=lambda deadline: deadline.at, default=None)


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford base32: no I, L, O, U."""
REFERENCE_LENGTH = 10


def grouped(reference: str) -> str:
    """The reference as people read it: `7F3KQ2M9XA` becomes `7F3K-Q2M9-XA`."""
    return f"{reference[:4]}-{reference[4:8]}-{reference[8:]}"


def parse_reference(typed: str) -> str | None:
    """The reference that somebody typed, forgiving case, gaps and look-alikes (Crockford); None if it is none."""
    plain = typed.upper().replace("-", "").replace(" ", "").translate(str.maketrans("ILO", "110"))
    if len(plain) != REFERENCE_LENGTH or any(letter not in ALPHABET for letter in plain):
        return None
    return plain


def workflow_id(kind: str, reference: str) -> str:
    """`recovery/7F3K-Q2M9-XA`: never reused, never personal, so it may stay unencrypted."""
    return f"{kind}/{grouped(reference)}"


def reference_in(workflow: str) -> str:
    """The reference in a workflow id."""
    return workflow.partition("/")[2].replace("-", "")
