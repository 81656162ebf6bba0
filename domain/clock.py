"""A promise with a ledger: so much time from a start, less the pauses, each with a reason (design 2.8).

Both sides read the same numbers: the claimant's page and the desk show `due_at` and the pauses of the same value.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class PauseReason(StrEnum):
    """Why a clock stands still."""

    WAITING_FOR_CLAIMANT = "waiting_for_claimant"


@dataclass(frozen=True)
class Pause:
    """From when to when the clock stood still; `until` is None while it does."""

    since: datetime
    reason: PauseReason
    until: datetime | None = None

    def length(self, now: datetime) -> timedelta:
        return max((self.until or now) - self.since, timedelta(0))


@dataclass(frozen=True)
class Clock:
    """What was promised. `allowance` is the time that may pass while the clock runs."""

    started_at: datetime
    allowance: timedelta
    pauses: tuple[Pause, ...] = ()
    missed_at: datetime | None = None
    """When the promise was broken; it is broken once."""
    met_at: datetime | None = None
    """When what was promised was done."""

    @property
    def is_paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1].until is None

    @property
    def due_at(self) -> datetime | None:
        """When it rings; None while it stands still, or once it was met."""
        if self.is_paused or self.met_at:
            return None
        return self.started_at + self.allowance + sum((pause.length(self.started_at) for pause in self.pauses), _NONE)

    @property
    def outcome(self) -> str:
        """What became of the promise: `running`, `kept` or `missed`."""
        if self.missed_at:
            return "missed"
        return "kept" if self.met_at else "running"

    def left(self, now: datetime) -> timedelta:
        """How much of the allowance is left at this moment; negative once it was missed."""
        stood = sum((pause.length(now) for pause in self.pauses), _NONE)
        return self.allowance - ((self.met_at or now) - self.started_at - stood)

    def paused(self, at: datetime, reason: PauseReason) -> "Clock":
        return self if self.is_paused or self.met_at else replace(self, pauses=(*self.pauses, Pause(at, reason)))

    def resumed(self, at: datetime) -> "Clock":
        if not self.is_paused:
            return self
        return replace(self, pauses=(*self.pauses[:-1], replace(self.pauses[-1], until=at)))

    def met(self, at: datetime) -> "Clock":
        return self if self.met_at else replace(self.resumed(at), met_at=at)

    def missed(self, at: datetime) -> "Clock":
        return self if self.missed_at else replace(self, missed_at=at)


_NONE = timedelta(0)
