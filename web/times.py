"""How moments are written for people: one zone, absolute first, relative beside it and rounded."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def datetime_now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Calendar:
    """Moments in the platform's time zone."""

    zone: ZoneInfo

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def short(self, moment: datetime, now: datetime, *, seconds: bool = False) -> str:
        """`14:41` today, `Thu 26 Nov, 19:33` this year, `19 May 2027, 09:12` else."""
        there, today = self.local(moment), self.local(now)
        clock = there.strftime("%H:%M:%S" if seconds else "%H:%M")
        if there.date() == today.date():
            return clock
        if there.year == today.year:
            return f"{there:%a} {there.day} {there:%b}, {clock}"
        return f"{there.day} {there:%b} {there.year}, {clock}"

    def full(self, moment: datetime, now: datetime) -> str:
        """For the one promise of a page: `today, 15:30`, `Thursday 26 November, 19:33`."""
        there, today = self.local(moment), self.local(now)
        clock = there.strftime("%H:%M")
        if there.date() == today.date():
            return f"today, {clock}"
        year = "" if there.year == today.year else f" {there.year}"
        return f"{there:%A} {there.day} {there:%B}{year}, {clock}"

    def stamp(self, moment: datetime) -> str:
        """For the desk: `Tue 24 Nov 2026, 14:31:20`."""
        there = self.local(moment)
        return f"{there:%a} {there.day} {there:%b} {there.year}, {there:%H:%M:%S}"

    def iso(self, moment: datetime) -> str:
        return self.local(moment).isoformat(timespec="seconds")

    def zone_words(self, now: datetime) -> str:
        """For the foot, once: `London time (GMT)`, or `UTC`."""
        city = self.zone.key.rpartition("/")[2].replace("_", " ")
        short = self.local(now).tzname() or ""
        return short if city in {"UTC", "GMT", short} else f"{city} time ({short})"


def relative(moment: datetime, now: datetime) -> str:
    """`in about 1 minute`, `in 12 min`, `in 2 hours 5 min`, `in 2 days 5 hours`; rounded, never alone on a page."""
    ahead = moment - now
    words = length(abs(ahead))
    return f"in {words}" if ahead > timedelta(0) else f"{words} ago"


def length(length: timedelta) -> str:
    """A time that passed, rounded: `about 1 minute`, `12 min`, `2 hours 5 min`, `2 days 5 hours`."""
    if length < timedelta(seconds=45):
        return "less than a minute"
    if length < timedelta(seconds=90):
        return "about 1 minute"
    minutes = round(length / MINUTE)
    if minutes < 90:
        return f"{minutes} min"
    if round(length / HOUR) < 48:
        hours, rest = divmod(minutes, 60)
        return f"{_count(hours, 'hour')} {rest} min" if rest and hours < 6 else _count(round(length / HOUR), "hour")
    hours = round(length / HOUR)
    days, rest = divmod(hours, 24)
    return f"{_count(days, 'day')} {_count(rest, 'hour')}" if rest else _count(days, "day")


def span(length: timedelta) -> str:
    """A length out of the policy: `10 minutes`, `24 hours`, `7 days`."""
    if length >= 3 * DAY and not length % DAY:
        return _count(length // DAY, "day")
    if length >= HOUR and not length % HOUR:
        return _count(length // HOUR, "hour")
    if length >= MINUTE and not length % MINUTE:
        return _count(length // MINUTE, "minute")
    return _count(int(length.total_seconds()), "second")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
