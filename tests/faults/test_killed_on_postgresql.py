"""`kill -9` on PostgreSQL: of the worker, the Temporal server and the database itself, at three moments."""

import os

import pytest

from development.postgres import Cluster, postgres_programs
from tests.e2e.town import Town
from tests.faults.ledger import everybody_was_told, everything_happened_once
from tests.faults.outages import kill
from tests.faults.people import somebody
from tests.faults.walk import Moment, Walk

MOMENTS = (Moment.BEFORE_THE_CODE, Moment.UNTAKEN, Moment.APPLYING)


@pytest.fixture(scope="module")
def cluster():
    programs = postgres_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have PostgreSQL's server binaries: python -m development.tools installs them")
        pytest.skip("no PostgreSQL server binaries (python -m development.tools)")
    built = Cluster(programs)
    yield built
    built.stop()


@pytest.fixture(scope="module")
def town(cluster, tmp_path_factory):
    built = Town(tmp_path_factory.mktemp("town"), REINSTATE_DATABASE_URL=cluster.start())
    built.start()
    yield built
    built.stop()


def recovered_in_spite_of(town, moment, strike):
    person = somebody(town)
    walk = Walk(town, person, moment, strike)
    walk.all_the_way()
    everything_happened_once(town, person, walk.reference, wrong=1)
    everybody_was_told(town, person, walk.reference)


@pytest.mark.parametrize("victim", ["worker", "temporal"])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.value)
def test_a_kill_costs_nothing_but_a_wait(town, victim, moment):
    recovered_in_spite_of(town, moment, lambda: kill(town, victim))


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.value)
def test_a_killed_database_costs_nothing_but_a_wait(town, cluster, moment):
    def strike():
        cluster.kill()
        cluster.start()

    recovered_in_spite_of(town, moment, strike)
