"""Who else looks at a case, and who writes in it."""

import asyncio
from datetime import UTC, datetime

from fastapi import FastAPI
from sqlalchemy import update

from domain import claim_events
from storage import presence
from storage.engine import Database
from storage.models import PresenceRow
from tests.web import claims
from tests.web.desk import at_the_desk, case_page
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from web.live import Watch


async def test_others_are_seen_reading_and_writing(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway)
    sam, kim = await at_the_desk(app), await at_the_desk(app, "kim")
    address = f"{case_page(reference)}/presence"
    assert (await kim.post(address)).status_code == 204
    await sam.get(case_page(reference))
    assert "Kim is reading" in sam.said
    await kim.client.post(address, data={"is": "writing"})
    fragment = await sam.client.get(address)
    assert "Kim is writing" in fragment.text
    assert 'id="people"' in fragment.text
    assert "<html" not in fragment.text
    await kim.client.post(address, data={"is": "gone"})
    await sam.get(case_page(reference))
    assert "Kim is" not in sam.said
    assert faults_of(sam.page) == []


async def test_nobody_is_shown_to_themselves(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway)
    sam = await at_the_desk(app)
    await sam.client.post(f"{case_page(reference)}/presence")
    await sam.get(case_page(reference))
    assert "is reading" not in sam.said


async def test_whoever_says_nothing_is_gone(
    app: FastAPI, ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    reference = await claims.sends(ada, gateway)
    sam, kim = await at_the_desk(app), await at_the_desk(app, "kim")
    await kim.client.post(f"{case_page(reference)}/presence", data={"is": "writing"})
    async with database.write() as session:
        await session.execute(update(PresenceRow).values(writing_at=datetime.now(UTC) - presence.WRITES))
    await sam.get(case_page(reference))
    assert "Kim is reading" in sam.said
    async with database.write() as session:
        await session.execute(update(PresenceRow).values(seen_at=datetime.now(UTC) - presence.LOOKS))
    await sam.get(case_page(reference))
    assert "Kim is" not in sam.said


async def test_a_stream_of_the_desk_says_when_others_come_and_when_the_case_changes(
    ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    reference = await claims.sends(ada, gateway)
    number = gateway.cases[reference].number
    watch = Watch(database, every=0.01)
    news = watch.news(reference, number)
    waiting = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    await watch.look()
    await asyncio.sleep(0)
    assert not waiting.done()
    async with database.write() as session:
        await presence.seen(session, reference, "kim")
    await watch.look()
    assert await waiting is None
    waiting = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    await gateway.happen(reference, claim_events.NoteWritten(datetime.now(UTC), "kim", "message/none"))
    await watch.look()
    assert await waiting == number + 1
    waiting = asyncio.ensure_future(anext(news))
    await asyncio.sleep(0)
    async with database.write() as session:
        await presence.left(session, reference, "kim")
    await watch.look()
    assert await waiting is None
    await news.aclose()


async def test_whoever_came_before_the_page_listened_is_told_as_well(
    ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    """sam's page was made without kim, and kim was quicker than its stream."""
    reference = await claims.sends(ada, gateway)
    watch, number = Watch(database, every=0.01), gateway.cases[reference].number
    kims = watch.news(reference, number)
    waiting = asyncio.ensure_future(anext(kims))
    await asyncio.sleep(0)
    async with database.write() as session:
        await presence.seen(session, reference, "kim")
    await watch.look()
    assert await waiting is None
    sams = watch.news(reference, number)
    async with asyncio.timeout(5):
        assert await anext(sams) is None
    await sams.aclose()
    await kims.aclose()


async def test_claimants_do_not_hear_of_agents(ada: Browser, gateway: FakeGateway, database: Database) -> None:
    reference = await claims.sends(ada, gateway)
    watch = Watch(database, every=0.01)
    numbers = watch.numbers(reference, gateway.cases[reference].number)
    waiting = asyncio.ensure_future(anext(numbers))
    await asyncio.sleep(0)
    async with database.write() as session:
        await presence.seen(session, reference, "kim")
    await watch.look()
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    answer = await ada.client.get(f"{case_page(reference)}/presence")
    assert answer.status_code == 303
