"""Backups as docs/operations.md describes them: what was open goes on where it was, in the same browser."""

import asyncio
import itertools
import shutil
import subprocess
from pathlib import Path

import psycopg

from tests.stack.people import Diary, Mailbox, Person
from tests.stack.stack import Stack

DATABASES = ("reinstate", "temporal", "temporal_visibility")
PROCESSES = ("web-1", "web-2", "worker-1", "worker-2")


def somebody(stack: Stack, number: int) -> Person:
    """A person who has asked for a code and got it, and does not type it yet."""
    person, mailbox = Person(stack.webs, Mailbox(stack.mailbox), Diary(), number), Mailbox(stack.mailbox)
    asyncio.run(person.visits_once(person.start))
    stack.wait(lambda: mailbox.codes(person.address), "the code")
    return person


def goes_on(person: Person) -> None:
    """The same browser, after everything was restored."""
    asyncio.run(person.visits_once(person.finish))


def stop_ours(stack: Stack) -> None:
    for name in PROCESSES:
        stack.end_one(name)


def start_ours(stack: Stack) -> None:
    stack.start_temporal()
    for name in reversed(PROCESSES):
        stack.start_one(name)


def test_a_copy_of_the_running_server_goes_on_where_it_was(stack: Stack, numbers: "itertools.count[int]") -> None:
    person = somebody(stack, next(numbers))
    backup, data = stack.cluster._directory / "backup", stack.cluster._directory / "data"
    as_postgres(stack, "pg_basebackup", "--pgdata", str(backup), "--wal-method=stream", "--checkpoint=fast")
    later = somebody(stack, next(numbers))
    stop_ours(stack)
    stack.kill_one("temporal")
    stack.cluster.kill()
    shutil.rmtree(data)
    backup.rename(data)
    stack.cluster.start()
    start_ours(stack)
    goes_on(person)
    assert unknown(stack, later)  # what came after the backup is lost, and says so: 404


def test_dumps_of_a_resting_service_go_on_where_it_was(stack: Stack, numbers: "itertools.count[int]") -> None:
    person = somebody(stack, next(numbers))
    stop_ours(stack)
    for name in DATABASES:
        as_postgres(stack, "pg_dump", "--format=custom", f"--file={dump(stack, name)}", name)
    stack.end_one("temporal")
    with psycopg.connect(stack.postgres_url(), autocommit=True) as connection:
        for name in DATABASES:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name} OWNER {name.partition('_')[0]}".encode())
    for name in DATABASES:
        as_postgres(stack, "pg_restore", "--exit-on-error", f"--dbname={name}", str(dump(stack, name)))
    start_ours(stack)
    goes_on(person)


def dump(stack: Stack, name: str) -> Path:
    return stack.cluster._directory / f"{name}.dump"


def as_postgres(stack: Stack, program: str, *words: str) -> None:
    """A program of PostgreSQL, as the user that owns its files."""
    server = ["--host=127.0.0.1", f"--port={stack.postgres_port}", "--username=postgres"]
    command = [str(stack.programs / program), *server, *words]
    done = subprocess.run(
        command, user=stack.cluster._user, cwd=stack.cluster._directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def unknown(stack: Stack, person: Person) -> bool:
    with psycopg.connect(stack.postgres_url("reinstate")) as connection:
        found = connection.execute(
            'SELECT 1 FROM "case" WHERE reference = %s', [person.reference.replace("-", "")]
        ).fetchone()
    return found is None
