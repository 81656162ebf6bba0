"""What delivery is tested against: a real SMTP server, a real HTTP server, and a house with one case in it.

Everything listens on a free port of this machine, in the test's own event loop.
"""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from activities.delivery.channels import Carrier, Mail, Text
from activities.delivery.render import Platform, Renderer
from activities.delivery.sender import Sender
from domain.policy import Policy
from storage.engine import Database
from storage.keys import Rings
from storage.models import CaseRow
from storage.people import RowKeys
from tests.people import NOON, REFERENCE

LARKFIELD = Platform(
    name="Larkfield",
    sender="help@larkfield.example",
    help="help@larkfield.example",
    public_url="https://help.larkfield.example",
)
WEBHOOK_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


# ---- mail ---------------------------------------------------------------------------------------------------


@dataclass
class MailServer:
    """Takes everything, unless told what to answer. `rcpt`, `data`: a reply such as `550 no such mailbox`."""

    port: int = 0
    rcpt: str = ""
    data: str = ""
    wait: asyncio.Event | None = None
    caught: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.wait:
            await self.wait.wait()
        if self.data:
            return self.data
        message = BytesParser(policy=default).parsebytes(envelope.original_content or b"")
        assert isinstance(message, EmailMessage)
        self.caught.append(message)
        self.envelopes.append(envelope)
        return "250 2.0.0 Ok: queued as 4XyZ7Q"


@contextlib.asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, implicit: bool = False, **options: Any
) -> AsyncIterator[MailServer]:
    """A server that offers STARTTLS if `tls` is given, or speaks TLS from the start if `implicit`."""
    kept, loop = MailServer(), asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            kept,
            hostname="mail.example",
            enable_SMTPUTF8=True,
            tls_context=None if implicit else tls,
            loop=loop,
            **options,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if implicit else None)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()


def only_ada(server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: Any) -> AuthResult:
    """Lets in `ada` with `p@ss word`, and nobody else."""
    right = isinstance(auth_data, LoginPassword) and auth_data == LoginPassword(b"ada", b"p@ss word")
    return AuthResult(success=right, handled=False)


@contextlib.asynccontextmanager
async def listener(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """The port of something that is no proper server."""
    busy: set[asyncio.Task[Any]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        busy.add(task)
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            busy.discard(task)
            writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(busy):
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets, listens to one line, and is gone."""
    writer.write(b"220 mail.example\r\n")
    await reader.readline()


# ---- text messages ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Posted:
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Provider:
    """An HTTP server that answers every POST with `status` and `answer`."""

    port: int = 0
    status: int = 200
    answer: str = "{}"
    posted: list[Posted] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        self.posted.append(Posted(head[0].split(" ")[1], headers, body.decode()))
        answer = self.answer.encode()
        writer.write(
            f"HTTP/1.1 {self.status} Fine\r\ncontent-length: {len(answer)}\r\nconnection: close\r\n\r\n".encode()
        )
        writer.write(answer)
        await writer.drain()


@contextlib.asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    kept = Provider()
    async with listener(kept.serve) as port:
        kept.port = port
        yield kept


# ---- the house ----------------------------------------------------------------------------------------------


@dataclass
class Hand:
    """A carrier that keeps what it is given. `fails` names for each address what is raised instead."""

    taken: list[Any] = field(default_factory=list)
    fails: dict[str, Exception] = field(default_factory=dict)

    async def carry(self, message: Any) -> str:
        if message.to in self.fails:
            raise self.fails[message.to]
        self.taken.append(message)
        return f"taken-{len(self.taken)}"


@dataclass
class House:
    """A database with the case `REFERENCE`, keys, and a sender that hands everything to `mail` and `text`."""

    db: Database
    rings: Rings
    mail: Hand = field(default_factory=Hand)
    text: Hand = field(default_factory=Hand)

    @property
    def row_keys(self) -> RowKeys:
        return RowKeys(self.rings.row)

    def sender(self, *, mail: Carrier[Mail] | None = None, text: Carrier[Text] | None = None) -> Sender:
        renderer = Renderer(LARKFIELD)
        return Sender(self.db, self.rings, self.row_keys, renderer, mail=mail or self.mail, text=text or self.text)


async def house(db: Database, rings: Rings) -> House:
    async with db.write() as session:
        session.add(a_case())
    return House(db, rings)


def a_case() -> CaseRow:
    return CaseRow(
        reference=REFERENCE,
        kind="recovery",
        state="awaiting_code",
        opened_at=NOON,
        policy_version=Policy().version,
        opening_key="opening",
        opening={},
        snapshot={},
    )


SLOWER = Policy(
    version="slower",
    code_lifetime=timedelta(minutes=7),
    link_lifetime=timedelta(minutes=44),
    proof_window=timedelta(minutes=19),
    objection_lifetime=timedelta(days=9),
    freeze_lifetime=timedelta(hours=50),
    freeze_interval=timedelta(days=77),
    password_link_lifetime=timedelta(days=11),
    contest_wait=timedelta(days=16),
    reopen_within=timedelta(days=33),
)
"""A policy in which every number that a message may print is another one."""
