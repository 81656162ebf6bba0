"""Banned, or being deleted: nobody learns it before the proof, and the owner learns it with the way on."""

import pytest

from development.people import ACCOUNTS
from domain.recovery import Standing, State
from storage import directory
from storage.models import AccountRow
from tests.house import on_sqlite

pytestmark = on_sqlite
REFS = {account.username: account.ref for account in ACCOUNTS}


@pytest.mark.parametrize(
    ("typed", "standing", "ends"),
    [
        ("ben@example.com", Standing.BANNED, False),
        ("tom@example.com", Standing.BANNED, True),
        ("dee@example.com", Standing.BEING_DELETED, True),
    ],
)
async def test_how_an_account_stands_is_told_after_the_proof(house, typed, standing, ends):
    opened = await house.open(typed)
    message = await house.message(opened.reference)
    before = await house.case(opened.reference)
    assert (before.state, before.sight) == (State.AWAITING_CODE, None)
    assert (await house.submit(opened, message.code)).state == State.REFERRED
    case = await house.case(opened.reference)
    assert (case.because, case.sight.standing) == (standing.value, standing)
    assert (case.sight.until is not None) == ends
    assert (await house.handle(opened.reference).result()) == State.REFERRED


async def test_a_ban_that_has_ended_is_none(house):
    async with house.database.read() as session:
        from_long_ago = (await session.get(AccountRow, REFS["tom"])).made_at
    await house.change(AccountRow, AccountRow.ref == REFS["tom"], standing_until=from_long_ago)
    opened = await house.prove("tom@example.com")
    assert (await house.case(opened.reference)).state == State.AWAITING_NEW_PASSWORD


async def test_an_account_frozen_before_the_password_is_set_stays_shut(house):
    """It was open when the contact was proved; the gate looks again."""
    opened = await house.prove("ada@example.com")
    async with house.database.write() as session:
        row = await session.get(AccountRow, REFS["ada"])
        await directory.freeze(session, row.ref, now=row.made_at, until=(await house.row(opened.reference)).due_at)
    answer = await house.set_password(opened, "a new and long password")
    assert answer.state == State.REFERRED
    assert (await house.kinds(opened.reference))[-1] == "account_barred"
    assert await house.password_fits("ada", "ada-current-2025")
    assert await house.vault() == []
