"""A database that says nothing does not keep people waiting for ever."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as DatabaseTimeoutError

from storage.engine import Database


@pytest.fixture
async def impatient(postgres_url):
    opened = Database(postgres_url, patience=0.3)
    yield opened
    await opened.close()


@pytest.mark.parametrize("kind", ["read", "write"])
async def test_a_session_ends_in_time_and_the_next_one_works(impatient, kind):
    async with asyncio.timeout(5):
        with pytest.raises(DatabaseTimeoutError):
            async with getattr(impatient, kind)() as session:
                await session.execute(text("SELECT pg_sleep(60)"))
        async with getattr(impatient, kind)() as session:
            assert (await session.execute(text("SELECT 1"))).scalar_one() == 1


async def test_what_else_runs_out_of_time_keeps_its_own_error(impatient):
    with pytest.raises(TimeoutError) as found:
        async with impatient.read(), asyncio.timeout(0.01):
            await asyncio.sleep(10)
    assert not isinstance(found.value, DatabaseTimeoutError)
