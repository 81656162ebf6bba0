"""A throw-away PostgreSQL for tests: found on this machine, run as somebody who is not root, gone afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from development.ports import LOOPBACK, free_block
from development.processes import Child

PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu keep them, in a folder for each version."""
STARTS_WITHIN = 30.0
STILL_ENDING = b"pre-existing shared memory block"
NOT_ROOT = ("postgres", "nobody")


class ClusterDidNotStart(Exception):
    """It ended, or did not answer in time; the text holds its last words."""


def postgres_programs() -> Path | None:
    """The folder with `initdb` and `postgres`, of the newest version; None when there is none."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """One server process in a folder of its own. Use it from the main thread."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        """`durable`: writes reach the disk before they are answered, as in production; tests need no such thing."""
        self._programs, self._durable = programs, durable
        self._user = _ordinary_user()
        self._directory = Path(tempfile.mkdtemp(prefix="reinstate-postgres-"))
        self._port = free_block()
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> str:
        """The URL of its database `postgres`, for settings; after `kill` it goes on where it was.

        Raises `ClusterDidNotStart` or `CalledProcessError`.
        """
        data = self._directory / "data"
        if not data.exists():
            self._make(data)
        # No fsync: the data outlives its processes, but neither the machine nor the tests.
        fsync = "on" if self._durable else "off"
        options = {"listen_addresses": LOOPBACK, "port": self._port, "unix_socket_directories": "", "fsync": fsync}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(data), *settings]
        self._child = Child("postgres", command, log=self._directory / "log", user=self._user)
        self._child.start()
        self._wait_for(self._child)
        return f"postgresql://postgres@{LOOPBACK}:{self._port}/postgres"

    def kill(self) -> None:
        """`kill -9` to its first process; the others notice and end."""
        if self._child:
            self._child.kill()

    def stop(self) -> None:
        """End it and remove its folder."""
        if self._child:
            self._child.stop(10, ask=signal.SIGINT)  # to PostgreSQL: end all connections and shut down
        shutil.rmtree(self._directory)

    def _make(self, data: Path) -> None:
        if self._user:
            shutil.chown(self._directory, self._user)
        initdb = [str(self._programs / "initdb"), "--auth=trust", "--username=postgres", "--encoding=UTF8", str(data)]
        subprocess.run(initdb, check=True, capture_output=True, user=self._user, cwd=self._directory)

    def _wait_for(self, child: Child) -> None:
        until = time.monotonic() + STARTS_WITHIN
        while not self._is_ready():
            if time.monotonic() > until or (not child.is_alive() and STILL_ENDING not in child.logged()):
                raise ClusterDidNotStart(f"PostgreSQL did not start ({child.ended_with}):\n{child.last_words()}")
            time.sleep(0.05)
            if not child.is_alive():  # what a killed one left behind needs a moment to notice
                child.start()

    def _is_ready(self) -> bool:
        """Whether it lets somebody in. An open port is not enough: behind it, it may still be starting up."""
        try:
            psycopg.connect(host=LOOPBACK, port=self._port, user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True


def _ordinary_user() -> str | None:
    """PostgreSQL refuses to run as root: somebody else then, None for ourselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in NOT_ROOT if name in names), None)
