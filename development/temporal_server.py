"""A Temporal server of our own: one process, one SQLite file, ports of its choice. For `make run` and for tests."""

import json
import sqlite3
import string
import time
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

from development.ports import LOOPBACK, free_block
from development.processes import Child
from development.temporal_binary import Binary, Kind, server_binary

STARTS_WITHIN = 60.0
"""Seconds. It takes 0.2 to 0.5 s to an open port; a loaded machine with a big file may need more."""
PORTS = ("frontend", "history", "matching", "worker", "http")
"""Each of the four services also has a membership port, `MEMBERSHIP` above. All nine share one space."""
MEMBERSHIP = 5

FILES: Mapping[Kind, str] = {"server": "temporal.db", "cli": "temporal-cli.db"}
"""The two kinds do not read each other's files."""

Dynamic = Mapping[str, bool | int | str]

EVERYDAY: Dynamic = {
    "system.forceSearchAttributesCacheRefreshOnRead": True,
    "system.namespaceCacheRefreshInterval": "200ms",
    "frontend.enableCancelWorkerPollsOnShutdown": True,
}
"""New search attributes and namespaces work at once. A worker that ends gets no last task, for which everybody would
wait until its time-out of 10 s (seen with 1.32.0); production has the same setting (`docker-compose.yml`)."""
SKIPPING: Dynamic = {"frontend.WorkflowTimeSkippingEnabled": True, "history.timerProcessorMaxTimeShift": "1ms"}
"""Tests skip the waiting of single workflows; a jump over many timers takes milliseconds, not seconds."""

_CONFIG = string.Template(
    """\
log: {stdout: true, level: warn}
persistence:
  defaultStore: default
  visibilityStore: visibility
  numHistoryShards: 4
  datastores:
    default: &sqlite
      sql:
        pluginName: sqlite
        databaseName: $file
        connectAddr: localhost
        connectProtocol: tcp
        # synchronous 2 is FULL: what was acknowledged survives `kill -9` and a power cut.
        connectAttributes: {cache: private, setup: true, journal_mode: wal, synchronous: 2}
        maxConns: 1
        maxIdleConns: 1
    visibility: *sqlite
global:
  membership: {maxJoinDuration: 30s, broadcastAddress: 127.0.0.1}
services:
  frontend: {rpc: {grpcPort: $frontend, membershipPort: $frontend_m, bindOnLocalHost: true, httpPort: $http}}
  history: {rpc: {grpcPort: $history, membershipPort: $history_m, bindOnLocalHost: true}}
  matching: {rpc: {grpcPort: $matching, membershipPort: $matching_m, bindOnLocalHost: true}}
  worker: {rpc: {grpcPort: $worker, membershipPort: $worker_m, bindOnLocalHost: true}}
clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active:
      enabled: true
      initialFailoverVersion: 1
      rpcName: frontend
      rpcAddress: "127.0.0.1:$frontend"
      httpAddress: "127.0.0.1:$http"
dcRedirectionPolicy: {policy: noop}
dynamicConfigClient: {filepath: $dynamic, pollInterval: 10s}
"""
)


def kept_by(var: Path) -> Kind | None:
    """Which kind of server has kept cases in this folder, and must go on with them; None in a new one."""
    return next((kind for kind, name in FILES.items() if (_directory(var) / name).exists()), None)


def _directory(var: Path) -> Path:
    return var.absolute() / "temporal"


class ServerDidNotStart(Exception):
    """It ended, or did not answer in time; the text holds its last words."""


class DevServer:
    """`start`, `stop`, `kill`, and `start` again on the same file and ports. Use it from the main thread."""

    def __init__(self, var: Path, *, binary: Binary | None = None, base: int | None = None) -> None:
        """`var` holds its file, its configuration and its log; `base` is the first of a block of free ports."""
        self._directory = _directory(var)
        self._binary, self._base = binary, base
        self.child: Child | None = None

    @property
    def address(self) -> str:
        """Where clients find it. Only after `start`."""
        return f"{LOOPBACK}:{self._base}"

    def start(self, *, time_skipping: bool = False, dynamic: Dynamic | None = None) -> str:
        """Start it, wait until it answers, return its address. Raises `ServerDidNotStart` or `NoServer`."""
        self._directory.mkdir(parents=True, exist_ok=True)
        binary = self._binary = self._binary or server_binary()
        base = self._base = self._base or free_block()
        settings = {**EVERYDAY, **(SKIPPING if time_skipping else {}), **(dynamic or {})}
        command = (
            self._server(binary, base, settings) if binary.kind == "server" else self._tool(binary, base, settings)
        )
        self.child = Child("temporal", command, log=self._directory.parent / "logs" / "temporal.log")
        self.child.start()
        self._wait_for(self.child)
        return self.address

    def stop(self, grace: float = 5.0) -> None:
        """End it in `grace` seconds at most."""
        if self.child:
            self.child.stop(grace)

    def kill(self) -> None:
        """`kill -9`."""
        if self.child:
            self.child.kill()

    def _server(self, binary: Binary, base: int, settings: Dynamic) -> list[str]:
        ports = {name: str(base + number) for number, name in enumerate(PORTS)}
        membership = {f"{name}_m": str(base + MEMBERSHIP + number) for number, name in enumerate(PORTS[:4])}
        dynamic = self._directory / "dynamic.yaml"
        # JSON is YAML.
        dynamic.write_text(json.dumps({name: [{"value": value}] for name, value in settings.items()}, indent=2))
        config, database = self._directory / "server.yaml", self._directory / FILES["server"]
        _forget_members(database)
        files = {"file": json.dumps(str(database)), "dynamic": json.dumps(str(dynamic))}
        config.write_text(_CONFIG.substitute(ports, **membership, **files))
        return [str(binary.path), "--config-file", str(config), "--allow-no-auth", "start"]

    def _tool(self, binary: Binary, base: int, settings: Dynamic) -> list[str]:
        options = ["--ip", LOOPBACK, "--port", str(base), "--http-port", str(base + PORTS.index("http"))]
        options += ["--headless", "--log-level", "warn", "--db-filename", str(self._directory / FILES["cli"])]
        options += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=FULL"]
        for name, value in settings.items():
            options += ["--dynamic-config-value", f"{name}={json.dumps(value)}"]
        return [str(binary.path), "server", "start-dev", *options]

    def _wait_for(self, child: Child) -> None:
        until = time.monotonic() + STARTS_WITHIN
        while not self.is_healthy():
            if child.is_alive() and time.monotonic() < until:
                time.sleep(0.05)
                continue
            child.kill()
            raise ServerDidNotStart(f"the Temporal server did not start ({child.ended_with}):\n{child.last_words()}")

    def is_healthy(self) -> bool:
        """Whether it serves requests. An open port is not enough: for a moment calls are refused behind it."""
        url = f"http://{LOOPBACK}:{self._base + PORTS.index('http')}/api/v1/system-info" if self._base else ""
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - our own address
                return bool(answer.status == HTTPStatus.OK)
        except (OSError, ValueError):
            return False


def _forget_members(database: Path) -> None:
    """Remove what a killed run wrote about its services: on other ports the new ones would wait for those in vain.

    Seen with 1.32.0: "Not enough hosts to serve the request" for more than ten seconds.
    """
    if not database.exists():
        return
    with closing(sqlite3.connect(database, timeout=5)) as connection, connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'cluster_membership'").fetchone():
            connection.execute("DELETE FROM cluster_membership")
