"""Self-service recovery, pure: a code or link proves a contact, a new password ends it (design 6).

*Somebody acts, or the clock does*: `decide` says what a command makes happen, `apply` folds what happened,
`deadlines` says when the clock acts. Effects follow from the state: `wanted` asks for a code,
`applying_password` for the password. Times are aware and in UTC; they come in with commands and events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from domain.case import Answer, Audience, Channel, Deadline, Kind, Party, earliest
from domain.contact_proof import (
    IDENTIFIER,
    CodeExpired,
    CodeIssued,
    CodeRefused,
    CodeRequested,
    ContactGiven,
    CooldownEnded,
    Destination,
    Issue,
)
from domain.decisions import OUTCOMES, Decision, Doubt, Outcome, Verdict, reasons
from domain.errors import (
    CodeIsOver,
    LinkIsOver,
    NoCodesLeft,
    NotAllowedNow,
    NotYours,
    TooSoon,
    UseTheNewest,
)
from domain.plain import plain
from domain.policy import CURRENT_POLICY, Policy


class State(StrEnum):
    """Named after what is missing; end states are participles."""

    OPENING = "opening"
    AWAITING_CONTACT = "awaiting_contact"
    AWAITING_CODE = "awaiting_code"
    AWAITING_RESEND = "awaiting_resend"
    AWAITING_HELP = "awaiting_help"
    AWAITING_ACCOUNT = "awaiting_account"
    AWAITING_SECOND_PROOF = "awaiting_second_proof"
    AWAITING_NEW_PASSWORD = "awaiting_new_password"
    APPLYING_PASSWORD = "applying_password"
    RECOVERED = "recovered"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    REFERRED = "referred"


ENDS = frozenset({State.RECOVERED, State.EXPIRED, State.WITHDRAWN, State.STOPPED, State.REFERRED})
PROVED = frozenset({State.AWAITING_ACCOUNT, State.AWAITING_SECOND_PROOF, State.AWAITING_NEW_PASSWORD})
"""A contact was proved, and the proof is still fresh."""
LINKABLE = frozenset({State.AWAITING_CODE, State.AWAITING_RESEND, State.AWAITING_HELP})
"""Where the mailed link still works: it needs no try, so a code that is over does not end it."""


class AskedBy(StrEnum):
    """What the claimant typed into the one box."""

    EMAIL = "email"
    PHONE = "phone"
    USERNAME = "username"


class Standing(StrEnum):
    """How the account stands, looked at only after the proof."""

    ACTIVE = "active"
    SECOND_FACTOR = "second_factor"
    BANNED = "banned"
    FROZEN = "frozen"
    BEING_DELETED = "being_deleted"
    GONE = "gone"


@dataclass(frozen=True)
class Sight:
    """What a look at an account found: its opaque reference, its standing, and until when that lasts, if it ends."""

    account: str
    standing: Standing
    until: datetime | None = None


@dataclass(frozen=True)
class Recovery:
    """One attempt to get one account back."""

    reference: str
    asked_by: AskedBy
    holder: str
    """Digest of the case secret of the one browser that may act; the mailed link moves it."""
    policy: Policy = CURRENT_POLICY
    number: int = 0
    """Events so far: `(reference, number)` is the key of the record."""
    version: int = 0
    """Number of the event that brought the present state; a decision names the one it was made on."""
    state: State = State.OPENING
    since: datetime | None = None
    opened_at: datetime | None = None
    wanted: Destination | None = None
    issue: Issue | None = None
    """The newest code; its digests are gone once it was accepted."""
    issues: int = 0
    allowed: int = 0
    """Codes that agents allowed beyond the policy's number."""
    resend_open: bool = False
    accounts: tuple[str, ...] = ()
    sight: Sight | None = None
    proofs_refused: int = 0
    help_asked_at: datetime | None = None
    secret: str = ""
    """Reference of the vault row that holds the new password while it is applied."""
    because: str = ""
    """Why the case ended, where the state alone does not say it."""
    decided: tuple[str, ...] = ()
    """Ids of the decisions that were dealt with, newest last."""
    kind: Literal["recovery"] = "recovery"

    @property
    def is_closed(self) -> bool:
        return self.state in ENDS

    @property
    def account(self) -> str:
        """The account this case is about; empty until one is known."""
        return self.sight.account if self.sight else self.accounts[0] if len(self.accounts) == 1 else ""

    @property
    def codes_left(self) -> int:
        return self.policy.codes_per_case + self.allowed - self.issues

    @property
    def tries_left(self) -> int:
        return self.policy.tries_per_code - self.issue.wrong if self.issue else 0

    @property
    def resend_at(self) -> datetime | None:
        """When the next code may be asked for; None if there was none yet or none is left."""
        if self.issue is None or self.codes_left <= 0:
            return None
        return self.issue.at + self.policy.cooldown(self.issue.number)

    @property
    def code_until(self) -> datetime | None:
        return self.issue.at + self.policy.code_lifetime if self.issue else None

    @property
    def link_until(self) -> datetime | None:
        return self.issue.at + self.policy.link_lifetime if self.issue else None

    @property
    def proof_until(self) -> datetime | None:
        return self.since + self.policy.proof_window if self.since and self.state in PROVED else None

    @property
    def open_until(self) -> datetime | None:
        return self.opened_at + self.policy.case_lifetime if self.opened_at else None


