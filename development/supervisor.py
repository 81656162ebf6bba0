"""`make run`: everything on one machine, started in order, watched, and stopped in order.

Temporal, the catcher, the worker and the web are processes of their own. Everything an instance keeps is under its
`var` folder, so a second start goes on where the first one stopped, and another folder and port make another instance.
"""

import asyncio
import fcntl
import os
import re
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import NoReturn

from connection import connect
from development import keys, macros, namespace, people
from development.ports import LOOPBACK, is_answering, is_free, remembered_block
from development.processes import Child
from development.temporal_binary import OLDEST, NoServer, server_binary
from development.temporal_server import DevServer, ServerDidNotStart, kept_by
from development.terminal import say
from settings import load
from storage.engine import Database
from storage.migrate import upgrade

HERE = Path(__file__).resolve().parent.parent
READY_WITHIN = 60.0
LOOK_EVERY = 0.1
QUICK_DEATH = 5.0
"""A process that lived for less than these seconds is started again only after a pause."""
PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the first, second, ... start after quick deaths in a row; the last one repeats."""
INSTANCE_FILE = "instance.env"
STARTS_PER_NETWORK = "1000"  # design 5: on one machine everybody comes from one network
HINT_EVERY = 30.0
TROUBLE = re.compile(rb"\[(error|critical) |^Traceback ", re.MULTILINE)
"""What an error looks like in our own logs; those of Temporal are JSON and full of errors that mend themselves."""


class CannotRun(Exception):
    """Why nothing was started, or why everything was stopped again; for the person at the terminal."""


@dataclass(frozen=True)
class Instance:
    """One `make run`: its port, its folder, and where its other processes listen."""

    port: int
    var: Path
    base: int

    @property
    def smtp_port(self) -> int:
        return self.base + 10

    @property
    def sms_port(self) -> int:
        return self.base + 11

    def variables(self, temporal_address: str) -> dict[str, str]:
        """What the processes get. A `REINSTATE_` variable that is set already wins, except the mode."""
        ours = {
            **keys.load_keys(self.var / "keys.env"),
            "REINSTATE_DATABASE_URL": f"sqlite:///{self.var / 'reinstate.db'}",
            "REINSTATE_PUBLIC_URL": f"http://localhost:{self.port}",
            "REINSTATE_SMTP_URL": f"smtp://{LOOPBACK}:{self.smtp_port}",
            "REINSTATE_SMS_URL": f"http://{LOOPBACK}:{self.sms_port}/sms",
            "REINSTATE_MAILBOX": str(self.var / "mailbox"),
            "REINSTATE_STARTS_PER_NETWORK": STARTS_PER_NETWORK,
        }
        chosen = {name: os.environ.get(name, value) for name, value in ours.items()}
        return {**chosen, "REINSTATE_MODE": "development", "TEMPORAL_ADDRESS": temporal_address}


@dataclass
class Watched:
    """A process, how to see that it is ready, and how long it gets to end."""

    child: Child
    is_ready: Callable[[], bool]
    grace: float
    quick_deaths: int = 0
    start_at: float = 0.0
    hinted_at: float = -HINT_EVERY
    read_until: int = 0


@dataclass
class Supervisor:
    """Starts in order, restarts what dies, stops in the opposite order."""

    var: Path
    watched: list[Watched] = field(default_factory=list)

    def start(self, watched: Watched) -> None:
        """Start one more process. It is ours to stop from this moment."""
        self.watched.append(watched)
        watched.child.start()

    def wait_until_ready(self) -> None:
        """Raises `CannotRun`, with the last words of the process that did not make it."""
        until = time.monotonic() + READY_WITHIN
        for watched in self.watched:
            while not watched.is_ready():
                if not watched.child.is_alive() or time.monotonic() > until:
                    raise CannotRun(self._obituary(watched.child))
                time.sleep(LOOK_EVERY)

    def watch(self) -> NoReturn:
        """Keep everything running until a signal ends us."""
        while True:
            self.look_after_all()
            time.sleep(LOOK_EVERY)

    def look_after_all(self) -> None:
        """One round: restart what has ended, point at fresh errors in the logs."""
        for watched in self.watched:
            self._look_after(watched)

    def _look_after(self, watched: Watched) -> None:
        child, now = watched.child, time.monotonic()
        self._hint_at_trouble(watched, now)
        if child.is_alive():
            return
        if not watched.start_at:
            quick = now - child.started_at < QUICK_DEATH
            watched.quick_deaths = watched.quick_deaths + 1 if quick else 0
            watched.start_at = now + PAUSES[min(watched.quick_deaths, len(PAUSES) - 1)]
            say(f"  {child.name} ended ({child.ended_with}), starting it again; its log: {shown(child.log)}")
        if now >= watched.start_at:
            watched.start_at = 0.0
            watched.read_until = 0
            child.start()

    def _hint_at_trouble(self, watched: Watched, now: float) -> None:
        """One line, at most every `HINT_EVERY` seconds, when a log has an error in it that we have not seen."""
        fresh = watched.child.logged(watched.read_until)
        watched.read_until += len(fresh)
        if TROUBLE.search(fresh) and now - watched.hinted_at > HINT_EVERY:
            watched.hinted_at = now
            say(f"  {watched.child.name} has logged an error: {shown(watched.child.log)}")

    def stop(self) -> None:
        """The web first, Temporal last; nothing is left afterwards."""
        for watched in reversed(self.watched):
            watched.child.stop(watched.grace)

    def _obituary(self, child: Child) -> str:
        state = "is not ready" if child.is_alive() else f"ended ({child.ended_with})"
        return f"{child.name} {state}; the end of {shown(child.log)}:\n{child.last_words()}"


def shown(path: Path) -> str:
    """As short as it gets for the person at the terminal."""
    return min(str(path), os.path.relpath(path), key=len)


def run(port: int, var: Path) -> None:
    """Until Ctrl-C or SIGTERM. Raises `CannotRun` when something does not start."""
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT is ignored by default in a background job of a shell
        signal.signal(number, _end)
    var = var.absolute()
    var.mkdir(parents=True, exist_ok=True)
    os.chdir(HERE)
    supervisor = Supervisor(var)
    with alone_in(var):
        try:
            _bring_up(supervisor, port, var)
            supervisor.watch()
        except KeyboardInterrupt:
            say("\nstopping ...")
        except (NoServer, ServerDidNotStart) as failure:
            raise CannotRun(str(failure)) from failure
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            supervisor.stop()
    say("stopped; `make run` continues every open case")


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def alone_in(var: Path) -> Iterator[None]:
    """Two instances in one folder would share a Temporal file, which it does not bear."""
    with (var / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRun(f"already running in {var}; for a second instance: make run PORT=8001 VAR=var2") from None
        yield


def _bring_up(supervisor: Supervisor, port: int, var: Path) -> None:
    if not is_free(port):
        raise CannotRun(f"port {port} is taken; choose another one: make run PORT=8001 VAR=var2")
    began = time.monotonic()
    instance = Instance(port, var, remembered_block(var / "ports.json", avoid=port))
    variables = instance.variables(_temporal(supervisor, instance))
    # For `reinstate --instance var ...`: the command line acts on this instance with the same settings.
    keys.write_variables(var / INSTANCE_FILE, variables)
    os.environ.update(variables)
    say("preparing database and namespace ...")
    upgrade(variables["REINSTATE_DATABASE_URL"])
    asyncio.run(_prepare())
    say("starting catcher, worker and web ...")
    for watched in _processes(instance):
        supervisor.start(watched)
    supervisor.wait_until_ready()
    _greet(instance, variables, time.monotonic() - began)


def _temporal(supervisor: Supervisor, instance: Instance) -> str:
    """The address of the configured server, or of one of our own, which is started."""
    configured = os.environ.get("TEMPORAL_ADDRESS")
    if configured:
        say(f"using the Temporal server at {configured}")
        return configured
    binary = server_binary(least=OLDEST, kind=kept_by(instance.var))
    say(f"starting Temporal ({binary.path.name} {'.'.join(map(str, binary.version))}) ...")
    server = DevServer(instance.var, binary=binary, base=instance.base)
    try:
        address = server.start()
    except BaseException:
        server.kill()
        raise
    assert server.child
    supervisor.watched.append(Watched(server.child, server.is_healthy, grace=1.5))
    return address


async def _prepare() -> None:
    settings = load()
    database = Database(settings.database_url)
    try:
        await people.load_people(database, settings.rings(), datetime.now(UTC))
        await macros.load_macros(database)
    finally:
        await database.close()
    await namespace.prepare(await connect(settings))


def _processes(instance: Instance) -> Iterator[Watched]:
    """Catcher, worker, web. The times to end add up to less than ten seconds."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}

    def child(name: str, *arguments: str) -> Child:
        command = [sys.executable, *arguments]
        return Child(name, command, log=instance.var / "logs" / f"{name}.log", env=environment)

    ports = ["--smtp-port", str(instance.smtp_port), "--sms-port", str(instance.sms_port)]
    catcher = child("catcher", "-m", "development.catcher", "--mailbox", str(instance.var / "mailbox"), *ports)
    yield Watched(catcher, lambda: is_answering(instance.smtp_port) and is_answering(instance.sms_port), grace=1.0)
    worker = child("worker", "worker.py")
    yield Watched(worker, lambda: b"worker: ready" in worker.logged(), grace=3.5)
    web = child("web", "cli.py", "web", "--port", str(instance.port), "--grace", "2")
    yield Watched(web, lambda: _answers_ok(f"http://{LOOPBACK}:{instance.port}/readyz"), grace=3.0)


def _answers_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _greet(instance: Instance, variables: Mapping[str, str], seconds: float) -> None:
    here = variables["REINSTATE_PUBLIC_URL"]
    say(
        f"""
Reinstate is ready ({seconds:.1f} s).

  {here}              lost your account? Start here, as ada@example.com
  {here}/dev/mailbox  every mail and SMS that was sent
  {here}/dev/login    the demo platform: sign in with the new password
  {here}/desk         the desk: kim, password {people.DESK_PASSWORD}

Also try: pat's phone +44 7700 900003, the username vip, olu (second factor, saved code OLUA-0001),
and ben, tom and dee, who get told more than they hoped for.
Temporal: {variables["TEMPORAL_ADDRESS"]} · logs and data: {shown(instance.var)} · Ctrl-C stops everything.
"""
    )
