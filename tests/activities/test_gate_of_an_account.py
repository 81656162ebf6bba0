"""Whatever decides an account's fate passes its gate: one password wins, objections first, no freeze is a weapon."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from activities.accounts.sql import SqlAccounts
from activities.contract import Freeze, NewPassword
from development.people import ACCOUNTS
from domain.policy import CURRENT_POLICY
from storage import directory, intake
from storage.engine import database_time
from storage.identifiers import identify
from storage.intake import Browser
from storage.models import AccountGateRow, AccountSessionRow, ReceivedRow
from tests.house import NearHashers

ADA = next(demo.ref for demo in ACCOUNTS if demo.username == "ada")
OLU = next(demo.ref for demo in ACCOUNTS if demo.username == "olu")
numbers = itertools.count(1)


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@pytest.fixture
def accounts(database, rings):
    return SqlAccounts(database, rings, NearHashers())


@pytest.fixture
def new_password(database, rings):
    """A case that has come to its last step, with the password in the vault."""

    async def make(password="old maps of lagos", account=ADA):
        async with database.write() as session:
            opened = await intake.open_recovery(
                session,
                rings,
                identify("ada@example.com", "GB"),
                Browser(f"browser-{next(numbers)}"),
                key="key",
                policy=CURRENT_POLICY,
                starts_per_network=30,
            )
            secret = await intake.seal_secret(
                session, rings, opened.reference, "password", password, token=f"{next(numbers):032}"
            )
            return NewPassword(opened.reference, account, secret, await database_time(session))

    return make


async def fits(database, password, account=ADA):
    async with database.read() as session:
        return directory.fits(await directory.current_hash(session, account), password)


async def alive(database, account=ADA):
    """Sessions and API tokens that still work."""
    mine = col(AccountSessionRow.account_ref) == account, col(AccountSessionRow.ended_at).is_(None)
    async with database.read() as session:
        return (await session.execute(select(func.count()).select_from(AccountSessionRow).where(*mine))).scalar_one()


async def test_a_new_password_ends_every_session_and_token_of_that_account_only(accounts, new_password, database):
    async with database.write() as session:
        for account in (ADA, OLU):
            await directory.open_session(
                session, accounts._rings, account, device="phone", now=await database_time(session)
            )
    others = await alive(database, OLU)
    result = await accounts.apply_password(await new_password())
    assert result.result == "applied"
    assert result.sessions >= 1
    assert await alive(database) == 0
    assert await alive(database, OLU) == others > 0
    assert await fits(database, "old maps of lagos")
    assert not await fits(database, "ada-current-2025")


async def test_of_two_cases_at_their_last_step_one_sets_its_password(accounts, new_password, database):
    first, second = await new_password("first of the two"), await new_password("second of the two")
    assert (await accounts.apply_password(second)).result == "applied"
    assert (await accounts.apply_password(first)).result == "superseded"
    assert await fits(database, "second of the two")


async def test_an_objection_that_came_in_first_wins(accounts, new_password, database):
    new = await new_password()
    async with database.write() as session:
        now = await database_time(session)
        session.add(ReceivedRow(id="objection/1", case_ref=new.case, kind="objection", received_at=now, data={}))
    assert (await accounts.apply_password(new)).result == "objected"
    assert await fits(database, "ada-current-2025")


async def test_an_account_frozen_in_between_stays_shut(accounts, new_password, database):
    new = await new_password()
    async with database.write() as session:
        now = await database_time(session)
        await directory.freeze(session, ADA, now=now, until=now + timedelta(hours=72))
    result = await accounts.apply_password(new)
    assert (result.result, result.sight.standing) == ("barred", "frozen")
    assert await fits(database, "ada-current-2025")


async def test_a_password_of_another_case_is_never_set(accounts, new_password, database):
    """The vault row is sealed for one case; naming it from another opens nothing."""
    hers, eves = await new_password("old maps of lagos"), await new_password("what eve would like")
    mixed = NewPassword(hers.case, hers.account, eves.secret, hers.opened_at)
    with pytest.raises(Exception, match="not sealed with this key for this purpose"):
        await accounts.apply_password(mixed)
    assert await fits(database, "ada-current-2025")


def freeze_for(case):
    return Freeze(case, ADA, f"objection/{case}", CURRENT_POLICY)


async def is_frozen(database):
    async with database.read() as session:
        row = await directory.account(session, ADA)
        return directory.bar(row, await database_time(session))[0] == "frozen"


async def test_an_objection_freezes_once_in_thirty_days(accounts, database):
    """Otherwise whoever reads an old mailbox could keep the owner out for ever."""
    assert (await accounts.freeze_account(freeze_for("AAAAAAAAAA"))).frozen
    assert (await accounts.freeze_account(freeze_for("AAAAAAAAAA"))).frozen  # the same one, asked again
    await accounts.end_freeze(freeze_for("AAAAAAAAAA"))
    assert not (await accounts.freeze_account(freeze_for("BBBBBBBBBB"))).frozen
    assert not await is_frozen(database)
    async with database.write() as session:
        earlier = await database_time(session) - CURRENT_POLICY.freeze_interval - timedelta(minutes=1)
        await session.execute(update(AccountGateRow).values(frozen_by_objection_at=earlier))
    assert (await accounts.freeze_account(freeze_for("BBBBBBBBBB"))).frozen
    assert await is_frozen(database)


async def test_the_end_of_one_freeze_ends_no_other(accounts, database):
    await accounts.freeze_account(freeze_for("AAAAAAAAAA"))
    await accounts.end_freeze(freeze_for("BBBBBBBBBB"))
    assert await is_frozen(database)


async def test_a_freeze_ends_by_itself_although_nobody_works(accounts, database):
    await accounts.freeze_account(freeze_for("AAAAAAAAAA"))
    async with database.read() as session:
        row = await directory.account(session, ADA)
        after = await database_time(session) + CURRENT_POLICY.freeze_lifetime
        assert directory.bar(row, after)[0] == ""
