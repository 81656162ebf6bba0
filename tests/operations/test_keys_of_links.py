"""A key stays as long as a link back to a case, or a request for one, was made with it."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from operations import key_uses
from operations.key_uses import Uses
from operations.rings import RingName
from storage import access_links, finding
from storage.engine import Database, database_time
from storage.finding import Asked
from storage.identifiers import identify
from storage.keys import Rings
from storage.models import AccessLinkRow, NoticeRow
from tests.activities.post_office import House, house
from tests.people import NOON, REFERENCE

NAME = f"{REFERENCE}.claim-received.1.contact-2"


@pytest.fixture
async def home(database: Database, rings: Rings) -> House:
    built = await house(database, rings)
    async with built.db.write() as session:
        message = NoticeRow(
            name=NAME, case_ref=REFERENCE, template="claim-received", channel="email", address="",
            subject="case/1", message_id="<1@x>", made_at=NOON,
        )  # fmt: skip
        session.add(message)
        await session.flush()
        await access_links.make(session, rings, NAME, REFERENCE, at=await database_time(session))
    return built


async def uses(home: House, ring: RingName) -> Uses:
    key = getattr(home.rings, ring).current
    async with home.db.read() as session:
        return await key_uses.uses(session, home.rings, ring, key)


async def change(home: House, table: type[AccessLinkRow | NoticeRow], **values: object) -> None:
    async with home.db.write() as session:
        await session.execute(update(table).values(**values))


async def test_a_link_that_works_needs_its_digest_key(home: House) -> None:
    assert "1 link back to a case that still works" in await uses(home, RingName.DIGEST)


@pytest.mark.parametrize("over", ["used", "expired"])
async def test_one_that_does_not_needs_none(home: House, over: str) -> None:
    async with home.db.read() as session:
        now = await database_time(session)
    await change(home, AccessLinkRow, **({"used_at": now} if over == "used" else {"expires_at": now - timedelta(1)}))
    assert not [use for use in await uses(home, RingName.DIGEST) if "link back" in use]


async def test_an_unsent_message_needs_the_issue_key_of_its_link(home: House) -> None:
    assert "1 message that waits to be sent" in await uses(home, RingName.ISSUE)
    await change(home, NoticeRow, state="handed_over")
    assert await uses(home, RingName.ISSUE) == []


async def test_a_request_for_the_way_back_needs_its_row_key(home: House) -> None:
    assert not [use for use in await uses(home, RingName.ROW) if "way back" in use]
    async with home.db.write() as session:
        await finding.ask(session, home.rings, "request", Asked(REFERENCE, identify("nia.new@example.org", "GB")))
    assert "1 request for the way back, for a day at most" in await uses(home, RingName.ROW)
