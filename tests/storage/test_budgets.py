"""Counters that hold when many ask at once: windows, tokens that count once, tries set aside and given back."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from domain.errors import TooMany
from storage import budgets
from storage.budgets import DAY, HOUR, Limit
from storage.models import BudgetEntryRow, BudgetRow
from tests.people import NOON

FIVE = Limit("sends/ada", 5, HOUR)
ACCOUNT = "tries/acc_ada"


async def take(database, *limits, token, now=NOON):
    async with database.write() as session:
        await budgets.take(session, limits, token, now)


async def reserve(database, buckets=(ACCOUNT,), tries=5, most=20, now=NOON):
    async with database.write() as session:
        return await budgets.reserve(session, list(buckets), tries, most, now)


async def settle(database, used, buckets=(ACCOUNT,), reserved=5, now=NOON):
    window, _ = Limit("", 0, DAY).window(now)
    async with database.write() as session:
        await budgets.settle(session, list(buckets), window, reserved, used)


async def counted(database, bucket):
    """(used, reserved) in each window, oldest first."""
    async with database.read() as session:
        rows = await session.execute(
            select(BudgetRow).where(col(BudgetRow.bucket) == bucket).order_by(col(BudgetRow.window))
        )
        return [(row.used, row.reserved) for row in rows.scalars()]


async def test_five_are_allowed_and_the_sixth_is_not(database):
    for number in range(5):
        await take(database, FIVE, token=f"update-{number}")
    with pytest.raises(TooMany) as refused:
        await take(database, FIVE, token="update-6")
    assert (refused.value.what, refused.value.until) == ("sends", NOON + HOUR)
    assert await counted(database, "sends/ada") == [(5, 0)]


async def test_the_same_update_counts_once(database):
    for _ in range(9):
        await take(database, FIVE, token="one-update")
    assert await counted(database, "sends/ada") == [(1, 0)]


async def test_a_new_window_begins_anew(database):
    for number in range(5):
        await take(database, FIVE, token=f"update-{number}")
    await take(database, FIVE, token="later", now=NOON + HOUR)
    assert await counted(database, "sends/ada") == [(5, 0), (1, 0)]


async def test_a_window_is_the_same_for_everybody_in_it():
    first, second = FIVE.window(NOON), FIVE.window(NOON + timedelta(minutes=59, seconds=59))
    assert first == second == (first[0], NOON + HOUR)
    assert FIVE.window(NOON + HOUR) != first


async def test_of_two_limits_both_count_or_none(database):
    """The hour has room, the day has not: the hour must not lose one for it."""
    tight = Limit("sends/ada/day", 1, DAY)
    await take(database, FIVE, tight, token="first")
    with pytest.raises(TooMany, match="sends"):
        await take(database, FIVE, tight, token="second")
    assert await counted(database, "sends/ada") == [(1, 0)]
    assert await counted(database, "sends/ada/day") == [(1, 0)]


async def test_of_twenty_at_once_five_are_counted(database):
    async def one(number):
        try:
            await take(database, FIVE, token=f"update-{number}")
        except TooMany:
            return False
        return True

    passed = await asyncio.gather(*(one(number) for number in range(20)))
    assert sum(passed) == 5
    assert await counted(database, "sends/ada") == [(5, 0)]


async def test_the_same_update_twenty_times_at_once_counts_once(database):
    await asyncio.gather(*(take(database, FIVE, token="one-update") for _ in range(20)))
    assert await counted(database, "sends/ada") == [(1, 0)]


async def test_tries_are_set_aside_until_none_are_left(database):
    assert [await reserve(database) for _ in range(5)] == [True] * 4 + [False]
    assert await counted(database, ACCOUNT) == [(0, 20)]


async def test_twenty_codes_at_once_set_aside_twenty_tries(database):
    granted = await asyncio.gather(*(reserve(database) for _ in range(20)))
    assert sum(granted) == 4
    assert await counted(database, ACCOUNT) == [(0, 20)]


async def test_what_was_not_used_comes_back(database):
    await reserve(database)
    await settle(database, used=2)
    assert await counted(database, ACCOUNT) == [(2, 0)]
    assert [await reserve(database) for _ in range(4)] == [True] * 3 + [False]


async def test_of_two_accounts_both_have_tries_or_none(database):
    """A code for several accounts counts for each; if one is spent the code takes nothing from the others."""
    for _ in range(4):
        await reserve(database, ["tries/acc_other"])
    assert not await reserve(database, [ACCOUNT, "tries/acc_other"])
    assert await counted(database, ACCOUNT) == [(0, 0)]


async def test_many_accounts_at_once_block_nobody_for_good(database):
    """Two transactions that want the same rows in another order would wait for each other."""
    pairs = [[ACCOUNT, "tries/acc_b"], ["tries/acc_b", ACCOUNT]] * 10
    async with asyncio.timeout(20):
        granted = await asyncio.gather(*(reserve(database, pair) for pair in pairs))
    assert sum(granted) == 4


async def test_tomorrow_there_are_tries_again(database):
    for _ in range(4):
        await reserve(database)
    assert await reserve(database, now=NOON + DAY)


async def test_ended_windows_are_forgotten(database):
    await take(database, FIVE, token="old", now=NOON - 3 * DAY)
    await take(database, FIVE, token="new")
    async with database.write() as session:
        await budgets.forget(session, NOON - DAY)
    assert await counted(database, "sends/ada") == [(1, 0)]
    async with database.read() as session:
        assert [row.token for row in (await session.execute(select(BudgetEntryRow))).scalars()] == ["new"]
