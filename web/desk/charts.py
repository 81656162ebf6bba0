"""Charts as numbers for a template: percent of the width and pixels of the height, rounded, nothing scaled.

Percent instead of a view box, so that text keeps its size on every screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LEFT = 31.0
"""Where bars begin; labels end just before it."""
WIDTH = 38.0
"""Of the longest bar; what stands behind it, such as `98.6 % 1,234 of 1,250`, needs the rest."""
ROW = 32
TOP, BOTTOM = 12, 168
"""Pixels between which lines are drawn."""


@dataclass(frozen=True)
class Part:
    """A piece of a bar; `look` is its class in the style sheet."""

    look: str
    x: float
    width: float


@dataclass(frozen=True)
class Bar:
    label: str
    y: int
    parts: tuple[Part, ...]
    value: str
    value_x: float
    more: str = ""


@dataclass(frozen=True)
class Bars:
    """`says` is the chart in a sentence, for who hears it."""

    height: int
    bars: tuple[Bar, ...]
    says: str


@dataclass(frozen=True)
class Step:
    y: float
    label: str


@dataclass(frozen=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True)
class Lines:
    steps: tuple[Step, ...]
    ticks: tuple[Tick, ...]
    opened: str
    closed: str
    ends: tuple[tuple[float, str], ...]
    says: str


def bars(rows: Sequence[tuple[str, Sequence[tuple[str, float]], str, str]], says: str, most: float = 0.0) -> Bars:
    """Rows of label, pieces (look and amount), value and what stands behind it. `most` is the amount of a full bar."""
    most = most or max((sum(amount for _, amount in pieces) for _, pieces, _, _ in rows), default=0.0) or 1.0
    drawn = []
    for place, (label, pieces, value, more) in enumerate(rows):
        parts, x = [], LEFT
        for look, amount in pieces:
            width = WIDTH * amount / most
            parts.append(Part(look, round(x, 2), round(width, 2)))
            x += width
        end = round(max(x, LEFT) + 1.5, 2)
        drawn.append(Bar(label, 6 + place * ROW, tuple(part for part in parts if part.width > 0), value, end, more))
    return Bars(len(rows) * ROW + 6, tuple(drawn), says)


def lines(labels: Sequence[str], opened: Sequence[int], closed: Sequence[int], says: str) -> Lines:
    """Two lines over the same days, the first of which is the louder one."""
    most = _nice(max([*opened, *closed, 1]))
    steps = tuple(Step(round(BOTTOM - (BOTTOM - TOP) * share / 4, 1), f"{most * share // 4:,}") for share in range(5))
    every = max(1, round(len(labels) / 5))
    last = max(len(labels) - 1, 1)
    ticks = tuple(
        Tick(round(7 + 84 * place / last, 2), label) for place, label in enumerate(labels) if place % every == 0
    )
    ends = [(BOTTOM - (BOTTOM - TOP) * line[-1] / most if line else BOTTOM) for line in (opened, closed)]
    apart = max(0.0, 16 - abs(ends[0] - ends[1])) / 2 * (1 if ends[0] >= ends[1] else -1)
    said = ((ends[0] + apart + 4, f"{opened[-1]:,} in"), (ends[1] - apart + 4, f"{closed[-1]:,} out")) if opened else ()
    return Lines(steps, ticks, _points(opened, most), _points(closed, most), _rounded(said), says)


def _rounded(said: tuple[tuple[float, str], ...]) -> tuple[tuple[float, str], ...]:
    return tuple((round(y, 1), word) for y, word in said)


def _points(values: Sequence[int], most: int) -> str:
    """For a polyline in a box of 100 by 100."""
    last = max(len(values) - 1, 1)
    return " ".join(
        f"{round(100 * place / last, 2)},{round(100 - 100 * one / most, 2)}" for place, one in enumerate(values)
    )


def _nice(most: int) -> int:
    """The smallest 4, 8, 20, 40, 80, 200, ... that is large enough: four even steps of it are whole numbers."""
    size = 1
    while True:
        for step in (4, 8, 20):
            if step * size >= most:
                return step * size
        size *= 10
