"""A process that we started: tied to our life, logged to a file, stopped in a given time together with its children."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
"""Loaded here, because little may be done between fork and exec."""


def _die_with(parent: int) -> None:
    """Run in the child before exec: end when the parent is gone, even if that was killed. Linux only."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


class Child:
    """One process in a session of its own, so that Ctrl-C reaches only us and we decide the order of stopping.

    Start it from the main thread: Linux ties its life to the thread that started it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.name, self.command, self.log, self.env, self.user = name, list(command), log, env, user
        self._process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self._logged_before = 0

    def start(self) -> None:
        """Begin, with standard output and error appended to the log. Raises `OSError` if it cannot be run."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        parent = os.getpid()
        with self.log.open("ab") as out:
            self._logged_before = out.tell()
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.env,
                user=self.user,
                start_new_session=True,
                preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509 - only calls prctl, see `_die_with`
            )
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        """Whether it still runs; when it has ended by itself, what it left behind is killed now."""
        if self._process is None or self._process.returncode is not None:
            return False
        # Only looked at, not collected: until then nobody else can get its id, which is also that of its group.
        if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return True
        self.kill()
        return False

    @property
    def ended_with(self) -> str:
        """How it ended, in words: `exit 1`, `SIGKILL`."""
        code = self._process.returncode if self._process else None
        if code is None:
            return "nothing yet"
        return signal.Signals(-code).name if code < 0 else f"exit {code}"

    def logged(self, offset: int = 0) -> bytes:
        """What this run has written to its log, from this byte on."""
        with self.log.open("rb") as lines:
            lines.seek(self._logged_before + offset)
            return lines.read()

    def last_words(self, lines: int = 15) -> str:
        """The end of what this run has written."""
        return "\n".join(self.logged().decode(errors="replace").splitlines()[-lines:])

    def stop(self, grace: float, *, ask: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, then SIGKILL after `grace` seconds, to what it started as well."""
        if self._process is None or not self.is_alive():
            return
        self._process.send_signal(ask)
        until = time.monotonic() + grace
        while self.is_alive() and time.monotonic() < until:
            time.sleep(0.02)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to it and to everything in its session."""
        if self._process is None or self._process.returncode is not None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
