"""The list of defences is true: every patch still applies, and every test that `docs/security.md` names exists."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from development.defences import Patch, patches

ROOT = Path(__file__).parents[2]
LIST = ROOT / "docs" / "security.md"
ROW = re.compile(r"^\| (?!attack \||---)(.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
PLACE = re.compile(r"`([\w/.]+)`")


def rows() -> list[list[str]]:
    return [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(LIST.read_text())]


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("patch", patches(), ids=lambda patch: patch.name)
def test_a_patch_still_takes_its_defence_out(patch: Patch) -> None:
    command = ["git", "apply", "--check", str(patch.path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("patch", patches(), ids=lambda patch: patch.name)
def test_the_list_names_what_a_patch_turns_red(patch: Patch) -> None:
    marked = {"::".join(TEST.search(row[3]).groups()) for row in rows() if "✂" in row[0]}  # type: ignore[union-attr]
    assert re.sub(r"\[.*\]$", "", patch.test) in marked


def test_every_mark_in_the_list_has_its_patch() -> None:
    tests = [re.sub(r"\[.*\]$", "", patch.test) for patch in patches()]
    marked = ["::".join(TEST.search(row[3]).groups()) for row in rows() if "✂" in row[0]]  # type: ignore[union-attr]
    assert sorted(marked) == sorted(tests)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_a_row_names_a_place_and_a_test_that_exist(row: list[str]) -> None:
    attack, defence, where, test, source = row
    assert attack
    assert defence
    assert source
    assert PLACE.findall(where)
    assert all((ROOT / place).exists() for place in PLACE.findall(where)), where
    found = TEST.fullmatch(test)
    assert found, test
    assert found[2] in names_in(found[1])


def test_there_are_many() -> None:
    assert len(patches()) >= 25
