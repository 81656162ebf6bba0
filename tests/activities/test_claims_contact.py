"""Whose a proved contact is: what it may do for a claim, and what a former one may not."""

import pytest
from sqlalchemy import select

from domain.claim_events import ContactSight
from domain.policy import CURRENT_POLICY
from storage import directory, erasure
from storage.identifiers import identify
from storage.models import AccountContactRow
from tests.activities.claimants import REFS, Town

LATELY = CURRENT_POLICY.current_contact.days


@pytest.fixture
def town(database, rings):
    return Town(database, rings)


async def test_a_contact_of_an_account_is_seen(town):
    sight = await town.looks(await town.opens("ada@example.com"))
    assert sight == ContactSight((REFS["ada"],))


async def test_a_new_contact_is_nobodys(town):
    assert await town.looks(await town.opens("ada@new.example.com")) == ContactSight()


async def test_a_contact_that_was_taken_off_lately_says_when(town):
    await town.takes_off("ada", "ada@example.com", days_ago=LATELY - 1)
    sight = await town.looks(await town.opens("ada@example.com"))
    assert sight.accounts == (REFS["ada"],)
    async with town.database.read() as session:
        (row,) = [row for row in (await _rows(session)) if row.removed_at]
    assert sight.disputed_at == row.removed_at


async def test_a_contact_that_was_taken_off_long_ago_is_nobodys(town):
    await town.takes_off("ada", "ada@example.com", days_ago=LATELY + 1)
    assert await town.looks(await town.opens("ada@example.com")) == ContactSight()


async def test_a_contact_of_two_accounts_is_seen_with_both(town):
    await town.puts_in("ada", "olu@example.com")
    sight = await town.looks(await town.opens("olu@example.com"))
    assert sight == ContactSight(tuple(sorted((REFS["ada"], REFS["olu"]))))


async def test_nothing_is_disputed_while_one_account_has_it(town):
    await town.puts_in("ada", "olu@example.com", days_ago=3)
    await town.takes_off("ada", "olu@example.com", days_ago=1)
    assert (await town.looks(await town.opens("olu@example.com"))).disputed_at is None


async def test_a_contact_that_a_claim_took_off_freezes_nothing_later(town):
    """People took it off, after a hold: it may be the thief's, and the others are not younger because of it."""
    await town.takes_off("ada", "ada@example.com", days_ago=1, by="AAAAAAAAAA")
    assert await town.looks(await town.opens("ada@example.com")) == ContactSight()


async def test_an_erased_owner_is_nobody(town):
    case = await town.opens("ada@example.com")
    async with town.database.write() as session:
        await erasure.erase_account(session, REFS["ada"])
    assert await town.looks(case) == ContactSight()


async def test_a_contact_that_was_erased_with_its_case_is_nobodys(town):
    case = await town.opens("ada@example.com")
    async with town.database.write() as session:
        await erasure.erase_case(session, case)
    assert await town.looks(case) == ContactSight()


async def test_a_former_contact_signs_nobody_in_and_gets_no_code(town, rings):
    await town.takes_off("ada", "ada@example.com", days_ago=1)
    async with town.database.read() as session:
        assert await directory.owners(session, rings, identify("ada@example.com", "GB")) == []
    assert await town.contacts("ada") == ["+447700900001"]
    assert await town.former("ada") == ["ada@example.com"]


async def _rows(session):
    return (await session.execute(select(AccountContactRow))).scalars().all()
