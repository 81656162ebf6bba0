"""`docker-compose.yml` as it is meant to run: commands and variables, with this machine in place of the containers."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
SECRETS = dict.fromkeys(("POSTGRES", "TEMPORAL_DATABASE", "REINSTATE_DATABASE"), "a-password")
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def load() -> dict[str, Any]:
    """The file, with the passwords of its `.env` filled in."""
    return dict(_filled_in(yaml.safe_load(FILE.read_text())))


def _filled_in(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled_in(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled_in(inner) for inner in value]
    return _VARIABLE.sub(_value, value) if isinstance(value, str) else value


def _value(found: re.Match[str]) -> str:
    name, how, default = found.groups()
    if how == "-":
        return str(default)
    return SECRETS[name.removesuffix("_PASSWORD")]


def environment(service: dict[str, Any]) -> dict[str, str]:
    """The variables that a service is given."""
    return {name: str(value) for name, value in service.get("environment", {}).items()}


def seconds(text: str) -> float:
    """`45s`."""
    return float(text.removesuffix("s"))


def production_env(text: str, values: dict[str, str]) -> str:
    """`.env.example` filled in, as the head of `docker-compose.yml` says."""
    lines = text.splitlines()
    return "\n".join(f"{name}={values[name]}" if (name := line.partition("=")[0]) in values else line for line in lines)


def variables(text: str) -> dict[str, str]:
    """What an `env_file` sets."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
