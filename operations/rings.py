"""The rings of keys by name, and the steps of a rotation: a new key, the next first key, a key less.

A rotation without a pause has two steps, because processes are restarted one after the other: a key is first known to
all (`prepared`), and only then used by any (`preferred`).
"""

import os
from enum import StrEnum
from pathlib import Path

from settings import Settings
from storage.keys import Ring


class RingName(StrEnum):
    """As in `REINSTATE_<NAME>_KEYS`."""

    PAYLOAD = "payload"
    ISSUE = "issue"
    DIGEST = "digest"
    INDEX = "index"
    DECISION = "decision"
    ROW = "row"
    AUDIT = "audit"

    @property
    def variable(self) -> str:
        return f"REINSTATE_{self.upper()}_KEYS"


class NotThisRing(Exception):
    """What was asked cannot be done to this ring; the text says why."""


def ring_of(settings: Settings, name: RingName) -> Ring:
    """Raises `ValueError` if the variable holds no ring."""
    return Ring.parse(getattr(settings, f"{name}_keys").get_secret_value())


def rotated(ring: Ring, key: str) -> Ring:
    """A fresh key of this id makes from now on."""
    return Ring({**_fresh(ring, key), **ring.keys})


def prepared(ring: Ring, key: str) -> Ring:
    """A fresh key of this id is understood, and not used yet."""
    return Ring({**ring.keys, **_fresh(ring, key)})


def preferred(ring: Ring, key: str) -> Ring:
    """A key that is known already makes from now on."""
    if key not in ring.keys:
        raise NotThisRing(f"there is no key {key}, only {', '.join(ring.keys)}")
    return Ring({key: ring.keys[key], **ring.keys})


def without(ring: Ring, key: str) -> Ring:
    """The ring without a key that makes nothing any more."""
    if key not in ring.keys:
        raise NotThisRing(f"there is no key {key}, only {', '.join(ring.keys)}")
    if key == ring.current:
        raise NotThisRing(f"{key} is the key that is used; rotate first")
    return Ring({name: value for name, value in ring.keys.items() if name != key})


def _fresh(ring: Ring, key: str) -> dict[str, bytes]:
    if key in ring.keys:
        raise NotThisRing(f"there is a key {key} already; choose another id")
    if not key or set(key) & set(":,/ ") or len(key) > 32:
        raise NotThisRing("the id of a key is short and has none of `:`, `,`, `/` and no gap")
    return Ring.fresh(key).keys


# ---- files of settings ----------------------------------------------------------------------------------------------


def read_ring(file: Path, name: RingName) -> Ring:
    """The ring in a file of `NAME=value` lines. Raises `NotThisRing`."""
    for line in file.read_text().splitlines():
        variable, _, value = line.partition("=")
        if variable.strip() == name.variable:
            return Ring.parse(value.strip().strip("'\""))
    raise NotThisRing(f"{file} has no line {name.variable}=")


def write_ring(file: Path, name: RingName, ring: Ring) -> None:
    """Change this one line; everything else in the file stays. The file is whole at any moment, and its owner's."""
    lines = [
        f"{name.variable}={ring.text()}" if line.partition("=")[0].strip() == name.variable else line
        for line in file.read_text().splitlines()
    ]
    before, unfinished = file.stat(), file.with_name(f"{file.name}.part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write("\n".join(lines) + "\n")
        out.flush()
        os.fsync(out.fileno())
    unfinished.chmod(before.st_mode & 0o777)
    unfinished.replace(file)
