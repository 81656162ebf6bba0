from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from development.people import ACCOUNTS, AGENTS, DESK_PASSWORD, load_people
from storage import directory
from storage.agents import all_agents
from storage.engine import Database
from storage.identifiers import identify
from storage.keys import Ring, Rings
from storage.migrate import upgrade
from storage.models import AccountContactRow, AccountRow

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def rings() -> Rings:
    return Rings(*(Ring.fresh("test") for _ in range(6)))


@pytest.fixture
async def database(tmp_path: Path, rings: Rings) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path / 'people.db'}"
    upgrade(url)
    database = Database(url)
    await load_people(database, rings, NOW)
    yield database
    await database.close()


async def test_loading_again_changes_nothing(database: Database, rings: Rings) -> None:
    assert await load_people(database, rings, NOW + timedelta(days=1)) == 0
    async with database.read() as session:
        count = (await session.execute(select(func.count()).select_from(AccountContactRow))).scalar_one()
    assert count == sum(len(demo.contacts) for demo in ACCOUNTS)


@pytest.mark.parametrize(
    ("typed", "name"),
    [("ADA@example.com", "ada"), ("07700 900003", "pat"), ("olu@work.example.com", "olu"), ("Vip", "vip")],
)
async def test_people_are_found_by_what_they_type(database: Database, rings: Rings, typed: str, name: str) -> None:
    async with database.read() as session:
        (found,) = await directory.owners(session, rings, identify(typed, "GB"))
        account = await session.get(AccountRow, found)
        assert account
        assert await directory.username(session, rings, account) == name


async def test_only_the_last_password_is_valid(database: Database) -> None:
    ada = next(demo for demo in ACCOUNTS if demo.username == "ada")
    async with database.read() as session:
        current = await directory.current_hash(session, ada.ref)
    assert [directory.fits(current, password) for password in ada.passwords] == [False, False, True]


@pytest.mark.parametrize(
    ("name", "bar", "left"),
    [
        ("ada", "", None),
        ("ben", "banned", None),
        ("tom", "banned", timedelta(days=2)),
        ("dee", "being_deleted", timedelta(days=29)),
    ],
)
async def test_those_in_trouble_are_told_until_when(
    database: Database, name: str, bar: str, left: timedelta | None
) -> None:
    ref = next(demo.ref for demo in ACCOUNTS if demo.username == name)
    async with database.read() as session:
        account = await session.get(AccountRow, ref)
    assert account
    assert directory.bar(account, NOW) == (bar, NOW + left if left else None)


async def test_a_saved_recovery_code_of_olu_works_once(database: Database, rings: Rings) -> None:
    olu = next(demo.ref for demo in ACCOUNTS if demo.username == "olu")
    async with database.write() as session:
        tried = [
            await directory.burn_recovery_code(session, rings, olu, "olua 0001", case=case) for case in ("one", "two")
        ]
    assert tried == [True, False]


async def test_the_desk_has_every_role(database: Database) -> None:
    async with database.read() as session:
        desk = await all_agents(session)
    assert {row.name: row.role for row in desk} == AGENTS
    assert all(directory.fits(row.password_hash, DESK_PASSWORD) for row in desk)


def test_references_of_accounts_are_opaque() -> None:
    assert len({demo.ref for demo in ACCOUNTS}) == len(ACCOUNTS)
    assert not any(demo.username in demo.ref for demo in ACCOUNTS)
