"""One complete recovery over HTTP, as a browser walks it: start, code, password, the last page."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.browser import Answer, Refused, Tab, key_of
from bench.people import email
from domain.case import parse_reference
from storage import codes
from storage.keys import Rings

STEPS = ("home", "start", "code form", "submit code", "password form", "set password", "last page", "whole")
"""`start`: the POST with the name is answered. `code form`: from that POST until the form for the code is there."""
FIRST_WAIT, LONGEST_WAIT = 0.03, 0.25
"""Seconds between two looks of a page that waits for the code. A real page hears of it within half a second."""
PASSWORD = "three quiet herons by the weir"


@dataclass
class Times:
    """Seconds, by step, of all walks; how many pages were looked at in vain; how often the answer was "try again"."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})
    looks: int = 0
    again: int = 0
    references: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[step].append(time.perf_counter() - began)


async def recover(port: int, rings: Rings, number: int, times: Times) -> None:
    """The owner with this number gets the account back. Raises `Refused` when anything is not as it should be."""
    network = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    async with Tab(port, network) as tab:
        with times.of("whole"):
            reference, form = await _start(tab, number, times)
            with times.of("submit code"):
                code = codes.code(rings, reference, 1, 6, key=rings.issue.current)
                answer = await tab.post(f"/case/{reference}/code", key=key_of(form), issue="1", code=code)
            _expect(answer, 303)
            with times.of("password form"):
                form = await tab.get(f"/case/{reference}")
            with times.of("set password"):
                answer = await tab.post(f"/case/{reference}/password", key=key_of(form), new_password=PASSWORD)
            _expect(answer, 303)
            await _until_recovered(tab, reference, times)
        times.again += tab.again
    times.references.append(reference)


async def _start(tab: Tab, number: int, times: Times) -> tuple[str, Answer]:
    """From the first page to the form for the code."""
    with times.of("home"):
        home = await tab.get("/")
    began = time.perf_counter()
    with times.of("start"):
        answer = await tab.post("/recover", key=key_of(home), identifier=email(number))
    _expect(answer, 303)
    reference = parse_reference(answer.location.rpartition("/")[2]) or ""
    async for page in _looks(tab, reference):
        if 'name="code"' in page.body:
            times.seconds["code form"].append(time.perf_counter() - began)
            return reference, page
        times.looks += 1
    raise Refused(f"{reference} has no form for the code")


async def _until_recovered(tab: Tab, reference: str, times: Times) -> None:
    """Usually one look. When the machine is too slow for the web's five seconds, the page says "being set" first."""
    with times.of("last page"):
        async for page in _looks(tab, reference):
            if "You can sign in again" in page.body:
                return
            times.looks += 1
    raise Refused(f"{reference} is not recovered")


async def _looks(tab: Tab, reference: str) -> AsyncIterator[Answer]:
    wait, until = FIRST_WAIT, time.monotonic() + 60
    while time.monotonic() < until:
        page = await tab.get(f"/case/{reference}")
        _expect(page, 200)
        yield page
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, LONGEST_WAIT)


def _expect(answer: Answer, status: int) -> None:
    if answer.status != status:
        raise Refused(f"{answer.status} instead of {status}: {answer.body[:500]}")


async def recover_all(port: int, rings: Rings, numbers: range, callers: int) -> Times:
    """These owners, so many at a time; each caller takes the next one."""
    waiting, times = iter(numbers), Times()

    async def caller() -> None:
        for number in waiting:
            await recover(port, rings, number, times)

    async with asyncio.TaskGroup() as group:
        for _ in itertools.repeat(None, callers):
            group.create_task(caller())
    return times
