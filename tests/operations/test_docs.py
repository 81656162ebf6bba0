"""What is written for operators can be typed."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

import cli
from settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "docs" / "operations.md", ROOT / "deploy" / "README.md", ROOT / "deploy" / "alerts.yml"]
TEXT = "\n".join(file.read_text() for file in DOCS)
COMMANDS = sorted({" ".join(words.split()) for words in re.findall(r"`reinstate ([a-z][^`]*)`", TEXT)})


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_that_is_named_exists_with_its_options(words: str) -> None:
    command: Any = typer.main.get_group(cli.app)
    typed = words.split()
    while hasattr(command, "commands"):
        command = command.commands[typed.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in typed if word.startswith("--")} <= known


def test_the_documentation_names_the_commands_of_operators() -> None:
    named = {words.split()[0] for words in COMMANDS}
    assert {"doctor", "erase", "keys", "migrate", "setup", "reconcile", "agents", "decision", "web", "worker"} <= named


def test_every_setting_in_the_documentation_exists() -> None:
    known = {f"REINSTATE_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"REINSTATE_[A-Z_]*[A-Z]", TEXT)) - known - {"REINSTATE"} == set()
