"""The tables, and nothing else: no methods, no rules. Times are UTC; enums are text; what is personal is sealed.

Sealed columns hold AES-256-GCM under the row key of the person they are about (`row_key`); destroying that key
makes them unreadable for good (design 3).
"""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import JSON, TypeDecorator
from sqlmodel import Field, SQLModel

from domain.case import Kind


class Utc(TypeDecorator[datetime]):
    """An aware datetime in UTC, on SQLite too (which keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError("a time needs its zone")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _time(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(sa_column=Column(Utc, nullable=nullable, index=index))


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


def _only(condition: str) -> dict[str, Any]:
    """Options of an index over the few rows that fulfil the condition."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


# Conditions of partial indexes, word for word as the queue's queries have them: SQLite compares them as text.
AT_DESK = "closed_at IS NULL AND waiting_on = 'agent'"
ESCALATED = "closed_at IS NULL AND priority > 0"
OPEN_CLAIM = "closed_at IS NULL AND kind = 'claim'"
CLOSED_CLAIM = "kind = 'claim' AND closed_at IS NOT NULL"


CLAIM_FIGURES = ("reason", "answered", "decided", "decided_after", "course")


class CaseRow(SQLModel, table=True):
    """The projection of a case, folded from the same events as the workflow's own state."""

    __tablename__ = "case"
    __table_args__ = (
        CheckConstraint(_one_of("kind", list(Kind)), name="case_kind"),
        # The queue: open cases by what is due first, with an index for each of its views. Closed cases are in none.
        Index("case_open", "order_at", "reference", **_only("closed_at IS NULL")),
        Index("case_at_desk", "order_at", "reference", **_only(AT_DESK)),
        Index("case_escalated", "order_at", "reference", **_only(ESCALATED)),
        Index("case_taken", "assignee", "order_at", "reference", **_only("closed_at IS NULL AND assignee IS NOT NULL")),
        Index("case_open_kind", "kind", "order_at", "reference", **_only("closed_at IS NULL")),
        Index("case_open_state", "state", "order_at", "reference", **_only("closed_at IS NULL")),
        Index("case_open_reason", "reason", "order_at", "reference", **_only(OPEN_CLAIM)),
        # The figures: what was closed in a time.
        Index("case_closed", "closed_at", **_only("closed_at IS NOT NULL")),
        # What the figures say of claims, so that they need not look at the claims themselves.
        Index("case_claim_figures", "opened_at", *CLAIM_FIGURES, **_only("kind = 'claim'")),
        # How long claims like one's own took.
        Index("case_closed_claim", "reason", "closed_at", **_only(CLOSED_CLAIM)),
        Index("case_of_account", "account_ref", "kind", "closed_at"),
        # The reconciler and `/metrics` look for these every few seconds; nearly always there are none.
        Index("case_unstarted", "opened_at", **_only("started_at IS NULL AND number = 0")),
    )

    reference: str = Field(primary_key=True, max_length=10)
    kind: str
    account_ref: str = Field(default="")
    reason: str = Field(default="")
    state: str
    waiting_on: str | None = Field(default=None)
    due_at: datetime | None = _time(nullable=True)
    opened_at: datetime = _time(index=True)
    order_at: datetime | None = Field(
        default=None, sa_column=Column(Utc, Computed("coalesce(due_at, opened_at)"), nullable=True)
    )
    """What lists are sorted by, made by the database: when it is due, or when it was opened if no clock runs."""
    closed_at: datetime | None = _time(nullable=True)
    erase_at: datetime | None = _time(nullable=True, index=True)
    """When what is personal about a closed case is erased; None once it was."""
    forget_at: datetime | None = _time(nullable=True, index=True)
    """When the record of a closed case is deleted too."""
    assignee: str | None = Field(default=None)
    lease_until: datetime | None = _time(nullable=True)
    priority: int = Field(default=0)
    channel: str = Field(default="")
    answered: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Of a claim: what became of the promised first answer: `running`, `kept`, `missed`; empty before it begins."""
    decided: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The same of the promised decision."""
    decided_after: int | None = Field(default=None)
    """Seconds from the evidence to the decision."""
    course: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Of a claim: `approved`, or `stopped` if somebody objected to that or it was undone."""
    number: int = Field(default=0)
    policy_version: str
    opening_key: str = Field(sa_column=Column(String, unique=True, nullable=False))
    """HMAC(start cookie, form key, identifier digest): pressing twice opens one case."""
    started_at: datetime | None = _time(nullable=True)
    """When Temporal was asked to start it; the reconciler looks for rows without."""
    opening: dict[str, Any] = _json()
    """The workflow's input, so that an orphan can be started."""
    snapshot: dict[str, Any] = _json()
    """The folded case, without digests."""


