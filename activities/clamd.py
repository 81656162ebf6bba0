"""Asks clamd whether a file is clean, by its INSTREAM command.

Written here because the protocol is a few lines (clamd(8)) and the client on PyPI has not changed since 2014.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

PORTION = 64 * 1024
LONGEST_ANSWER = 4096


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
        async with self._connected() as connection:
            # It stops listening when it has heard enough, and what it said before is there to be read.
            with suppress(ConnectionError):
                await _say(connection, b"zINSTREAM\0")
                for at in range(0, len(content), PORTION):
                    part = content[at : at + PORTION]
                    await _say(connection, len(part).to_bytes(4, "big") + part)
                await _say(connection, bytes(4))
            answer = await _answer(connection)
        if answer == "stream: OK":
            return True
        if answer.startswith("stream: ") and answer.endswith(" FOUND"):
            return False
        if answer.startswith("INSTREAM size limit exceeded"):
            raise TooLargeToScan
        raise ScannerAway("NotUnderstood")

    async def version(self) -> str:
        """Such as `ClamAV 1.4.6/27819/Mon Nov 23 08:26:11 2026`: program, signatures and their age."""
        async with self._connected() as connection:
            await _say(connection, b"zVERSION\0")
            answer = await _answer(connection)
        if not answer.startswith("ClamAV "):
            raise ScannerAway("NotUnderstood")
        return answer

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[socket.socket]:
        """A plain socket: asyncio's streams throw away what was said when the other side stops listening."""
        try:
            async with asyncio.timeout(self._timeout):
                with await self._open() as connection:
                    yield connection
        except OSError as failed:  # a time-out is one, too
            raise ScannerAway(type(failed).__name__) from None

    async def _open(self) -> socket.socket:
        if self._where.scheme == "unix":
            return await _connection(socket.AF_UNIX, self._where.path)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._where.hostname, self._where.port, type=socket.SOCK_STREAM)
        *others, last = found  # a name may lead to IPv6 first, where nobody listens
        for family, _, _, _, address in others:
            with suppress(OSError):
                return await _connection(family, address)
        return await _connection(last[0], last[4])


async def _connection(family: int, address: object) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, address)  # type: ignore[arg-type]
    except BaseException:
        connection.close()
        raise
    return connection


async def _say(connection: socket.socket, words: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(connection, words)


async def _answer(connection: socket.socket) -> str:
    """Up to the zero byte. Raises `ScannerAway` for an answer that is cut, or longer than any of clamd's."""
    said = b""
    while not said.endswith(b"\0"):
        part = await asyncio.get_running_loop().sock_recv(connection, LONGEST_ANSWER)
        if not part or len(said) + len(part) > LONGEST_ANSWER:
            raise ScannerAway("NotUnderstood")
        said += part
    return said[:-1].decode("utf-8", "replace")
