"""Runs a script and looks every few milliseconds of processor time where its main thread is.

`python -m bench.sampled <file for the result> <script> [arguments]`. The result is JSON, written at the end: samples by
place, processor time by kind of thread, SQL statements and transactions. SIGUSR1 begins to count, so that start-up is
left out; SIGUSR2 ends it.
"""

import json
import os
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from bench.machine import threads

EVERY = 0.002
"""Seconds of processor time of all threads between two looks."""
ROOT = str(Path.cwd())
PACKAGES = frozenset(
    {
        "aiosmtplib",
        "aiosqlite",
        "anyio",
        "asyncio",
        "cryptography",
        "email",
        "fastapi",
        "google",
        "jinja2",
        "psycopg",
        "pydantic",
        "sqlalchemy",
        "sqlmodel",
        "starlette",
        "structlog",
        "temporalio",
        "uvicorn",
        "zxcvbn",
    }
)


class Looks:
    def __init__(self, file: str) -> None:
        self._file = file
        self.own, self.where, self.deep = Counter[str](), Counter[str](), Counter[str]()
        self.sql = Counter[str]()
        self._threads_before: dict[str, float] = {}

    def begin(self, *_: object) -> None:
        for counter in (self.own, self.where, self.deep, self.sql):
            counter.clear()
        self._threads_before = threads(os.getpid())
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)

    def look(self, _number: int, frame: FrameType | None) -> None:
        stack = []
        while frame:
            stack.append(frame)
            frame = frame.f_back
        names = [_place(one) for one in stack]
        if "selectors" in names[0]:
            self.own["(not in the main thread)"] += 1
            return
        self.where[names[0]] += 1
        self.own[_package(stack)] += 1
        for name in set(names):
            self.deep[name] += 1

    def statement(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.sql["statements"] += 1
        self.sql[" ".join(statement.split())[:90]] += 1

    def connected(self, *_: object) -> None:
        self.sql["new connections"] += 1

    def write(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        now = threads(os.getpid())
        result = {
            "threads": {name: ms - self._threads_before.get(name, 0) for name, ms in now.items()},
            "own": dict(self.own.most_common()),
            "where": dict(self.where.most_common(60)),
            "deep": dict(self.deep.most_common(220)),
            "sql": dict(self.sql.most_common(80)),
        }
        Path(self._file).write_text(json.dumps(result, indent=1))


def _place(frame: FrameType) -> str:
    file = frame.f_code.co_filename
    short = file.rpartition("site-packages/")[2] if "site-packages" in file else file.removeprefix(ROOT + "/")
    return f"{short.rpartition('python3.11/')[2]}:{frame.f_code.co_qualname}"


def _package(stack: list[FrameType]) -> str:
    """The library at work, or our own folder when none of the inner frames belongs to one."""
    for frame in stack:
        file = frame.f_code.co_filename
        package = next((part for part in file.split("/") if part in PACKAGES), "")
        if package:
            return package
        if file.startswith(ROOT):
            return "ours: " + file.removeprefix(ROOT + "/").partition("/")[0]
    return "other"


def main() -> None:
    file, script, *rest = sys.argv[1:]
    looks = Looks(file)
    signal.signal(signal.SIGPROF, looks.look)
    signal.signal(signal.SIGUSR1, looks.begin)
    event.listen(Engine, "before_cursor_execute", looks.statement)
    event.listen(Engine, "engine_connect", lambda *_: looks.sql.update(["check-outs"]))
    event.listen(Pool, "connect", looks.connected)
    for name in ("begin", "commit", "rollback"):
        event.listen(Engine, name, lambda *_, name=name: looks.sql.update([name.upper()]))
    signal.signal(signal.SIGUSR2, lambda *_: looks.write())
    sys.argv = [script, *rest]
    sys.path.insert(0, ROOT)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
