"""A claim, pure. So far only its beginning: an owner objected to a changed password, and the account was frozen.

The workflow `Objection` keeps this part: the freeze, and its end by itself after `policy.freeze_lifetime`.
Everything an agent does with a claim comes with the claims issue and goes on from the state left here.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal

from domain.case import Audience, Deadline, Party
from domain.policy import CURRENT_POLICY, Policy


class State(StrEnum):
    """The first state of a claim; the others come with the claims issue."""

    OPENING = "opening"
    AWAITING_CONTACT_PROOF = "awaiting_contact_proof"


class Reason(StrEnum):
    """What happened, in the claimant's words."""

    COMPROMISED = "compromised"


@dataclass(frozen=True)
class Claim:
    """Somebody who reads an old contact says that the new password was not the owner's doing."""

    reference: str
    account: str
    """Opaque reference of the account that was recovered."""
    objection: str
    """Id of the `received` row; the freeze is made once for it."""
    policy: Policy = CURRENT_POLICY
    reason: Reason = Reason.COMPROMISED
    number: int = 0
    version: int = 0
    state: State = State.OPENING
    since: datetime | None = None
    opened_at: datetime | None = None
    frozen_at: datetime | None = None
    freeze_ended_at: datetime | None = None
    withheld: bool = False
    """The account was frozen by an objection less than `policy.freeze_interval` ago, so not again."""
    kind: Literal["claim"] = "claim"

    @property
    def is_closed(self) -> bool:
        return False

    @property
    def awaits_freeze(self) -> bool:
        return self.number > 0 and self.frozen_at is None and not self.withheld

    @property
    def freeze_is_over(self) -> bool:
        return self.withheld or self.freeze_ended_at is not None

    @property
    def frozen_until(self) -> datetime | None:
        return self.frozen_at + self.policy.freeze_lifetime if self.frozen_at else None


@dataclass(frozen=True)
class CaseOpened:
    at: datetime
    kind: Literal["case_opened"] = "case_opened"
    actor: ClassVar[Party] = Party.OWNER
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class AccountFrozen:
    at: datetime
    sessions: int
    kind: Literal["account_frozen"] = "account_frozen"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class FreezeWithheld:
    at: datetime
    kind: Literal["freeze_withheld"] = "freeze_withheld"
    actor: ClassVar[Party] = Party.MACHINE
    audience: ClassVar[Audience] = Audience.BOTH


@dataclass(frozen=True)
class FreezeLapsed:
    at: datetime
    kind: Literal["freeze_lapsed"] = "freeze_lapsed"
    actor: ClassVar[Party] = Party.CLOCK
    audience: ClassVar[Audience] = Audience.BOTH


Event = CaseOpened | AccountFrozen | FreezeWithheld | FreezeLapsed


def apply(case: Claim, event: Event) -> Claim:
    """The claim after the event; the very same object if the event means nothing to it now."""
    number = case.number + 1
    unanswered = case.frozen_at is None and not case.withheld
    match event:
        case CaseOpened() if case.number == 0:
            state = State.AWAITING_CONTACT_PROOF
            return replace(case, number=number, version=number, state=state, since=event.at, opened_at=event.at)
        case AccountFrozen() if unanswered:
            return replace(case, number=number, frozen_at=event.at)
        case FreezeWithheld() if unanswered:
            return replace(case, number=number, withheld=True)
        case FreezeLapsed() if case.frozen_at and case.freeze_ended_at is None:
            return replace(case, number=number, freeze_ended_at=event.at)
        case _:
            return case


def deadlines(case: Claim) -> tuple[Deadline, ...]:
    """When the freeze ends by itself."""
    if case.frozen_until is None or case.freeze_ended_at is not None:
        return ()
    return (Deadline(case.frozen_until, FreezeLapsed(case.frozen_until)),)


def waiting_on(case: Claim) -> Party | None:
    """Whose turn it is."""
    return Party.MACHINE if case.state is State.OPENING else Party.CLAIMANT
