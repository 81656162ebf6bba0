"""The one-time link back to a case: the same in a message that is sent again, used once, in any browser, for a week."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from storage import access_links, erasure, reads
from storage.access_links import Entered, LinkUnknown
from storage.engine import Database, database_time
from storage.intake import Browser, LinkExpired, LinkUsed
from storage.keys import Ring, Rings
from storage.models import AccessLinkRow, CaseAccessRow
from storage.reads import Access
from tests.activities.post_office import House, house
from tests.people import REFERENCE

NAME = f"{REFERENCE}.claim-received.1.contact-2"
LAPTOP, PHONE = Browser("nia-laptop"), Browser("nia-phone")


@pytest.fixture
async def home(database: Database, rings: Rings) -> House:
    return await house(database, rings)


async def mailed(home: House, name: str = NAME, rings: Rings | None = None) -> access_links.Way:
    async with home.db.write() as session:
        now = await database_time(session)
        return await access_links.make(session, rings or home.rings, name, REFERENCE, at=now)


async def post(home: House, token: str, browser: Browser = LAPTOP, key: str = "form-1") -> Entered:
    async with home.db.write() as session:
        return await access_links.use(session, home.rings, token, browser, key)


async def access(home: House, entered: Entered) -> Access:
    async with home.db.read() as session:
        found, _ = await reads.access(session, home.rings, REFERENCE, entered.secret)
        return found


async def test_it_is_used_once(home: House) -> None:
    way = await mailed(home)
    entered = await post(home, way.token)
    assert entered.reference == REFERENCE
    with pytest.raises(LinkUsed):
        await post(home, way.token, PHONE)
    with pytest.raises(LinkUsed):
        await post(home, way.token, LAPTOP, key="form-2")


async def test_the_same_form_sent_twice_gets_the_same_answer(home: House) -> None:
    way = await mailed(home)
    assert await post(home, way.token) == await post(home, way.token)


async def test_of_two_browsers_at_once_one_gets_in(home: House) -> None:
    way = await mailed(home)
    both = [post(home, way.token, browser) for browser in (LAPTOP, PHONE)]
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Entered", "LinkUsed"]


async def test_it_opens_nothing_until_the_case_has_a_new_holder(home: House) -> None:
    entered = await post(home, (await mailed(home)).token)
    assert await access(home, entered) is Access.NONE
    async with home.db.write() as session:
        await access_links.admit(session, REFERENCE, entered.digest)
    assert await access(home, entered) is Access.HOLDS


async def test_it_works_for_a_week(home: House) -> None:
    way = await mailed(home)
    async with home.db.write() as session:
        now = await database_time(session)
        assert timedelta(days=6, hours=23) < way.until - now <= timedelta(days=7)
        await session.execute(update(AccessLinkRow).values(expires_at=now))
    with pytest.raises(LinkExpired):
        await post(home, way.token)


@pytest.mark.parametrize("token", ["", "nonsense", "A" * 22, "ü" * 30, "x" * 5000])
async def test_a_token_that_no_message_carried_opens_nothing(home: House, token: str) -> None:
    await mailed(home)
    with pytest.raises(LinkUnknown):
        await post(home, token)


async def test_a_message_that_is_sent_again_carries_the_same_link(home: House) -> None:
    way = await mailed(home)
    assert await mailed(home) == way
    assert (await mailed(home, "another")).token != way.token


async def test_also_after_the_keys_were_changed(home: House) -> None:
    way = await mailed(home)
    newer = {name: getattr(home.rings, name) for name in ("index", "decision", "row", "audit")}
    issue = Ring({**Ring.fresh("issue-2").keys, **home.rings.issue.keys})
    digest = Ring({**Ring.fresh("digest-2").keys, **home.rings.digest.keys})
    assert await mailed(home, rings=Rings(issue=issue, digest=digest, **newer)) == way


async def test_the_token_itself_is_nowhere_in_the_table(home: House) -> None:
    way = await mailed(home)
    async with home.db.read() as session:
        (row,) = (await session.execute(select(AccessLinkRow))).scalars()
    assert way.token not in repr(row)
    assert row.key == home.rings.digest.current


async def test_links_that_are_over_are_forgotten_and_others_are_not(home: House) -> None:
    used, over, kept = [await mailed(home, name) for name in ("used", "over", "kept")]
    await post(home, used.token)
    async with home.db.write() as session:
        now = await database_time(session)
        row = await access_links.find(session, home.rings, over.token)
        assert row
        row.expires_at = now - access_links.KEPT - timedelta(seconds=1)
    async with home.db.write() as session:
        await access_links.forget(session, now)
        assert (await session.execute(select(func.count()).select_from(AccessLinkRow))).scalar_one() == 2
    assert (await post(home, kept.token, PHONE)).reference == REFERENCE


async def test_a_forgotten_case_leaves_no_link_and_no_way_in(home: House) -> None:
    way = await mailed(home)
    await post(home, way.token)
    async with home.db.write() as session:
        await erasure.forget_case(session, REFERENCE)
    with pytest.raises(LinkUnknown):
        await post(home, way.token)
    async with home.db.read() as session:
        assert (await session.execute(select(CaseAccessRow))).first() is None
