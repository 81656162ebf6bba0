"""A PostgreSQL server of our own for tests: a folder, a free port, no password, loopback only."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from development.ports import free_block


def binaries() -> Path | None:
    """The newest installed server's folder of programs; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class Postgres:
    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs = folder, programs
        self.port = free_block()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        data = self._folder / "data"
        if os.geteuid() == 0:  # PostgreSQL refuses root
            shutil.chown(self._folder, "postgres", "postgres")
        if not data.exists():
            options = ["-D", str(data), "-U", "reinstate", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
            self._run([str(self._programs / "initdb"), *options])
        options = ["-D", str(data), "-p", str(self.port), "-k", str(self._folder), "-c", "listen_addresses=127.0.0.1"]
        with (self._folder / "log").open("ab") as log:
            command = [str(self._programs / "postgres"), *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **_as_postgres())
        for _ in range(200):
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=1).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError((self._folder / "log").read_text())

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(20)

    def url(self, name: str) -> str:
        return f"postgresql://reinstate@127.0.0.1:{self.port}/{name}"

    def create(self, name: str, template: str = "template0") -> str:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **_as_postgres())
        if done.returncode:
            raise RuntimeError(done.stderr)


def _as_postgres() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": tempfile.gettempdir()}
