"""Known and unknown people in time: can a stranger tell by the clock who has an account? `python -m bench.timing`.

500 interleaved pairs start a recovery, one for an owner and one for nobody, in an order by chance, one at a time on a
quiet house. Two moments are timed: the answer to `POST /recover`, and when the case awaits the code (in SQL, which is
what the page shows). Between two starts the house comes to rest, so that the mail of one delays no other.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from bench import people
from bench.browser import Tab, key_of
from bench.figures import percentile, table
from bench.house import House
from bench.machine import conditions
from domain.case import parse_reference
from domain.recovery import State
from storage.engine import Database
from storage.models import CaseRow

PAIRS = 500
WARM_UP = 20
REST = 0.12
"""Seconds after each start; handing a message over takes a third of it."""
LOOK_EVERY = 0.001
LEAST, SHARE = 0.002, 0.05
"""A difference of 2 ms or 5 %, whichever is more, is what nobody can use over a network."""
MOMENTS = ("answer", "code form")
KNOWN, UNKNOWN = "known", "unknown"


@dataclass
class Sample:
    """Seconds by moment, in the order of the pairs."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {moment: [] for moment in MOMENTS})


@dataclass(frozen=True)
class Verdict:
    """One row of the table. `chance`: the same difference between two halves of the unknown ones."""

    moment: str
    which: str
    known: float
    unknown: float
    chance: float

    @property
    def difference(self) -> float:
        return abs(self.known - self.unknown)

    @property
    def allowed(self) -> float:
        return max(LEAST, SHARE * min(self.known, self.unknown))

    @property
    def says(self) -> str:
        """Nothing can be said when two halves of the same people differ by more than is allowed."""
        if self.difference <= self.allowed:
            return "yes"
        return "too noisy to say" if self.chance > self.allowed else "NO"

    @property
    def row(self) -> list[str]:
        figures = (self.known, self.unknown, self.difference, self.allowed, self.chance)
        return [self.moment, self.which, *(f"{value * 1000:.1f}" for value in figures), self.says]


def nobody(number: int) -> str:
    """As long as the address of an owner, and nobody's."""
    return people.email(number).replace("owner", "ghost")


async def start(house: House, database: Database, number: int, typed: str, sample: Sample) -> None:
    """Begin one recovery from a network of its own."""
    async with Tab(house.port, f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}") as tab:
        key = key_of(await tab.get("/"))
        began = time.perf_counter()
        answer = await tab.post("/recover", key=key, identifier=typed)
        sample.seconds["answer"].append(time.perf_counter() - began)
        if answer.status != 303:
            raise SystemExit(f"bench: a start was answered with {answer.status}")
        await _until_code(database, parse_reference(answer.location.rpartition("/")[2]) or "")
        sample.seconds["code form"].append(time.perf_counter() - began)
    await asyncio.sleep(REST)


async def _until_code(database: Database, reference: str) -> None:
    state = select(col(CaseRow.state)).where(col(CaseRow.reference) == reference)
    async with asyncio.timeout(60):
        while True:
            async with database.read() as session:
                if (await session.execute(state)).scalar_one() == State.AWAITING_CODE:
                    return
            await asyncio.sleep(LOOK_EVERY)


async def measure(house: House, pairs: int) -> dict[str, Sample]:
    """Both kinds, interleaved."""
    chance, database = random.Random(2026), house.database()
    await people.move_in(database, house.rings, range(pairs + WARM_UP))
    samples, numbers = {KNOWN: Sample(), UNKNOWN: Sample()}, iter(range(1, 10**6))
    for pair in range(pairs + WARM_UP):
        if pair == WARM_UP:
            samples = {KNOWN: Sample(), UNKNOWN: Sample()}
        typed = {KNOWN: people.email(pair), UNKNOWN: nobody(pair)}
        for kind in chance.sample((KNOWN, UNKNOWN), 2):
            await start(house, database, next(numbers), typed[kind], samples[kind])
    await database.close()
    return samples


def verdicts(samples: dict[str, Sample]) -> list[Verdict]:
    found = []
    for moment in MOMENTS:
        known, unknown = (samples[kind].seconds[moment] for kind in (KNOWN, UNKNOWN))
        for which, of in (("median", statistics.median), ("95th percentile", _late)):
            chance = abs(of(unknown[::2]) - of(unknown[1::2]))
            found.append(Verdict(moment, which, of(known), of(unknown), chance))
    return found


def _late(values: Sequence[float]) -> float:
    return percentile(values, 0.95)


HEAD = ("moment", "of", "known ms", "unknown ms", "difference", "allowed", "by chance", "within")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--postgres", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, House(Path(folder), postgres=arguments.postgres) as house:
        samples = asyncio.run(measure(house, arguments.pairs))
    found = verdicts(samples)
    print(f"{arguments.pairs} pairs, {'PostgreSQL' if arguments.postgres else 'SQLite'}; {conditions()}\n")
    print(table(HEAD, [verdict.row for verdict in found]))
    if any(verdict.says == "NO" for verdict in found):
        sys.exit("known and unknown people can be told apart by the clock")
    if any(verdict.says != "yes" for verdict in found):
        sys.exit("the machine is too busy to tell: the same people differ among themselves by more than is allowed")


if __name__ == "__main__":
    main()
