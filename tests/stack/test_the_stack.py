"""The stack as it is shipped: it comes up, is restarted under load, loses single processes, and keeps its promises."""

import itertools
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from operations import rings
from storage.keys import Ring
from tests.stack.load import Load, load
from tests.stack.stack import Stack

WARM = 3
"""Recoveries before something is done, and after it, so that there is always somebody on the way."""


def rows(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.postgres_url("reinstate")) as connection:
        return connection.execute(query.encode()).fetchall()


def until(holds: Any, seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "did not happen"
        time.sleep(0.1)


def some_more(running: Load) -> None:
    """Wait until a few more people are through."""
    goal = len(running.diary.recovered) + WARM
    until(lambda: len(running.diary.recovered) >= goal or running.trouble)


def everybody_is_well(stack: Stack, running: Load) -> None:
    """Everybody who has begun is through, once: in the pages, in the database, in the account, in the mail."""
    assert running.trouble == [], stack.words()
    references = [reference.replace("-", "") for reference in running.diary.recovered]
    assert references
    until(lambda: not rows(stack, 'SELECT 1 FROM "case" WHERE closed_at IS NULL'))
    states = Counter(state for (state,) in rows(stack, 'SELECT state FROM "case"'))
    assert set(states) == {"recovered"}
    assert set(references) <= {ref for (ref,) in rows(stack, 'SELECT reference FROM "case"')}
    twice = "SELECT set_by FROM account_password WHERE set_by <> '' GROUP BY set_by HAVING count(*) > 1"
    assert rows(stack, twice) == []
    set_by = {case for (case,) in rows(stack, "SELECT set_by FROM account_password WHERE set_by <> ''")}
    assert set(references) <= set_by
    assert rows(stack, "SELECT 1 FROM vault") == []
    assert rows(stack, "SELECT bucket FROM budget WHERE reserved <> 0") == []
    until(lambda: not rows(stack, "SELECT 1 FROM notice WHERE state <> 'handed_over'"))


def test_it_comes_up_and_the_doctor_finds_nothing(stack: Stack) -> None:
    examined = stack.operate("doctor")
    assert examined.returncode == 0, examined.stdout + examined.stderr


def test_a_rolling_restart_with_new_keys_fails_no_step(stack: Stack, numbers: "itertools.count[int]") -> None:
    with load(stack.webs, stack.mailbox, numbers) as running:
        some_more(running)
        every_ring(stack, lambda ring: rings.prepared(ring, "2026-02"))
        stack.restart_all_in_turn()
        every_ring(stack, lambda ring: rings.preferred(ring, "2026-02"))
        stack.restart_all_in_turn()
        some_more(running)
    # A machine that is busy with more than this may let a step hear "try again"; any other failure is one.
    assert [step for step in running.diary.failed if not step.endswith(" 503")] == []
    everybody_is_well(stack, running)


def every_ring(stack: Stack, step: Callable[[Ring], Ring]) -> None:
    """One step of a rotation, in the file; `reinstate keys rotate --file` does the same for one ring."""
    for name in rings.RingName:
        rings.write_ring(stack.production, name, step(rings.read_ring(stack.production, name)))


@pytest.mark.parametrize("name", ["worker-1", "web-1"])
def test_killing_one_of_each_under_load_loses_nothing(stack: Stack, numbers: "itertools.count[int]", name: str) -> None:
    with load(stack.webs, stack.mailbox, numbers) as running:
        some_more(running)
        stack.kill_one(name)
        some_more(running)
        stack.start_one(name)
        some_more(running)
    # People may have been told that we are not available and to try again: they did.
    assert [failure for failure in running.diary.failed if not failure.endswith(" 503")] == []
    everybody_is_well(stack, running)
