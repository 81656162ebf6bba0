"""One instance of the product as it is run in production, all of it on this machine, in a folder of its own.

Worker and web are the shipped commands; Temporal is the server that `make run` starts, with its own SQLite file.
"""

import asyncio
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from temporalio.client import Client

from bench.machine import children, threads
from connection import connect
from development import keys, namespace
from development.ports import LOOPBACK, free_block, is_answering
from development.postgres import Cluster, postgres_programs
from development.processes import Child
from development.temporal_server import DevServer
from settings import Settings
from storage.engine import Database
from storage.keys import Rings

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 60.0
EVERYBODYS_PROXY = "127.0.0.0/8"
"""We speak as the proxy in front of the web and report an address for each person."""


class House:
    """`root`: the tree whose product is measured. `wrap`: put before a script, to look at it from inside."""

    def __init__(
        self, folder: Path, *, postgres: bool = False, root: Path = ROOT, wrap: Mapping[str, list[str]] | None = None
    ) -> None:
        self.folder, self.root, self.is_postgres, self._wrap = folder, root, postgres, wrap or {}
        self.port = free_block()
        self._server = DevServer(folder, base=free_block(avoid=self.port))
        self._cluster: Cluster | None = None
        self._variables: dict[str, str] = {}
        self._children: dict[str, Child] = {}
        self.database_url = f"sqlite:///{folder.absolute() / 'reinstate.db'}"

    # ---- the processes ----

    def start(self) -> None:
        """Everything, in order; ready when this returns."""
        self.start_without_product()
        self.start_product()

    def start_without_product(self) -> None:
        """Databases, Temporal and the mail server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.is_postgres:
            self.database_url = self._postgres()
        self._variables = self._settings(self._server.start())
        self._run("migrate")
        asyncio.run(self._prepare())
        self._child("mail", "-m", "bench.sink", str(self.port + 1), ready=lambda: is_answering(self.port + 1))

    def start_product(self) -> None:
        """Worker and web; after `stop_product` with everything else as it was."""
        self._child("worker", "worker.py", ready=lambda: b"worker: ready" in self._children["worker"].logged())
        self._child("web", "cli.py", "web", "--port", str(self.port), ready=self._web_is_ready)

    def start_floor(self) -> None:
        """The worker of the bare workflow (`bare.py`), in place of the product."""
        arguments = [self.database_url, self.temporal, str(self.port + 1)]
        ready = lambda: b"bare: ready" in self._children["worker"].logged()  # noqa: E731
        self._child("worker", "-m", "bench.bare", *arguments, ready=ready)

    def stop_product(self) -> None:
        for name in ("web", "worker"):
            if name in self._children:
                self._children.pop(name).stop(10)

    def stop(self) -> None:
        self.stop_product()
        if "mail" in self._children:
            self._children.pop("mail").stop(2)
        self._server.stop()
        if self._cluster:
            self._cluster.stop()

    def __enter__(self) -> "House":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _postgres(self) -> str:
        programs = postgres_programs()
        if programs is None:
            raise SystemExit("bench: PostgreSQL is not installed")
        self._cluster = Cluster(programs, durable=True)
        return self._cluster.start()

    def _settings(self, temporal: str) -> dict[str, str]:
        return {
            **keys.load_keys(self.folder / "keys.env"),
            "REINSTATE_MODE": "production",
            "REINSTATE_DATABASE_URL": self.database_url,
            "REINSTATE_PUBLIC_URL": f"http://localhost:{self.port}",
            "REINSTATE_TRUSTED_PROXIES": EVERYBODYS_PROXY,
            "REINSTATE_SMTP_URL": f"smtp://{LOOPBACK}:{self.port + 1}",
            "TEMPORAL_ADDRESS": temporal,
        }

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self._variables, "PYTHONUNBUFFERED": "1"}

    def _run(self, *command: str) -> None:
        subprocess.run([sys.executable, "cli.py", *command], cwd=self.root, env=self.environment, check=True)

    def _child(self, name: str, *arguments: str, ready: Callable[[], bool]) -> None:
        command = [sys.executable, *self._wrap.get(name, []), *arguments]
        # `cd` by the shell, because `Child` knows no folder; `exec`, so that its process id is the program's.
        shell = ["sh", "-c", 'cd "$0" && exec "$@"', str(ROOT if arguments[0] == "-m" else self.root), *command]
        child = Child(name, shell, log=self.folder / "logs" / f"{name}.log", env=self.environment)
        self._children[name] = child
        child.start()
        until = time.monotonic() + READY_WITHIN
        while not ready():
            if not child.is_alive() or time.monotonic() > until:
                raise SystemExit(f"bench: {name} did not start:\n{child.last_words()}")
            time.sleep(0.05)

    def _web_is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    async def _prepare(self) -> None:
        client = await namespace.when_up(self.connect, READY_WITHIN)
        await namespace.prepare(client)

    # ---- ways in ----

    @property
    def settings(self) -> Settings:
        names = {name.removeprefix("REINSTATE_").lower(): value for name, value in self._variables.items()}
        return Settings(_env_file=None, **names)  # type: ignore[arg-type]

    @property
    def rings(self) -> Rings:
        return self.settings.rings()

    def database(self) -> Database:
        return Database(self.database_url)

    async def connect(self) -> Client:
        return await connect(self.settings, address=self._variables["TEMPORAL_ADDRESS"])

    @property
    def temporal(self) -> str:
        return self._variables["TEMPORAL_ADDRESS"]

    async def mails(self) -> int:
        """How many messages were taken so far."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port + 1)
        await reader.readline()
        writer.write(b"NOOP\r\n")
        count = int((await reader.readline()).split()[1])
        writer.close()
        return count

    async def until_mails(self, count: int, seconds: float = 120) -> None:
        async with asyncio.timeout(seconds):
            while await self.mails() < count:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.02)

    # ---- what they cost ----

    def parts(self) -> dict[str, list[int]]:
        """Process ids by part of the house."""
        found: dict[str, list[int]] = {}
        if self._server.child and self._server.child.pid:
            found["server"] = [self._server.child.pid]
        for name, child in self._children.items():
            if child.pid:
                found[name] = [child.pid]
        if "worker" in found:
            found["hashing"] = [pid for pid in children(found["worker"][0]) if _is_hasher(pid)]
        if self._cluster and self._cluster.pid:
            found["postgres"] = [self._cluster.pid, *children(self._cluster.pid)]
        return {**found, "driver": [os.getpid()]}

    def threads(self, part: str) -> dict[str, float]:
        return threads(self.parts()[part][0])

    def bytes_on_disk(self) -> tuple[int, int]:
        """Bytes of our database and of Temporal's, with their logs."""
        ours = sum(file.stat().st_size for file in self.folder.glob("reinstate.db*"))
        theirs = sum(file.stat().st_size for file in (self.folder / "temporal").glob("temporal*.db*"))
        return ours, theirs


def _is_hasher(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
