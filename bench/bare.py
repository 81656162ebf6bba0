"""The floor: a bare Temporal workflow with the outward effects of a recovery, and argon2id alone.

It sends a code and a notice by SMTP and sets a password (argon2id, one row) as regular activities, and records four
times as local ones, with one insert each. It has no pages, no encryption, no projection, no budgets, no keys, no log,
no sandbox, and asks nobody whose account it is. `python -m bench.bare <database url> <temporal> <smtp port>` is its
worker.
"""

import asyncio
import sqlite3
import sys
import time
import uuid
from datetime import timedelta
from email.message import EmailMessage

import aiosmtplib
import psycopg
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.accounts.hashing import Hashers

QUEUE, NAMESPACE = "bare", "reinstate"
SHORT = timedelta(seconds=15)
CONNECTIONS = 10
LETTER = "Your code is 123456. It works for ten minutes.\n" * 40
TABLES = (
    "CREATE TABLE IF NOT EXISTS bare_event (c TEXT, n INT, kind TEXT, PRIMARY KEY (c, n))",
    "CREATE TABLE IF NOT EXISTS bare_password (account TEXT PRIMARY KEY, hash TEXT)",
)
EVENT = "INSERT INTO bare_event VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
HASH = "INSERT INTO bare_password VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET hash = excluded.hash"


class Store:
    """One statement and one durable commit at a time, by the driver itself."""

    def __init__(self, url: str) -> None:
        self._url, self._idle = url, asyncio.Queue[psycopg.AsyncConnection]()
        self._is_file = url.startswith("sqlite")
        if self._is_file:
            self._file = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=10)
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                self._file.execute(f"PRAGMA {pragma}")

    async def open(self) -> None:
        for _ in range(0 if self._is_file else CONNECTIONS):
            self._idle.put_nowait(await psycopg.AsyncConnection.connect(self._url, autocommit=True))
        for table in TABLES:
            await self.execute(table)

    async def execute(self, statement: str, *values: object) -> None:
        if self._is_file:
            self._file.execute(statement, values)
            return
        connection = await self._idle.get()
        try:
            await connection.execute(statement.replace("?", "%s"), values)
        finally:
            self._idle.put_nowait(connection)


class Effects:
    def __init__(self, store: Store, hashers: Hashers, smtp_port: int) -> None:
        self._store, self._hashers, self._port = store, hashers, smtp_port

    @activity.defn
    async def record(self, case: str, number: int, kind: str) -> None:
        await self._store.execute(EVENT, case, number, kind)

    @activity.defn
    async def send(self, case: str, what: str) -> None:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = "help@larkfield.example", f"{case}@example.com", what
        letter.set_content(LETTER)
        await aiosmtplib.send(letter, hostname="127.0.0.1", port=self._port)

    @activity.defn
    async def set_password(self, case: str) -> None:
        hashed = await self._hashers.hash(case)
        await self._store.execute(HASH, case, hashed)


@workflow.defn
class Bare:
    def __init__(self) -> None:
        self._turn, self._state, self._number = asyncio.Lock(), "opening", 0

    async def _record(self, kind: str) -> None:
        self._number += 1
        await workflow.execute_local_activity_method(
            Effects.record, args=[workflow.info().workflow_id, self._number, kind], start_to_close_timeout=SHORT
        )
        self._state = kind

    @workflow.run
    async def run(self) -> str:
        case = workflow.info().workflow_id
        await self._record("code issued")
        sending = workflow.start_activity_method(Effects.send, args=[case, "code"], start_to_close_timeout=SHORT)
        await workflow.wait_condition(lambda: self._state == "done", timeout=timedelta(minutes=10))
        await workflow.execute_activity_method(Effects.send, args=[case, "notice"], start_to_close_timeout=SHORT)
        await sending
        return self._state

    @workflow.update
    async def submit_code(self, code: str) -> str:  # noqa: ARG002
        async with self._turn:
            await self._record("code accepted")
            return self._state

    @workflow.update
    async def set_password(self, secret: str) -> str:  # noqa: ARG002
        async with self._turn:
            await self._record("password chosen")
            await workflow.execute_activity_method(
                Effects.set_password, workflow.info().workflow_id, start_to_close_timeout=SHORT
            )
            await self._record("done")
            return self._state


async def recover(client: Client, seconds: list[float]) -> str:
    """One of them, from start to the answer that the password is set."""
    began = time.perf_counter()
    handle = await client.start_workflow(Bare.run, id=f"bare/{uuid.uuid4()}", task_queue=QUEUE)
    await handle.execute_update(Bare.submit_code, "123456")
    await handle.execute_update(Bare.set_password, "a reference")
    seconds.append(time.perf_counter() - began)
    return handle.id


async def recover_all(client: Client, count: int, callers: int) -> tuple[list[float], list[str]]:
    """So many, so many at a time: how long each took, and their ids."""
    seconds: list[float] = []
    names: list[str] = []
    numbers = iter(range(count))

    async def caller() -> None:
        for _ in numbers:
            names.append(await recover(client, seconds))  # noqa: PERF401 - the next caller takes the next number

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    return seconds, names


async def work(url: str, address: str, smtp_port: int) -> None:
    store, hashers = Store(url), Hashers()
    await store.open()
    await hashers.warm()
    effects = Effects(store, hashers, smtp_port)
    client = await Client.connect(address, namespace=NAMESPACE)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[Bare],
        activities=[effects.record, effects.send, effects.set_password],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=500,
        max_concurrent_workflow_tasks=8,
    ):
        print("bare: ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], int(sys.argv[3])))
