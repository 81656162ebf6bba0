import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from development.processes import Child
from development.supervisor import CannotRun, Supervisor, Watched

PATIENT = "import signal; print('up', flush=True); signal.pause()"
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
)
PARENT = f"""
import sys
from pathlib import Path
from development.processes import Child
child = Child("child", [sys.executable, "-c", {PATIENT!r}], log=Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
input()
"""
WITH_OFFSPRING = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", {DEAF!r}]).pid, flush=True)
"""


def eventually(is_so: Callable[[], bool], within: float = 10) -> bool:
    until = time.monotonic() + within
    while not is_so() and time.monotonic() < until:
        pass
    return is_so()


def is_gone(pid: int) -> bool:
    """A zombie that nobody collects counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def started(tmp_path: Path, code: str, name: str = "child") -> Child:
    child = Child(name, [sys.executable, "-c", code], log=tmp_path / f"{name}.log")
    child.start()
    assert eventually(lambda: b"\n" in child.logged())
    return child


def test_a_child_ends_when_it_is_asked(tmp_path: Path) -> None:
    child = started(tmp_path, PATIENT)
    child.stop(grace=10)
    assert child.ended_with == "SIGTERM"


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = started(tmp_path, DEAF)
    child.stop(grace=0.1)
    assert child.ended_with == "SIGKILL"


def test_what_a_dead_child_leaves_behind_is_killed(tmp_path: Path) -> None:
    child = started(tmp_path, WITH_OFFSPRING)
    offspring = int(child.logged())
    assert eventually(lambda: not child.is_alive())
    assert eventually(lambda: is_gone(offspring))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process to the life of another")
def test_children_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()
    assert eventually(lambda: is_gone(child))


def watched(child: Child) -> Watched:
    return Watched(child, lambda: b"up" in child.logged(), grace=0.2)


def test_a_killed_process_is_started_again_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    supervisor, child = Supervisor(tmp_path), Child("worker", [sys.executable, "-c", PATIENT], log=tmp_path / "log")
    supervisor.start(watched(child))
    supervisor.wait_until_ready()
    first = child.pid
    assert first
    child.started_at -= 60  # it has been up for a minute
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: supervisor.look_after_all() or child.pid != first, within=1)
    assert "worker ended (SIGKILL), starting it again" in capsys.readouterr().out
    supervisor.stop()


def test_a_process_that_dies_at_once_is_not_started_in_a_hot_loop(tmp_path: Path) -> None:
    supervisor, child = Supervisor(tmp_path), Child("web", [sys.executable, "-c", ""], log=tmp_path / "log")
    supervisor.start(watched(child))
    pids = set()
    eventually(lambda: supervisor.look_after_all() or pids.add(child.pid), within=1.2)
    assert len(pids) <= 3
    supervisor.stop()


def test_a_process_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    supervisor.start(
        watched(Child("web", [sys.executable, "-c", "raise SystemExit('no such port')"], log=tmp_path / "l"))
    )
    with pytest.raises(CannotRun, match=r"(?s)web ended \(exit 1\).*no such port"):
        supervisor.wait_until_ready()
    supervisor.stop()


def test_everything_stops_although_something_hangs(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    children = [
        Child(name, [sys.executable, "-c", DEAF], log=tmp_path / name) for name in ("temporal", "worker", "web")
    ]
    for child in children:
        supervisor.start(watched(child))
    supervisor.wait_until_ready()
    supervisor.stop()
    assert [child.ended_with for child in children] == ["SIGKILL"] * 3


def test_an_error_in_a_log_is_pointed_out_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    supervisor = Supervisor(tmp_path)
    noisy = Child("web", [sys.executable, "-c", f"print('2026 [error    ] it broke')\n{PATIENT}"], log=tmp_path / "log")
    supervisor.start(watched(noisy))
    supervisor.wait_until_ready()
    supervisor.look_after_all()
    supervisor.look_after_all()
    assert capsys.readouterr().out.count("has logged an error") == 1
    supervisor.stop()
