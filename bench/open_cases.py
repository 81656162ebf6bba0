"""Thousands of cases that wait for their code, and a recovery beside them: `python -m bench.open_cases`.

Two houses on SQLite: one is filled to each mark, the other stays empty. At each mark the same recoveries are walked
in both, in turns, and what the filled one needs is printed. The waiting cases were opened under a policy whose code
lives a day, so that no clock of theirs rings while we measure; everything else about them is as shipped.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench import people, walk
from bench.browser import Tab, key_of
from bench.figures import milliseconds, spread, table
from bench.house import House
from bench.machine import conditions, usage
from domain.policy import CURRENT_POLICY
from storage import agents, intake
from storage.agents import Role
from storage.identifiers import Identifier, IdentifierKind
from web.gateway import Gateway

MARKS = (5_000, 10_000, 20_000)
CALLERS = 24
"""Cases that are opened at the same time."""
FIRST_WAITING = 1_000_000
"""Numbers of owners: those who wait come after those who recover."""
WALKS = {1: 20, 8: 48}
LISTS = 20
DAY = timedelta(days=1)
UNHURRIED = replace(CURRENT_POLICY, version="bench", code_lifetime=DAY, link_lifetime=DAY, cooldowns=(DAY,))
AGENT, PASSWORD = "sam", "a password for the desk"
MIB = 2**20


@dataclass
class Beside:
    """The same recoveries in both houses: seconds of each, and how many a second."""

    seconds: dict[int, list[float]] = field(default_factory=lambda: {callers: [] for callers in WALKS})
    rates: dict[int, list[float]] = field(default_factory=lambda: {callers: [] for callers in WALKS})


class Filled:
    """A house, how far it is filled, and which owners have recovered already."""

    def __init__(self, folder: Path) -> None:
        self.house, self.waiting, self._recovered = House(folder), 0, itertools.count()
        self.opened_a_second = 0.0

    async def fill(self, goal: int) -> None:
        """Open cases until so many wait; each has sent its code."""
        house, began, first = self.house, time.perf_counter(), self.waiting
        database, client = house.database(), await house.connect()
        numbers = range(FIRST_WAITING + first, FIRST_WAITING + goal)
        await people.move_in(database, house.rings, numbers)
        gateway, rings, mails, todo = Gateway(client), house.rings, await house.mails(), iter(numbers)

        async def caller() -> None:
            for number in todo:
                name = Identifier(IdentifierKind.EMAIL, people.email(number))
                async with database.write() as session:
                    browser = intake.Browser(f"bench browser {number}", f"net-{number}", "Firefox on Linux")
                    opened = await intake.open_recovery(
                        session, rings, name, browser, key=f"{number}", policy=UNHURRIED, starts_per_network=goal
                    )
                    await intake.mark_started(session, opened.reference)
                await gateway.start(opened.case)

        async with asyncio.TaskGroup() as group:
            for _ in range(CALLERS):
                group.create_task(caller())
        await house.until_mails(mails + len(numbers), 600)
        self.waiting, self.opened_a_second = goal, len(numbers) / (time.perf_counter() - began)
        await database.close()

    async def recover(self, callers: int, beside: Beside) -> None:
        count, house = WALKS[callers], self.house
        numbers = range(start := next(self._recovered) * 1000, start + count)
        database = house.database()
        await people.move_in(database, house.rings, numbers)
        await database.close()
        mails, began = await house.mails(), time.perf_counter()
        times = await walk.recover_all(house.port, house.rings, numbers, callers)
        await house.until_mails(mails + 2 * count)
        beside.rates[callers].append(count / (time.perf_counter() - began))
        beside.seconds[callers] += times.seconds["whole"]

    async def open_the_desk(self) -> None:
        database = self.house.database()
        async with database.write() as session:
            await agents.add_agent(session, name=AGENT, display_name="Sam", role=Role.AGENT, password=PASSWORD)
        await database.close()

    async def list_times(self) -> list[float]:
        """Seconds of the desk's list, for an agent who is signed in."""
        async with Tab(self.house.port, "10.255.0.1") as tab:
            form = await tab.get("/desk/sign-in")
            await tab.post("/desk/sign-in", key=key_of(form), name=AGENT, password=PASSWORD)
            seconds = []
            for _ in range(LISTS):
                began = time.perf_counter()
                page = await tab.get("/desk")
                seconds.append(time.perf_counter() - began)
                if page.status != 200 or "Everything open" not in page.body:
                    raise SystemExit(f"bench: the desk answered {page.status}")
        return seconds


async def measure(full: Filled, empty: Filled, rounds: int) -> list[str]:
    """One line of the table: everything at this mark."""
    there, here = Beside(), Beside()
    for _ in range(rounds):
        for callers in WALKS:
            await empty.recover(callers, here)
            await full.recover(callers, there)
    ours, theirs = full.house.bytes_on_disk()
    memory = usage(full.house.parts()).memory
    return [
        f"{full.waiting:,}",
        f"{full.opened_a_second:.0f}",
        *(f"{memory[part]:.0f}" for part in ("worker", "server", "web")),
        f"{ours / MIB:.0f}",
        f"{theirs / MIB:.0f}",
        milliseconds(await full.list_times()),
        *_slower(there, here),
    ]


def _slower(there: Beside, here: Beside) -> Iterator[str]:
    yield f"{median(here.seconds[1]) * 1000:.0f} -> {median(there.seconds[1]) * 1000:.0f}"
    yield f"{median(there.seconds[1]) / median(here.seconds[1]):.2f}"
    for callers in WALKS:
        pairs: Sequence[tuple[float, float]] = list(zip(here.rates[callers], there.rates[callers], strict=True))
        yield spread([empty / full for empty, full in pairs], 2)


HEAD = (
    *("waiting", "opened/s", "worker MiB", "server MiB", "web MiB", "our DB MiB", "Temporal's DB MiB"),
    *("desk's list ms p50/p95/p99", "one recovery ms, empty -> full", "ratio", "slower, 1 caller", "slower, 8 callers"),
)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Recoveries beside thousands of waiting cases.")
    parser.add_argument("--marks", type=int, nargs="+", default=MARKS)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    print(conditions(), flush=True)
    with tempfile.TemporaryDirectory(prefix="reinstate-bench-") as folder:
        full, empty = Filled(Path(folder) / "full"), Filled(Path(folder) / "empty")
        with full.house, empty.house:
            asyncio.run(full.open_the_desk())
            lines = []
            for mark in (0, *arguments.marks):
                if mark:
                    asyncio.run(full.fill(mark))
                lines.append(asyncio.run(measure(full, empty, arguments.rounds)))
                print(" | ".join(lines[-1]), flush=True)
    print(table(HEAD, lines))


if __name__ == "__main__":
    main()
