"""What the operating system says about our processes: processor time and memory. Linux only."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
MIB = 1024.0


@dataclass(frozen=True)
class Usage:
    """`cpu` in milliseconds since the start, `memory` and `peak` (resident) in MiB, by part of the house."""

    cpu: Mapping[str, float]
    memory: Mapping[str, float]
    peak: Mapping[str, float]


def usage(parts: Mapping[str, Iterable[int]]) -> Usage:
    """The sums over the processes of each part."""
    pids = {name: list(ids) for name, ids in parts.items()}
    return Usage(
        {name: sum(map(cpu_ms, ids)) for name, ids in pids.items()},
        {name: sum(_status(pid, "VmRSS") for pid in ids) for name, ids in pids.items()},
        {name: sum(_status(pid, "VmHWM") for pid in ids) for name, ids in pids.items()},
    )


def cpu_ms(pid: int) -> float:
    """User and system time of all threads of a process; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK_MS


def threads(pid: int) -> dict[str, float]:
    """Processor time by the name of the thread, in milliseconds."""
    found: dict[str, float] = {}
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        text = stat.read_text()
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text.rpartition(")")[2].split()
        found[name] = found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) * TICK_MS
    return found


def children(pid: int) -> list[int]:
    """Processes that this one has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except OSError:  # it ended while we looked
            continue
    return found


def _status(pid: int, name: str) -> float:
    """A line of `/proc/<pid>/status`, in MiB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / MIB for line in lines if line.startswith(name)), 0.0)


def conditions() -> str:
    """The machine in one line."""
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    total = _meminfo("MemTotal")
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{os.cpu_count()} cores ({cpu.partition(':')[2].strip()}), {total:.0f} GiB, load before {load}"


def _meminfo(name: str) -> float:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) / MIB / MIB for line in lines if line.startswith(name))
