"""Where the milliseconds of one recovery go: `python -m bench.profile [--database PostgreSQL]`.

Worker and web run under `bench.sampled`. Printed are processor time by process, samples by library, the places with
most samples below them, and SQL statements of one recovery.
"""

import argparse
import asyncio
import json
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

from bench import people, walk
from bench.figures import table
from bench.house import House
from bench.machine import conditions, usage

LOOKED_AT = ("worker", "web")
WARM_UP, CALLERS, MAILS = 20, 4, 2


def cost_of(count: int, folder: Path, *, postgres: bool, most: int) -> str:
    wrap = {name: ["-m", "bench.sampled", str(folder / f"{name}.json")] for name in LOOKED_AT}
    with House(folder, postgres=postgres, wrap=wrap) as house:
        cpu = asyncio.run(_walk(house, count))
        for name in LOOKED_AT:
            os.kill(house.parts()[name][0], signal.SIGUSR2)
        asyncio.run(asyncio.sleep(1))
        found = {name: json.loads((folder / f"{name}.json").read_text()) for name in LOOKED_AT}
    parts = [[name, f"{ms:.1f}"] for name, ms in sorted(cpu.items(), key=lambda part: -part[1])]
    texts = [table(["process", "ms of one recovery"], [*parts, ["in all", f"{sum(cpu.values()):.1f}"]])]
    texts += [_of_process(name, cpu[name], found[name], count, most) for name in LOOKED_AT]
    return "\n\n".join(texts)


async def _walk(house: House, count: int) -> dict[str, float]:
    database = house.database()
    await people.move_in(database, house.rings, range(WARM_UP + count))
    await database.close()
    await walk.recover_all(house.port, house.rings, range(WARM_UP), CALLERS)
    await asyncio.sleep(1)
    for name in LOOKED_AT:
        os.kill(house.parts()[name][0], signal.SIGUSR1)
    before, mails = usage(house.parts()), await house.mails()
    await walk.recover_all(house.port, house.rings, range(WARM_UP, WARM_UP + count), CALLERS)
    await house.until_mails(mails + MAILS * count)
    after = usage(house.parts())
    return {name: (ms - before.cpu[name]) / count for name, ms in after.cpu.items() if name in before.cpu}


def _of_process(name: str, cpu: float, found: dict[str, Any], count: int, most: int) -> str:
    """Samples as milliseconds: their share of the processor time."""
    total = sum(found["own"].values())
    own = [[what, f"{samples / total * cpu:.1f}"] for what, samples in found["own"].items() if samples / total > 0.01]
    deep = [[where, f"{samples / total * cpu:.1f}"] for where, samples in found["deep"].items() if _is_ours(where)]
    sql = [[what.replace("|", " "), f"{times / count:.1f}"] for what, times in found["sql"].items()]
    return "\n\n".join(
        [
            table([f"{name}: library at work", "ms"], own),
            table([f"{name}: in and below", "ms"], deep[:most]),
            table([f"{name}: SQL", "times"], sql[:most]),
        ]
    )


def _is_ours(where: str) -> bool:
    return where.partition("/")[0] in {"activities", "storage", "workflows", "domain", "web", "connection.py"}


def main() -> None:
    parser = argparse.ArgumentParser(description="Where the milliseconds of one recovery go.")
    parser.add_argument("--database", choices=["SQLite", "PostgreSQL"], default="SQLite")
    parser.add_argument("--count", type=int, default=100, help="recoveries")
    parser.add_argument("--most", type=int, default=25, help="lines of a table")
    arguments = parser.parse_args()
    print(conditions(), flush=True)
    with tempfile.TemporaryDirectory(prefix="reinstate-bench-") as folder:
        is_postgres = arguments.database == "PostgreSQL"
        print(cost_of(arguments.count, Path(folder), postgres=is_postgres, most=arguments.most))


if __name__ == "__main__":
    main()
