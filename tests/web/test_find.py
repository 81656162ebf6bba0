"""Back to a case: the same answer for everybody, a one-time link, one browser that holds the claim."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from domain.case import grouped
from domain.claim import Claim
from domain.decisions import Outcome
from storage import access_links, finding
from storage.engine import Database
from storage.finding import Asked
from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Rings
from storage.models import FindRequestRow
from tests.web.claims import proves, sends
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway, hidden
from web.gateway import Unavailable
from web.services import Services


async def asks(visitor: Browser, reference: str, contact: str) -> int:
    await visitor.get("/find")
    return (await visitor.post("/find", reference=reference, contact=contact)).status_code


async def way_back(database: Database, rings: Rings, reference: str, *, days: int = 0) -> str:
    """The address in the message, as the sender writes it down."""
    at = datetime.now(UTC) - timedelta(days=days)
    async with database.write() as session:
        way = await access_links.make(session, rings, f"way/{reference}/{days}", reference, at=at)
    return f"/access/{way.token}"


async def requests(database: Database) -> int:
    async with database.read() as session:
        return int((await session.execute(select(func.count()).select_from(FindRequestRow))).scalar_one())


async def test_known_and_unknown_look_the_same(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await proves(ada, gateway)
    assert await asks(eve, grouped(reference), "nia.new@example.net") == 200
    known = eve.said.replace(grouped(reference), "")
    assert await asks(eve, "AAAA-BBBB-CC", "nia.new@example.net") == 200
    assert eve.said.replace("AAAA-BBBB-CC", "") == known
    assert faults_of(eve.page) == []
    assert len(gateway.found) == 2
    async with database.read() as session:
        first = await finding.kept(session, rings, gateway.found[0])
    assert first
    assert first.asked == Asked(reference, Identifier(IdentifierKind.EMAIL, "nia.new@example.net"))


@pytest.mark.parametrize(
    ("reference", "contact"),
    [
        ("", ""),
        ("7F3K", "ada@example.com"),
        ("7F3K-Q2M9-XA", "ada"),
        ("\0", "\0"),
        ("7F3KQ2M9XU", "a@b"),
        ("x" * 900, ""),
    ],
)
async def test_nonsense_is_said_at_its_field(
    ada: Browser, gateway: FakeGateway, database: Database, reference: str, contact: str
) -> None:
    assert await asks(ada, reference, contact) == 422
    assert faults_of(ada.page) == []
    assert (gateway.found, await requests(database)) == ([], 0)


async def test_the_reference_forgives_gaps_and_look_alikes(ada: Browser, gateway: FakeGateway) -> None:
    assert await asks(ada, " 7f3k q2m9-xa ", "ada@example.com") == 200
    assert "7F3K-Q2M9-XA" in ada.said


async def test_asking_twice_is_one_request(ada: Browser, database: Database) -> None:
    await ada.get("/find")
    form = {**hidden(ada.page, "/find"), "reference": "7F3K-Q2M9-XA", "contact": "ada@example.com"}
    for _ in range(2):
        assert (await ada.client.post("/find", data=form)).status_code == 200
    assert await requests(database) == 1


async def test_nothing_typed_is_stored_in_the_open(ada: Browser, database: Database) -> None:
    await asks(ada, "7F3K-Q2M9-XA", "ada@example.com")
    async with database.read() as session:
        dump = str((await session.execute(text("SELECT * FROM find_request"))).all())
    assert "ada@" not in dump
    assert "7F3K" not in dump


async def test_while_temporal_is_away_nobody_is_told_that_a_link_is_on_its_way(
    ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    gateway.trouble = Unavailable("away")
    assert await asks(ada, "7F3K-Q2M9-XA", "ada@example.com") == 503
    assert faults_of(ada.page) == []
    gateway.trouble = None
    await ada.post("/find", **hidden(ada.page, "/find"))  # "Try again" sends the same form
    assert ada.title == "Look for our message"
    assert await requests(database) == 1


async def test_a_network_asks_so_often_in_an_hour(ada: Browser, services: Services) -> None:
    object.__setattr__(services, "settings", services.settings.model_copy(update={"starts_per_network": 2}))
    answers = [await asks(ada, "7F3K-Q2M9-XA", f"ada{number}@example.com") for number in range(3)]
    assert answers == [200, 200, 429]


async def test_messages_to_one_contact_are_counted(ada: Browser) -> None:
    answers = [await asks(ada, "7F3K-Q2M9-XA", "ada@example.com") for _ in range(6)]
    assert answers == [200, 200, 200, 200, 200, 429]


async def test_the_link_makes_its_browser_the_holder(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await sends(ada, gateway)
    address = await way_back(database, rings, reference)
    await eve.get(address)
    assert eve.title == "Go on in this browser?"
    assert faults_of(eve.page) == []
    await ada.get(ada.address)
    assert ada.title == "Your claim is in review"  # opening the link changed nothing
    await eve.post(address)
    assert eve.title == "Your claim is in review"
    await ada.get(ada.address)
    assert ada.title == "This case is continued elsewhere"
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    await eve.post(f"{eve.address}/reply", message="It is me again")
    assert "It is me again" in eve.said


async def test_the_link_works_once_and_the_same_form_twice(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    address = await way_back(database, rings, await sends(ada, gateway))
    await eve.get(address)
    form = hidden(eve.page, address)
    for _ in range(2):
        assert (await eve.client.post(address, data=form)).status_code == 303
    assert (await eve.client.post(address, data={"key": "other"})).status_code == 410
    assert (await ada.get(address)).status_code == 410
    assert ada.title == "This link no longer works"
    assert faults_of(ada.page) == []


async def test_an_old_link_is_over(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    address = await way_back(database, rings, await sends(ada, gateway), days=8)
    assert (await eve.get(address)).status_code == 410
    assert (await eve.client.post(address, data={})).status_code == 410


@pytest.mark.parametrize("token", ["x", "x" * 500, "%00", "é"])
async def test_a_made_up_link_gets_the_page_of_nothing(eve: Browser, token: str) -> None:
    assert (await eve.client.get(f"/access/{token}")).status_code == 404
    assert (await eve.client.post(f"/access/{token}", data={})).status_code == 404


async def test_a_claim_that_is_over_may_still_be_read(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await sends(ada, gateway)
    await gateway.judged(reference, Outcome.DENY)
    address = await way_back(database, rings, reference)
    await eve.get(address)
    await eve.post(address)
    assert eve.title == "Your claim is denied"


async def test_while_temporal_is_away_the_same_link_can_be_pressed_again(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    address = await way_back(database, rings, await sends(ada, gateway))
    await eve.get(address)
    gateway.trouble = Unavailable("away")
    assert (await eve.post(address)).status_code == 503
    gateway.trouble = None
    await eve.post(address)
    assert eve.title == "Your claim is in review"