# ---- what people ask ----------------------------------------------------------------------------------------


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
    """Another code, to the same contact or to one typed now."""

    by: str
    to: Destination | None = None
    kind: Literal["resend_code"] = "resend_code"


@dataclass(frozen=True)
class ChooseAccount:
    by: str
    account: str
    kind: Literal["choose_account"] = "choose_account"


@dataclass(frozen=True)
class SubmitSecondProof:
    """`secret` names the vault row that holds the saved recovery code."""

    by: str
    secret: str
    kind: Literal["submit_second_proof"] = "submit_second_proof"


@dataclass(frozen=True)
class SetPassword:
    """`secret` names the vault row that holds the new password."""

    by: str
    secret: str
    kind: Literal["set_password"] = "set_password"


@dataclass(frozen=True)
class AskHelp:
    by: str
    kind: Literal["ask_help"] = "ask_help"


@dataclass(frozen=True)
class Withdraw:
    by: str
    kind: Literal["withdraw"] = "withdraw"


Command = (
    GiveContact
    | SubmitCode
    | UseLink
    | ResendCode
    | ChooseAccount
    | SubmitSecondProof
    | SetPassword
    | AskHelp
    | Withdraw
)


# ---- what happened ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CaseOpened:
    at: datetime
    kind: Literal["case_opened"] = "case_opened"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class CodeAccepted:
    """A contact is proved. `sight` is there when the contact belongs to one account only."""

    at: datetime
    issue: int
    via: Literal["code", "link"]
    holder: str
    sight: Sight | None = None
    kind: Literal["code_accepted"] = "code_accepted"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class AccountChosen:
    at: datetime
    sight: Sight
    kind: Literal["account_chosen"] = "account_chosen"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class SecondProofAccepted:
    at: datetime
    kind: Literal["second_proof_accepted"] = "second_proof_accepted"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class SecondProofRefused:
    at: datetime
    kind: Literal["second_proof_refused"] = "second_proof_refused"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class ProofLapsed:
    """The time for the next step after a proof is over: a contact must be proved again."""

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
    """Sessions and API tokens that were ended."""
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
class AccountBarred:
    """The account was frozen, banned or put up for deletion after the proof and before the password."""

    at: datetime
    sight: Sight
    kind: Literal["account_barred"] = "account_barred"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class HelpAsked:
    at: datetime
    kind: Literal["help_asked"] = "help_asked"
    actor: ClassVar[Party] = Party.CLAIMANT
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class DecisionRecorded:
    at: datetime
    id: str
    outcome: Outcome
    reason: str
    agent: str
    received_at: datetime
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
class OwnerObjected:
    """Somebody who reads a contact of the account pressed "this was not me"."""

    at: datetime
    received: str
    received_at: datetime
    kind: Literal["owner_objected"] = "owner_objected"
    actor: ClassVar[Party] = Party.OWNER
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class Superseded:
    """Another case of the same account was quicker."""

    at: datetime
    kind: Literal["superseded"] = "superseded"
    actor: ClassVar[Party] = Party.MACHINE
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


