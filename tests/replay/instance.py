"""The processes of `make run`, in a folder of their own and with the test-only keys, for recording histories."""

import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from development import keys
from development.ports import free_block, is_answering
from development.processes import Child
from development.supervisor import INSTANCE_FILE

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEYS = HERE / "keys.env"
READY_WITHIN = 600.0
"""Seconds: the first start on a machine may build a Temporal server, which takes minutes."""
READY = b"Reinstate is ready"
COMMAND = (sys.executable, "cli.py", "dev")


class NotReady(Exception):
    """`make run` did not come up; the text holds its last words."""


def committed_keys() -> dict[str, str]:
    """The committed keys, by the names of their variables."""
    lines = (line for line in KEYS.read_text().splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


class Instance:
    """One `make run`. Everything it keeps is in `var`."""

    def __init__(self, var: Path) -> None:
        self.var, self.port = var.absolute(), free_block()
        command = [*COMMAND, "--port", str(self.port), "--var", str(self.var)]
        settings = ("REINSTATE_", "TEMPORAL_")
        outside = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
        self._dev = Child("dev", command, log=self.var / "dev.log", env={**outside, "PYTHONPATH": str(ROOT)})

    def start(self) -> None:
        """Start it with the committed keys and wait until it is ready. Raises `NotReady`."""
        self.var.mkdir(parents=True, exist_ok=True)
        keys.write_variables(self.var / "keys.env", committed_keys())
        self._dev.start()
        until = time.monotonic() + READY_WITHIN
        while READY not in self._dev.logged():
            if not self._dev.is_alive() or time.monotonic() > until:
                self._dev.kill()
                raise NotReady(self._dev.last_words(30))
            time.sleep(0.1)

    def stop(self) -> None:
        """As Ctrl-C would; it promises to be gone within ten seconds."""
        self._dev.stop(15.0)

    def variables(self) -> dict[str, str]:
        """The settings that its processes run with."""
        return keys.read_variables(self.var / INSTANCE_FILE)

    def kill_worker(self) -> None:
        """`kill -9` to the worker process, by its id; the supervisor starts another one."""
        os.kill(self._process(b"worker.py"), signal.SIGKILL)

    @contextmanager
    def catcher_silent(self) -> Iterator[None]:
        """The mail server takes connections and says nothing."""
        catcher = self._process(b"development.catcher")
        os.kill(catcher, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(catcher, signal.SIGCONT)

    def _process(self, named: bytes) -> int:
        """The process of the instance that has this in its command line."""
        assert self._dev.pid
        for pid in _children(self._dev.pid):
            if named in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        raise NotReady(f"there is no process {named.decode()}")

    @contextmanager
    def database_locked(self) -> Iterator[None]:
        """Another program holds the write lock: whatever wants to write waits."""
        connection = sqlite3.connect(self.var / "reinstate.db", isolation_level=None, timeout=10)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    def suggest_continuing_as_new(self, after: int) -> None:
        """Tell the server to suggest it after so many events; it reads the file every ten seconds."""
        file = self.var / "temporal" / "dynamic.yaml"
        settings = json.loads(file.read_text())
        settings["limit.historyCount.suggestContinueAsNew"] = [{"value": after}]
        file.write_text(json.dumps(settings))

    @property
    def is_serving(self) -> bool:
        return is_answering(self.port)


def _children(parent: int) -> Iterator[int]:
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold anything; what follows the last bracket does not.
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        if int(fields[1]) == parent:
            yield int(status.parent.name)
