"""No room for the SQLite file to grow: whoever wants to write hears "try again", and all goes on when there is room."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.ledger import everybody_was_told, everything_happened_once, mailed_code
from tests.faults.outages import process
from tests.faults.people import somebody
from tests.faults.tab import Tab
from tests.faults.walk import Walk

NO_ROOM = 4096
"""Bytes that a file may have: less than any of the database's."""


@contextmanager
def no_room(town, *names) -> Iterator[None]:
    """What these processes write beyond the beginning of a file fails, in the database as in their logs."""
    victims = [process(town, name) for name in names]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in victims}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (NO_ROOM, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("names", [("web",), ("worker",), ("web", "worker")], ids="+".join)
def test_people_hear_so_and_go_on_afterwards(town, names):
    ada, olu = somebody(town), somebody(town)
    walk, late = Walk(town, ada), Tab(town.url)
    walk.start()
    path = f"/case/{walk.reference}"
    typed = f"{(int(mailed_code(town, walk.reference)) + 1) % 10**6:06d}"
    code_form, start_form = walk.tab.form(path, "/code"), late.form("/", "/recover")
    running = {name: process(town, name) for name in names}
    with no_room(town, *names):
        assert walk.tab.try_to_open(path) == 200
        if "web" in names:
            assert late.try_to_send(start_form, identifier=olu.email) == 503
            assert "Nothing was lost" in late.said
        if "worker" in names:
            assert walk.tab.try_to_send(code_form, code=typed) == 503
    assert {name: process(town, name) for name in names} == running, "nobody died of it"
    assert walk.tab.send(code_form, code=typed) == 422
    assert late.send(start_form, identifier=olu.email) == 303
    assert mailed_code(town, late.path.rpartition("/")[2])
    walk.go_on()
    everything_happened_once(town, ada, walk.reference, wrong=2)
    everybody_was_told(town, ada, walk.reference)
