"""How moments are written."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from web.times import Calendar, relative, span

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BERLIN = Calendar(ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (NOW + timedelta(minutes=10), "13:10"),
        (NOW + timedelta(hours=11, minutes=30), "Tue 24 Nov, 00:30"),  # still today in UTC, tomorrow in Berlin
        (NOW - timedelta(days=20), "Tue 3 Nov, 13:00"),
        (datetime(2027, 5, 19, 7, 12, tzinfo=UTC), "19 May 2027, 09:12"),
    ],
)
def test_a_moment_is_written_as_short_as_it_is_clear(moment: datetime, written: str) -> None:
    assert BERLIN.short(moment, NOW) == written


def test_a_promise_is_written_in_full() -> None:
    assert BERLIN.full(NOW + timedelta(minutes=10), NOW) == "today, 13:10"
    assert BERLIN.full(NOW + timedelta(days=3), NOW) == "Thursday 26 November, 13:00"
    assert BERLIN.full(datetime(2027, 5, 19, 7, 12, tzinfo=UTC), NOW) == "Wednesday 19 May 2027, 09:12"


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(seconds=20), "in less than a minute"),
        (timedelta(seconds=60), "in about 1 minute"),
        (timedelta(minutes=12), "in 12 min"),
        (timedelta(hours=2, minutes=5), "in 2 hours 5 min"),
        (timedelta(hours=23, minutes=58), "in 24 hours"),
        (timedelta(days=1, hours=23, minutes=58), "in 2 days"),
        (timedelta(days=2, hours=5), "in 2 days 5 hours"),
        (timedelta(days=7), "in 7 days"),
        (timedelta(minutes=-3), "3 min ago"),
    ],
)
def test_beside_it_stands_how_long_it_is(ahead: timedelta, words: str) -> None:
    assert relative(NOW + ahead, NOW) == words


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(minutes=10), "10 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=72), "3 days"),
        (timedelta(days=7), "7 days"),
        (timedelta(seconds=90), "90 seconds"),
    ],
)
def test_a_promise_of_the_policy_is_written_as_a_length(length: timedelta, words: str) -> None:
    assert span(length) == words


def test_the_zone_is_named_once() -> None:
    assert BERLIN.zone_words(NOW) == "Berlin time (CET)"
    assert Calendar(ZoneInfo("UTC")).zone_words(NOW) == "UTC"
