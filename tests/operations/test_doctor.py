"""The doctor finds what is wrong, says it in a sentence of its own, and finds nothing in a healthy installation."""

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import text
from temporalio.client import Client
from typer.testing import CliRunner

import cli
from connection import data_converter
from development import namespace
from development.ports import LOOPBACK, free_block, is_answering
from development.processes import Child
from operations import doctor
from operations.findings import Finding
from settings import Settings
from storage import migrate
from storage.engine import Database
from storage.keys import Ring, Rings
from tests.house import House, connected, housed, on_sqlite

ROOT = Path(__file__).parents[2]
SECRET = "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
NAMES = ("payload", "issue", "digest", "index", "decision", "row", "audit")


@dataclass
class Patient:
    """A running installation, and the environment that its operators have."""

    house: House
    monkeypatch: pytest.MonkeyPatch
    temporal: str

    def has(self, name: str, value: str) -> None:
        self.monkeypatch.setenv(name, value)

    async def sql(self, statement: str) -> None:
        async with self.house.database.engine.begin() as connection:
            await connection.execute(text(statement))


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Mail on this port, text messages on the next."""
    base, folder = free_block(), tmp_path_factory.mktemp("catcher")
    ports = ["--smtp-port", str(base), "--sms-port", str(base + 1)]
    command = [sys.executable, "-m", "development.catcher", "--mailbox", str(folder), *ports]
    environment = {"REINSTATE_SMS_SECRET": SECRET, "PYTHONPATH": str(ROOT)}
    child = Child("catcher", command, log=folder / "catcher.log", env=environment)
    child.start()
    until = time.monotonic() + 20
    while not (is_answering(base) and is_answering(base + 1)):
        assert time.monotonic() < until, child.last_words()
        time.sleep(0.05)
    yield base
    child.stop(2)


@pytest.fixture
async def client(temporal_server: str, settings: Settings) -> Client:
    converter = data_converter(settings.payload_ring(), refuse_plain=False)
    opened = await connected(temporal_server, f"doctor-{id(settings)}", converter)
    await namespace.prepare(opened)
    return opened


@pytest.fixture
async def patient(
    client: Client,
    settings: Settings,
    database_url: str,
    rings: Rings,
    catcher: int,
    temporal_server: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[Patient]:
    monkeypatch.chdir(tmp_path)  # where no `.env` is
    variables = {
        "REINSTATE_MODE": "production",
        "REINSTATE_DATABASE_URL": database_url,
        "REINSTATE_SMTP_URL": f"smtp://{LOOPBACK}:{catcher}",
        "REINSTATE_SMS_URL": f"http://{LOOPBACK}:{catcher + 1}/sms",
        "REINSTATE_SMS_SECRET": SECRET,
        "TEMPORAL_ADDRESS": temporal_server,
        "TEMPORAL_NAMESPACE": client.namespace,
    }
    for name in NAMES:
        variables[f"REINSTATE_{name.upper()}_KEYS"] = getattr(settings, f"{name}_keys").get_secret_value()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    database = Database(database_url)
    async with housed(client, settings, database, rings) as house:
        await house.prove("ada@example.com")
        yield Patient(house, monkeypatch, temporal_server)
    await database.close()


async def wrong() -> list[str]:
    return [finding.line() for finding in await doctor.examine() if not finding.is_well]


async def test_a_healthy_installation_has_no_fault(patient: Patient) -> None:
    findings = await doctor.examine()
    assert [finding.line() for finding in findings if not finding.is_well] == []
    about = {finding.about for finding in findings}
    assert {"settings", "database", "clock", "keys", "Temporal", "workers", "mail", "SMS"} <= about
    assert {f"Schedule {name}" for name in namespace.SCHEDULES} <= about


# ---- planted faults: each is done to a healthy installation, and is the only thing that is found ---------------------

Plant = Callable[[Patient], Awaitable[None]]


def env(name: str, value: str) -> Plant:
    async def plant(patient: Patient) -> None:
        patient.has(name, value)

    return plant


def sql(statement: str) -> Plant:
    async def plant(patient: Patient) -> None:
        await patient.sql(statement)

    return plant


async def placeholder(patient: Patient) -> None:
    patient.has("REINSTATE_DECISION_KEYS", "change-me")


async def the_same_key_twice(patient: Patient) -> None:
    patient.has("REINSTATE_DECISION_KEYS", patient.house.rings.issue.text())


async def another_row_key_with_the_same_id(patient: Patient) -> None:
    patient.has("REINSTATE_ROW_KEYS", Ring.fresh(patient.house.rings.row.current).text())


async def another_audit_key_with_the_same_id(patient: Patient) -> None:
    patient.has("REINSTATE_AUDIT_KEYS", Ring.fresh(patient.house.rings.audit.current).text())


async def another_index_key(patient: Patient) -> None:
    patient.has("REINSTATE_INDEX_KEYS", Ring.fresh("index-9").text())


async def an_old_schema(patient: Patient) -> None:
    await patient.sql("UPDATE alembic_version SET version_num = '0001'")


async def no_worker(patient: Patient) -> None:
    """Temporal remembers who asked for minutes, so another namespace stands for one that nobody works for."""
    idle = await connected(
        patient.temporal, f"{patient.house.client.namespace}-idle", patient.house.client.data_converter
    )
    await namespace.prepare(idle)
    patient.has("TEMPORAL_NAMESPACE", idle.namespace)


async def no_schedule(patient: Patient) -> None:
    await patient.house.client.get_schedule_handle(namespace.RETENTION_JOB).delete()


async def paused_schedule(patient: Patient) -> None:
    await patient.house.client.get_schedule_handle(namespace.RECONCILER).pause()


NOWHERE = "127.0.0.1:9"
FAULTS: dict[str, tuple[Plant, str]] = {
    "a placeholder for a key": (placeholder, "settings: REINSTATE_DECISION_KEYS must be set"),
    "a key that is too short": (
        env("REINSTATE_DECISION_KEYS", "a:aGVsbG8="), "settings: REINSTATE_DECISION_KEYS: a key is `id:base64` of 32",
    ),
    "one key for two jobs": (
        the_same_key_twice, "settings: REINSTATE_ISSUE_KEYS and REINSTATE_DECISION_KEYS hold the same key",
    ),
    "an address without https": (
        env("REINSTATE_PUBLIC_URL", "http://help.larkfield.example"), "settings: REINSTATE_PUBLIC_URL must begin with",
    ),
    "an impossible value": (
        env("REINSTATE_STARTS_PER_NETWORK", "0"), "settings: REINSTATE_STARTS_PER_NETWORK: Input should be greater",
    ),
    "no database": (
        env("REINSTATE_DATABASE_URL", f"postgresql://ada:hush@{NOWHERE}/reinstate"),
        f"database: does not answer at {NOWHERE}/reinstate (OperationalError)",
    ),
    "an old schema": (an_old_schema, "database: has the schema 0001, this version needs "),
    "a schema from the future": (
        sql("UPDATE alembic_version SET version_num = '9999'"), "database: has the schema 9999, which is newer",
    ),
    "no Temporal": (env("TEMPORAL_ADDRESS", NOWHERE), f"Temporal: does not answer at {NOWHERE}"),
    "no namespace": (env("TEMPORAL_NAMESPACE", "nowhere"), "Temporal: has no namespace nowhere; run `reinstate setup`"),
    "no Schedule": (no_schedule, "Schedule reinstate-retention: is missing; run `reinstate setup`"),
    "a paused Schedule": (paused_schedule, "Schedule reinstate-reconciler: is paused"),
    "no mail server": (env("REINSTATE_SMTP_URL", f"smtp://{NOWHERE}"), f"mail: the server at {NOWHERE} does not let"),
    "no SMS service": (env("REINSTATE_SMS_URL", f"http://{NOWHERE}/sms"), f"SMS: the service at {NOWHERE} does not"),
    "a secret that signs nothing": (env("REINSTATE_SMS_SECRET", "whsec_?"), "SMS: REINSTATE_SMS_SECRET signs nothing"),
    "people under an unknown key": (
        env("REINSTATE_ROW_KEYS", Ring.fresh("row-9").text()),
        "keys: keys of people were made with the key row-1, which REINSTATE_ROW_KEYS does not have",
    ),
    "people under another key": (another_row_key_with_the_same_id, "keys: REINSTATE_ROW_KEYS has the id of a key"),
    "chains under another key": (another_audit_key_with_the_same_id, "keys: REINSTATE_AUDIT_KEYS has the id of a key"),
    "codes under an unknown key": (
        env("REINSTATE_ISSUE_KEYS", Ring.fresh("issue-9").text()),
        "keys: codes of open cases were made with the key issue-1, which REINSTATE_ISSUE_KEYS does not have",
    ),
    "an index under another key": (another_index_key, "keys: REINSTATE_INDEX_KEYS finds no account that is there"),
    "runs under an unknown key": (
        env("REINSTATE_PAYLOAD_KEYS", Ring.fresh("payload-9").text()),
        "keys: runs in Temporal were made with the key payload-1, which REINSTATE_PAYLOAD_KEYS does not have",
    ),
}  # fmt: skip


@on_sqlite
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_planted_fault_is_found_and_nothing_else(patient: Patient, fault: str) -> None:
    plant, sentence = FAULTS[fault]
    await plant(patient)
    (found,) = await wrong()
    assert found.startswith(f"WRONG {sentence}")


@on_sqlite
async def test_work_that_nobody_asks_for_is_found_queue_by_queue(patient: Patient) -> None:
    await no_worker(patient)
    assert await wrong() == [
        f"WRONG workers: nobody asks for the work of {queue}; start a worker"
        for queue in ("cases (workflows)", "cases (activities)", "accounts (activities)", "delivery (activities)")
    ]


@on_sqlite
async def test_a_namespace_without_search_attributes_is_found(patient: Patient) -> None:
    bare = await connected(
        patient.temporal, f"{patient.house.client.namespace}-bare", patient.house.client.data_converter
    )
    await namespace._make_namespace(bare)
    patient.has("TEMPORAL_NAMESPACE", bare.namespace)
    expected = "WRONG Temporal: lacks the search attribute CaseKind and PolicyVersion; run `reinstate setup`"
    await namespace._until_it_works(lambda: _described(bare))
    assert expected in await wrong()


async def _described(client: Client) -> None:
    request = namespace.DescribeNamespaceRequest(namespace=client.namespace)
    await client.workflow_service.describe_namespace(request)


@on_sqlite
async def test_a_clock_that_is_wrong_is_found(patient: Patient) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5)):
        found = await wrong()
    assert "WRONG clock: this machine is 300 s ahead of Temporal; let both ask a time server (NTP)" in found


@on_sqlite
async def test_an_empty_database_is_found(patient: Patient, tmp_path: Path) -> None:
    patient.has("REINSTATE_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    assert await wrong() == ["WRONG database: has no tables yet; run `reinstate migrate`"]


@on_sqlite
async def test_everything_that_is_wrong_is_said_at_once(patient: Patient) -> None:
    patient.has("TEMPORAL_ADDRESS", NOWHERE)
    patient.has("REINSTATE_SMTP_URL", f"smtp://{NOWHERE}")
    patient.has("REINSTATE_DECISION_KEYS", "change-me")
    assert [line.split(":")[0] for line in await wrong()] == ["WRONG settings", "WRONG Temporal", "WRONG mail"]


@on_sqlite
async def test_no_finding_repeats_a_secret(patient: Patient) -> None:
    patient.has("REINSTATE_DATABASE_URL", f"postgresql://ada:hush@{NOWHERE}/reinstate")
    patient.has("REINSTATE_SMTP_URL", f"smtp://ada:hush@{NOWHERE}")
    patient.has("REINSTATE_ROW_KEYS", "a:aHVzaA==")
    said = " ".join(finding.line() for finding in await doctor.examine())
    assert "hush" not in said
    assert "aHVzaA" not in said


async def test_on_postgresql_a_schema_that_was_never_made_is_found(postgres_url: str, patient: Patient) -> None:
    patient.has("REINSTATE_DATABASE_URL", postgres_url)
    migrate.downgrade(postgres_url, "base")
    assert await wrong() == ["WRONG database: has no tables yet; run `reinstate migrate`"]


def test_the_command_ends_with_status_1_when_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    async def examined() -> list[Finding]:
        return [Finding("database", "answers", True), Finding("mail", "does not answer", False)]

    monkeypatch.setattr(doctor, "examine", examined)
    outcome = CliRunner().invoke(cli.app, ["doctor"])
    assert outcome.exit_code == 1
    assert "WRONG mail: does not answer" in outcome.output
    assert "1 thing is wrong" in outcome.output


def test_the_command_ends_with_status_0_when_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async def examined() -> list[Finding]:
        return [Finding("database", "answers", True)]

    monkeypatch.setattr(doctor, "examine", examined)
    outcome = CliRunner().invoke(cli.app, ["doctor"])
    assert outcome.exit_code == 0
    assert "everything is well" in outcome.output