Event = (
    CaseOpened
    | ContactGiven
    | CodeRequested
    | CodeIssued
    | CodeRefused
    | CodeExpired
    | CooldownEnded
    | CodeAccepted
    | AccountChosen
    | SecondProofAccepted
    | SecondProofRefused
    | ProofLapsed
    | PasswordSubmitted
    | PasswordApplied
    | PasswordLost
    | AccountBarred
    | HelpAsked
    | DecisionRecorded
    | DecisionRefused
    | OwnerObjected
    | Superseded
    | Withdrawn
    | CaseExpired
)


def answer(case: Recovery, event: Event) -> Answer:
    return Answer(event.kind, case.state, case.number, case.tries_left)


# ---- what follows -------------------------------------------------------------------------------------------


def apply(case: Recovery, event: Event) -> Recovery:
    """The case after the event; the very same object if the event means nothing to it now."""
    if case.is_closed:
        return case
    match event:
        case CaseOpened() | ContactGiven() | CodeRequested() | CodeIssued():
            return _towards_a_code(case, event)
        case CodeRefused() | CodeExpired() | CooldownEnded() | CodeAccepted():
            return _about_the_code(case, event)
        case DecisionRecorded() | DecisionRefused() | HelpAsked():
            return _at_the_desk(case, event)
        case OwnerObjected() | Superseded() | Withdrawn() | CaseExpired():
            return _ended(case, event)
        case _:
            return _after_the_proof(case, event)


def _towards_a_code(case: Recovery, event: CaseOpened | ContactGiven | CodeRequested | CodeIssued) -> Recovery:
    match case.state, event:
        case State.OPENING, CaseOpened() if case.number == 0:
            opened = replace(case, opened_at=event.at)
            if case.asked_by is AskedBy.USERNAME:
                return _moved(opened, State.AWAITING_CONTACT, event.at)
            channel = Channel.SMS if case.asked_by is AskedBy.PHONE else Channel.EMAIL
            return _moved(replace(opened, wanted=Destination(channel, IDENTIFIER)), State.OPENING, event.at)
        case State.AWAITING_CONTACT, ContactGiven() if case.wanted is None:
            return _noted(replace(case, wanted=event.to))
        case ((State.AWAITING_CODE | State.AWAITING_RESEND), CodeRequested()) if case.issue and case.codes_left > 0:
            return _noted(replace(case, wanted=event.to or case.issue.to, resend_open=False))
        case _, CodeIssued() if case.wanted and event.issue == case.issues + 1:
            issue = Issue(
                number=event.issue,
                at=event.at,
                to=case.wanted,
                keys=event.keys,
                digest=event.digest,
                link_digest=event.link_digest,
                granted=case.state is State.AWAITING_HELP,
            )
            issued = replace(case, issue=issue, issues=event.issue, accounts=event.accounts, wanted=None)
            return _moved(replace(issued, resend_open=False), State.AWAITING_CODE, event.at)
        case _:
            return case


