"""What is written for operators names only what exists."""

import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

import cli
from settings import Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = dict(re.findall(r"^(REINSTATE_\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def commands() -> set[str]:
    return set(typer.main.get_group(cli.app).commands)


def test_the_example_names_every_setting_and_no_other() -> None:
    assert set(EXAMPLE) == {f"REINSTATE_{name.upper()}" for name in Settings.model_fields}


def test_the_example_holds_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in EXAMPLE.items():
        monkeypatch.setenv(name, value)
    # The placeholders are refused in production, so only the values are compared.
    read = Settings(_env_file=None, mode="development")  # type: ignore[call-arg]
    defaults = {name: field.default for name, field in Settings.model_fields.items() if name != "mode"}
    assert {name: getattr(read, name) for name in defaults} == defaults
    assert EXAMPLE["REINSTATE_MODE"] == Settings.model_fields["mode"].default


def test_every_variable_of_the_example_has_its_line_of_explanation() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for before, line in itertools.pairwise(lines) if "=" in line and before[:1] != "#"] == []


def test_compose_runs_commands_that_exist(compose: dict[str, Any]) -> None:
    ours = {name: service for name, service in compose["services"].items() if "build" in service}
    assert set(ours) == {"setup", "migrate", "web", "worker"}
    assert {service["command"][0] for service in ours.values()} <= commands()


def test_compose_waits_for_services_that_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        assert {config["source"] for config in service.get("configs", [])} <= set(compose["configs"])


def test_compose_sets_variables_that_exist(compose: dict[str, Any]) -> None:
    named = {name for name in compose["services"]["web"]["environment"] if name.startswith("REINSTATE_")}
    assert named <= set(EXAMPLE)


def test_the_worker_gets_longer_to_stop_than_it_takes(compose: dict[str, Any]) -> None:
    assert int(compose["services"]["worker"]["stop_grace_period"].removesuffix("s")) > 30


def test_only_the_web_is_published_and_only_here(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert set(published) == {"web", "mailpit"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_the_image_copies_files_that_exist_and_runs_a_command_that_exists() -> None:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    copied = [shlex.split(line)[1:-1] for line in text.splitlines() if line.startswith("COPY") and "--from" not in line]
    assert [name for names in copied for name in names if not (ROOT / name).exists()] == []
    (command,) = (line for line in text.splitlines() if line.startswith("CMD"))
    assert command.split('"')[1] in commands()


def test_the_image_holds_every_package_and_module() -> None:
    text = (ROOT / "Dockerfile").read_text()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench"}  # measures; nobody runs it there
    assert [name for name in packages if f"COPY {name}/ {name}/" not in text] == []
    assert [path.name for path in ROOT.glob("*.py") if path.name not in text] == []
