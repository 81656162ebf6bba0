"""Reads the state diagrams in `docs/case-states/`: mermaid, with the events on the arrows.

`state --> state : event, event`. A group (`state "words" as name`, its members in `note right of name : a, b`)
stands for each of its members, and an arrow from a group to itself leaves each of them as it is. `[*]` is where a
case begins and ends.
"""

import re
from pathlib import Path

Arrow = tuple[str, str, str]
"""`(state, event, state)`."""

ARROW = re.compile(r"(\w+) --> (\w+) : (\w+(?:, \w+)*)")
GROUP = re.compile(r"note right of (\w+) : (\w+(?:, \w+)*)")
IN_PASSING = re.compile(r'stateDiagram-v2|%%.*|\[\*\] --> \w+|\w+ --> \[\*\]|state ".+" as \w+|')


class NotUnderstood(ValueError):
    """A line of the diagram that means nothing here, so that no arrow is lost to a slip of the pen."""


def arrows(path: Path) -> set[Arrow]:
    """Every arrow of the diagram as `(state, event, state)`, groups spelt out."""
    groups: dict[str, list[str]] = {}
    drawn: list[Arrow] = []
    for line in map(str.strip, path.read_text(encoding="utf-8").splitlines()):
        if arrow := ARROW.fullmatch(line):
            drawn += [(arrow[1], event, arrow[2]) for event in arrow[3].split(", ")]
        elif group := GROUP.fullmatch(line):
            groups[group[1]] = group[2].split(", ")
        elif not IN_PASSING.fullmatch(line):
            raise NotUnderstood(f"{path.name}: {line}")
    return {
        (state, event, state if source == target else target)
        for source, event, target in drawn
        for state in groups.get(source, [source])
    }


def states(path: Path) -> set[str]:
    """Every state that the diagram names."""
    return {state for source, _, target in arrows(path) for state in (source, target)}
