"""One loop for all cases: somebody acts, or the clock does (design 4.1).

A kind of case gives its rules (`apply`, `deadlines`), how it records, and its effects; the loop does the waiting, the
turns, the order of things and the way out. Each rule of it was seen to matter on a running server:

* One lock, first come first served; the clock takes it too. Whoever holds the turn changes the case.
* State first, then the record, before anybody hears an answer: the next page reads its own write.
* The deadline is data in the case; the timer only wakes the loop.
* Every way out drains the handlers, so nobody's answer is lost when a case closes or continues as new.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from domain.case import Deadline, earliest


class Lively(Protocol):
    """What the loop knows of a case."""

    @property
    def number(self) -> int: ...
    @property
    def is_closed(self) -> bool: ...


C = TypeVar("C", bound=Lively)
E = TypeVar("E")
Argument = TypeVar("Argument")
Result = TypeVar("Result")

ANSWERS_FIRST = timedelta(milliseconds=1)
"""A task that answers and closes at once is thrown away when something arrives meanwhile (server 1.32, unhandled
command): its answers would be lost although their record is made. So the end gets a task of its own."""

AT_ONCE = timedelta(seconds=1)
"""How long quick SQL may keep the other messages of its case waiting; after that it goes on beside them."""
PATIENT = RetryPolicy(maximum_interval=timedelta(seconds=5))
"""For quick SQL: the interval is what a person waits after the database is back."""


async def quick(method: Callable[[Any, Argument], Awaitable[Result]], argument: Argument) -> Result:
    """A short idempotent activity: a local one first (one event), a regular one when that fails.

    The second keeps an outage of the database from freezing the case's other messages.
    """
    try:
        return await workflow.execute_local_activity_method(
            method,
            argument,
            start_to_close_timeout=AT_ONCE,
            schedule_to_close_timeout=AT_ONCE,
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
    except FailureError as failure:  # a failed local activity arrives as ApplicationError, a slow one as TimeoutError
        if isinstance(failure, ApplicationError) and failure.non_retryable:
            raise
        return await workflow.execute_activity_method(
            method, argument, start_to_close_timeout=timedelta(seconds=5), retry_policy=PATIENT
        )


class CaseLoop(ABC, Generic[C, E]):
    """The life of one case. Subclasses are `@workflow.defn` classes with a `run` that returns `await self._live()`."""

    def __init__(self, case: C) -> None:
        self._case = case
        self._turn = asyncio.Lock()
        self._happened_at: datetime | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None

    # ---- what a kind of case gives ----

    @abstractmethod
    def _apply(self, case: C, event: E) -> C:
        """The domain's `apply`: the very same object if the event means nothing now."""

    @abstractmethod
    def _deadlines(self, case: C) -> tuple[Deadline, ...]: ...

    @abstractmethod
    def _opened(self) -> E: ...

    @abstractmethod
    async def _record(self, after: int, events: tuple[E, ...]) -> None: ...

    def _recorded(self, events: tuple[E, ...]) -> None:
        """What starts by itself once these events are recorded, and nobody waits for."""

    async def _at_once(self) -> tuple[E, ...]:
        """What follows from the state and belongs into the same record; asked after every event."""
        return ()

    def _effect(self) -> Callable[[], Awaitable[None]] | None:
        """What the state demands of the world before the loop may wait again."""
        return None

    def _is_quiet(self) -> bool:
        """Whether nothing goes on in the background that would be lost with this run."""
        return True

    async def _afterwards(self) -> None:
        """What remains to be done once the case is over; nobody waits for it."""

    def _is_over(self) -> bool:
        return self._case.is_closed

    @workflow.query
    def last_number(self) -> int:
        """The number of the last event: what an audit compares with the table. No page asks for it."""
        return self._case.number

    # ---- the loop ----

    async def _live(self) -> None:
        if self._case.number == 0:  # not after continue-as-new
            async with self._turn:
                await self._happened(self._opened())
        while not self._is_over():
            effect = self._effect()
            if effect:
                await effect()
            elif self._may_continue_as_new():
                await self._continue_as_new()
            else:
                await self._deadline_moves_or_clock_acts()
        await self._afterwards()
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._happened_at == workflow.now():  # the same task: time stands still within one
            await workflow.sleep(ANSWERS_FIRST)
            await workflow.wait_condition(workflow.all_handlers_finished)

    def _may_continue_as_new(self) -> bool:
        """Not before everybody has an answer: a handler may wait for an effect, and only the loop has effects."""
        return self._is_long() and workflow.all_handlers_finished() and self._is_quiet()

    def _is_long(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()

    async def _continue_as_new(self) -> None:
        """Returns if somebody acted in between; then the loop goes on."""
        await workflow.sleep(ANSWERS_FIRST)
        if self._may_continue_as_new() and self._effect() is None and not self._is_over():
            workflow.continue_as_new(self._case)

    async def _deadline_moves_or_clock_acts(self) -> None:
        deadline = self._next_deadline()
        self._set_alarm(deadline)

        def stop_waiting() -> bool:
            moved = self._next_deadline() != deadline or self._effect() is not None
            return moved or self._rings(deadline) or self._is_over() or self._may_continue_as_new()

        await workflow.wait_condition(stop_waiting)
        if self._rings(deadline):
            async with self._turn:
                await self._catch_up()

    def _set_alarm(self, deadline: Deadline | None) -> None:
        """The one timer, for the earliest deadline. Where there is none the old one stays: to cancel it is an event."""
        if deadline is None or deadline.at == self._alarm_at:
            return
        if self._alarm:
            self._alarm.cancel()
        length = max(deadline.at - workflow.now(), timedelta(0))
        self._alarm_at = deadline.at
        self._alarm = asyncio.create_task(workflow.sleep(length, summary="next deadline"))

    def _rings(self, deadline: Deadline | None) -> bool:
        return deadline is not None and deadline.at == self._alarm_at and bool(self._alarm and self._alarm.done())

    async def _catch_up(self) -> None:
        """Let the clock act where its time has come. The caller holds the turn."""
        while not self._is_over():
            deadline = self._next_deadline()
            if deadline is None or deadline.at > workflow.now():
                return
            await self._happened(deadline.event)

    async def _until_opened(self) -> None:
        """Handlers of an update-with-start run before `run` does; "opened" must be event 1."""
        await workflow.wait_condition(lambda: self._case.number > 0)

    async def _happened(self, event: E) -> None:
        """Fold the event and what follows at once, then record it all together. The caller holds the turn."""
        after = self._case.number
        events: list[E] = []
        following: tuple[E, ...] = (event,)
        while following:
            for one in following:
                folded = self._apply(self._case, one)
                if folded is not self._case:
                    self._case = folded
                    events.append(one)
            following = await self._at_once()
        if events:  # none: a fact that came too late to matter
            await self._record(after, tuple(events))
            self._happened_at = workflow.now()
            self._recorded(tuple(events))

    def _next_deadline(self) -> Deadline | None:
        return earliest(self._deadlines(self._case))
