"""Pages that change by themselves."""

import asyncio
from datetime import UTC, datetime

from domain import recovery
from storage.engine import Database
from tests.web.stage import Browser, FakeGateway
from web.live import Watch, number_asked, stream


async def test_nothing_is_swapped_while_the_case_stands_still(ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    number = gateway.cases[reference].number
    assert (await ada.client.get(f"{ada.address}?after={number}")).status_code == 204
    changed = await ada.client.get(f"{ada.address}?after={number - 1}", headers={"HX-Request": "true"})
    assert changed.status_code == 200


async def test_the_title_gets_the_focus_only_when_the_step_is_another(ada: Browser) -> None:
    await ada.ask("ada@example.com")
    asking = {"HX-Request": "true"}
    same = await ada.client.get(f"{ada.address}?after=1&shown=awaiting_code", headers=asking)
    other = await ada.client.get(f"{ada.address}?after=1&shown=opening", headers=asking)
    plain = await ada.client.get(ada.address)
    assert "autofocus" not in same.text
    assert "autofocus" in other.text
    assert "autofocus" not in plain.text


async def test_a_stream_says_when_the_case_changed(ada: Browser, gateway: FakeGateway, database: Database) -> None:
    reference = await ada.ask("ada@example.com")
    before = gateway.cases[reference].number
    watch = Watch(database, every=0.01)
    numbers = watch.numbers(reference, before)
    waiting = asyncio.ensure_future(anext(numbers))
    await asyncio.sleep(0)
    await watch.look()
    assert not waiting.done()
    await gateway.happen(reference, recovery.CodeRefused(datetime.now(UTC), 1))
    await watch.look()
    assert await waiting == before + 1
    await numbers.aclose()


async def test_a_stream_that_begins_late_hears_at_once(ada: Browser, gateway: FakeGateway, database: Database) -> None:
    reference = await ada.ask("ada@example.com")
    watch = Watch(database, every=0.01)
    numbers = watch.numbers(reference, 0)
    waiting = asyncio.ensure_future(anext(numbers))
    await asyncio.sleep(0)
    await watch.look()
    assert await waiting == gateway.cases[reference].number
    await numbers.aclose()


async def test_streams_end_when_the_process_stops(database: Database) -> None:
    watch = Watch(database)
    numbers = watch.numbers("7F3KQ2M9XA", 0)
    waiting = asyncio.ensure_future(anext(numbers, None))
    await asyncio.sleep(0)
    await watch.stop()
    assert await waiting is None


def test_a_stream_is_not_buffered_by_proxies(database: Database) -> None:
    assert stream(Watch(database), "7F3KQ2M9XA", 0).headers["X-Accel-Buffering"] == "no"


def test_a_reconnecting_stream_goes_on_where_it_was() -> None:
    assert number_asked("3", "7") == 7
    assert number_asked("3", "") == 3
    assert number_asked("x", "y") == 0
