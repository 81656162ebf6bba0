"""Promises in numbers: what the documentation prints is what the code does."""

from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from pathlib import Path

import pytest

from domain.policy import CURRENT_POLICY, Policy

TABLE = Path(__file__).parents[2] / "docs" / "policy.md"
UNITS = {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
FIELDS = [field.name for field in fields(Policy)]


def printed() -> dict[str, str]:
    """The settings and defaults that `docs/policy.md` prints."""
    rows = [line.split("|") for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return {cells[1].strip().strip("`"): cells[2].strip() for cells in rows}


def duration(words: str) -> timedelta:
    number, unit = words.split()
    return int(number) * UNITS[unit]


def understood(words: str, like: object) -> object:
    """The printed default as a value of the same type as in the code."""
    match like:
        case tuple():
            return tuple(duration(part) for part in words.split(", "))
        case timedelta():
            return duration(words)
        case int():
            return int(words)
        case _:
            return words


def test_table_has_the_settings_of_the_code_in_their_order() -> None:
    assert list(printed()) == FIELDS


@pytest.mark.parametrize("name", FIELDS)
def test_printed_default_is_the_one_in_the_code(name: str) -> None:
    default = getattr(CURRENT_POLICY, name)
    assert understood(printed()[name], default) == default


@pytest.mark.parametrize(("issue", "seconds"), [(1, 60), (2, 120), (3, 300), (4, 300), (50, 300)])
def test_cooldown_after_each_code(issue: int, seconds: int) -> None:
    assert CURRENT_POLICY.cooldown(issue) == timedelta(seconds=seconds)


def test_one_cooldown_holds_for_every_code() -> None:
    assert Policy(cooldowns=(timedelta(seconds=3),)).cooldown(7) == timedelta(seconds=3)


def test_policy_cannot_be_changed_under_a_case() -> None:
    with pytest.raises(FrozenInstanceError):
        CURRENT_POLICY.code_digits = 4  # type: ignore[misc]


def test_tries_of_an_account_are_whole_codes() -> None:
    assert CURRENT_POLICY.tries_per_account % CURRENT_POLICY.tries_per_code == 0


def test_code_is_over_before_its_link_and_both_before_the_case() -> None:
    policy = CURRENT_POLICY
    assert policy.code_lifetime < policy.link_lifetime < policy.case_lifetime
    assert max(policy.cooldowns) < policy.code_lifetime
