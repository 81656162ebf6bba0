"""The stack of `docker-compose.yml` as plain processes: PostgreSQL for everything, Temporal, two webs, two workers.

Commands and variables are those of the file. What differs is what one machine forces: addresses and ports.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from development.keys import RINGS, fresh_key, fresh_webhook_secret
from development.ports import LOOPBACK, free_block, is_answering
from development.postgres import Cluster
from development.processes import Child
from tests.stack import compose
from tests.stack.compose import ROOT

PORTS = ("FRONTEND_GRPC", "HISTORY_GRPC", "MATCHING_GRPC", "WORKER_GRPC", "FRONTEND_HTTP")
MEMBERSHIPS = ("FRONTEND_MEMBERSHIP", "HISTORY_MEMBERSHIP", "MATCHING_MEMBERSHIP", "WORKER_MEMBERSHIP")
UP_WITHIN = 90.0


class Stack:
    """Start it once; single processes may be ended, killed and started again."""

    def __init__(self, folder: Path, *, programs: Path, server: Path, sql_tool: Path) -> None:
        self.folder, self._server, self.programs = folder, server, programs
        self.file = compose.load()
        self.cluster = Cluster(programs, durable=True)
        self.temporal_base, self._base = free_block(), 0
        while not self._base or self._base == self.temporal_base:
            self._base = free_block()
        self.postgres_port = 0
        self.production = folder / "production.env"
        self.children: dict[str, Child] = {}
        self._bin = folder / "bin"
        self._bin.mkdir(parents=True)
        (self._bin / "temporal-sql-tool").symlink_to(sql_tool)

    # ---- addresses ----

    @property
    def webs(self) -> list[str]:
        return [f"http://localhost:{self._base + number}" for number in (0, 1)]

    @property
    def scraped(self) -> list[str]:
        """Where Prometheus reads: both webs, both workers."""
        workers = [f"http://{LOOPBACK}:{self._base + number}" for number in (2, 3)]
        return [f"{address}/metrics" for address in [*self.webs, *workers]]

    @property
    def mailbox(self) -> Path:
        return self.folder / "mailbox"

    @property
    def database_url(self) -> str:
        return (
            f"postgresql://reinstate:{compose.SECRETS['REINSTATE_DATABASE']}@{LOOPBACK}:{self.postgres_port}/reinstate"
        )

    # ---- the whole ----

    def start(self) -> None:
        """In the order of the file's `depends_on`."""
        self._fill_in_production_env()
        self._start_postgres()
        self._run_once("temporal-schema", self._schema_command())
        self.start_catcher()
        self.start_temporal()
        self._run_once("setup", self.command("setup"))
        self._run_once("migrate", self.command("migrate"))
        for name in ("worker-1", "worker-2", "web-1", "web-2"):
            self.start_one(name)

    def stop(self) -> None:
        for name in ("web-1", "web-2", "worker-1", "worker-2", "temporal", "catcher"):
            if name in self.children:
                self.children[name].stop(10)
        self.cluster.stop()

    def words(self) -> str:
        """The last words of everybody, for a test that failed."""
        return "\n".join(f"== {name}\n{child.last_words(8)}" for name, child in self.children.items())

    # ---- single processes ----

    def start_one(self, name: str) -> None:
        """`web-1`, `web-2`, `worker-1` or `worker-2`, until it is ready."""
        service, _, number = name.partition("-")
        child = self._start(name, self.command(service, int(number)), self.environment(service, int(number)))
        if service == "web":
            self.wait(lambda: _answers(f"{self.webs[int(number) - 1]}/readyz"), name)
        else:
            self.wait(lambda: b"worker: ready" in child.logged(), name)

    def end_one(self, name: str) -> float:
        """As `docker compose stop` does: SIGTERM, and SIGKILL when the grace is over. The seconds it took."""
        began = time.monotonic()
        service = self.file["services"].get(name.partition("-")[0], {})
        grace = compose.seconds(service.get("stop_grace_period", "10s"))
        self.children[name].stop(grace)
        # uvicorn ends itself with the signal that it was told to end with, once everything is done.
        assert self.children[name].ended_with in {"exit 0", "SIGTERM"}, self.words()
        return time.monotonic() - began

    def kill_one(self, name: str) -> None:
        self.children[name].kill()

    def restart_all_in_turn(self) -> None:
        """A rolling restart: one process after the other."""
        for name in ("worker-1", "worker-2", "web-1", "web-2"):
            self.end_one(name)
            self.start_one(name)

    def start_catcher(self) -> None:
        """What stands for the mail server and the SMS provider."""
        ports = ["--smtp-port", str(self._base + 4), "--sms-port", str(self._base + 5)]
        command = [sys.executable, "-m", "development.catcher", "--mailbox", str(self.mailbox), *ports]
        self._start("catcher", command, self._around(compose.variables(self.production.read_text())))
        self.wait(lambda: is_answering(self._base + 4) and is_answering(self._base + 5), "catcher")

    @contextmanager
    def asleep(self, name: str) -> Iterator[None]:
        """A process that is there and says nothing."""
        pid = self.children[name].pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def start_temporal(self) -> None:
        """As the image does: `temporal-server start`, with its built-in configuration and the file's variables."""
        environment = {**compose.environment(self.file["services"]["temporal"]), **self._temporal_addresses()}
        dynamic = self.folder / "dynamic.yaml"
        dynamic.write_text(self.file["configs"]["temporal-dynamic"]["content"])
        environment["DYNAMIC_CONFIG_FILE_PATH"] = str(dynamic)
        self._start("temporal", [str(self._server), "start"], self._around(environment))
        url = f"http://{LOOPBACK}:{self.temporal_base + 4}/api/v1/system-info"
        self.wait(lambda: _answers(url), "temporal")

    def operate(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of `reinstate`, with the settings of the stack."""
        command = [sys.executable, "cli.py", *words]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment("web"), capture_output=True, text=True, timeout=120, check=False
        )

    # ---- what the file says, on this machine ----

    def command(self, service: str, number: int = 1) -> list[str]:
        """The entry point of the image and the command of the service; a web listens here, on a port of its own."""
        words = [str(word) for word in self.file["services"][service]["command"]]
        here = {"0.0.0.0": LOOPBACK, "8000": str(self._base + number - 1)}
        return [sys.executable, "cli.py", *(here.get(word, word) for word in words)]

    def environment(self, service: str, number: int = 1) -> dict[str, str]:
        """`env_file`, then `environment`, which wins."""
        theirs = compose.environment(self.file["services"][service])
        theirs["REINSTATE_DATABASE_URL"] = self.database_url
        theirs["TEMPORAL_ADDRESS"] = f"{LOOPBACK}:{self.temporal_base}"
        if "REINSTATE_WORKER_METRICS" in theirs:
            theirs["REINSTATE_WORKER_METRICS"] = f"{LOOPBACK}:{self._base + 1 + number}"
        if "REINSTATE_METRICS_NETWORKS" in theirs:
            theirs["REINSTATE_METRICS_NETWORKS"] += ",127.0.0.0/8"
        return self._around({**compose.variables(self.production.read_text()), **theirs})

    def _around(self, variables: dict[str, str]) -> dict[str, str]:
        """Nothing of whoever runs the tests but the paths."""
        path = f"{self._bin}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1", **variables}

    def _temporal_addresses(self) -> dict[str, str]:
        ports = {f"{name}_PORT": str(self.temporal_base + number) for number, name in enumerate(PORTS)}
        ports |= {f"{name}_PORT": str(self.temporal_base + 5 + number) for number, name in enumerate(MEMBERSHIPS)}
        here = {"BIND_ON_IP": LOOPBACK, "POSTGRES_SEEDS": LOOPBACK, "DB_PORT": str(self.postgres_port)}
        return {**ports, **here}

    def _fill_in_production_env(self) -> None:
        values = {f"REINSTATE_{ring}_KEYS": fresh_key("2026-01") for ring in RINGS}
        values |= {
            "REINSTATE_SMS_SECRET": fresh_webhook_secret(),
            "REINSTATE_SMTP_URL": f"smtp://{LOOPBACK}:{self._base + 4}",
            "REINSTATE_SMS_URL": f"http://{LOOPBACK}:{self._base + 5}/sms",
            "REINSTATE_SMTP_TIMEOUT": "5",  # on one machine, a mail server that is silent for so long is away
            "REINSTATE_STARTS_PER_NETWORK": "100000",  # everybody comes from this machine
        }
        example = (ROOT / ".env.example").read_text()
        self.production.write_text(compose.production_env(example, values) + "\n")

    def _start_postgres(self) -> None:
        url = self.cluster.start()
        self.postgres_port = int(url.rpartition(":")[2].partition("/")[0])
        with psycopg.connect(url, autocommit=True) as connection:
            for words in self.file["services"]["postgres"].get("command", []):
                name, is_option, value = str(words).partition("=")
                if is_option:
                    connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        self.cluster.kill()
        self.cluster.start()
        self.make_databases()

    def make_databases(self) -> None:
        """Roles and databases, by the file's own script."""
        with psycopg.connect(self.postgres_url(), autocommit=True) as connection:
            for statement in self.file["configs"]["databases"]["content"].split(";"):
                if statement.strip():
                    connection.execute(statement.encode())

    def postgres_url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@{LOOPBACK}:{self.postgres_port}/{database}"

    def _schema_command(self) -> tuple[list[str], dict[str, str]]:
        service = self.file["services"]["temporal-schema"]
        environment = compose.environment(service) | {"SQL_HOST": LOOPBACK, "SQL_PORT": str(self.postgres_port)}
        return [*service["entrypoint"], *service["command"]], self._around(environment)

    def _start(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> Child:
        child = Child(name, command, log=self.folder / "logs" / f"{name}.log", env=environment)
        self.children[name] = child
        before = Path.cwd()
        os.chdir(ROOT)
        try:
            child.start()
        finally:
            os.chdir(before)
        return child

    def _run_once(self, name: str, command: list[str] | tuple[list[str], dict[str, str]]) -> None:
        words, environment = command if isinstance(command, tuple) else (command, self.environment(name))
        done = subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"

    def wait(self, holds: Callable[[], Any], what: str) -> None:
        until = time.monotonic() + UP_WITHIN
        while not holds():
            assert time.monotonic() < until, f"{what} did not come up\n{self.words()}"
            time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
