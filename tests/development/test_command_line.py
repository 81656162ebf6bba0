import asyncio
import json
import shlex
from datetime import datetime
from pathlib import Path

import pytest
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload
from typer.testing import CliRunner, Result

from cli import app
from connection import data_converter
from development import keys
from development.supervisor import INSTANCE_FILE, Instance
from domain.decisions import Decision
from domain.policy import CURRENT_POLICY
from settings import Settings, load
from storage import intake
from storage.engine import Database
from storage.identifiers import identify
from storage.keys import Ring


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an instance that is not running, with tables and nothing in them."""
    variables = Instance(8000, tmp_path, base=17_000).variables("127.0.0.1:17000")
    keys.write_variables(tmp_path / INSTANCE_FILE, variables)
    for name in variables:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert type_in(tmp_path, "migrate").exit_code == 0
    return tmp_path


def type_in(instance: Path, *words: str, then: str = "") -> Result:
    return CliRunner().invoke(app, ["--instance", str(instance), *words], input=then)


def open_case(settings: Settings) -> str:
    async def run() -> str:
        database = Database(settings.database_url)
        async with database.write() as session:
            opened = await intake.open_recovery(
                session,
                settings.rings(),
                identify("ada@example.com", "GB"),
                intake.Browser("cookie"),
                key="one",
                policy=CURRENT_POLICY,
                starts_per_network=5,
            )
        await database.close()
        return opened.reference

    return asyncio.run(run())


SIGN = ("decision", "sign", "--outcome", "allow", "--reason", "codes_used_up", "--agent", "kim", "--case")


def test_a_signed_decision_is_what_a_worker_accepts(instance: Path) -> None:
    settings = load()
    reference = open_case(settings)
    argument, command = type_in(instance, *SIGN, reference).stdout.splitlines()
    fields = json.loads(argument)
    decision = Decision(**{**fields, "at": datetime.fromisoformat(fields["at"])})
    assert settings.rings().decision.is_signed(decision.proved_text(), decision.proof)
    assert shlex.split(command)[-2:] == ["--input", argument]
    assert f"recovery/{reference[:4]}-{reference[4:8]}-{reference[8:]}" in command


def test_a_sealed_decision_shows_nothing_and_decodes(instance: Path) -> None:
    settings = load()
    sealed, _ = type_in(instance, *SIGN, open_case(settings), "--sealed").stdout.splitlines()
    assert "kim" not in sealed
    converter = data_converter(settings.payload_ring(), refuse_plain=True)
    (decision,) = asyncio.run(converter.decode([json_format.Parse(sealed, Payload())], [Decision]))
    assert (decision.agent, decision.outcome) == ("kim", "allow")


def test_a_decision_about_no_case_is_refused(instance: Path) -> None:
    refused = type_in(instance, *SIGN, "7F3K-Q2M9-XA")
    assert refused.exit_code == 1
    assert refused.stderr == "there is no case 7F3K-Q2M9-XA\n"


def test_somebody_joins_the_desk_once(instance: Path) -> None:
    join = ("agents", "add", "rae", "approver")
    assert type_in(instance, *join, then="a-long-password\na-long-password\n").exit_code == 0
    again = type_in(instance, *join, then="a-long-password\na-long-password\n")
    assert again.exit_code == 1
    assert "there is an agent rae already" in again.stderr
    assert "rae              approver" in type_in(instance, "agents", "list").stdout


def test_an_old_database_is_said_in_one_line(instance: Path) -> None:
    (instance / "reinstate.db").unlink()
    refused = type_in(instance, "agents", "list")
    assert refused.exit_code == 1
    assert "reinstate migrate" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_folder_without_an_instance_is_refused(tmp_path: Path) -> None:
    assert "holds no instance" in type_in(tmp_path, "agents", "list").stderr


def test_a_new_key_is_one_that_settings_take() -> None:
    printed = CliRunner().invoke(app, ["keys", "new", "2026-11"]).stdout.strip()
    assert Ring.parse(printed).current == "2026-11"


def test_a_new_webhook_secret_has_the_standard_form() -> None:
    assert CliRunner().invoke(app, ["keys", "new", "--webhook"]).stdout.startswith("whsec_")
