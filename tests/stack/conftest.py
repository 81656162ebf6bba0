"""One stack for all tests of this folder: it takes a while to come up."""

import asyncio
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from development import stack_tools
from development.postgres import postgres_programs
from development.temporal_binary import TIME_SKIPPING, present_binary
from storage.keys import Ring, Rings
from tests.stack import compose
from tests.stack.people import move_in
from tests.stack.stack import Stack

MANY = 400


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    programs, server = postgres_programs(), present_binary(least=TIME_SKIPPING, kind="server")
    tools = stack_tools.present()
    if programs is None or server is None or tools is None:
        _without("PostgreSQL, the Temporal server and its SQL tool")
    folder = tmp_path_factory.mktemp("stack")
    made = Stack(folder, programs=programs, server=server.path, sql_tool=tools[0])
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def numbers(stack: Stack) -> "itertools.count[int]":
    """People who have lost their accounts, each once."""
    values = compose.variables(stack.production.read_text())
    names = ("ISSUE", "DIGEST", "INDEX", "DECISION", "ROW", "AUDIT")
    known = Rings(*(Ring.parse(values[f"REINSTATE_{name}_KEYS"]) for name in names))
    asyncio.run(move_in(stack.database_url, known, range(MANY)))
    return itertools.count()


@pytest.fixture(scope="session")
def compose_schema() -> Path:
    tools = stack_tools.present()
    if tools is None:
        _without("the schema of compose files")
    return tools[1]


def _without(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI must have {what}: python -m development.tools gets them")
    pytest.skip(f"no {what} (python -m development.tools)")
