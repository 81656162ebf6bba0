"""Free ports on the loopback interface, in one block, remembered so that a second start uses the same ones."""

import json
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
BLOCK = 16
FIRST, LAST = 17_000, 32_000
"""Below 32768, where Linux begins to hand out ports to outgoing connections."""


class NoFreePorts(Exception):
    """No block was free after many attempts."""


def is_free(port: int) -> bool:
    """Whether a server could listen here now. Ports of connections that have just ended count as free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_answering(port: int, timeout: float = 0.2) -> bool:
    """Whether something accepts connections here; `timeout` in seconds."""
    try:
        socket.create_connection((LOOPBACK, port), timeout).close()
    except OSError:
        return False
    return True


def free_block(avoid: int | None = None) -> int:
    """The first of `BLOCK` free ports. Random, so that two instances that start together do not meet."""
    for _ in range(200):
        base = random.randrange(FIRST, LAST - BLOCK, BLOCK)  # noqa: S311 - no secret
        if avoid not in range(base, base + BLOCK) and all(map(is_free, range(base, base + BLOCK))):
            return base
    raise NoFreePorts(f"no {BLOCK} free ports in a row between {FIRST} and {LAST}")


def remembered_block(file: Path, avoid: int | None = None) -> int:
    """The block written in `file` when it is still free; otherwise a new one, which is written there."""
    try:
        base = int(json.loads(file.read_text())["base"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        base = 0
    if base and all(map(is_free, range(base, base + BLOCK))):
        return base
    base = free_block(avoid)
    file.write_text(json.dumps({"base": base}) + "\n")
    return base
