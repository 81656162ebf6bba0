"""`kill -9` of the worker, the web and the Temporal server at every moment of a recovery, on SQLite.

SQLite lives in the worker and in the web: killing those is killing the database too.
"""

from contextlib import ExitStack

import pytest

from tests.e2e.town import wait_until
from tests.faults.ledger import deliveries, everybody_was_told, everything_happened_once
from tests.faults.outages import frozen, kill, process, write_lock
from tests.faults.people import notices, somebody
from tests.faults.walk import Moment, Walk


@pytest.mark.parametrize("victim", ["worker", "web", "temporal"])
@pytest.mark.parametrize("moment", list(Moment), ids=lambda moment: moment.value)
def test_a_kill_costs_nothing_but_a_wait(town, victim, moment):
    person = somebody(town)
    walk = Walk(town, person, moment, lambda: kill(town, victim))
    walk.all_the_way()
    everything_happened_once(town, person, walk.reference, wrong=1)
    everybody_was_told(town, person, walk.reference)


def test_between_the_answer_of_the_mail_server_and_our_record_a_message_may_come_twice(town):
    """The only place where that is so, and then with the same Message-ID: whoever has seen it has seen it."""
    person = somebody(town)
    walk = Walk(town, person)
    with ExitStack() as afterwards:
        with frozen(process(town, "catcher")):
            walk.start()
            # The worker has written down that it is about to send, and waits for the mail server.
            wait_until(lambda: [row.attempts for row in notices(town, walk.reference)] == [1], 20, town.words)
            afterwards.enter_context(write_lock(town))
        wait_until(lambda: deliveries(town, walk.reference), 20, town.words)  # taken, and cannot be written down
        kill(town, "worker")
    wait_until(lambda: [row.state for row in notices(town, walk.reference)] == ["handed_over"], 60, town.words)
    walk.go_on()
    everything_happened_once(town, person, walk.reference, wrong=1)
    everybody_was_told(town, person, walk.reference, twice=frozenset({person.email}))
