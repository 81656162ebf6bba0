"""`/not-me`: one link, one button, used once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from domain.claim import Claim
from storage.engine import Database
from storage.keys import Rings
from storage.models import NoticeRow, ObjectionLinkRow
from tests.web.stage import Browser, FakeGateway
from tests.web.test_after_the_proof import GOOD, prove
from web.gateway import Unavailable


async def mailed(
    database: Database,
    rings: Rings,
    reference: str,
    scope: str,
    *,
    days: int = 7,
    account: str = "acc_5sn3a4jdyr2vzyck",
    may_object: bool = True,
    name: str = "",
) -> str:
    """The address in a message about this case, as the sender writes it down. `name` tells several of them apart."""
    token, now = f"token-{scope}-{reference}{name}", datetime.now(UTC)
    notice = NoticeRow(
        name=f"notice/{scope}/{reference}{name}",
        case_ref=reference,
        template="code",
        channel="email",
        address="",
        subject="",
        message_id="x",
        made_at=now,
    )
    link = ObjectionLinkRow(
        digest=rings.digest.digest("objection", token),
        notice=notice.name,
        case_ref=reference,
        account_ref=account,
        scope=scope,
        may_object=may_object,
        expires_at=now + timedelta(days=days),
    )
    async with database.write() as session:
        session.add(notice)
        await session.flush()
        session.add(link)
    return f"/not-me/{token}"


async def test_opening_it_changes_nothing(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    address = await mailed(database, rings, await eve.ask("ada@example.com"), "case")
    await ada.get(address)
    assert ada.title == "End this attempt?"
    assert gateway.objected == []


async def test_from_a_code_message_it_ends_that_case_only(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await eve.ask("ada@example.com")
    address = await mailed(database, rings, reference, "case")
    await ada.get(address)
    await ada.post(address)
    assert ada.title == "The attempt ends"
    assert [case for case, _ in gateway.objected] == [reference]
    assert all(not isinstance(case, Claim) for case in gateway.cases.values())


async def test_after_a_password_change_it_freezes_and_opens_a_claim(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    reference = await prove(eve, gateway, "ada@example.com")
    await eve.post(f"{eve.address}/password", new_password=GOOD)
    address = await mailed(database, rings, reference, "account")
    await ada.get(address)
    assert ada.title == "Freeze the account?"
    await ada.post(address)
    assert ada.title == "The account is frozen"
    assert "Where can we answer you?" in ada.said
    await ada.post(f"{ada.address}/contact", contact="ada@example.com")
    assert ada.title == "Enter the code"
    assert "The account is frozen until" in ada.said
    await eve.get(ada.address)
    assert eve.title == "We cannot show this page"


async def test_it_works_once(ada: Browser, eve: Browser, database: Database, rings: Rings) -> None:
    address = await mailed(database, rings, await eve.ask("ada@example.com"), "case")
    await ada.get(address)
    await ada.post(address)
    assert (await eve.get(address)).status_code == 410
    assert eve.title == "This link was used"
    assert (await eve.client.post(address, data={})).status_code == 410


async def test_it_works_for_seven_days(ada: Browser, eve: Browser, database: Database, rings: Rings) -> None:
    address = await mailed(database, rings, await eve.ask("ada@example.com"), "case", days=0)
    assert (await ada.get(address)).status_code == 410
    assert (await ada.client.post(address, data={})).status_code == 410


async def test_it_is_kept_while_temporal_is_away(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    address = await mailed(database, rings, await eve.ask("ada@example.com"), "case")
    gateway.trouble = Unavailable("away")
    await ada.get(address)
    answer = await ada.post(address)
    assert answer.status_code == 200
    assert ada.title == "The attempt ends"


@pytest.mark.parametrize("method", ["get", "post"])
async def test_a_made_up_one_gets_the_page_of_nothing(eve: Browser, method: str) -> None:
    assert (await getattr(eve.client, method)("/not-me/guess")).status_code == 404


async def test_a_wrong_clock_of_the_web_sends_no_owner_away(
    ada: Browser, eve: Browser, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    address = await mailed(database, rings, await eve.ask("ada@example.com"), "case")
    with time_machine.travel(datetime.now(UTC) + timedelta(days=8), tick=True):
        await ada.get(address)
        assert ada.title == "End this attempt?"
        await ada.post(address)
    assert ada.title == "The attempt ends"
