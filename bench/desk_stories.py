"""How cases go, for the generator: a few dozen stories, each told once by the product's own rules.

A story is a list of events with the seconds at which they happen. It is recorded by `storage.writes` in a scratch
database; what lies there then, row for row, is the mould of which `desk_cases.py` makes as many as are wanted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain import claim_events as of_claim
from domain import recovery as of_recovery
from domain.case import Channel
from domain.claim import Claim, Reason
from domain.claim_events import ContactSeen, Step, Survey
from domain.contact_proof import (
    IDENTIFIER,
    CodeExpired,
    CodeIssued,
    CodeRefused,
    CodeRequested,
    CooldownEnded,
    Destination,
)
from domain.decisions import Item, Outcome
from domain.decisions import Reason as Why
from domain.evidence import Fact, FactKind, Finding, score
from domain.policy import CURRENT_POLICY
from domain.recovery import AskedBy, Recovery, Sight, Standing
from storage.folding import Case

BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
REFERENCE, ACCOUNT, AGENT, SECOND = "ZZZZZZZZZZ", "acc_of_nobody_yet", "agent-one", "agent-two"
"""Stand where every case has something of its own."""
MINUTE, HOUR, DAY = 60, 3600, 86400
EMAIL = Destination(Channel.EMAIL, IDENTIFIER)
SMS = Destination(Channel.SMS, IDENTIFIER)
CONTACT = Destination(Channel.EMAIL, "contact/opening")
Happened = tuple[float, Callable[[datetime], Any]]


@dataclass(frozen=True)
class Story:
    """`share`: how many of a thousand closed, or open, cases go so. `ago`: how long ago open ones began, in seconds."""

    name: str
    share: int
    opening: Case
    events: Sequence[Happened]
    is_open: bool = False
    ago: tuple[float, float] = (0, 0)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


# ---- recoveries ------------------------------------------------------------------------------------------------------


def recovery(by: AskedBy = AskedBy.EMAIL) -> Recovery:
    return Recovery(REFERENCE, by, "h" * 64)


def coded(seconds: float, issue: int = 1) -> Happened:
    return seconds, lambda moment: CodeIssued(moment, issue, (ACCOUNT,), "k1/k1", "d" * 64, "l" * 64)


def refused(seconds: float, issue: int = 1) -> Happened:
    return seconds, lambda moment: CodeRefused(moment, issue)


def accepted(seconds: float, issue: int = 1, standing: Standing = Standing.ACTIVE) -> Happened:
    sight = Sight(ACCOUNT, standing)
    return seconds, lambda moment: of_recovery.CodeAccepted(moment, issue, "code", "h" * 64, sight)


def happened(seconds: float, kind: Callable[..., Any], *values: Any) -> Happened:
    return seconds, lambda moment: kind(moment, *values)


OPENED = happened(0, of_recovery.CaseOpened)
STARTED = (OPENED, coded(0.2))
SET = (happened(95, of_recovery.PasswordSubmitted, "vault/1"), happened(95.4, of_recovery.PasswordApplied, 2))
USED_UP = (
    *STARTED,
    *(refused(20 + number) for number in range(5)),
    *(
        one
        for issue in range(2, 6)
        for one in (
            happened(400 * issue - 60, CooldownEnded, issue - 1),
            happened(400 * issue, CodeRequested),
            coded(400 * issue + 0.2, issue),
            *(refused(400 * issue + 20 + number, issue) for number in range(5)),
        )
    ),
)


def recoveries() -> Iterator[Story]:
    """Most people get the code right; a fifth of what is opened is for a name that no account has, or forgotten."""
    run_out = happened(DAY, of_recovery.CaseExpired)
    dead = happened(600.2, CodeExpired, 1)
    yield Story("recovered", 560, recovery(), (*STARTED, accepted(40), *SET))
    wrong = (refused(30), refused(42), accepted(60))
    yield Story("recovered after mistakes", 120, recovery(AskedBy.PHONE), (*STARTED, *wrong, *SET))
    yield Story("run out", 190, recovery(), (*STARTED, happened(60.2, CooldownEnded, 1), dead, run_out))
    yield Story("withdrawn", 30, recovery(), (*STARTED, happened(80, of_recovery.Withdrawn)))
    yield Story("referred", 20, recovery(), (*STARTED, accepted(40, standing=Standing.BANNED)))
    waiting = (*STARTED, happened(60.2, CooldownEnded, 1))
    yield Story("waits for the code", 280, recovery(), waiting, is_open=True, ago=(70, 580))
    yield Story("code is over", 260, recovery(), (*waiting, dead), is_open=True, ago=(610, DAY - HOUR))
    asks = (*USED_UP, happened(2100, of_recovery.HelpAsked))
    yield Story("asks for help", 20, recovery(), asks, is_open=True, ago=(2200, DAY - HOUR))


# ---- claims ----------------------------------------------------------------------------------------------------------

STRONG = (
    Fact(FactKind.FORMER_CONTACT, Finding.MATCHED),
    Fact(FactKind.USERNAME, Finding.MATCHED),
    Fact(FactKind.PASSWORD, Finding.MATCHED, 2),
    Fact(FactKind.DEVICE, Finding.MATCHED),
    Fact(FactKind.CREATED, Finding.NOT_MATCHED),
)
THIN = (Fact(FactKind.USERNAME, Finding.MATCHED), Fact(FactKind.EMAIL, Finding.NOT_MATCHED))
SURVEY = Survey(
    ACCOUNT,
    contacts=(ContactSeen("c1", "email", BEGIN - timedelta(days=900)), ContactSeen("c2", "sms", BEGIN)),
    knows_devices=True,
)
PROVED = (
    happened(0, of_claim.CaseOpened),
    coded(0.2),
    happened(60, of_claim.ContactProved, 1, "code", "h" * 64),
)
HELD = CURRENT_POLICY.hold_one_replaced.total_seconds()


def claim(reason: Reason = Reason.CONTACT) -> Claim:
    return Claim(REFERENCE, reason, "h" * 64, to=CONTACT)


def evidence(facts: tuple[Fact, ...] = STRONG, seconds: float = HOUR) -> Happened:
    return happened(seconds, of_claim.EvidenceGiven, "given-1", SURVEY, facts, score(facts))


def taken(seconds: float) -> Happened:
    return seconds, lambda moment: of_claim.Taken(moment, AGENT, moment + CURRENT_POLICY.lease)


def decided(seconds: float, outcome: Outcome, why: Why, agent: str = AGENT, number: int = 1, **more: Any) -> Happened:
    name = f"decision/{REFERENCE}{number}"
    return seconds, lambda moment: of_claim.DecisionRecorded(moment, name, outcome, why, agent, moment, "", **more)


def approved(seconds: float) -> tuple[Happened, ...]:
    fits = Why.EVIDENCE_FITS
    return taken(seconds - 300), decided(seconds, Outcome.APPROVE, fits, plan="c1")


def handed_back(hold_from: float) -> tuple[Happened, ...]:
    ends = hold_from + HELD
    half, nearly = hold_from + HELD / 2, ends - HELD / 10
    return (
        happened(half, of_claim.HoldNoticeDue, of_claim.Stage.MIDDLE),
        happened(nearly, of_claim.HoldNoticeDue, of_claim.Stage.ENDING),
        happened(ends, of_claim.HoldEnded),
        happened(ends + 0.3, of_claim.HandBackBegun),
        happened(ends + 0.6, of_claim.StepDone, Step.LIFT_FREEZE, "done", 0),
        happened(ends + 0.9, of_claim.StepDone, Step.CHANGE_CONTACTS, "done", 1),
        happened(ends + 1.2, of_claim.StepDone, Step.END_SESSIONS, "done", 3),
        coded(ends + 1.5, 2),
    )


REVIEWED = (*PROVED, evidence())
APPROVED = (*REVIEWED, *approved(9 * HOUR))
ASKED = (
    *REVIEWED,
    taken(6 * HOUR),
    decided(7 * HOUR, Outcome.ASK, Why.MORE_NEEDED, items=(Item.DEVICES.value, Item.CREATED.value)),
)


def claims() -> Iterator[Story]:
    """Claims take days, and every state of theirs is somewhere in the list."""
    other, hurry = claim(Reason.OTHER), claim(Reason.COMPROMISED)
    over = happened(9 * HOUR + HELD + 2 + 7 * DAY, of_claim.ProbationEnded)
    yield Story("handed back", 36, claim(), (*APPROVED, *handed_back(9 * HOUR), over))
    no = decided(20 * HOUR, Outcome.DENY, Why.NOT_ENOUGH_EVIDENCE)
    yield Story("denied", 22, claim(), (*PROVED, evidence(THIN), taken(19.9 * HOUR), no))
    silent = happened(60 + 14 * DAY, of_claim.CaseExpired)
    reminders = (happened(60 + 3 * DAY, of_claim.ReminderDue, 1), happened(60 + 10 * DAY, of_claim.ReminderDue, 2))
    yield Story("silent", 22, other, (*PROVED, *reminders, silent))
    yield from _open_claims(hurry)


def _open_claims(hurry: Claim) -> Iterator[Story]:
    def waiting(name: str, share: int, case: Claim, events: Sequence[Happened], hours: tuple[float, float]) -> Story:
        return Story(name, share, case, events, is_open=True, ago=(hours[0] * HOUR, hours[1] * HOUR))

    thin = (*PROVED, evidence(THIN))
    yield waiting("waits for its contact", 60, claim(), PROVED[:2], (0.1, 300))
    yield waiting("waits for evidence", 120, claim(), PROVED, (0.1, 70))
    yield waiting("waits for review", 70, claim(), REVIEWED, (1.1, 24))
    yield waiting("waits for review, thin", 26, claim(Reason.OTHER), thin, (1.1, 24))
    yield waiting("waits for review, hurried", 10, hurry, REVIEWED, (1.1, 5))
    late = (*REVIEWED, happened(25 * HOUR, of_claim.PromiseMissed, of_claim.Promise.FIRST_ANSWER))
    yield waiting("is late", 6, claim(), late, (26, 60))
    up = decided(3 * HOUR, Outcome.ESCALATE, Why.HARD_CASE)
    yield waiting("is with a lead", 4, claim(), (*thin, up), (3.1, 24))
    yield waiting("is taken", 3, claim(), (*REVIEWED, taken(HOUR + 60)), (1.02, 1.15))
    yield waiting("was asked", 60, claim(), ASKED, (8, 300))
    first = decided(9 * HOUR, Outcome.APPROVE, Why.EVIDENCE_FITS, plan="c1")
    yield waiting("waits for a second person", 5, claim(), (*thin, first), (9.1, 30))
    yield waiting("cooling off", 40, claim(), APPROVED, (10, 80))
    lasting = 9 + HELD / HOUR
    yield waiting("probation", 33, claim(), (*APPROVED, *handed_back(9 * HOUR)), (lasting + 1, lasting + 160))
    objected = happened(30 * HOUR, of_claim.OwnerObjected, "objection/1", at(30 * HOUR))
    yield waiting("contested", 3, claim(), (*APPROVED, objected), (30.1, 50))


def stories() -> list[Story]:
    return [*recoveries(), *claims()]