class CaseEventRow(SQLModel, table=True):
    """What happened, chained: `hash` is keyed over this row and the hash before it."""

    __tablename__ = "case_event"
    __table_args__ = (
        # The audit log: all cases by time, and what agents did.
        Index("case_event_by_time", "at", "case_ref", "number"),
        Index("case_event_of_agents", "at", "case_ref", "number", **_only("actor = 'agent'")),
    )

    case_ref: str = Field(foreign_key="case.reference", primary_key=True)
    number: int = Field(primary_key=True)
    kind: str
    at: datetime = _time()
    actor: str
    audience: str
    data: dict[str, Any] = _json()
    previous_hash: str
    hash: str


class RowKeyRow(SQLModel, table=True):
    """One wrapped key per person; deleting the row erases what it sealed. `subject`: `case/<ref>`, `account/<ref>`."""

    __tablename__ = "row_key"

    subject: str = Field(primary_key=True)
    wrapped: str = Field(sa_column=Column(Text, nullable=False))


class CasePersonRow(SQLModel, table=True):
    """What identifies the claimant, sealed.

    `name`: `identifier` (the one box), an opaque contact name, or `username/<account ref>` after the proof.
    """

    __tablename__ = "case_person"

    case_ref: str = Field(foreign_key="case.reference", primary_key=True)
    name: str = Field(primary_key=True)
    kind: str
    """email, phone or username."""
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    digest: str = Field(index=True)
    """Keyed digest of the normal form, for limits."""


