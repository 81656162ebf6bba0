"""Who hears of a claim: everybody the account has, had until lately, or lost by it; the thief's side included."""

import pytest

from activities.accounts.addresses import SqlAddressBook
from domain.decisions import ALL
from storage import erasure
from storage.models import AccountContactRow
from tests.activities.claimants import REFS, Town


class Book(Town):
    async def hear(self, case, account="ada"):
        found = await SqlAddressBook(self.database, self.rings).addressee(REFS.get(account, account), case)
        return [contact.address for contact in found.contacts]


@pytest.fixture
def town(database, rings):
    return Book(database, rings)


async def test_all_contacts_hear_of_a_claim(town):
    assert await town.hear(await town.opens()) == ["ada@example.com", "+447700900001"]


async def test_whom_a_thief_took_off_hears_of_the_thiefs_claim(town):
    """Otherwise the thief's own address would be the only one that is told."""
    await town.takes_off("ada", "ada@example.com", days_ago=3)
    await town.takes_off("ada", "+447700900001", days_ago=3)
    await town.puts_in("ada", "thief@example.net", days_ago=3)
    case = await town.opens("thief2@example.net")
    assert await town.hear(case) == ["thief@example.net", "ada@example.com", "+447700900001"]


async def test_whom_the_owner_took_off_long_ago_hears_nothing(town):
    await town.takes_off("ada", "ada@example.com", days_ago=120)
    assert await town.hear(await town.opens()) == ["+447700900001"]


async def test_a_former_contact_hears_of_claims_only(town):
    """A recovery tells those who can recover the account."""
    await town.takes_off("ada", "ada@example.com", days_ago=3)
    new = await town.recovers("+447700900001", "ada")
    assert await town.hear(new.case) == ["+447700900001"]
    assert await town.hear("0000000000") == ["+447700900001"]


async def test_whom_the_claim_took_off_hears_of_it_to_the_end(town):
    case = await town.opens("eve@example.net")
    await town.hands_back(case, ALL)
    assert await town.hear(case) == ["eve@example.net", "ada@example.com", "+447700900001"]
    await town.undoes(case, ALL)
    assert await town.hear(case) == ["ada@example.com", "+447700900001", "eve@example.net"]


async def test_whom_another_claim_took_off_hears_nothing_of_this_one(town):
    """People decided that it was not the owner's: it gets no button against the owner."""
    await town.takes_off("ada", "ada@example.com", days_ago=3, by="AAAAAAAAAA")
    assert await town.hear(await town.opens()) == ["+447700900001"]


async def test_an_unsafe_contact_is_never_written_to(town):
    async with town.database.write() as session:
        for row in (await session.execute(AccountContactRow.__table__.select())).all():
            found = await session.get_one(AccountContactRow, row.id)
            found.is_safe = found.kind == "phone"
    assert await town.hear(await town.opens()) == ["+447700900001"]


async def test_nobody_hears_of_a_claim_about_nobody(town):
    case = await town.opens()
    assert await town.hear(case, "acc_nobody") == []
    async with town.database.write() as session:
        await erasure.erase_account(session, REFS["ada"])
    assert await town.hear(case) == []
