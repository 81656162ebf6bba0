"""Sessions on both databases: one transaction, one clock, and nothing that a cancelled task leaves behind."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from storage.engine import database_time
from storage.models import BudgetEntryRow
from tests.house import on_sqlite
from tests.people import NOON

SLOW = {
    "sqlite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500000) SELECT count(*) FROM c",
    "postgresql": "SELECT count(*) FROM generate_series(1, 2000000)",
}


async def write_down(session, token):
    session.add(BudgetEntryRow(bucket="bucket", token=token, at=NOON))
    await session.flush()


async def written(database):
    async with database.read() as session:
        return set((await session.execute(select(col(BudgetEntryRow.token)))).scalars())


async def test_what_was_written_is_kept(database):
    async with database.write() as session:
        await write_down(session, "kept")
    assert await written(database) == {"kept"}


async def test_an_exception_rolls_everything_back(database):
    async def fail():
        async with database.write() as session:
            await write_down(session, "gone")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await written(database) == set()


@pytest.mark.parametrize("after", [0.0, 0.003, 0.01, 0.03])
async def test_a_cancelled_write_leaves_no_lock(database, after):
    """An activity that ran out of time is cancelled, wherever it is; the next one must not wait for it."""

    async def write_slowly():
        async with database.write() as session:
            await write_down(session, "cancelled")
            await session.execute(text(SLOW["sqlite" if database.is_sqlite else "postgresql"]))
            await asyncio.sleep(1)  # a statement of SQLite cannot be cancelled: it is over before anybody else acts

    for _ in range(3):
        await written(database)  # so that a connection is there, and what is cancelled is the statement
        task = asyncio.create_task(write_slowly())
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(5), database.write() as session:
        await write_down(session, "next")
    assert await written(database) == {"next"}


async def test_who_waits_for_the_lock_can_be_cancelled(database):
    async def wait_in_line():
        async with database.write() as session:
            await write_down(session, "first")

    async with database.write() as session:
        await write_down(session, "first")
        waiting = asyncio.create_task(wait_in_line())
        await asyncio.sleep(0.05)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(5), database.write() as session:
        await write_down(session, "second")
    assert await written(database) == {"first", "second"}


async def test_the_database_has_one_clock_in_utc(database):
    async with database.read() as session:
        first, second = await database_time(session), await database_time(session)
    assert first.tzinfo is UTC
    assert first <= second
    assert abs(datetime.now(UTC) - first) < timedelta(minutes=1)


async def test_twenty_writers_wait_for_each_other(database):
    async def count(number):
        async with database.write() as session:
            await write_down(session, f"{number}")

    await asyncio.gather(*(count(number) for number in range(20)))
    assert len(await written(database)) == 20


async def test_a_commit_that_is_cancelled_is_over_one_way_or_the_other(database):
    async def write(token):
        async with database.write() as session:
            await write_down(session, token)

    for number in range(20):
        task = asyncio.create_task(write(f"{number}"))
        await asyncio.sleep(number / 4000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5):
        await write("last")
    assert "last" in await written(database)


@on_sqlite
async def test_a_reader_waits_for_no_writer(database):
    async with asyncio.timeout(5), database.write() as session:
        await write_down(session, "not committed")
        assert await written(database) == set()


@on_sqlite
async def test_a_writer_waits_while_another_process_has_the_lock(database):
    other = sqlite3.connect(database.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write():
        async with database.write() as session:
            await write_down(session, "after it")

    waiting = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(5):
        await waiting
    assert await written(database) == {"after it"}
