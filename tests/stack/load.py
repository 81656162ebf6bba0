"""A handful of recoveries at any time, in a thread of their own, while the test does something to the stack."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stack.people import Diary, Mailbox, Person

AT_ONCE = 4
BETWEEN = 0.3
"""Seconds until the next person comes where one has gone: a handful a second, on a machine that others use too."""


class Load:
    """Runs until the end of its block; then everybody who has begun may finish."""

    def __init__(self, webs: list[str], mailbox: Path, numbers: Iterator[int]) -> None:
        self.diary = Diary()
        self._webs, self._mailbox, self._numbers = webs, Mailbox(mailbox), numbers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")
        self.trouble: list[BaseException] = []

    async def _run(self) -> None:
        lanes = (self._lane() for _ in range(AT_ONCE))
        self.trouble += [end for end in await asyncio.gather(*lanes, return_exceptions=True) if end is not None]

    async def _lane(self) -> None:
        for number in self._numbers:
            if self._stop.is_set():
                return
            await Person(self._webs, self._mailbox, self.diary, number).recover()
            await asyncio.sleep(BETWEEN)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def load(webs: list[str], mailbox: Path, numbers: "itertools.count[int]") -> Iterator[Load]:
    """People come until the end of the block."""
    running = Load(webs, mailbox, numbers)
    running.start()
    try:
        yield running
    finally:
        running.finish()
