"""The way back goes to the contact that the case proved, if that was typed; anybody else gets nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from temporalio.testing import ActivityEnvironment

from activities.contract import FindRequest
from activities.delivery.channels import Delayed
from activities.find import SentWaysBack
from domain.case import Channel
from domain.claim import Claim, State
from domain.contact_proof import Destination
from domain.policy import CURRENT_POLICY
from domain.recovery import AskedBy, Recovery
from storage import access_links, finding, folding, intake
from storage.engine import Database, database_time
from storage.finding import Asked
from storage.identifiers import Identifier, identify
from storage.keys import Rings
from storage.models import AccessLinkRow, CaseRow, FindRequestRow
from storage.people import RowKeys, case_subject
from tests.activities.post_office import House, a_case
from tests.people import EVE, NOON, OLU, REFERENCE

CLAIM = "9V2CH4TBPZ"
PROVED = Destination(Channel.EMAIL, "contact/opening")


def typed(text: str) -> Identifier:
    return identify(text, "GB")


@pytest.fixture
async def home(database: Database, rings: Rings) -> House:
    """With the recovery `REFERENCE`, and the claim `CLAIM` that has proved Olu's address."""
    built = House(database, rings)
    recovery = folding.dump_case(Recovery(REFERENCE, AskedBy.EMAIL, "holder"))
    async with database.write() as session:
        row = a_case()
        row.opening = row.snapshot = recovery
        session.add(row)
    await a_claim(built, CLAIM, PROVED, OLU.email)
    return built


async def a_claim(home: House, reference: str, contact: Destination | None, address: str) -> None:
    case = replace(Claim(reference), state=State.AWAITING_REVIEW, number=5, contact=contact)
    async with home.db.write() as session:
        session.add(
            CaseRow(
                reference=reference, kind="claim", state=case.state, opened_at=NOON, policy_version="1", number=5,
                opening_key=reference, opening=folding.dump_case(Claim(reference)), snapshot=folding.dump_case(case),
            )
        )  # fmt: skip
        await session.flush()
        await intake.remember(session, home.rings, reference, PROVED.contact, typed(address))


async def ask(home: House, reference: str, contact: str, name: str = "request-1") -> FindRequest:
    async with home.db.write() as session:
        await finding.ask(session, home.rings, name, Asked(reference, typed(contact)))
    return FindRequest(name)


async def send(home: House, request: FindRequest) -> None:
    ways_back = SentWaysBack(home.db, home.rings, home.sender())
    await ActivityEnvironment().run(ways_back.send_way_back, request)


async def test_the_proved_contact_gets_one_link_however_often_it_is_tried(home: House) -> None:
    request = await ask(home, CLAIM, OLU.email)
    for _ in range(2):
        await send(home, request)
    (mail,) = home.mail.taken
    assert mail.to == OLU.email
    token = mail.text.partition("/access/")[2].split()[0]
    async with home.db.read() as session:
        link = await access_links.find(session, home.rings, token)
        kept = await session.get_one(FindRequestRow, request.id)
    assert link
    assert link.case_ref == CLAIM
    assert link.expires_at == kept.made_at + access_links.LIFETIME
    assert kept.sent_at


async def test_a_number_gets_it_by_text_message(home: House) -> None:
    reference = "5D8JW3K7MN"
    await a_claim(home, reference, Destination(Channel.SMS, PROVED.contact), OLU.phone)
    await send(home, await ask(home, reference, OLU.phone))
    (text,) = home.text.taken
    assert text.to == OLU.phone
    assert "/access/" in text.text


@pytest.mark.parametrize(
    ("reference", "contact"),
    [
        (CLAIM, EVE.email),
        (CLAIM, OLU.phone),
        ("7F3KQ2M9XB", OLU.email),
        (REFERENCE, OLU.email),
    ],
    ids=["another contact", "another of hers", "no such case", "a recovery"],
)
async def test_whoever_else_asks_gets_nothing(home: House, reference: str, contact: str) -> None:
    request = await ask(home, reference, contact)
    await send(home, request)
    assert home.mail.taken + home.text.taken == []
    async with home.db.read() as session:
        assert (await session.get_one(FindRequestRow, request.id)).sent_at is None
        assert (await session.execute(select(AccessLinkRow))).first() is None


async def test_a_claim_that_has_proved_nothing_yet_gives_nothing(home: House) -> None:
    await a_claim(home, "5D8JW3K7MN", None, EVE.email)
    await send(home, await ask(home, "5D8JW3K7MN", EVE.email))
    assert home.mail.taken == []


async def test_nor_does_one_whose_person_was_erased(home: House) -> None:
    async with home.db.write() as session:
        await RowKeys(home.rings.row).erase(session, case_subject(CLAIM))
    await send(home, await ask(home, CLAIM, OLU.email))
    assert home.mail.taken == []


async def test_one_contact_gets_no_more_than_its_share_of_messages(home: House) -> None:
    for number in range(CURRENT_POLICY.sends_per_hour + 3):
        await send(home, await ask(home, CLAIM, OLU.email, f"request-{number}"))
    assert len(home.mail.taken) == CURRENT_POLICY.sends_per_hour


async def test_a_delayed_message_counts_once_and_arrives_later(home: House) -> None:
    home.mail.fails[OLU.email] = Delayed("Timeout")
    request = await ask(home, CLAIM, OLU.email)
    for _ in range(CURRENT_POLICY.sends_per_hour + 1):
        with pytest.raises(Delayed):
            await send(home, request)
    home.mail.fails.clear()
    await send(home, request)
    assert len(home.mail.taken) == 1


async def test_a_forgotten_request_is_no_fault(home: House) -> None:
    await send(home, FindRequest("request-of-last-week"))
    assert home.mail.taken == []


async def test_requests_are_forgotten_after_a_day(home: House) -> None:
    await ask(home, CLAIM, OLU.email)
    async with home.db.write() as session:
        now = await database_time(session)
        await finding.forget(session, now + timedelta(hours=24))
        assert await count(home) == 1
        await finding.forget(session, now + timedelta(hours=26))
    assert await count(home) == 0


async def count(home: House) -> int:
    async with home.db.read() as session:
        return int((await session.execute(select(func.count()).select_from(FindRequestRow))).scalar_one())


async def test_the_same_form_sent_twice_is_one_request(home: House) -> None:
    asked = Asked(CLAIM, typed(OLU.email))
    names = {finding.request_id(home.rings, "cookie", "key", asked) for _ in range(2)}
    assert len(names) == 1
    async with home.db.write() as session:
        assert await finding.ask(session, home.rings, "one", asked)
        assert not await finding.ask(session, home.rings, "one", asked)


async def test_what_was_typed_lies_sealed(home: House) -> None:
    await ask(home, CLAIM, OLU.email)
    async with home.db.read() as session:
        (row,) = (await session.execute(select(FindRequestRow))).scalars()
    assert OLU.email not in repr(row)
    assert CLAIM not in repr(row)