def _about_the_code(case: Recovery, event: CodeRefused | CodeExpired | CooldownEnded | CodeAccepted) -> Recovery:
    issue = case.issue
    if issue is None or event.issue != issue.number:
        return case
    match case.state, event:
        case State.AWAITING_CODE, CodeRefused():
            counted = replace(case, issue=replace(issue, wrong=issue.wrong + 1))
            return _without_code(counted, event.at) if counted.tries_left <= 0 else _noted(counted)
        case State.AWAITING_CODE, CodeExpired():
            # A code that an agent allowed, and that ran out untouched, may be asked for once more.
            given_back = 1 if issue.granted and issue.wrong == 0 else 0
            return _without_code(replace(case, allowed=case.allowed + given_back), event.at)
        case ((State.AWAITING_CODE | State.AWAITING_RESEND), CooldownEnded()) if not case.resend_open:
            return _noted(replace(case, resend_open=True))
        case state, CodeAccepted() if state in LINKABLE:
            used = replace(issue, digest="", link_digest="")
            # The proof ends the wish for another code, and the wait for the desk.
            proved = replace(case, issue=used, holder=event.holder, wanted=None, help_asked_at=None)
            return (
                _seen(proved, event.sight, event.at)
                if event.sight
                else _moved(proved, State.AWAITING_ACCOUNT, event.at)
            )
        case _:
            return case


def _after_the_proof(case: Recovery, event: Event) -> Recovery:
    match case.state, event:
        case State.AWAITING_ACCOUNT, AccountChosen() if event.sight.account in case.accounts:
            return _seen(case, event.sight, event.at)
        case State.AWAITING_SECOND_PROOF, SecondProofAccepted():
            return _moved(case, State.AWAITING_NEW_PASSWORD, event.at)
        case State.AWAITING_SECOND_PROOF, SecondProofRefused():
            refused = replace(case, proofs_refused=case.proofs_refused + 1)
            if refused.proofs_refused < case.policy.second_proof_tries:
                return _noted(refused)
            return _moved(replace(refused, because="second_proof"), State.REFERRED, event.at)
        case state, ProofLapsed() if state in PROVED:
            return _without_code(replace(case, sight=None), event.at)
        case State.AWAITING_NEW_PASSWORD, PasswordSubmitted():
            return _moved(replace(case, secret=event.secret), State.APPLYING_PASSWORD, event.at)
        case State.APPLYING_PASSWORD, PasswordApplied():
            return _moved(replace(case, secret=""), State.RECOVERED, event.at)
        case State.APPLYING_PASSWORD, PasswordLost():
            return _moved(replace(case, secret=""), State.AWAITING_NEW_PASSWORD, event.at)
        case State.APPLYING_PASSWORD, AccountBarred():
            return _seen(replace(case, secret=""), event.sight, event.at)
        case _:
            return case


def _at_the_desk(case: Recovery, event: DecisionRecorded | DecisionRefused | HelpAsked) -> Recovery:
    match case.state, event:
        case State.AWAITING_HELP, HelpAsked() if case.help_asked_at is None and case.wanted is None:
            return _noted(replace(case, help_asked_at=event.at))
        case state, DecisionRecorded(outcome=Outcome.STOP) if state is not State.APPLYING_PASSWORD:
            return _moved(replace(_dealt_with(case, event.id), because="agent"), State.STOPPED, event.at)
        case State.AWAITING_HELP, DecisionRecorded(outcome=Outcome.ALLOW) if case.issue and case.wanted is None:
            helped = replace(case, allowed=case.allowed + 1, wanted=case.issue.to, help_asked_at=None)
            return _noted(_dealt_with(helped, event.id))
        case _, DecisionRefused() if event.id not in case.decided:
            return _noted(_dealt_with(case, event.id))
        case _:
            return case


def _ended(case: Recovery, event: OwnerObjected | Superseded | Withdrawn | CaseExpired) -> Recovery:
    match event:
        case Withdrawn():
            ended = case if case.state is State.APPLYING_PASSWORD else _moved(case, State.WITHDRAWN, event.at)
        case CaseExpired():
            ended = case if case.state is State.APPLYING_PASSWORD else _moved(case, State.EXPIRED, event.at)
        case OwnerObjected():
            ended = _moved(replace(case, because="objection", secret=""), State.STOPPED, event.at)
        case Superseded():
            ended = _moved(replace(case, because="superseded", secret=""), State.STOPPED, event.at)
    return ended


