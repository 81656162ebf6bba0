"""Numbers as text: percentiles, spreads, tables."""

import statistics
from collections.abc import Iterable, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def spread(values: Sequence[float], digits: int = 1) -> str:
    """`min / median / max`."""
    return " / ".join(f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))


def milliseconds(values: Sequence[float]) -> str:
    """`p50 / p95 / p99` of seconds, in milliseconds."""
    return " / ".join(f"{percentile(values, share) * 1000:.0f}" for share in (0.5, 0.95, 0.99))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """As Markdown, with columns that stand below each other."""
    body = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in body) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in body
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
