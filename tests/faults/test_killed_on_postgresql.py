"""`kill -9` on PostgreSQL: of the worker, the Temporal server and the database itself, at three moments."""

import pytest

from tests.faults.ledger import everybody_was_told, everything_happened_once
from tests.faults.outages import kill
from tests.faults.people import somebody
from tests.faults.walk import Moment, Walk

MOMENTS = (Moment.BEFORE_THE_CODE, Moment.UNTAKEN, Moment.APPLYING)


def recovered_in_spite_of(town, moment, strike):
    person = somebody(town)
    walk = Walk(town, person, moment, strike)
    walk.all_the_way()
    everything_happened_once(town, person, walk.reference, wrong=1)
    everybody_was_told(town, person, walk.reference)


@pytest.mark.parametrize("victim", ["worker", "temporal"])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.value)
def test_a_kill_costs_nothing_but_a_wait(postgres_town, victim, moment):
    recovered_in_spite_of(postgres_town, moment, lambda: kill(postgres_town, victim))


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.value)
def test_a_killed_database_costs_nothing_but_a_wait(postgres_town, cluster, moment):
    def strike():
        cluster.kill()
        cluster.start()

    recovered_in_spite_of(postgres_town, moment, strike)
