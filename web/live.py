"""Pages that change by themselves: one poller a process asks for the numbers of all watched cases.

A stream says only "changed" and the number; what changed the browser fetches as the page it already may see. Streams
of the desk also say "presence" when other agents come, go, or begin to write.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import anyio
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import EventSourceResponse, ServerSentEvent

from storage import presence, reads
from storage.engine import Database
from storage.presence import Present

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
        self._desks: Counter[str] = Counter()
        self._present: dict[str, tuple[Present, ...]] = {}
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
            people = await presence.present(session, list(self._desks)) if self._desks else {}
        is_news = any(self._numbers.get(reference) != number for reference, number in found.items())
        if is_news or people != self._present:
            async with self._changed:
                self._numbers.update(found)
                self._present = people
                self._changed.notify_all()

    async def stop(self) -> None:
        """Ends the poller and every stream, so that the server can go down."""
        self._stopped = True
        async with self._changed:
            self._changed.notify_all()

    async def numbers(self, reference: str, after: int) -> AsyncGenerator[int, None]:
        """The number of the case whenever it passes `after` and grows on. Ends when the process stops."""
        seen = after
        with self._counted(self._watched, reference):
            while not self._stopped:
                async with self._changed:
                    while not self._stopped and self._numbers.get(reference, 0) <= seen:
                        await self._changed.wait()
                    if self._stopped:
                        return
                    seen = self._numbers[reference]
                yield seen

    async def news(self, reference: str, after: int) -> AsyncGenerator[int | None, None]:
        """As `numbers`, for the desk: None stands for other people at the case. Ends when the process stops.

        Whoever is there already is news, too: they may have come after the page was made and before it listened.
        """
        seen: int = after
        people: tuple[Present, ...] = ()
        with self._counted(self._watched, reference), self._counted(self._desks, reference):
            while not self._stopped:
                async with self._changed:
                    while not self._stopped and self._is_known(reference, seen, people):
                        await self._changed.wait()
                    if self._stopped:
                        return
                    number, now = self._numbers.get(reference, 0), self._present.get(reference, ())
                    is_other, people, grown, seen = now != people, now, number > seen, max(number, seen)
                if is_other:
                    yield None
                if grown:
                    yield seen

    def _is_known(self, reference: str, number: int, people: tuple[Present, ...]) -> bool:
        return self._numbers.get(reference, 0) <= number and self._present.get(reference, ()) == people

    @contextmanager
    def _counted(self, counter: Counter[str], reference: str) -> Iterator[None]:
        """Looked at as long as somebody listens."""
        counter[reference] += 1
        try:
            yield
        finally:
            counter[reference] -= 1
            if not counter[reference]:
                del counter[reference]
                if counter is self._watched:
                    self._numbers.pop(reference, None)


def stream(watch: Watch, reference: str, after: int, *, for_desk: bool = False) -> EventSourceResponse:
    """An answer that says `changed` with each new number; `id` lets a browser go on where it was.

    `for_desk`: it also says `presence` when other agents come or go.
    """
    heard: AsyncGenerator[int | None, None] | AsyncGenerator[int, None]
    heard = watch.news(reference, after) if for_desk else watch.numbers(reference, after)

    async def events() -> AsyncIterator[ServerSentEvent]:
        # The first line opens the stream at once, so that a browser knows that it is there.
        yield ServerSentEvent(comment="watching", retry=RETRY)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST):
                async for number in heard:
                    yield _event(number)

    return EventSourceResponse(
        events(),
        ping=PING,
        headers={"X-Accel-Buffering": "no"},
        shutdown_event=watch.leaving,
        shutdown_grace_period=GRACE,
    )


def _event(number: int | None) -> ServerSentEvent:
    if number is None:
        return ServerSentEvent(event="presence", data="other people")
    return ServerSentEvent(event="changed", id=str(number), data=str(number))


def number_asked(after: str, last_event_id: str) -> int:
    """From which number on the browser wants to hear; a reconnecting stream says it in `Last-Event-ID`."""
    for said in (last_event_id, after):
        if said.isdecimal() and len(said) < 10:
            return int(said)
    return 0