def _moved(case: Recovery, state: State, at: datetime) -> Recovery:
    number = case.number + 1
    return replace(case, number=number, version=number, state=state, since=at)


def _noted(case: Recovery) -> Recovery:
    """Counted, but nobody's turn changed: `since` and `version` stay, so no deadline moves."""
    return replace(case, number=case.number + 1)


def _without_code(case: Recovery, at: datetime) -> Recovery:
    return _moved(case, State.AWAITING_RESEND if case.codes_left > 0 else State.AWAITING_HELP, at)


def _seen(case: Recovery, sight: Sight, at: datetime) -> Recovery:
    seen = replace(case, sight=sight)
    match sight.standing:
        case Standing.ACTIVE:
            return _moved(seen, State.AWAITING_NEW_PASSWORD, at)
        case Standing.SECOND_FACTOR:
            return _moved(seen, State.AWAITING_SECOND_PROOF, at)
        case _:
            return _moved(replace(seen, because=sight.standing.value), State.REFERRED, at)


def _dealt_with(case: Recovery, decision: str) -> Recovery:
    # Twenty ids are enough to recognise a signal that was sent again; the list must not grow without end.
    return replace(case, decided=(*case.decided, decision)[-20:])


# ---- when the clock acts ------------------------------------------------------------------------------------


def deadlines(case: Recovery) -> tuple[Deadline, ...]:
    """When the clock acts, and what it brings. While a password is applied the clock waits."""
    if case.opened_at is None or case.is_closed or case.state is State.APPLYING_PASSWORD:
        return ()
    return tuple(_deadlines(case))


def _deadlines(case: Recovery) -> Iterator[Deadline]:
    if case.state is State.AWAITING_CODE and case.issue and case.code_until:
        yield Deadline(case.code_until, CodeExpired(case.code_until, case.issue.number))
    if case.state in PROVED and case.proof_until:
        yield Deadline(case.proof_until, ProofLapsed(case.proof_until))
    if case.open_until:
        yield Deadline(case.open_until, CaseExpired(case.open_until))
    waits_for_a_code = case.state in {State.AWAITING_CODE, State.AWAITING_RESEND}
    if waits_for_a_code and not case.wanted and case.issue and case.resend_at and not case.resend_open:
        yield Deadline(case.resend_at, CooldownEnded(case.resend_at, case.issue.number))


def due(case: Recovery, now: datetime) -> Event | None:
    """What the clock has brought by `now`, earliest first; whoever acts later is judged after it."""
    deadline = earliest(deadlines(case))
    return deadline.event if deadline and deadline.at <= now else None


def caught_up(case: Recovery, now: datetime) -> Recovery:
    """The case after everything that the clock has brought by `now`."""
    while event := due(case, now):
        case = apply(case, event)
    return case


def spent_tries(before: Recovery, after: Recovery) -> tuple[int, int] | None:
    """`(issue, wrong tries)` when `after` no longer takes the code that `before` took: its reservation ends."""
    if before.state is not State.AWAITING_CODE or before.issue is None:
        return None
    if after.state is State.AWAITING_CODE and after.issue and after.issue.number == before.issue.number:
        return None
    same = after.issue and after.issue.number == before.issue.number
    return before.issue.number, after.issue.wrong if same and after.issue else before.issue.wrong


def waiting_on(case: Recovery) -> Party | None:
    """Whose turn it is; None when it is nobody's any more."""
    if case.is_closed:
        return None
    if case.state in {State.OPENING, State.APPLYING_PASSWORD}:
        return Party.MACHINE
    return Party.AGENT if case.help_asked_at else Party.CLAIMANT


# ---- what a command makes happen ----------------------------------------------------------------------------


