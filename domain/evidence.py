"""What speaks for and against a claimant, with reasons (design 7): facts in, a score out, nothing remembered.

Each fact is what the account system answered about one thing that the claimant gave: it fits, it does not, or it
cannot be told. A score is a help for the person who decides, never the decision; agents see the facts with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class FactKind(StrEnum):
    """What was compared."""

    PROVED_CONTACT = "proved_contact"
    """The contact that was proved by a code belongs to the account now."""
    FORMER_CONTACT = "former_contact"
    """The proved contact belonged to the account once, and was taken off it."""
    USERNAME = "username"
    EMAIL = "email"
    PHONE = "phone"
    PASSWORD = "password"
    RECOVERY_CODE = "recovery_code"
    CREATED = "created"
    """The month in which the account was made, give or take one."""
    DEVICE = "device"
    """A device that the account was used with, as named by the claimant or as seen by the web."""
    FILES = "files"
    """Documents are for people to look at: they weigh nothing by themselves."""


class Finding(StrEnum):
    """What the comparison found."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    UNKNOWN = "unknown"
    """The account system cannot tell, or nobody has looked yet."""


@dataclass(frozen=True)
class Fact:
    """One thing that was given, and what became of it. `count`: how many of the kind were given."""

    kind: FactKind
    finding: Finding
    count: int = 1


WEIGHTS: dict[FactKind, tuple[int, int]] = {
    FactKind.PROVED_CONTACT: (45, 0),
    FactKind.FORMER_CONTACT: (30, 0),
    FactKind.USERNAME: (10, -10),
    FactKind.EMAIL: (10, -5),
    FactKind.PHONE: (10, -5),
    FactKind.PASSWORD: (20, -5),
    FactKind.RECOVERY_CODE: (40, -5),
    FactKind.CREATED: (10, -5),
    FactKind.DEVICE: (15, 0),
    FactKind.FILES: (0, 0),
}
"""Points for a match and for a miss. Possession weighs most, then what only the owner was given, then memory.

Memory alone stays under every line of the policy: all that can be remembered (username, contacts, password, month)
sums up to 60, and what somebody else can find out (username, contacts, month) to 40. Our own estimate, not a
standard's; NIST SP 800-63B-4 4.2 names the classes, not their weight.
"""
MOST = 100


def score(facts: Iterable[Fact]) -> int:
    """0…100. Each kind counts once, however often it was given; a miss weighs against, never below nothing."""
    points = 0
    for fact in {fact.kind: fact for fact in facts}.values():
        matched, missed = WEIGHTS[fact.kind]
        points += {Finding.MATCHED: matched, Finding.NOT_MATCHED: missed}.get(fact.finding, 0)
    return min(max(points, 0), MOST)


def points(fact: Fact) -> int:
    """What this fact adds to the score or takes from it, for the reasons on the desk's page."""
    matched, missed = WEIGHTS[fact.kind]
    return {Finding.MATCHED: matched, Finding.NOT_MATCHED: missed}.get(fact.finding, 0)


def matches(facts: Iterable[Fact]) -> bool:
    """Whether anything fits at all; a claim without a single match holds up nothing (design 9)."""
    return any(fact.finding is Finding.MATCHED for fact in facts)
