"""A decision by an agent, as it travels: proved, not claimed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from domain.case import Kind


class Outcome(StrEnum):
    """What an agent may decide. `OUTCOMES` says which of them a kind of case knows."""

    ALLOW = "allow"
    """One more code (recovery)."""
    STOP = "stop"
    APPROVE = "approve"
    """A proposal, the second approval of one, or "the objection is unfounded"."""
    DENY = "deny"
    ASK = "ask"
    """Ask the claimant for named things; the clock stands still until they answer."""
    ESCALATE = "escalate"
    """A lead decides."""
    UNDO = "undo"
    """Roll a hand-back back from recorded state, after an objection to it."""
    KEEP_FREEZE = "keep_freeze"
    """The automatic freeze does not lapse by itself."""
    LIFT_FREEZE = "lift_freeze"


OUTCOMES: dict[str, frozenset[Outcome]] = {
    Kind.RECOVERY: frozenset({Outcome.ALLOW, Outcome.STOP}),
    Kind.CLAIM: frozenset(Outcome) - {Outcome.ALLOW},
}


class Reason(StrEnum):
    """Reason codes; the words for them are in `web/words.py`."""

    CODES_USED_UP = "codes_used_up"
    DELIVERY_PROBLEM = "delivery_problem"
    SUSPICIOUS = "suspicious"
    ASKED_BY_CLAIMANT = "asked_by_claimant"
    EVIDENCE_FITS = "evidence_fits"
    EVIDENCE_DOES_NOT_FIT = "evidence_does_not_fit"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"
    NO_SUCH_ACCOUNT = "no_such_account"
    MORE_NEEDED = "more_needed"
    HARD_CASE = "hard_case"
    OWNER_OBJECTED = "owner_objected"
    OBJECTION_UNFOUNDED = "objection_unfounded"
    ACCOUNT_IN_DANGER = "account_in_danger"
    DANGER_IS_OVER = "danger_is_over"


_CLAIM_REASONS: dict[Outcome, tuple[Reason, ...]] = {
    Outcome.APPROVE: (Reason.EVIDENCE_FITS, Reason.OBJECTION_UNFOUNDED),
    Outcome.DENY: (
        Reason.EVIDENCE_DOES_NOT_FIT,
        Reason.NOT_ENOUGH_EVIDENCE,
        Reason.NO_SUCH_ACCOUNT,
        Reason.SUSPICIOUS,
    ),
    Outcome.ASK: (Reason.MORE_NEEDED,),
    Outcome.ESCALATE: (Reason.HARD_CASE, Reason.SUSPICIOUS),
    Outcome.STOP: (Reason.OWNER_OBJECTED, Reason.SUSPICIOUS, Reason.ASKED_BY_CLAIMANT),
    Outcome.UNDO: (Reason.OWNER_OBJECTED, Reason.SUSPICIOUS),
    Outcome.KEEP_FREEZE: (Reason.ACCOUNT_IN_DANGER,),
    Outcome.LIFT_FREEZE: (Reason.DANGER_IS_OVER, Reason.ASKED_BY_CLAIMANT),
}
_RECOVERY_REASONS = (
    Reason.CODES_USED_UP,
    Reason.DELIVERY_PROBLEM,
    Reason.SUSPICIOUS,
    Reason.ASKED_BY_CLAIMANT,
)


def reasons(kind: str, outcome: Outcome) -> tuple[Reason, ...]:
    """The reasons that may be given for this outcome in this kind of case, the usual one first."""
    return _RECOVERY_REASONS if kind == Kind.RECOVERY else _CLAIM_REASONS.get(outcome, ())


DECIDERS = frozenset({"agent", "approver", "lead"})
"""Roles that may decide; auditors read, admins look after people and settings."""
APPROVERS = frozenset({"approver", "lead"})
"""Roles that may give the second approval."""
LEADS = frozenset({"lead"})
"""Who decides what was escalated."""


class Item(StrEnum):
    """What an agent may ask for, by name; the words are in `web/words.py`."""

    USERNAME = "username"
    EMAIL = "email"
    PHONE = "phone"
    PASSWORDS = "passwords"
    CREATED = "created"
    DEVICES = "devices"
    RECOVERY_CODE = "recovery_code"
    DOCUMENT = "document"
    EXPLANATION = "explanation"


ALL = "all"
KEEP = "keep"


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
    text: str = ""
    """Name of the `message` row with what the agent wrote to the claimant; the text itself never travels."""
    items: tuple[str, ...] = ()
    """`ask`: what is asked for (`Item`)."""
    plan: str = ""
    """`approve`: which contact the proved one replaces: its opaque id, `all`, or `keep`."""
    kind: Literal["decision"] = "decision"

    def proved_text(self) -> str:
        """What the proof is computed over: every field but the proof, one a line."""
        parts: tuple[str, ...] = (
            self.case,
            str(self.version),
            self.id,
            self.outcome,
            self.reason,
            self.agent,
            self.at.isoformat(),
        )
        if self.text or self.items or self.plan:
            parts += (self.text, " ".join(self.items), self.plan)
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
    SAME_PERSON = "same_person"
    """Another agent has to decide this: the one who proposed, approved or was objected to may not."""
    NO_PLAN = "no_plan"
    """An approval has to say what becomes of the contacts."""
    NO_ITEMS = "no_items"
    """A question has to name what is asked for."""
    NO_TEXT = "no_text"
    """The text that the decision names is not there, or is not that agent's."""


@dataclass(frozen=True)
class Verdict:
    """What the check of a decision found: the doubt, if any, and when the database received it."""

    received_at: datetime
    doubt: Doubt | None = None
    role: str = ""
    """The agent's role at the time of the check."""
