"""SQLite on an event loop: statements run where they are asked for; commits, which wait for the disk, in threads.

A statement of ours takes some ten microseconds. Handing it to a thread and back takes many times as long, and aiosqlite
does so four times for each: a statement cost three times the processor time (`bench/README.md`). What does wait holds
up nobody else: a lock that somebody else has is asked for again after a pause.

This is the part of aiosqlite's interface that SQLAlchemy's dialect for it uses; `engine.py` puts it in its place.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

BUSY_SECONDS = 10.0
"""How long a writer waits for its turn."""
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.02
"""Seconds between two attempts to get a lock; a transaction of ours holds it for a few milliseconds."""
BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY})
"""What passes by itself. A snapshot that grew too old (`SQLITE_BUSY_SNAPSHOT`) never does."""

Result = TypeVar("Result")
_disk = ThreadPoolExecutor(2, thread_name_prefix="sqlite")
"""For commits. A database has one writer at a time, so more threads than databases would be idle."""


async def connect(path: str) -> "Connection":
    """Open a file: commits reach the disk before they are answered, foreign keys hold, readers never wait."""
    return Connection(await asyncio.get_running_loop().run_in_executor(_disk, _open, path))


def _open(path: str) -> sqlite3.Connection:
    # We say BEGIN ourselves. While it opens it may wait here; later it must not.
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=0"):
        raw.execute(f"PRAGMA {pragma}").close()
    return raw


async def _patiently(act: Callable[[], Result]) -> Result:
    """What it returns, once nobody else holds the lock. Raises `OperationalError` after `BUSY_SECONDS`."""
    pause, until = FIRST_PAUSE, time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return act()
        except sqlite3.OperationalError as failure:
            if failure.sqlite_errorcode not in BUSY or time.monotonic() > until:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


class Connection:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection | None = raw
        self._commit: asyncio.Future[None] | None = None

    @property
    def raw(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError("connection closed")
        return self._connection

    def cursor(self) -> "Cursor":
        return Cursor(self, self.raw.cursor())

    async def commit(self) -> None:
        """Cancelled in the middle, it has happened or not, but it is over: the lock is free."""
        await self.rest()
        if self.raw.in_transaction:
            self._commit = asyncio.get_running_loop().run_in_executor(_disk, self.raw.commit)
            await asyncio.shield(self._commit)

    async def rollback(self) -> None:
        await self.rest()
        self.raw.rollback()

    async def close(self) -> None:
        await self.rest()
        self.stop()

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def rest(self) -> None:
        """Wait for a commit whose caller was cancelled."""
        while self._commit is not None and not self._commit.done():
            await asyncio.wait([self._commit])

    async def create_function(self, *arguments: Any, **options: Any) -> None:
        self.raw.create_function(*arguments, **options)


class Cursor:
    __slots__ = ("_connection", "_cursor")

    def __init__(self, connection: Connection, cursor: sqlite3.Cursor) -> None:
        self._connection, self._cursor = connection, cursor

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        await self._connection.rest()
        await _patiently(lambda: self._cursor.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        await self._connection.rest()
        await _patiently(lambda: self._cursor.executemany(statement, parameters))

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._cursor.lastrowid
