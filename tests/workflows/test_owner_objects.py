"""After a password change every contact may say "this was not me": the account is frozen, for three days at most."""

from datetime import timedelta

import pytest

from domain.recovery import State
from storage import directory
from storage.engine import database_time
from storage.identifiers import identify
from storage.intake import LinkUsed
from storage.models import AccountRow, ObjectionLinkRow
from tests.house import eventually, on_sqlite

NEW = "what eve would like"


@pytest.fixture
async def stolen(house):
    """Eve read Ada's mail, and set a password."""
    opened = await house.prove("ada@example.com", browser="eve-laptop")
    await house.set_password(opened, NEW)
    await house.until_told("password-changed", times=2)
    return opened


async def ada(house):
    async with house.database.read() as session:
        (ref,) = await directory.owners(session, house.rings, identify("ada", "GB"))
        row = await session.get(AccountRow, ref)
        return directory.bar(row, await database_time(session))


async def object_to(house, opened, browser="owner"):
    """Press the link, and start what the web starts."""
    received = await house.press(await house.objection_link("password-changed", opened.reference), browser)
    await house.gateway.start(received.opened.case)
    return received


async def until_kinds(house, reference, *kinds):
    return await eventually(lambda: house.kinds(reference), lambda found: found == list(kinds))


async def test_an_objection_freezes_the_account_and_tells_everybody(house, stolen):
    received = await object_to(house, stolen)
    assert received.scope == "account"
    await until_kinds(house, received.case, "case_opened", "account_frozen")
    bar, until = await ada(house)
    assert bar == "frozen"
    claim = await house.claim(received.case)
    assert abs(until - claim.frozen_until) < timedelta(minutes=1)
    assert await house.until_told("account-frozen", times=2) == ["+447700900001", "ada@example.com"]
    assert (await house.row(received.case)).state == "awaiting_contact_proof"


async def test_a_freeze_ends_by_itself_after_three_days(house, stolen):
    received = await object_to(house, stolen)
    await until_kinds(house, received.case, "case_opened", "account_frozen")
    await house.until_told("account-frozen", times=2)
    await house.skip(received.case, timedelta(hours=72), "claim")
    await until_kinds(house, received.case, "case_opened", "account_frozen", "freeze_lapsed", "freeze_ended")
    await house.until_told("freeze-ended", times=2)
    assert await ada(house) == ("", None)
    claim = await house.claim(received.case)
    lapsed = (await house.events(received.case))[2]
    assert lapsed.at == claim.frozen_at + timedelta(hours=72)
    assert (claim.state, claim.freeze) == ("awaiting_contact_proof", "over")


@on_sqlite
async def test_a_frozen_account_cannot_be_recovered_by_a_code(house, stolen):
    received = await object_to(house, stolen)
    await until_kinds(house, received.case, "case_opened", "account_frozen")
    again = await house.prove("ada@example.com", browser="eve-laptop")
    case = await house.case(again.reference)
    assert (case.state, case.because) == (State.REFERRED, "frozen")


@on_sqlite
async def test_a_second_freeze_within_thirty_days_is_withheld(house, stolen):
    """So that freezing is no weapon."""
    first = await object_to(house, stolen)
    await until_kinds(house, first.case, "case_opened", "account_frozen")
    await house.skip(first.case, timedelta(hours=72), "claim")
    await until_kinds(house, first.case, "case_opened", "account_frozen", "freeze_lapsed", "freeze_ended")
    again = await house.prove("ada@example.com")
    await house.set_password(again, "ada's own new password")
    second = await object_to(house, again, "eve-laptop")
    await until_kinds(house, second.case, "case_opened", "freeze_withheld")
    assert await ada(house) == ("", None)
    assert len(house.outbox.told("account-frozen")) == 2


@on_sqlite
async def test_a_link_is_pressed_once(house, stolen):
    link = await house.objection_link("password-changed", stolen.reference)
    received = await house.press(link)
    async with house.database.read() as session:
        used = await session.get(ObjectionLinkRow, link.digest)
    with pytest.raises(LinkUsed) as refused:
        await house.press(used, "eve-laptop")
    assert refused.value.claim == received.case


@on_sqlite
async def test_a_freeze_survives_a_worker_that_stops(house, stolen):
    await house.stop_worker()
    received = await object_to(house, stolen)
    await house.start_worker()
    await until_kinds(house, received.case, "case_opened", "account_frozen")
    await house.until_told("account-frozen", times=2)
    await house.stop_worker()
    await house.start_worker()
    await house.skip(received.case, timedelta(hours=72), "claim")
    await until_kinds(house, received.case, "case_opened", "account_frozen", "freeze_lapsed", "freeze_ended")
