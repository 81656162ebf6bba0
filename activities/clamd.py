"""Asks clamd whether a file is clean, by its INSTREAM command.

Written here because the protocol is a few lines (clamd(8)) and the client on PyPI has not changed since 2014.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

PORTION = 64 * 1024
LONGEST_ANSWER = 4096
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ScannerAway(Exception):
    """No clamd there, none that answers in time, or one that says something else than clamd. Tried again."""


class TooLargeToScan(Exception):
    """clamd's own limit (StreamMaxLength) is lower than ours."""


class Clamd:
    """`address`: `tcp://host:port` or `unix:///path`. One connection a question, with `timeout` seconds in all."""

    def __init__(self, address: str, *, timeout: float = 10.0) -> None:
        self._where, self._timeout = urlsplit(address), timeout

    async def is_clean(self, content: bytes) -> bool:
        """Raises `ScannerAway` or `TooLargeToScan`."""
        async with self._connected() as (reader, writer):
            # It stops listening when it has heard enough, and what it said before is there to be read.
            with suppress(ConnectionError):
                writer.write(b"zINSTREAM\0")
                for at in range(0, len(content), PORTION):
                    part = content[at : at + PORTION]
                    writer.write(len(part).to_bytes(4, "big") + part)
                    await writer.drain()
                writer.write(bytes(4))
                await writer.drain()
            answer = await _answer(reader)
        if answer == "stream: OK":
            return True
        if answer.startswith("stream: ") and answer.endswith(" FOUND"):
            return False
        if answer.startswith("INSTREAM size limit exceeded"):
            raise TooLargeToScan
        raise ScannerAway("NotUnderstood")

    async def version(self) -> str:
        """Such as `ClamAV 1.4.6/27819/Mon Nov 23 08:26:11 2026`: program, signatures and their age."""
        async with self._connected() as (reader, writer):
            writer.write(b"zVERSION\0")
            await writer.drain()
            answer = await _answer(reader)
        if not answer.startswith("ClamAV "):
            raise ScannerAway("NotUnderstood")
        return answer

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Streams]:
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = await self._open()
                yield reader, writer
        except (OSError, EOFError, ValueError) as failed:  # a time-out is an OSError
            raise ScannerAway(type(failed).__name__) from None
        finally:
            if writer:
                writer.close()

    async def _open(self) -> Streams:
        if self._where.scheme == "unix":
            return await asyncio.open_unix_connection(self._where.path, limit=LONGEST_ANSWER)
        return await asyncio.open_connection(self._where.hostname, self._where.port, limit=LONGEST_ANSWER)


async def _answer(reader: asyncio.StreamReader) -> str:
    """Up to the zero byte. An answer that is cut, or longer than any of clamd's, is an error of `readuntil`."""
    try:
        said = await reader.readuntil(b"\0")
    except asyncio.LimitOverrunError:
        raise ScannerAway("TooLong") from None
    return said[:-1].decode("utf-8", "replace")
