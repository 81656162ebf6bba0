"""A Temporal server to run: found on this machine, downloaded by the SDK, or built from its source; kept in the cache.

Two kinds will do: the production server (`server`) and the command line tool (`temporal server start-dev`).
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from development.cache import cache_directory
from development.terminal import say

SERVER_MODULE = "go.temporal.io/server/cmd/server@v1.32.0"
TIME_SKIPPING = (1, 32)
"""The first server version in which any client can skip the time of one workflow."""
OLDEST = (1, 29)
"""The oldest server version that this product was tried with."""

DOWNLOAD_STALLS = 20.0
"""Seconds without a new byte after which the download is given up: offline machines should not wait for long."""
BUILD_TAKES = "4 to 6 minutes the first time"  # measured on two cores with empty caches
PROGRESS_EVERY = 15.0

_SDK_DOWNLOAD = """
import asyncio, sys
from temporalio.testing import WorkflowEnvironment
async def main():
    await (await WorkflowEnvironment.start_local(download_dest_dir=sys.argv[1])).shutdown()
asyncio.run(main())
"""


class NoServer(Exception):
    """No Temporal server could be found, downloaded or built; the text says what to do."""


Kind = Literal["server", "cli"]


@dataclass(frozen=True)
class Binary:
    """An executable and the version of the Temporal server in it."""

    path: Path
    kind: Kind
    version: tuple[int, int]


def server_binary(*, least: tuple[int, int] = TIME_SKIPPING, kind: Kind | None = None) -> Binary:
    """A server of at least this version: what is here already, then the SDK's download, then a build.

    `kind`: only this one will do. Says on standard output what takes time. Raises `NoServer`.
    """
    found = present_binary(least=least, kind=kind)
    if found:
        return found
    with _one_at_a_time():
        found = present_binary(least=least, kind=kind)
        if found is None and kind != "server":
            found = _downloaded(least)
        if found is None and kind != "cli":
            found = _built()
    if found is None and kind == "cli":
        raise NoServer(
            "the cases in this folder were kept by the `temporal` command, which is gone: "
            "put it on PATH, or begin in another folder (make run VAR=var2)"
        )
    if found is None:
        raise NoServer(
            "no Temporal server: set TEMPORAL_ADDRESS to one, put `temporal` on PATH, "
            "or install Go (1.26 or newer), with which it is built"
        )
    return found


def present_binary(*, least: tuple[int, int], kind: Kind | None = None) -> Binary | None:
    """What can be used without waiting: our own build, `temporal` on PATH, an earlier download, Go's directory."""
    for path in _places():
        binary = inspect(path)
        if binary and binary.version >= least and kind in {None, binary.kind}:
            return binary
    return None


def _places() -> Iterator[Path]:
    yield _build_directory() / "server"
    on_path = shutil.which("temporal")
    if on_path:
        yield Path(on_path)
    yield from sorted(_download_directory().glob("temporal*"))
    # "server" is a common name, so `inspect` decides whether it is ours.
    yield Path(os.environ.get("GOBIN") or Path.home() / "go" / "bin") / "server"


def inspect(path: Path) -> Binary | None:
    """What this file is, by its own words; None if it is no Temporal server that runs here."""
    if not os.access(path, os.X_OK):
        return None
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    tool = re.match(r"temporal version \S+ \(Server (\d+)\.(\d+)", said)
    plain = re.match(r"temporal version (\d+)\.(\d+)\.\d+\s*$", said)
    match tool or plain:
        case None:
            return None
        case version:
            return Binary(path, "cli" if tool else "server", (int(version[1]), int(version[2])))


def _downloaded(least: tuple[int, int]) -> Binary | None:
    """The command line tool, fetched by the SDK; None when there is no way out or it is too old."""
    target = _download_directory()
    say("no Temporal server here: asking the Temporal SDK to download one ...")
    process = subprocess.Popen(
        [sys.executable, "-c", _SDK_DOWNLOAD, str(target)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    size, since = 0, time.monotonic()

    def stalled() -> bool:
        nonlocal size, since
        now = sum(map(_size, target.iterdir()))
        if now != size:
            size, since = now, time.monotonic()
        return time.monotonic() - since > DOWNLOAD_STALLS

    if not _wait(process, "downloading", give_up=stalled):
        say("the download did not work (no connection?)")
        return None
    for path in target.glob("temporal*"):
        binary = inspect(path)
        if binary and binary.version >= least:
            return binary
    say("what was downloaded is too old for time skipping")
    return None


def _built() -> Binary | None:
    """The production server, built with Go; None without Go."""
    go = shutil.which("go")
    if go is None:
        say("Go is not installed, so the server cannot be built either")
        return None
    final = _build_directory() / "server"
    place = final.with_name(f"building-{os.getpid()}")
    log = final.with_name("build.log")
    say(f"building the Temporal server with Go ({BUILD_TAKES}; kept in {final.parent}) ...")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [go, "install", SERVER_MODULE],
            env={**os.environ, "GOBIN": str(place)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        worked = _wait(process, "building")
    try:
        if not worked:
            raise NoServer(f"`go install {SERVER_MODULE}` failed: see {log}\n{_last_lines(log)}")
        (place / "server").replace(final)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    say("the Temporal server is built")
    return inspect(final)


def _wait(process: subprocess.Popen[bytes], doing: str, *, give_up: Callable[[], bool] = lambda: False) -> bool:
    """Whether it ended well; prints a line now and then, and ends the process when we are ended."""
    began = said = time.monotonic()
    try:
        while process.poll() is None:
            if give_up():
                return False
            if time.monotonic() - said > PROGRESS_EVERY:
                said = time.monotonic()
                say(f"... still {doing} ({said - began:.0f} s)")
            time.sleep(0.2)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return process.returncode == 0


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """`make run` and `make test` started together should not build twice."""
    with (cache_directory("temporal") / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another process that is getting a Temporal server ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_directory() -> Path:
    return cache_directory("temporal", "built-" + SERVER_MODULE.rpartition("@")[2])


def _download_directory() -> Path:
    return cache_directory("temporal", "downloaded")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # renamed a moment ago
        return 0


def _last_lines(file: Path, count: int = 5) -> str:
    return "\n".join(file.read_text(errors="replace").splitlines()[-count:])
