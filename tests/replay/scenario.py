"""What a scenario is: a name, somebody's story, and which workflows of it are kept."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from tests.replay.stage import Attempt, Stage


class Part(IntEnum):
    """When it is acted. What disturbs everybody comes late, and alone."""

    PAGES = 1
    """Through the pages, one after the other, with the policy of the product."""
    CROWD = 2
    """Several at once."""
    ALONE = 3
    RESTART = 4
    """All together, around one `kill -9` of the worker."""
    CONTINUED = 5
    """After the server was told to suggest continue-as-new early: the last ones."""


@dataclass(frozen=True)
class Take:
    """A workflow to keep. `ends`: it is fetched after its end; otherwise while it waits."""

    workflow: str
    ends: bool = True
    run: str | None = None
    then: str = ""
    """Added to the scenario's name, where one story gives several histories."""


Story = Callable[[Stage], Awaitable[Take | tuple[Take, ...]]]


@dataclass(frozen=True)
class Scenario:
    """`end` is the state of the case in the last event; `shows` are lines that its history holds, in this order.

    For the words of these lines see `tests/replay/corpus.py: lines`.
    """

    name: str
    story: Story
    part: Part = Part.CROWD
    end: str = ""
    shows: tuple[str, ...] = ()
    waits_long: bool = False
    """Mostly waits, so it takes no place in the crowd."""
    keeps: tuple[str, ...] = ("",)
    """The `then` of every history it gives."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}{f'-{then}' if then else ''}" for then in self.keeps)


SCENARIOS: list[Scenario] = []


def scenario(
    name: str,
    *,
    part: Part = Part.CROWD,
    end: str = "",
    shows: Iterable[str] = (),
    keeps: tuple[str, ...] = ("",),
    waits_long: bool = False,
) -> Callable[[Story], Story]:
    """Put a story on the list."""

    def add(story: Story) -> Story:
        SCENARIOS.append(
            Scenario(name, story, part=part, end=end, shows=tuple(shows), keeps=keeps, waits_long=waits_long)
        )
        return story

    return add


def ended(attempt: Attempt, then: str = "") -> Take:
    return Take(attempt.workflow, then=then)


def still_open(attempt: Attempt, then: str = "") -> Take:
    return Take(attempt.workflow, ends=False, then=then)