class CaseAccessRow(SQLModel, table=True):
    """Keyed digests of case secrets. One browser holds a case; the others were `revoked`."""

    __tablename__ = "case_access"

    digest: str = Field(primary_key=True)
    case_ref: str = Field(foreign_key="case.reference", index=True)
    made_at: datetime = _time()
    revoked_at: datetime | None = _time(nullable=True)
    key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Id of the digest key; empty for rows from before it was noted."""
    pending: bool = Field(default=False)
    """Made for a browser that is about to post the mailed link; counts once the link was accepted."""


class CodeIssueRow(SQLModel, table=True):
    """The reservation behind a code: which tries it holds, and whether the message goes out, with a code or without."""

    __tablename__ = "code_issue"

    case_ref: str = Field(foreign_key="case.reference", primary_key=True)
    issue: int = Field(primary_key=True)
    accounts: list[str] = _json()
    keys: str
    digest: str
    link_digest: str
    buckets: list[str] = _json()
    """Budget buckets that hold reserved tries; empty for a message that carries only the link."""
    window: date
    reserved: int
    settled: bool = Field(default=False)
    link_only: bool = Field(default=False)
    silent: bool = Field(default=False)


class BudgetRow(SQLModel, table=True):
    """A counter in a window. `bucket` holds digests and opaque references only."""

    __tablename__ = "budget"

    bucket: str = Field(primary_key=True)
    window: str = Field(primary_key=True)
    used: int = Field(default=0)
    reserved: int = Field(default=0)
    ends_at: datetime = _time(index=True)


class BudgetEntryRow(SQLModel, table=True):
    """An update id that was counted already; a repeated request counts once."""

    __tablename__ = "budget_entry"

    bucket: str = Field(primary_key=True)
    token: str = Field(primary_key=True)
    at: datetime = _time(index=True)


class VaultRow(SQLModel, table=True):
    """A sealed single-use secret: a new password, a saved recovery code."""

    __tablename__ = "vault"

    name: str = Field(primary_key=True)
    case_ref: str = Field(foreign_key="case.reference", index=True)
    purpose: str
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    expires_at: datetime = _time(index=True)


class ReceivedRow(SQLModel, table=True):
    """Objections and decisions as they came in; they are judged by this time, not by when a worker saw them."""

    __tablename__ = "received"
    __table_args__ = (
        Index("received_undelivered", "received_at", **_only("delivered_at IS NULL AND answered_at IS NULL")),
    )

    id: str = Field(primary_key=True)
    case_ref: str = Field(foreign_key="case.reference", index=True)
    kind: str
    received_at: datetime = _time()
    data: dict[str, Any] = _json()
    delivered_at: datetime | None = _time(nullable=True)
    """When the signal was accepted by Temporal; the reconciler sends what has none."""
    answered_at: datetime | None = _time(nullable=True)


class MessageRow(SQLModel, table=True):
    """Something written about a case: a message, a note of the desk, the words of a decision. Sealed, erasable.

    `author` is the name of an agent, or empty for the claimant. An event names it by `name`.
    """

    __tablename__ = "message"
    __table_args__ = (CheckConstraint("audience IN ('claimant', 'desk', 'both')", name="message_audience"),)

    name: str = Field(primary_key=True)
    case_ref: str = Field(foreign_key="case.reference", index=True)
    audience: str
    author: str = Field(default="")
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = _time()


class EvidenceItemRow(SQLModel, table=True):
    """One thing a claimant gave, sealed: `kind` is username, email, phone, created, devices or what.

    Passwords and recovery codes are never here: they go through the vault, and only what matched is kept.
    """

    __tablename__ = "evidence_item"

    case_ref: str = Field(foreign_key="case.reference", primary_key=True)
    evidence: str = Field(primary_key=True)
    """Which time it was given; an event names it."""
    kind: str = Field(primary_key=True)
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = _time()


class EvidenceWeighedRow(SQLModel, table=True):
    """What the account system answered about evidence. The secrets are gone by then, so it is kept: asked again, the
    activity answers the same."""

    __tablename__ = "evidence_weighed"

    case_ref: str = Field(foreign_key="case.reference", primary_key=True)
    evidence: str = Field(primary_key=True)
    survey: dict[str, Any] = _json()
    facts: list[dict[str, Any]] = _json()
    at: datetime = _time()


class EvidenceFileRow(SQLModel, table=True):
    """A file, sealed under the row key of its case. Nobody reads it before it is `clean`; a refused one is empty."""

    __tablename__ = "evidence_file"
    __table_args__ = (CheckConstraint("state IN ('waiting', 'clean', 'refused')", name="evidence_file_state"),)

    name: str = Field(primary_key=True)
    case_ref: str = Field(foreign_key="case.reference", index=True)
    media_type: str
    size: int
    """Bytes, as it is kept: an image is smaller or larger than what was sent, since it was drawn anew."""
    state: str = Field(default="waiting")
    content: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    at: datetime = _time()
    scanned_at: datetime | None = _time(nullable=True)
    refusal: str = Field(default="")
    """A class of refusal (`infected`, `not_scanned`), never a name."""


class AccessLinkRow(SQLModel, table=True):
    """A one-time link back to a case, mailed to a proved contact; the token itself is only in the message."""

    __tablename__ = "access_link"

    digest: str = Field(primary_key=True)
    case_ref: str = Field(foreign_key="case.reference", index=True)
    expires_at: datetime = _time()
    used_at: datetime | None = _time(nullable=True)
    key: str = Field(default="")
    """Id of the digest key."""


class FindRequestRow(SQLModel, table=True):
    """Somebody asked for the way back to a case. Sealed: whether there is such a case only the worker looks up."""

    __tablename__ = "find_request"

    id: str = Field(primary_key=True)
    sealed: str = Field(sa_column=Column(Text, nullable=False))
    made_at: datetime = _time(index=True)
    sent_at: datetime | None = _time(nullable=True)


class PresenceRow(SQLModel, table=True):
    """Which agent looks at a case, and whether they are writing."""

    __tablename__ = "presence"

    case_ref: str = Field(primary_key=True)
    agent: str = Field(primary_key=True)
    seen_at: datetime = _time(index=True)
    writing_at: datetime | None = _time(nullable=True)


class MacroRow(SQLModel, table=True):
    """Words that agents use again and again, by outcome, reason and language."""

    __tablename__ = "macro"

    name: str = Field(primary_key=True)
    title: str
    outcome: str = Field(default="")
    reason: str = Field(default="")
    language: str = Field(default="en")
    text: str = Field(sa_column=Column(Text, nullable=False))
    changed_by: str = Field(default="")
    changed_at: datetime = _time()


class HandBackRow(SQLModel, table=True):
    """The account as it was before a hand-back, so that it can be rolled back: opaque ids and times only."""

    __tablename__ = "hand_back"

    case_ref: str = Field(foreign_key="case.reference", primary_key=True)
    account_ref: str
    before: dict[str, Any] = _json()
    steps: dict[str, Any] = _json()
    """What each step answered, so that one that is taken again answers the same."""
    begun_at: datetime = _time()


class AccountGateRow(SQLModel, table=True):
    """One row per account: whatever decides its fate locks it first."""

    __tablename__ = "account_gate"

    account_ref: str = Field(primary_key=True)
    effect: str = Field(default="")
    case_ref: str = Field(default="")
    begun_at: datetime | None = _time(nullable=True)
    frozen_by_objection_at: datetime | None = _time(nullable=True)
    frozen_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The case whose freeze holds; only that case ends it."""


