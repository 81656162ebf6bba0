"""Several accounts on one contact: the message names none; after the proof the person chooses, from names."""

import pytest

from development.people import ACCOUNTS, DemoAccount, _add_account
from domain.errors import NotAllowedNow
from domain.recovery import State
from storage import reads
from storage.engine import database_time

NEW = "a new and long password"
SECOND = DemoAccount("ada-at-work", ("ada@example.com",), ("ada-at-work-2024",))
(ADA,) = (account for account in ACCOUNTS if account.username == "ada")


@pytest.fixture
async def shared(house):
    """Ada has a second account with the same address."""
    async with house.database.write() as session:
        await _add_account(session, house.rings, SECOND, await database_time(session))
    return house


async def usernames(house, opened):
    async with house.database.read() as session:
        return await reads.usernames(session, house.rings, opened.reference)


async def test_ada_chooses_which_account_she_wants_back(shared):
    opened = await shared.open("ada@example.com")
    message = await shared.message(opened.reference)
    assert await usernames(shared, opened) == {}
    assert (await shared.submit(opened, message.code)).state == State.AWAITING_ACCOUNT
    assert await usernames(shared, opened) == {ADA.ref: "ada", SECOND.ref: "ada-at-work"}
    assert (await shared.row(opened.reference)).account_ref == ""
    assert (await shared.choose(opened, SECOND.ref)).state == State.AWAITING_NEW_PASSWORD
    assert (await shared.set_password(opened, NEW)).state == State.RECOVERED
    assert await shared.password_fits("ada-at-work", NEW)
    assert await shared.password_fits("ada", "ada-current-2025")


async def test_an_account_of_somebody_else_cannot_be_chosen(shared):
    opened = await shared.prove("ada@example.com")
    (olu,) = (account for account in ACCOUNTS if account.username == "olu")
    with pytest.raises(NotAllowedNow):
        await shared.choose(opened, olu.ref)
    assert (await shared.case(opened.reference)).state == State.AWAITING_ACCOUNT


async def test_a_username_and_a_shared_contact_mean_one_account(shared):
    opened = await shared.open("ada-at-work")
    await shared.until(opened.reference, State.AWAITING_CONTACT)
    await shared.give_contact(opened, "ada@example.com")
    answer = await shared.submit(opened, (await shared.message(opened.reference)).code)
    assert answer.state == State.AWAITING_NEW_PASSWORD
    assert (await shared.case(opened.reference)).account == SECOND.ref


async def test_the_budget_of_both_accounts_is_reserved(shared):
    opened = await shared.open("ada@example.com")
    await shared.message(opened.reference)
    assert sorted((await shared.case(opened.reference)).accounts) == sorted([ADA.ref, SECOND.ref])
