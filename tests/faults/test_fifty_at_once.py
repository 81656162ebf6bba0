"""Fifty forms of one tab at once over HTTP: at most five tries count, and one wins if it is among them."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.faults.ledger import books, mailed_code
from tests.faults.people import case_row, somebody
from tests.faults.tab import PATIENCE, Form, Tab
from tests.faults.walk import Walk

FIFTY = 50
BUSY = 429


def at_once(town, walk, typed, *, patient):
    """The statuses of these codes, each from a form of its own. Who is patient tries again while the case is busy."""
    tab = walk.tab
    form = tab.form(f"/case/{walk.reference}", "/code")
    cookies = tab.cookies

    def submit(number, code):
        mine = Form(form.action, {**form.hidden, "key": f"{number:03d}-{form.hidden['key']}"})
        with closing(Tab(town.url, cookies=cookies)) as one:
            answer, until = one.try_to_send(mine, code=code), time.monotonic() + PATIENCE
            while patient and answer in {BUSY, 503} and time.monotonic() < until:
                time.sleep(0.1)
                answer = one.try_to_send(mine, code=code)
            return answer

    with ThreadPoolExecutor(FIFTY) as threads:
        return Counter(threads.map(submit, range(FIFTY), typed))


@pytest.fixture
def waiting(town):
    """Somebody whose code has come."""
    walk = Walk(town, somebody(town))
    walk.start()
    return walk


def wrong(right, number=1):
    return f"{(int(right) + number) % 10**6:06d}"


def test_of_fifty_wrong_codes_five_count(town, waiting):
    right = mailed_code(town, waiting.reference)
    heard = at_once(town, waiting, [wrong(right, number) for number in range(1, FIFTY + 1)], patient=True)
    found = books(town, waiting.person, waiting.reference)
    assert found.events == ["case_opened", "code_issued", *["code_refused"] * 5]
    assert found.tries == [(5, 0)]
    # Four hear "not correct", the fifth that it was the last, everybody else that the code is over.
    assert heard == {422: 5, 410: 45}


def test_of_fifty_right_codes_one_wins(town, waiting):
    right = mailed_code(town, waiting.reference)
    heard = at_once(town, waiting, [right] * FIFTY, patient=True)
    found = books(town, waiting.person, waiting.reference)
    assert found.events == ["case_opened", "code_issued", "code_accepted"]
    assert heard == {303: 1, 409: 49}


def test_the_right_one_wins_exactly_when_it_is_among_the_counted(town, waiting):
    right = mailed_code(town, waiting.reference)
    heard = at_once(town, waiting, some_right(right), patient=True)
    events = books(town, waiting.person, waiting.reference).events
    won = events.count("code_accepted")
    assert events.count("code_refused") + won <= 5
    assert won == (0 if events.count("code_refused") == 5 else 1)
    assert (heard[303], heard.total()) == (won, FIFTY)
    assert set(heard) <= {303, 409, 410, 422}
    state = "awaiting_new_password" if won else "awaiting_resend"
    assert case_row(town, waiting.reference).state == state


def test_who_sends_everything_once_gets_no_more_than_that(town, waiting):
    """Most of the fifty hear that the case is busy; what was answered is what was counted."""
    right = mailed_code(town, waiting.reference)
    heard = at_once(town, waiting, some_right(right), patient=False)
    events = books(town, waiting.person, waiting.reference).events
    assert events.count("code_refused") + events.count("code_accepted") <= 5
    assert events.count("code_accepted") <= 1
    assert heard[422] <= events.count("code_refused")
    assert heard[303] <= events.count("code_accepted")
    assert set(heard) <= {303, 409, 410, 422, BUSY, 503}


def some_right(right):
    return [right if number % 10 == 3 else wrong(right, number + 1) for number in range(FIFTY)]