class NoticeRow(SQLModel, table=True):
    """One message to one contact. `name` is the idempotency key; the address is sealed under the account's row key."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("channel IN ('email', 'sms')", name="notice_channel"),
        CheckConstraint("state IN ('queued', 'handed_over', 'delivered', 'bounced', 'failed')", name="notice_state"),
        Index("notice_by_time", "made_at", "name"),
        Index("notice_by_state", "state", "made_at", "name"),
    )

    name: str = Field(primary_key=True)
    case_ref: str = Field(foreign_key="case.reference", index=True)
    template: str
    channel: str
    state: str = Field(default="queued")
    attempts: int = Field(default=0)
    address: str = Field(sa_column=Column(Text, nullable=False))
    subject: str
    """The row-key subject that sealed the address."""
    message_id: str
    provider_id: str = Field(default="")
    made_at: datetime = _time()
    handed_over_at: datetime | None = _time(nullable=True)
    error: str = Field(default="")
    """A class of failure (`SMTPConnectError`), never a text that could hold an address."""


class ObjectionLinkRow(SQLModel, table=True):
    """The "this was not me" link of one message; the token itself is only in the message."""

    __tablename__ = "objection_link"

    digest: str = Field(primary_key=True)
    notice: str = Field(foreign_key="notice.name", index=True)
    case_ref: str = Field(foreign_key="case.reference", index=True)
    account_ref: str
    scope: str
    """`case`: ends that case only. `account`: freezes the account and opens a claim."""
    expires_at: datetime = _time()
    used_at: datetime | None = _time(nullable=True)
    claim_ref: str | None = Field(default=None)
    may_object: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    """False for a contact that is younger than what is disputed: told, and without a button."""
    key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Id of the digest key; empty for rows from before it was noted."""


# ---- the embedded directory: the account system of a platform that has none of its own yet ----


class AccountRow(SQLModel, table=True):
    __tablename__ = "account"
    __table_args__ = (CheckConstraint("standing IN ('active', 'banned', 'being_deleted')", name="account_standing"),)

    ref: str = Field(primary_key=True)
    username_index: str = Field(sa_column=Column(String, unique=True, nullable=False))
    username: str = Field(sa_column=Column(Text, nullable=False))
    standing: str = Field(default="active")
    standing_until: datetime | None = _time(nullable=True)
    standing_by: str = Field(default="")
    frozen_at: datetime | None = _time(nullable=True)
    frozen_until: datetime | None = _time(nullable=True)
    second_factor: bool = Field(default=False)
    high_value: bool = Field(default=False)
    probation_until: datetime | None = _time(nullable=True)
    """After a hand-back by a person: until then risky changes are held."""
    made_at: datetime = _time()


