"""Files that people send: how much of them is read, which kinds are taken, and what is kept instead of what was sent.

JPEG, PNG and WebP are drawn anew; PDF is taken only where a scanner looks at it afterwards. What a file is, its own
bytes say, never its name or the type that a browser claims. The name is not kept at all. Decoding happens in a process
of its own with little memory and little time (`storage/examine.py`), never in ours.
"""

import asyncio
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from weakref import WeakKeyDictionary

import structlog

log = structlog.get_logger()

MEGABYTE = 1 << 20
AROUND = 256 * 1024
"""Bytes that a form may have besides its files: fields of text and the lines between the parts."""
PORTION = 64 * 1024
PATIENCE = 20.0
"""Seconds until a file counts as too slow to look at."""
AT_THE_SAME_TIME = 2
"""Examinations in one process; the others stand in line."""
EXAMINER = Path(__file__).with_name("examine.py")


class Refusal(StrEnum):
    """Why a file is not taken; the words are for the page."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    """In one form, or for one case."""
    KIND = "kind"
    """No JPEG, PNG, WebP or PDF, or more than one thing at once."""
    UNREADABLE = "unreadable"
    """It begins like one of these, and cannot be read."""
    TOO_MANY_PIXELS = "too_many_pixels"
    DOCUMENT = "document"
    """A PDF, where no scanner is configured."""


class Refused(Exception):
    def __init__(self, kind: Refusal) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True)
class Rules:
    """`file_bytes` of one file, `at_once` in one form, `per_case` in all; `documents`: whether PDF is taken."""

    file_bytes: int = 10 * MEGABYTE
    at_once: int = 5
    per_case: int = 20
    documents: bool = False

    @property
    def body_bytes(self) -> int:
        """What one request may hold."""
        return self.at_once * self.file_bytes + AROUND


RULES = Rules()


@dataclass(frozen=True)
class Upload:
    """What is kept of a file: of an image new bytes, of a PDF its own."""

    media_type: str
    content: bytes


class Part(Protocol):
    """One file of a form, as Starlette gives it."""

    async def read(self, size: int = -1) -> bytes: ...


async def accepted(part: Part, rules: Rules = RULES) -> Upload:
    """What is kept of this file. Raises `Refused`; nothing is stored either way."""
    content = await _read(part, rules.file_bytes)
    if not content:
        raise Refused(Refusal.EMPTY)
    return await examined(content, rules)


async def all_accepted(parts: list[Part], rules: Rules = RULES) -> list[Upload]:
    """As `accepted`, for a whole form: all of them or none."""
    if len(parts) > rules.at_once:
        raise Refused(Refusal.TOO_MANY)
    return [await accepted(part, rules) for part in parts]


async def _read(part: Part, most: int) -> bytes:
    content = bytearray()
    while chunk := await part.read(PORTION):
        content += chunk
        if len(content) > most:
            raise Refused(Refusal.TOO_LARGE)
    return bytes(content)


_REFUSALS = {
    10: Refusal.KIND,
    11: Refusal.UNREADABLE,
    12: Refusal.TOO_MANY_PIXELS,
    13: Refusal.DOCUMENT,
}
"""By the examiner's exit code."""
_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def examined(content: bytes, rules: Rules = RULES) -> Upload:
    """What is kept of these bytes. Raises `Refused`, also for a file that ends or stalls the examiner."""
    line = _lines.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_THE_SAME_TIME))
    async with line:
        code, said = await _asked(content, rules)
    if code == 0:
        media_type, _, kept = said.partition(b"\n")
        return Upload(media_type.decode(), kept)
    if code in _REFUSALS:
        raise Refused(_REFUSALS[code])
    if code < 0:  # ended by a signal: out of time, or a decoder fell over
        log.warning("examination of a file ended", signal=-code)
        raise Refused(Refusal.UNREADABLE)
    raise RuntimeError(f"the examiner of files ended with {code}")


async def _asked(content: bytes, rules: Rules) -> tuple[int, bytes]:
    """The examiner's exit code and answer."""
    wanted = "documents" if rules.documents else "images"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-B", str(EXAMINER), wanted, str(rules.file_bytes),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={}, cwd="/",
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate(content)
    except TimeoutError:
        log.warning("examination of a file took too long")
        raise Refused(Refusal.UNREADABLE) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said
