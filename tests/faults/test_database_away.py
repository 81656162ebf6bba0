"""The database is away for 20 s: gone, silent, or locked. People are told to try again, and nothing was lost."""

import time
from contextlib import contextmanager

import pytest

from tests.faults.ledger import everybody_was_told, everything_happened_once, mailed_code
from tests.faults.outages import children_of, frozen, write_lock
from tests.faults.people import somebody
from tests.faults.tab import AWAY, Tab
from tests.faults.walk import Walk

LONG = 20.0
PAUSE = 2.0
AT_MOST = 15.0
"""Seconds that nobody waits longer for an answer: SQLite waits 10 s for a lock."""


@contextmanager
def gone(cluster):
    cluster.kill()
    try:
        yield
    finally:
        cluster.start()


@contextmanager
def silent(cluster):
    with frozen(cluster.pid, *children_of(cluster.pid)):
        yield


class Morning:
    """Two people in the middle of it when the database goes: one types a code, one is about to begin."""

    def __init__(self, town):
        self.town, self.ada, self.olu = town, somebody(town), somebody(town)
        self.walk, self.late = Walk(town, self.ada), Tab(town.url)
        self.walk.start()
        self.path = f"/case/{self.walk.reference}"
        self.wrong = f"{(int(mailed_code(town, self.walk.reference)) + 1) % 10**6:06d}"
        self.code_form = self.walk.tab.form(self.path, "/code")
        self.start_form = self.late.form("/", "/recover")

    def try_everything(self):
        """What both hear now."""
        return {
            "page": self._timed(lambda: self.walk.tab.try_to_open(self.path)),
            "code": self._timed(lambda: self.walk.tab.try_to_send(self.code_form, code=self.wrong)),
            "start": self._timed(lambda: self.late.try_to_send(self.start_form, identifier=self.olu.email)),
        }

    def _timed(self, ask):
        begun = time.monotonic()
        status = ask()
        assert time.monotonic() - begun < AT_MOST
        return status

    def goes_on(self):
        """The same forms once more, then both to the end."""
        assert self.walk.tab.send(self.code_form, code=self.wrong) == 422
        assert self.late.send(self.start_form, identifier=self.olu.email) == 303
        self.walk.go_on()
        everything_happened_once(self.town, self.ada, self.walk.reference, wrong=2)
        everybody_was_told(self.town, self.ada, self.walk.reference)
        assert mailed_code(self.town, self.late.path.rpartition("/")[2])


@pytest.mark.parametrize("how", [gone, silent], ids=["gone", "silent"])
def test_without_postgresql_people_hear_so_and_go_on_afterwards(postgres_town, cluster, how):
    morning = Morning(postgres_town)
    begun, probe = time.monotonic(), Tab(postgres_town.url)
    with how(cluster):
        while time.monotonic() < begun + LONG:
            assert set(morning.try_everything().values()) == {503}
            assert (probe.try_to_open("/healthz"), probe.try_to_open("/readyz")) == (200, 503)
            time.sleep(PAUSE)
    morning.goes_on()
    assert AWAY not in morning.walk.tab.heard


def test_a_locked_sqlite_file_can_be_read_and_people_go_on_afterwards(town):
    morning = Morning(town)
    begun = time.monotonic()
    with write_lock(town):
        while time.monotonic() < begun + LONG:
            assert morning.try_everything() == {"page": 200, "code": 503, "start": 503}
    morning.goes_on()


def test_the_page_without_a_database_leads_back_to_where_one_was(postgres_town, cluster):
    morning = Morning(postgres_town)
    with gone(cluster):
        assert morning.walk.tab.try_to_send(morning.code_form, code=morning.wrong) == 503
        assert "Nothing was lost" in morning.walk.tab.said
        assert f'href="{morning.code_form.action}"' in morning.walk.tab.page
    assert morning.walk.tab.open(morning.code_form.action) is not None
    assert morning.walk.tab.path == morning.path
    morning.goes_on()
