"""The compose file is one, by the schema that Docker itself reads files with."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from tests.stack.compose import FILE


@pytest.fixture(scope="session")
def validator(compose_schema: Path) -> Validator:
    schema = json.loads(compose_schema.read_text())
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


@pytest.fixture
def file() -> dict[str, Any]:
    return dict(yaml.safe_load(FILE.read_text()))


def test_the_compose_file_fits_the_published_schema(validator: Validator, file: dict[str, Any]) -> None:
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(file)] == []


def test_the_schema_is_one_that_finds_faults(validator: Validator, file: dict[str, Any]) -> None:
    file["services"]["web"]["depends_on"]["setup"]["condition"] = "service_is_fine"
    file["services"]["web"]["stop_grace"] = "30s"
    assert len(list(validator.iter_errors(file))) >= 2
