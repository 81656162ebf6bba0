"""Complete recoveries over HTTP, and what they cost, beside two floors of our own: `python -m bench.recoveries`.

In each round every contestant has its turn, one at a time: argon2id alone, the bare workflow, and the product, the
latter two on SQLite and on PostgreSQL and with 1, 8 and 32 callers. What is printed is the spread over the rounds.
"""

import argparse
import asyncio
import itertools
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from temporalio.client import Client

from bench import bare, people, walk
from bench.figures import milliseconds, spread, table
from bench.house import ROOT, House
from bench.machine import Usage, conditions, usage
from development.postgres import postgres_programs
from domain.case import Kind, workflow_id
from storage.directory import HASHER

CALLERS = (1, 8, 32)
COUNTS = {1: 30, 8: 96, 32: 160}
"""Recoveries in one turn: enough for a 95th percentile over three rounds, few enough for minutes."""
WARM_UP = 16
MAILS = 2
"""Messages of one recovery: the code and the notice."""
HASHES = 200


@dataclass
class Turn:
    """What one contestant did in one round. `rate`: a second, until the last message was sent."""

    rate: float
    cpu: Mapping[str, float]
    memory: Mapping[str, float]
    seconds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    events: Sequence[int] = ()
    bytes: Sequence[int] = ()
    looks: float = 0.0
    again: int = 0


Turns = dict[str, list[Turn]]


def argon2_alone() -> Turn:
    """Hashes a second in two processes, and what one costs."""
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(HASHER.hash, ["warm"] * 4))
        began = time.perf_counter()
        list(pool.map(HASHER.hash, ["three quiet herons"] * HASHES))
        return Turn(HASHES / (time.perf_counter() - began), {}, {})


class Contest:
    """One house for all turns of one database: the product and the floor in it one after the other."""

    def __init__(self, folder: Path, counts: Mapping[int, int], *, postgres: bool, root: Path, name: str) -> None:
        self.house = House(folder, postgres=postgres, root=root)
        self.name, self._counts, self._next = name, counts, 0

    def product(self) -> Iterator[tuple[str, Turn]]:
        self.house.start_product()
        asyncio.run(self._warm_up())
        for callers, count in self._counts.items():
            yield f"{self.name}, {callers}", asyncio.run(self._recover(callers, count))
        self.house.stop_product()

    def floor(self) -> Iterator[tuple[str, Turn]]:
        self.house.start_floor()
        asyncio.run(self._bare(4, WARM_UP))
        for callers, count in self._counts.items():
            yield f"bare {self.name}, {callers}", asyncio.run(self._bare(callers, count))
        self.house.stop_product()

    def _take(self, count: int) -> range:
        self._next += count
        return range(self._next - count, self._next)

    async def move_in(self) -> None:
        database = self.house.database()
        await people.move_in(database, self.house.rings, range(WARM_UP + sum(self._counts.values())))
        await database.close()

    async def _warm_up(self) -> None:
        await walk.recover_all(self.house.port, self.house.rings, self._take(WARM_UP), 4)

    async def _recover(self, callers: int, count: int) -> Turn:
        house, mails = self.house, await self.house.mails()
        before, began = usage(house.parts()), time.perf_counter()
        times = await walk.recover_all(house.port, house.rings, self._take(count), callers)
        await house.until_mails(mails + MAILS * count)
        took, after = time.perf_counter() - began, usage(house.parts())
        client = await house.connect()
        names = [workflow_id(Kind.RECOVERY, reference) for reference in times.references[:20]]
        events, sizes = await histories(client, names)
        cpu = spent(before, after, count)
        return Turn(count / took, cpu, after.memory, times.seconds, events, sizes, times.looks / count, times.again)

    async def _bare(self, callers: int, count: int) -> Turn:
        house, mails = self.house, await self.house.mails()
        client = await Client.connect(house.temporal, namespace=bare.NAMESPACE)
        before, began = usage(house.parts()), time.perf_counter()
        seconds, names = await bare.recover_all(client, count, callers)
        await house.until_mails(mails + MAILS * count)
        took, after = time.perf_counter() - began, usage(house.parts())
        events, sizes = await histories(client, names[:20])
        return Turn(count / took, spent(before, after, count), after.memory, {"whole": seconds}, events, sizes)


def spent(before: Usage, after: Usage, count: int) -> dict[str, float]:
    """Milliseconds of processor time for one recovery, by part."""
    return {name: (ms - before.cpu.get(name, 0.0)) / count for name, ms in after.cpu.items()}


