"""Ways to hurt a running town, each undone at the end of its block. Only processes of the town's own are touched."""

import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.town import Town, wait_until


@contextmanager
def running(town: Town) -> Iterator[Town]:
    """Nothing of it is left afterwards, even if it did not come up."""
    try:
        town.start()
        yield town
    finally:
        town.stop()


def process(town: Town, name: str) -> int:
    """The process id, once it runs: the supervisor starts again what ended."""
    return int(wait_until(lambda: town.children().get(name), 30, town.words))


def kill(town: Town, name: str) -> None:
    """`kill -9`, and its successor is on its way."""
    victim = process(town, name)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: town.children().get(name) not in {victim, None}, 30, town.words)


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """These processes take what is sent to them and do nothing, as on a machine that swaps itself to death."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):  # killed in the meantime
                os.kill(pid, signal.SIGCONT)


@contextmanager
def write_lock(town: Town) -> Iterator[None]:
    """Somebody else writes into the SQLite file and does not end."""
    connection = sqlite3.connect(town.var / "reinstate.db", isolation_level=None, timeout=10)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def children_of(parent: int) -> Iterator[int]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            # The name in brackets may hold anything; what follows the last bracket does not.
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                yield int(status.parent.name)


def hashers(town: Town) -> list[int]:
    """The processes of the worker that make password hashes."""

    def look() -> list[int]:
        found = children_of(process(town, "worker"))
        return [pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    # The pool starts them as they are needed, so there may be one or two.
    return list(wait_until(look, 30, town.words))


def memory_of(pid: int) -> int:
    """Bytes that this process has in memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024
