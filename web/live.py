"""Pages that change by themselves: one poller a process asks for the numbers of all watched cases.

A stream says only "changed" and the number; what changed the browser fetches as the page it already may see.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

import anyio
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import EventSourceResponse, ServerSentEvent

from storage import reads
from storage.engine import Database

EVERY = 0.5
"""Seconds between two looks at the database: what a person waits for is on the page within a second."""
PING = 15
"""Seconds between two signs of life in a silent stream, below the idle time-out of common proxies."""
RETRY = 2000
GRACE = 3
"""Seconds in which a stream ends by itself when the server is told to end: some looks of the poller."""
LONGEST = 3600
"""Seconds after which a stream is ended; the browser connects again and shows that it still may."""

log = structlog.get_logger(__name__)


class Watch:
    """Watches the numbers of cases for every open stream of this process."""

    def __init__(self, database: Database, every: float = EVERY) -> None:
        self._database, self._every = database, every
        self._watched: Counter[str] = Counter()
        self._numbers: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._stopped = False
        self.leaving = anyio.Event()
        """Set by the streams when the server is told to end; it waits for them before it stops the poller."""

    async def run(self) -> None:
        """The one poller: from the start of the process to its end."""
        while not self._stopped:
            if self.leaving.is_set():
                await self.stop()
                return
            try:
                await self.look()
            except SQLAlchemyError as failed:
                log.warning("watching cases failed", error=type(failed).__name__)
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """One look at the database for all watched cases; wakes the streams of those that changed."""
        if not self._watched:
            return
        async with self._database.read() as session:
            found = await reads.numbers(session, list(self._watched))
        if any(self._numbers.get(reference) != number for reference, number in found.items()):
            async with self._changed:
                self._numbers.update(found)
                self._changed.notify_all()

    async def stop(self) -> None:
        """Ends the poller and every stream, so that the server can go down."""
        self._stopped = True
        async with self._changed:
            self._changed.notify_all()

    async def numbers(self, reference: str, after: int) -> AsyncGenerator[int, None]:
        """The number of the case whenever it passes `after` and grows on. Ends when the process stops."""
        self._watched[reference] += 1
        seen = after
        try:
            while not self._stopped:
                async with self._changed:
                    while not self._stopped and self._numbers.get(reference, 0) <= seen:
                        await self._changed.wait()
                    if self._stopped:
                        return
                    seen = self._numbers[reference]
                yield seen
        finally:
            self._watched[reference] -= 1
            if not self._watched[reference]:
                del self._watched[reference]
                self._numbers.pop(reference, None)


def stream(watch: Watch, reference: str, after: int) -> EventSourceResponse:
    """An answer that says `changed` with each new number; `id` lets a browser go on where it was."""

    async def events() -> AsyncIterator[ServerSentEvent]:
        # The first line opens the stream at once, so that a browser knows that it is there.
        yield ServerSentEvent(comment="watching", retry=RETRY)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST):
                async for number in watch.numbers(reference, after):
                    yield ServerSentEvent(event="changed", id=str(number), data=str(number))

    return EventSourceResponse(
        events(),
        ping=PING,
        headers={"X-Accel-Buffering": "no"},
        shutdown_event=watch.leaving,
        shutdown_grace_period=GRACE,
    )


def number_asked(after: str, last_event_id: str) -> int:
    """From which number on the browser wants to hear; a reconnecting stream says it in `Last-Event-ID`."""
    for said in (last_event_id, after):
        if said.isdecimal() and len(said) < 10:
            return int(said)
    return 0
