import os
from pathlib import Path

import pytest
from temporalio.client import Client

from development.namespace import RECONCILE_EVERY, RECONCILER, prepare
from development.temporal_binary import OLDEST, Binary, inspect, present_binary
from development.temporal_server import DevServer, kept_by


@pytest.fixture(scope="module")
def binary() -> Binary:
    found = present_binary(least=OLDEST)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a Temporal server: python -m development.tools gets one")
        pytest.skip("no Temporal server (python -m development.tools)")
    return found


async def test_a_namespace_is_prepared_twice_without_harm(tmp_path: Path, binary: Binary) -> None:
    server = DevServer(tmp_path, binary=binary)
    client = await Client.connect(server.start())
    await prepare(client)
    await prepare(client)
    schedule = await client.get_schedule_handle(RECONCILER).describe()
    assert [interval.every for interval in schedule.schedule.spec.intervals] == [RECONCILE_EVERY]
    server.stop()
    assert server.child
    assert not server.child.is_alive()


async def test_a_killed_server_goes_on_elsewhere_at_once(tmp_path: Path, binary: Binary) -> None:
    first = DevServer(tmp_path, binary=binary)
    client = await Client.connect(first.start())
    await prepare(client)
    await client.start_workflow("Anything", id="recovery/7F3K-Q2M9-XA", task_queue="cases")
    first.kill()
    second = DevServer(tmp_path, binary=binary)
    client = await Client.connect(second.start())
    found = await client.get_workflow_handle("recovery/7F3K-Q2M9-XA").describe()
    await client.get_schedule_handle(RECONCILER).describe()
    assert second.address != first.address
    assert found.workflow_type == "Anything"
    second.kill()


@pytest.mark.parametrize(
    ("says", "kind", "version"),
    [
        ("temporal version 1.32.0", "server", (1, 32)),
        ("temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)", "cli", (1, 29)),
    ],
)
def test_a_binary_is_known_by_its_words(tmp_path: Path, says: str, kind: str, version: tuple[int, int]) -> None:
    assert inspect(program(tmp_path, f"echo '{says}'")) == Binary(tmp_path / "program", kind, version)


@pytest.mark.parametrize("body", ["echo 'server 2.0, serves files'", "exit 3"])
def test_another_program_called_server_is_none_of_ours(tmp_path: Path, body: str) -> None:
    assert inspect(program(tmp_path, body)) is None


def test_what_is_missing_is_no_binary(tmp_path: Path) -> None:
    assert inspect(tmp_path / "nothing") is None


def program(folder: Path, body: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_folder_stays_with_the_kind_of_server_that_has_its_cases(tmp_path: Path) -> None:
    assert kept_by(tmp_path) is None
    (tmp_path / "temporal").mkdir()
    (tmp_path / "temporal" / "temporal-cli.db").touch()
    assert kept_by(tmp_path) == "cli"