async def histories(client: Client, names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Events and bytes of these workflows, as the server counts them, once they are closed."""
    found = []
    for name in names:
        handle = client.get_workflow_handle(name)
        await handle.result()
        found.append((await handle.describe()).raw_description.workflow_execution_info)
    return [info.history_length for info in found], [info.history_size_bytes for info in found]


def report(turns: Turns) -> str:
    """All tables."""
    ours = {name: turn for name, turn in turns.items() if name != "argon2id alone"}
    parts = ["server", "postgres", "worker", "hashing", "web", "mail", "driver"]
    rates = [
        [name, spread([turn.rate for turn in some]), _ratio(turns, name), _size(some, "events"), _size(some, "bytes")]
        for name, some in turns.items()
    ]
    costs = [
        [name, *(_middle([turn.cpu.get(part, 0.0) for turn in some]) for part in parts), _all(some)]
        for name, some in ours.items()
    ]
    memory = [
        [name, *(_middle([turn.memory.get(part, 0.0) for turn in some], 0) for part in parts)]
        for name, some in ours.items()
    ]
    head = ["contestant, callers", "a second: min / median / max", "of the floor", "events", "bytes"]
    return "\n\n".join(
        [
            table(head, rates),
            "Processor time of one recovery in ms (median of the rounds):",
            table(["contestant, callers", *parts, "in all"], costs),
            "Resident memory in MiB at the end of a turn (median of the rounds):",
            table(["contestant, callers", *parts], memory),
            "Steps in ms, p50 / p95 / p99 over all rounds:",
            table(["contestant, callers", *walk.STEPS, "looks in vain", "try again"], list(_steps(ours))),
        ]
    )


def _steps(turns: Turns) -> Iterator[list[str]]:
    for name, some in turns.items():
        gathered: dict[str, list[float]] = defaultdict(list)
        for turn in some:
            for step, seconds in turn.seconds.items():
                gathered[step] += seconds
        cells = [milliseconds(gathered[step]) if gathered.get(step) else "" for step in walk.STEPS]
        yield [name, *cells, _middle([turn.looks for turn in some]), str(sum(turn.again for turn in some))]


def _ratio(turns: Turns, name: str) -> str:
    """Of the rates of the same round, because only these saw the same machine."""
    floor = turns.get(f"bare {name}")
    if not floor:
        return ""
    return spread([turn.rate / other.rate for turn, other in zip(turns[name], floor, strict=True)], 2)


def _size(some: Sequence[Turn], what: str) -> str:
    values = [value for turn in some for value in getattr(turn, what)]
    return spread(values, 0) if values else ""


def _middle(values: Sequence[float], digits: int = 1) -> str:
    return f"{median(values):.{digits}f}"


def _all(some: Sequence[Turn]) -> str:
    return _middle([sum(turn.cpu.values()) for turn in some])


def contests(folder: Path, arguments: argparse.Namespace) -> Iterator[Contest]:
    counts = {callers: max(int(COUNTS[callers] * arguments.share), 2) for callers in arguments.callers}
    trees = {"": ROOT, **({"before, ": arguments.before} if arguments.before else {})}
    for label, root in trees.items():
        for database in arguments.databases:
            name = f"{label}{database}"
            place = folder / name.replace(", ", "-")
            yield Contest(place, counts, postgres=database == "PostgreSQL", root=root, name=name)


def one_round(arena: Iterable[Contest], turns: Turns) -> None:
    turns["argon2id alone"].append(argon2_alone())
    for contest in arena:
        try:
            contest.house.start_without_product()
            asyncio.run(contest.move_in())
            for name, turn in itertools.chain(contest.floor(), contest.product()):
                turns[name].append(turn)
                print(f"  {name}: {turn.rate:.1f}/s", flush=True)
        finally:
            contest.house.stop()


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Complete recoveries over HTTP, beside two floors.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--callers", type=int, nargs="+", choices=CALLERS, default=CALLERS)
    parser.add_argument("--databases", nargs="+", default=["SQLite"] + ["PostgreSQL"] * bool(postgres_programs()))
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of recoveries, to try things")
    parser.add_argument("--before", type=Path, help="an older tree, to compare with in the same rounds")
    parser.add_argument("--json", type=Path, help="where to keep every figure")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    print(f"{conditions()}; {arguments.rounds} rounds", flush=True)
    turns: Turns = defaultdict(list)
    for number in range(arguments.rounds):
        print(f"round {number + 1}", flush=True)
        with tempfile.TemporaryDirectory(prefix="reinstate-bench-") as folder:
            one_round(contests(Path(folder), arguments), turns)
    print(report(turns))
    if arguments.json:
        arguments.json.write_text(json.dumps(turns, default=vars))


if __name__ == "__main__":
    main()