def decide(case: Recovery, command: Command, now: datetime) -> Event:
    """What the command makes happen, or a refusal (`domain.errors`). Judged after what the clock has brought."""
    case = caught_up(case, now)
    if not isinstance(command, UseLink) and command.by != case.holder:
        raise NotYours(command.kind)
    event = _event_of(case, command, now)
    if apply(case, event) is case:
        raise NotAllowedNow(f"{command.kind} while {case.state}")
    return event


def _event_of(case: Recovery, command: Command, now: datetime) -> Event:
    match command:
        case GiveContact():
            return ContactGiven(now, command.to)
        case SubmitCode():
            return _code_checked(case, command, now)
        case UseLink():
            return _link_checked(case, command, now)
        case ResendCode():
            return _resend_checked(case, command, now)
        case ChooseAccount():
            # The standing is looked up by the workflow; here only whether the choice is one.
            return AccountChosen(now, Sight(command.account, Standing.ACTIVE))
        case SubmitSecondProof():
            return SecondProofRefused(now)
        case SetPassword():
            return PasswordSubmitted(now, command.secret)
        case AskHelp():
            return HelpAsked(now)
        case Withdraw():
            return Withdrawn(now)


def _code_checked(case: Recovery, command: SubmitCode, now: datetime) -> Event:
    if case.state in {State.AWAITING_RESEND, State.AWAITING_HELP}:
        raise CodeIsOver(case.state)
    if case.state is not State.AWAITING_CODE or case.issue is None:
        raise NotAllowedNow(f"submit_code while {case.state}")
    if command.issue != case.issue.number:
        raise UseTheNewest(str(case.issue.number))
    if not case.issue.digest or command.digest != case.issue.digest:
        return CodeRefused(now, command.issue)
    return CodeAccepted(now, command.issue, "code", command.by)


def _link_checked(case: Recovery, command: UseLink, now: datetime) -> Event:
    issue = case.issue
    fresh = issue and case.link_until and now < case.link_until and case.state in LINKABLE
    if not issue or not fresh or not issue.link_digest or command.digest != issue.link_digest:
        raise LinkIsOver(case.state)
    return CodeAccepted(now, issue.number, "link", command.by)


def _resend_checked(case: Recovery, command: ResendCode, now: datetime) -> Event:
    if case.state not in {State.AWAITING_CODE, State.AWAITING_RESEND}:
        raise NotAllowedNow(f"resend_code while {case.state}")
    if case.resend_at is None:
        raise NoCodesLeft(str(case.issues))
    if now < case.resend_at:
        raise TooSoon(case.resend_at.isoformat())
    return CodeRequested(now, command.to)


def judge(case: Recovery, decision: Decision, verdict: Verdict, now: datetime) -> DecisionRecorded | DecisionRefused:
    """What an agent's decision makes happen. A decision is judged by when it was received, and never raises."""
    doubt = verdict.doubt or _doubt(caught_up(case, verdict.received_at), decision)
    if doubt:
        return DecisionRefused(now, plain(decision.id), doubt, plain(decision.agent))
    return DecisionRecorded(
        now, decision.id, Outcome(decision.outcome), decision.reason, decision.agent, verdict.received_at
    )


def _may_be_decided(case: Recovery, outcome: Outcome) -> bool:
    """One more code is for those who have used theirs up; an agent may stop any case until its effect has begun."""
    if outcome is Outcome.ALLOW:
        return case.state is State.AWAITING_HELP and case.wanted is None
    return not case.is_closed and case.state is not State.APPLYING_PASSWORD


def _doubt(case: Recovery, decision: Decision) -> Doubt | None:
    if decision.case != case.reference:
        return Doubt.UNPROVEN
    if decision.outcome not in OUTCOMES[Kind.RECOVERY]:
        return Doubt.UNKNOWN_OUTCOME
    if decision.reason not in reasons(Kind.RECOVERY, Outcome(decision.outcome)):
        return Doubt.UNKNOWN_REASON
    if not _may_be_decided(case, Outcome(decision.outcome)):
        return Doubt.NOT_NOW
    if decision.version != case.version:
        return Doubt.STALE
    return None