class AccountContactRow(SQLModel, table=True):
    __tablename__ = "account_contact"
    __table_args__ = (UniqueConstraint("account_ref", "index", name="account_contact_once"),)

    id: int | None = Field(default=None, primary_key=True)
    account_ref: str = Field(foreign_key="account.ref", index=True)
    kind: str
    index: str = Field(index=True)
    """Keyed blind index of the normal form."""
    address: str = Field(sa_column=Column(Text, nullable=False))
    since: datetime = _time()
    removed_at: datetime | None = _time(nullable=True)
    """Former contacts are kept for a while: they are told of a hand-back, and prove an older claim."""
    added_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The claim that put it in, if one did."""
    removed_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The claim that took it off, if one did."""
    is_safe: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    """False for one that the platform marked: a mailbox whose domain changed hands. Never written to."""


class AccountPasswordRow(SQLModel, table=True):
    """argon2id hashes; the one without `until` is the present one."""

    __tablename__ = "account_password"

    id: int | None = Field(default=None, primary_key=True)
    account_ref: str = Field(foreign_key="account.ref", index=True)
    hash: str = Field(sa_column=Column(Text, nullable=False))
    since: datetime = _time()
    until: datetime | None = _time(nullable=True)
    set_by: str = Field(default="")
    """The case that set it; applying the same case twice changes nothing more."""


class AccountSessionRow(SQLModel, table=True):
    """A signed-in browser, or an API token (`kind`)."""

    __tablename__ = "account_session"

    digest: str = Field(primary_key=True)
    account_ref: str = Field(foreign_key="account.ref", index=True)
    kind: str = Field(default="session")
    device: str = Field(default="")
    made_at: datetime = _time()
    ended_at: datetime | None = _time(nullable=True)
    ended_by: str = Field(default="")


class AccountRecoveryCodeRow(SQLModel, table=True):
    """A saved recovery code, keyed digest; `used_by` is the case that burnt it."""

    __tablename__ = "account_recovery_code"

    id: int | None = Field(default=None, primary_key=True)
    account_ref: str = Field(foreign_key="account.ref", index=True)
    digest: str
    key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Id of the index key; empty for rows from before it was noted."""
    used_by: str = Field(default="")


class AgentRow(SQLModel, table=True):
    """Support staff. `own_accounts` are account references they may not decide about."""

    __tablename__ = "agent"
    __table_args__ = (CheckConstraint("role IN ('agent', 'approver', 'lead', 'auditor', 'admin')", name="agent_role"),)

    name: str = Field(primary_key=True)
    display_name: str
    role: str
    password_hash: str
    totp_sealed: str = Field(default="")
    is_active: bool = Field(default=True)
    own_accounts: list[str] = _json()
    keys: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    """Whether single keys do something on the pages of this agent (WCAG 2.1.4: they can be switched off)."""


class AgentSessionRow(SQLModel, table=True):
    __tablename__ = "agent_session"

    digest: str = Field(primary_key=True)
    agent: str = Field(foreign_key="agent.name", index=True)
    made_at: datetime = _time()
    seen_at: datetime = _time()
    proved_at: datetime = _time()
    """When the password was last given; deciding needs a fresh one (step-up)."""
    ended_at: datetime | None = _time(nullable=True)


class AgentEventRow(SQLModel, table=True):
    """What an agent did outside of any case: signed in, exported the log, changed a setting. Chained as a case is."""

    __tablename__ = "agent_event"

    agent: str = Field(foreign_key="agent.name", primary_key=True)
    number: int = Field(primary_key=True)
    id: str = Field(sa_column=Column(String, unique=True, nullable=False))
    """Keyed digest of agent, action and form key: the same form sent twice is one event."""
    kind: str
    at: datetime = _time(index=True)
    data: dict[str, Any] = _json()
    """Enums, counts, references of cases; nothing personal."""
    previous_hash: str
    hash: str
