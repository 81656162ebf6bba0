import socket
import stat
from pathlib import Path

import pytest

from development import keys
from development.ports import BLOCK, LOOPBACK, is_free, remembered_block
from development.supervisor import CannotRun, Instance, alone_in


def ports_of(instance: Instance) -> set[int]:
    return {instance.port, *range(instance.base, instance.base + BLOCK)}


def test_two_instances_share_no_port(tmp_path: Path) -> None:
    first = Instance(8000, tmp_path, remembered_block(tmp_path / "first.json"))
    second = Instance(8001, tmp_path, remembered_block(tmp_path / "second.json"))
    assert not ports_of(first) & ports_of(second)


def test_an_instance_keeps_its_ports(tmp_path: Path) -> None:
    assert remembered_block(tmp_path / "ports.json") == remembered_block(tmp_path / "ports.json")


def test_an_instance_moves_when_one_of_its_ports_was_taken(tmp_path: Path) -> None:
    base = remembered_block(tmp_path / "ports.json")
    with socket.create_server((LOOPBACK, base + 3)):
        moved = remembered_block(tmp_path / "ports.json")
    assert moved != base
    assert remembered_block(tmp_path / "ports.json") == moved


def test_a_broken_port_file_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    assert is_free(remembered_block(tmp_path / "ports.json"))


def test_the_block_does_not_cover_the_chosen_port(tmp_path: Path) -> None:
    base = remembered_block(tmp_path / "ports.json", avoid=None)
    (tmp_path / "ports.json").unlink()
    assert base + 1 not in range(remembered_block(tmp_path / "ports.json", avoid=base + 1), base)


def test_one_folder_holds_one_instance(tmp_path: Path) -> None:
    with alone_in(tmp_path), pytest.raises(CannotRun, match="already running"), alone_in(tmp_path):
        pass


def test_keys_are_made_once_and_are_for_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "keys.env"
    first = keys.load_keys(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert keys.load_keys(file) == first


def test_two_instances_share_no_secret(tmp_path: Path) -> None:
    first, second = keys.load_keys(tmp_path / "first.env"), keys.load_keys(tmp_path / "second.env")
    assert first.keys() == second.keys()
    assert not set(first.values()) & set(second.values())


def test_what_is_set_already_wins_except_the_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REINSTATE_PLATFORM_NAME", "Elsewhere")
    monkeypatch.setenv("REINSTATE_SMTP_URL", "smtp://localhost:2525")
    monkeypatch.setenv("REINSTATE_MODE", "production")
    variables = Instance(8000, tmp_path, 17000).variables("127.0.0.1:17000")
    assert variables["REINSTATE_SMTP_URL"] == "smtp://localhost:2525"
    assert variables["REINSTATE_MODE"] == "development"
