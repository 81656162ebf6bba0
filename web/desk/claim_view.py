"""What the desk's page of a claim shows of the case itself: clocks, lease, hand-back, the account as it was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.claim import AT_THE_DESK, Claim, Freeze, State
from domain.claim_events import Promise, Step
from domain.clock import Clock
from web import words as common
from web.desk import words
from web.times import length


@dataclass(frozen=True)
class Standstill:
    """A pause of a clock: from when to when, how long, why. `until` is None while it lasts."""

    since: datetime
    until: datetime | None
    lasted: str
    why: str


@dataclass(frozen=True)
class Ledger:
    """A promise, and where it stands. The claimant's page counts with the same clock."""

    name: str
    state: str
    """`met`, `missed`, `paused` or `running`."""
    allowance: str
    used: str
    left: timedelta
    due_at: datetime | None
    ended_at: datetime | None
    pauses: tuple[Standstill, ...]


@dataclass(frozen=True)
class Lease:
    """Who works on the case, and until when it stays theirs."""

    who: str
    is_mine: bool
    until: datetime


@dataclass(frozen=True)
class StepLine:
    """One step of a hand-back: done with its result, or still to do."""

    what: str
    at: datetime | None
    result: str


@dataclass(frozen=True)
class Contact:
    """A contact of the account, by its opaque id: what kind it is and since when, never where it leads."""

    id: str
    says: str
    since: datetime
    is_safe: bool
    is_proved: bool


@dataclass(frozen=True)
class Account:
    """The account as the account system described it when evidence was weighed."""

    contacts: tuple[Contact, ...]
    high_value: bool
    device: str
    disputed_at: datetime | None


def ledgers(case: Claim, now: datetime) -> list[Ledger]:
    """Both promises with their pauses."""
    clocks = ((Promise.FIRST_ANSWER, case.first_answer), (Promise.DECISION, case.decision))
    return [_ledger(words.PROMISES[name], clock, now, case) for name, clock in clocks if clock]


def _ledger(name: str, clock: Clock, now: datetime, case: Claim) -> Ledger:
    late = clock.due_at is not None and clock.due_at <= now
    state = "met" if clock.met_at else "paused" if clock.is_paused else "missed" if clock.missed_at or late else ""
    left = clock.left(now)
    if not state:
        state = "running" if case.state in AT_THE_DESK else "open"
    return Ledger(
        name=name,
        state=state,
        allowance=length(clock.allowance),
        used=length(clock.allowance - left),
        left=left,
        due_at=clock.due_at,
        ended_at=clock.met_at or clock.missed_at,
        pauses=tuple(
            Standstill(pause.since, pause.until, length(pause.length(now)), words.PAUSES[pause.reason])
            for pause in clock.pauses
        ),
    )


def lease(case: Claim, agent: str, names: Mapping[str, str], now: datetime) -> Lease | None:
    """Whose the case is now; None if it is nobody's, or the time of whoever took it is over."""
    if not case.assignee or case.lease_until is None or case.lease_until <= now:
        return None
    return Lease(names.get(case.assignee, case.assignee), case.assignee == agent, case.lease_until)


def steps(case: Claim) -> list[StepLine]:
    """What was done to the account, and what is still to do."""
    done = [StepLine(words.STEPS[one.step], one.at, result_words(one.step, one.result, one.count)) for one in case.done]
    return done + [StepLine(words.STEPS[step], None, "") for step in case.to_do]


def result_words(step: Step, result: str, count: int) -> str:
    """What the account system answered: `added, 1 contact`."""
    counted = {Step.END_SESSIONS: "session", Step.CHANGE_CONTACTS: "contact", Step.RESTORE_CONTACTS: "contact"}
    thing = counted.get(step)
    said = result.replace("_", " ")
    return f"{said}, {count} {thing if count == 1 else f'{thing}s'}" if thing else said


def account(case: Claim) -> Account | None:
    """None before any evidence was weighed."""
    survey = case.survey
    if survey is None:
        return None
    contacts = tuple(
        Contact(one.id, contact_words(one.channel, one.since), one.since, one.is_safe, one.id == survey.proved)
        for one in survey.contacts
    )
    device = "not known to the account system"
    if survey.knows_devices:
        device = "known, used with the account before" if survey.device_is_known else "never seen with the account"
    return Account(contacts, survey.high_value, device, survey.disputed_at)


def contact_words(channel: str, since: datetime) -> str:
    """`e-mail, since May 2019`: which contact is meant, without saying what it is."""
    return f"{common.CHANNELS.get(channel, channel)}, since {since:%B %Y}"


def freeze_words(case: Claim) -> str:
    return words.FREEZES[case.freeze]


def is_held_by_us(case: Claim) -> bool:
    """Whether the account is shut because of this claim."""
    return case.freeze in {Freeze.WANTED, Freeze.ON}


def ended_by(case: Claim) -> str:
    """Why the claim ended, in words; empty for ends that say it themselves."""
    return words.ENDED_BY.get(case.because, "") if case.is_closed and case.state is not State.DENIED else ""
