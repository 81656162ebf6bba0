"""A decision by an agent, as it travels: proved, not claimed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class Outcome(StrEnum):
    """What an agent may decide about a recovery."""

    ALLOW = "allow"
    STOP = "stop"


class Reason(StrEnum):
    """Reason codes; the words for them are in `web/words.py`."""

    CODES_USED_UP = "codes_used_up"
    DELIVERY_PROBLEM = "delivery_problem"
    SUSPICIOUS = "suspicious"
    ASKED_BY_CLAIMANT = "asked_by_claimant"


DECIDERS = frozenset({"agent", "approver", "lead"})
"""Roles that may decide about a recovery; auditors read, admins look after people and settings."""


@dataclass(frozen=True)
class Decision:
    """The argument of the signal `decision_made`; `docs/messages.md` documents it for other clients.

    `version` is the case's `version` that the agent saw; `at` is UTC; `proof` is
    `<key id>:<hex HMAC-SHA-256>` over the other fields, made by the desk or by `reinstate decision sign`.
    """

    case: str
    version: int
    id: str
    outcome: str
    reason: str
    agent: str
    at: datetime
    proof: str
    kind: Literal["decision"] = "decision"

    def proved_text(self) -> str:
        """What the proof is computed over: every field but the proof, one a line."""
        parts = (
            self.case,
            str(self.version),
            self.id,
            self.outcome,
            self.reason,
            self.agent,
            self.at.isoformat(),
        )
        return "\n".join(parts)


class Doubt(StrEnum):
    """Why a decision was refused."""

    UNPROVEN = "unproven"
    ROLE = "role"
    OWN_ACCOUNT = "own_account"
    STALE = "stale"
    NOT_NOW = "not_now"
    UNKNOWN_OUTCOME = "unknown_outcome"
    UNKNOWN_REASON = "unknown_reason"


@dataclass(frozen=True)
class Verdict:
    """What the check of a decision found: the doubt, if any, and when the database received it."""

    received_at: datetime
    doubt: Doubt | None = None
