"""A mail server and an SMS provider with moods. What they took lies in the town's mailbox, every delivery of it.

They run in a thread of their own, because a town is used without an event loop.
"""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from development.catcher import CaughtMessage, MailHandler, _new_id, keep
from development.ports import LOOPBACK, free_block

PATIENCE = 2.0
"""Seconds that the worker waits for a mail server or an SMS provider in these tests."""


class Mood(StrEnum):
    WELL = "well"
    DOWN = "down"
    """Nobody listens."""
    SLOW = "slow"
    """Takes connections, and answers after the worker has given up."""
    REFUSING = "refusing"
    """451 by mail, 500 by HTTP: not now."""
    REFUSING_FOR_GOOD = "refusing for good"
    DROPPING = "dropping"
    """Takes the whole message and hangs up instead of answering."""
    LYING = "lying"
    """200 with nonsense in it, and nothing is delivered."""
    ENDLESS = "endless"
    """Takes the message, says 200, and goes on talking."""


class Office:
    """A server whose mood can be changed from the test's thread."""

    def __init__(self, mailbox: Path) -> None:
        self.mailbox, self.port, self.mood = mailbox, free_block(), Mood.WELL
        self.visits = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None

    async def listen(self) -> asyncio.Server:
        raise NotImplementedError

    def open(self) -> None:
        self._thread.start()
        self._server = self._do(self.listen())

    def close(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @contextmanager
    def being(self, mood: Mood) -> Iterator[None]:
        """In this mood until the end of the block."""
        self.mood = mood
        if mood is Mood.DOWN and self._server:
            self._do(self._shut())
        try:
            yield
        finally:
            self.mood = Mood.WELL
            if mood is Mood.DOWN:
                self._server = self._do(self.listen())

    async def _shut(self) -> None:
        if self._server:
            self._server.close()

    async def _end(self) -> None:
        await self._shut()
        mine = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


class MailOffice(Office):
    async def listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: SMTP(self, hostname="mail.example", enable_SMTPUTF8=True, loop=loop), LOOPBACK, self.port
        )

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.visits += 1
        if self.mood is Mood.SLOW:
            await asyncio.sleep(PATIENCE + 1)
            return "451 4.3.2 too late"
        if self.mood is Mood.REFUSING:
            return "451 4.3.2 not now"
        if self.mood is Mood.REFUSING_FOR_GOOD:
            return "550 5.1.1 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await MailHandler(self.mailbox).handle_DATA(server, session, envelope)
        if self.mood is Mood.DROPPING:
            server.transport.abort()
        return answer


class TextOffice(Office):
    async def listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            sms = json.loads(await reader.readexactly(length))
            self.visits += 1
            await self._answer(writer, sms)
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, sms: dict[str, str]) -> None:
        match self.mood:
            case Mood.SLOW:
                await asyncio.sleep(PATIENCE + 1)
                return
            case Mood.REFUSING:
                await _say(writer, "500 Internal Server Error", b"<h1>Sorry</h1>")
                return
            case Mood.LYING:
                await _say(writer, "200 OK", b'{"id": [1, 2], "status": \xff')
                return
        self._keep(sms)
        if self.mood is Mood.ENDLESS:
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
            while True:
                writer.write(b"{" * 65_536)
                await writer.drain()
        if self.mood is not Mood.DROPPING:
            await _say(writer, "202 Accepted", b'{"id": "text-1"}')

    def _keep(self, sms: dict[str, str]) -> None:
        at = datetime.now(UTC).isoformat()
        keep(
            self.mailbox,
            CaughtMessage(_new_id(), at, "sms", sms["to"], sms["from"], "", sms["text"], "", sms["id"], ""),
        )


async def _say(writer: asyncio.StreamWriter, status: str, body: bytes) -> None:
    writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
    await writer.drain()
