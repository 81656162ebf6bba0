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

# Temporal misses a worker that was killed while it sent a notice after 60 s. Nobody waits for that here: who is still
# to be told is looked at last. Nothing after these two kills the worker again, which could make a notice come twice.
MOMENTS = [moment for moment in Moment if moment is not Moment.UNTOLD]
to_be_told = []


def recovered_in_spite_of(town, victim, moment):
    person = somebody(town)
    walk = Walk(town, person, moment, lambda: kill(town, victim))
    walk.all_the_way()
    everything_happened_once(town, person, walk.reference, wrong=1)
    return walk


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.value)
def test_a_killed_worker_costs_nothing_but_a_wait(town, moment):
    walk = recovered_in_spite_of(town, "worker", moment)
    everybody_was_told(town, walk.person, walk.reference)


def test_a_worker_killed_before_anybody_was_told_tells_everybody_later(town):
    walk = recovered_in_spite_of(town, "worker", Moment.UNTOLD)
    # A text is one request: the provider may have it all when the worker dies, and read it later.
    to_be_told.append((walk, {"perhaps": frozenset({walk.person.phone})}))


def test_between_the_answer_of_a_mail_server_and_our_record_a_worker_is_killed(town):
    """The only place from which a message comes twice, and then it is the same message, with the same id."""
    walk = Walk(town, somebody(town))
    walk.start()
    walk.prove()

    def is_about_to_send():
        return [row.attempts for row in notices(town, walk.reference, "password-changed")] == [1, 1]

    with ExitStack() as afterwards:
        with frozen(process(town, "catcher")):
            walk.finish()
            wait_until(is_about_to_send, 20, town.words)
            afterwards.enter_context(write_lock(town))
        wait_until(
            lambda: len(deliveries(town, walk.reference)) == 3, 20, town.words
        )  # taken, and cannot be written down
        kill(town, "worker")
    everything_happened_once(town, walk.person, walk.reference, wrong=1)
    to_be_told.append((walk, {"twice": frozenset({walk.person.email, walk.person.phone})}))


@pytest.mark.parametrize("moment", list(Moment), ids=lambda moment: moment.value)
@pytest.mark.parametrize("victim", ["web", "temporal"])
def test_a_killed_web_or_temporal_costs_nothing_but_a_wait(town, victim, moment):
    walk = recovered_in_spite_of(town, victim, moment)
    everybody_was_told(town, walk.person, walk.reference)


def test_who_could_not_be_told_at_once_was_told_in_the_end(town):
    for walk, known in to_be_told:
        everybody_was_told(town, walk.person, walk.reference, **known)
