"""Temporal is away: cases can still be begun, everything else says "try again", and afterwards all goes on."""

import time
from contextlib import contextmanager

import pytest

from development.temporal_server import DevServer
from tests.e2e.town import Town, link_in, wait_until
from tests.faults.ledger import deliveries, everybody_was_told, everything_happened_once, mailed_code
from tests.faults.outages import frozen, running
from tests.faults.people import somebody, until_state
from tests.faults.tab import Tab
from tests.faults.walk import Walk

LONG = 15.0
AT_MOST = 10.0
"""Seconds that nobody waits longer for an answer: the web gives Temporal 5 s."""
RECONCILED_WITHIN = 120
"""Seconds: every 30 s the reconciler looks for cases that are older than 20 s, and a server that came up needs some."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    built = DevServer(tmp_path_factory.mktemp("temporal"))
    built.start()
    yield built
    built.stop()


@pytest.fixture(scope="module")
def town(server, tmp_path_factory):
    """A town that only knows the server's address, so that nobody starts it again."""
    with running(Town(tmp_path_factory.mktemp("town"), TEMPORAL_ADDRESS=server.address)) as built:
        yield built


@contextmanager
def gone(server):
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def silent(server):
    with frozen(server.child.pid):
        yield


def in_time(ask):
    begun = time.monotonic()
    status = ask()
    assert time.monotonic() - begun < AT_MOST
    return status


def objection_path(town, reference):
    mailed_code(town, reference)
    ((message, _),) = deliveries(town, reference).values()
    return link_in({"text": message.text}, "/not-me/").removeprefix(town.url)


def test_a_case_can_be_begun_and_all_goes_on_by_itself(town, server):
    ada, olu, pat = somebody(town), somebody(town), somebody(town)
    begun_before, begun_meanwhile, by_eve = Walk(town, ada), Walk(town, olu), Walk(town, pat)
    begun_before.start()
    by_eve.start()
    typed = f"{(int(mailed_code(town, begun_before.reference)) + 1) % 10**6:06d}"
    form = begun_before.tab.form(f"/case/{begun_before.reference}", "/code")
    not_me = objection_path(town, by_eve.reference)

    def others_hear_so():
        assert in_time(lambda: begun_before.tab.try_to_send(form, code=typed)) == 503
        assert "Nothing was lost" in begun_before.tab.said
        assert begun_before.tab.try_to_open(f"/case/{begun_before.reference}") == 200
        assert Tab(town.url).try_to_open("/readyz") == 200

    with silent(server):
        in_time(Walk(town, somebody(town)).start)
        others_hear_so()
    with gone(server):
        since = time.monotonic()
        in_time(begun_meanwhile.start)
        page = f"/case/{begun_meanwhile.reference}"
        wait_until(lambda: "Sending is delayed" in begun_meanwhile.tab.open(page), LONG)
        others_hear_so()
        owner = Tab(town.url)
        assert in_time(lambda: owner.try_to_send(owner.form(not_me, not_me))) == 200
        wait_until(lambda: time.monotonic() > since + LONG, 2 * LONG)
    assert begun_before.tab.send(form, code=typed) == 422
    begun_before.go_on()
    everything_happened_once(town, ada, begun_before.reference, wrong=2)
    until_state(town, by_eve.reference, "stopped", RECONCILED_WITHIN)
    until_state(town, begun_meanwhile.reference, "awaiting_code", RECONCILED_WITHIN)
    begun_meanwhile.go_on()
    everything_happened_once(town, olu, begun_meanwhile.reference, wrong=1)
    everybody_was_told(town, ada, begun_before.reference)
    everybody_was_told(town, olu, begun_meanwhile.reference)
