"""A throw-away clamd for tests, with one signature of its own: no download, and nothing of the machine's clamd."""

import shutil
import time
from pathlib import Path

from development.ports import LOOPBACK, free_block, is_answering
from development.processes import Child

PROGRAM = "clamd"
WHERE = "/usr/sbin"
"""Where Debian and Ubuntu keep it; not on everybody's path."""
STARTS_WITHIN = 60.0
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""What every scanner finds and nobody has to fear (eicar.org)."""
SIGNATURE = f"Eicar-Local:0:*:{EICAR.hex()}\n"
"""One line of ClamAV's format: name, any kind of file, anywhere in it, these bytes."""


class ClamdDidNotStart(Exception):
    """It ended, or did not answer in time; the text holds its last words."""


def clamd_program() -> Path | None:
    """clamd of this machine; None when there is none."""
    found = shutil.which(PROGRAM) or shutil.which(PROGRAM, path=WHERE)
    return Path(found) if found else None


class Scanner:
    """One clamd in a folder of its own; it listens at `tcp` and at `unix`."""

    def __init__(self, program: Path, folder: Path, *, most: str = "25M") -> None:
        """`most`: the largest stream that it takes."""
        self._socket, self._port = folder / "clamd.ctl", free_block()
        signatures = folder / "signatures"
        signatures.mkdir()
        (signatures / "local.ndb").write_text(SIGNATURE)
        settings = folder / "clamd.conf"
        settings.write_text(_settings(signatures, self._socket, self._port, most))
        self._child = Child("clamd", [str(program), "--config-file", str(settings)], log=folder / "clamd.log")

    @property
    def tcp(self) -> str:
        return f"tcp://{LOOPBACK}:{self._port}"

    @property
    def unix(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        self._child.start()
        until = time.monotonic() + STARTS_WITHIN
        while not is_answering(self._port):
            if time.monotonic() > until or not self._child.is_alive():
                self.stop()
                raise ClamdDidNotStart(self._child.last_words())
            time.sleep(0.05)

    def stop(self) -> None:
        self._child.stop(5)


def _settings(signatures: Path, socket: Path, port: int, most: str) -> str:
    lines = {
        "Foreground": "yes",
        "DatabaseDirectory": signatures,
        "LocalSocket": socket,
        "TCPSocket": port,
        "TCPAddr": LOOPBACK,
        "StreamMaxLength": most,
        "MaxThreads": 2,
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())
