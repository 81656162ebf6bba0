"""One way into SQL for every process: SQLite file or PostgreSQL, the same sessions for both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as DatabaseTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

BUSY_SECONDS = 10
LETTING_GO = 1.0
"""Seconds that a PostgreSQL which does not answer in time gets to end the statement, before the connection is dropped.
A server that only was slow keeps its connection so."""


def async_url(url: str) -> str:
    """The same address for SQLAlchemy's async engine: `sqlite:///x` or `postgresql://...`."""
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}
    parsed = make_url(url)
    return parsed.set(drivername=drivers.get(parsed.drivername, parsed.drivername)).render_as_string(
        hide_password=False
    )


class Database:
    """An engine and its two kinds of session: `read` and `write`.

    On SQLite a write takes the lock at its begin (`BEGIN IMMEDIATE`), so that two writers queue instead of
    failing half way; commits are `synchronous=FULL`, so that what was answered survives a crash. The writers of one
    process stand in line here, first come first served, so that only one of them asks SQLite for the lock.
    """

    def __init__(self, url: str, *, pool_size: int = 10, patience: float | None = None) -> None:
        """`patience`: seconds after which a session on PostgreSQL ends with SQLAlchemy's `TimeoutError`.

        For processes that people wait for: a server that is silent rather than gone would keep them waiting for ever.
        A SQLite file is bounded by `BUSY_SECONDS`.
        """
        self.is_sqlite = url.startswith("sqlite")
        self._patience = None if self.is_sqlite else patience
        # Errors must not repeat parameters: sealed values and wrapped keys would end in a log.
        options: dict[str, Any] = {"hide_parameters": True}
        # A session of ours ends its transaction itself, so SQLite's connections go back to the pool without a rollback.
        options |= {"pool_reset_on_return": None} if self.is_sqlite else {"pool_size": pool_size, "pool_pre_ping": True}
        self._turn = asyncio.Lock()
        self.engine = create_async_engine(async_url(url), **options)
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "connect", _configure_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
            event.listen(self.engine.sync_engine, "invalidate", _let_go_of_sqlite)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with self._in_time(), AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, rolled back when an exception leaves the block."""
        async with self._in_line(), self._in_time(), AsyncSession(self.engine, expire_on_commit=False) as session:
            if self.is_sqlite:
                await session.connection(execution_options={"sqlite_begin": True})
            async with session.begin() if not session.in_transaction() else _commit(session):
                yield session

    @asynccontextmanager
    async def _in_line(self) -> AsyncIterator[None]:
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(BUSY_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise DatabaseTimeoutError("other writers of this process were not done in time") from None
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        if self._patience is None:
            yield
            return
        # Cancelled once, the driver asks the server to stop and waits for that; cancelled again, it lets go.
        last, first = asyncio.timeout(self._patience + LETTING_GO), asyncio.timeout(self._patience)
        try:
            async with last, first:
                yield
        except TimeoutError:
            if not (first.expired() or last.expired()):  # somebody else's
                raise
            raise DatabaseTimeoutError("the database did not answer in time") from None

    async def close(self) -> None:
        await self.engine.dispose()


@asynccontextmanager
async def _commit(session: AsyncSession) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        await session.rollback()
        raise
    await session.commit()


async def database_time(session: AsyncSession) -> datetime:
    """The database's clock: one clock for all processes, for what is judged by when it was received."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    statement = "SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')" if is_sqlite else "SELECT clock_timestamp()"
    found = (await session.execute(text(statement))).scalar_one()
    moment = datetime.fromisoformat(found) if isinstance(found, str) else found
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    """Only writers begin: without, each statement reads what is committed at its moment, as on PostgreSQL."""
    if connection.get_execution_options().get("sqlite_begin"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _let_go_of_sqlite(connection: Any, _record: Any, _exception: BaseException | None) -> None:
    """A task was cancelled in the middle of a statement, such as an activity that ran out of time.

    SQLite keeps a closed connection, and its lock, as long as a cursor holds an unread row; rolling back frees it.
    """
    with suppress(Exception, asyncio.CancelledError):
        connection.rollback()
