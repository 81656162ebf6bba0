"""Mail by SMTP: any server, with or without TLS and a password.

What says nothing about the message (no connection, a wrong password, a sender that the server does not know) is tried
again, so that nothing is lost while an operator mends it; only a refused recipient or refused content is final.
"""

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib
from email_validator import EmailNotValidError, validate_email

from activities.delivery.channels import Delayed, Mail, Undeliverable

GOODBYE_SECONDS = 2.0  # the message is accepted by then; nobody should wait for the server's farewell
NOT_ABOUT_THE_MESSAGE = frozenset({530, 534, 535, 538})  # RFC 4954 section 6: the server wants us to sign in
QUEUE_ID = re.compile(r"(?:queued as|\bid=|^(?:2\.\d\.\d )?Ok) ?([A-Za-z0-9][\w.-]{5,63})", re.IGNORECASE)
"""Where Postfix, Exim and Amazon SES name the message in their last answer."""


@dataclass(frozen=True)
class Server:
    """Where and how to connect. `start_tls` None: when the server offers it."""

    host: str
    port: int
    use_tls: bool
    start_tls: bool | None
    username: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> "Server":
        """`smtp://`, `smtp+starttls://` or `smtps://`, with user and password (percent-encoded).

        Over `smtp://` a password demands STARTTLS too, unless the server is on this machine: it must not travel
        in the clear because somebody in between hid the offer. Raises `ValueError` without repeating the address.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtp+starttls", "smtps"} or not parts.hostname:
            raise ValueError("an SMTP address begins with smtp://, smtp+starttls:// or smtps:// and names a host")
        demanded = parts.scheme == "smtp+starttls" or (bool(parts.password) and not _is_here(parts.hostname))
        use_tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if use_tls else 587 if demanded else 25),
            use_tls=use_tls,
            start_tls=False if use_tls else True if demanded else None,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"


class SmtpCarrier:
    """One connection per message. `timeout` (seconds) is for all of it, from connecting to the server's last answer."""

    def __init__(
        self, url: str, *, sender: str, sender_name: str, host: str, timeout: float, tls: ssl.SSLContext | None = None
    ) -> None:
        self._server = Server.parse(url)
        self._sender, self._sender_name, self._host = sender, sender_name, host
        self._timeout, self._tls = timeout, tls

    async def carry(self, message: Mail) -> str:
        recipient = deliverable(message.to)
        composed = compose(message, recipient, Address(self._sender_name, addr_spec=self._sender), datetime.now(UTC))
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout):
                await self._connect(client)
                answer = await self._hand_over(client, composed, recipient.addr_spec)
            await _part(client)
        except TimeoutError:
            raise Delayed("Timeout") from None
        finally:
            client.close()
        found = QUEUE_ID.search(answer)
        return found.group(1) if found else ""

    async def greet(self) -> None:
        """Connect and sign in as for a message, and send none. Raises `Delayed`."""
        client = self._client()
        try:
            async with asyncio.timeout(self._timeout):
                await self._connect(client)
            await _part(client)
        except TimeoutError:
            raise Delayed("Timeout") from None
        finally:
            client.close()

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            tls_context=self._tls,
            timeout=self._timeout,
            local_hostname=self._host,
        )

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as failed:
            raise Delayed(_kind(failed)) from None

    async def _hand_over(self, client: aiosmtplib.SMTP, composed: EmailMessage, recipient: str) -> str:
        try:
            _, answer = await client.send_message(composed, sender=self._sender, recipients=[recipient])
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _verdict(refused.recipients[0]) from None
        except aiosmtplib.SMTPDataError as refused:
            raise _verdict(refused) from None
        except (aiosmtplib.SMTPNotSupported, ValueError) as failed:
            # The address needs something that this server does not know, or cannot stand in a command at all.
            raise Undeliverable(_kind(failed)) from None
        except (aiosmtplib.SMTPException, OSError) as failed:
            raise Delayed(_kind(failed)) from None
        return answer


def deliverable(address: str) -> Address:
    """The address, its domain in ASCII so that servers without SMTPUTF8 take it. Raises `Undeliverable`.

    Checked here too, because an address with a gap or a bracket in it would be a command to the server.
    """
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False, allow_quoted_local=True)
    except EmailNotValidError:
        raise Undeliverable("BadAddress") from None
    return Address(username=found.local_part, domain=found.ascii_domain)


def compose(mail: Mail, recipient: Address, sender: Address, at: datetime) -> EmailMessage:
    """The mail as it travels: text and HTML as alternatives, UTF-8, never answered by machines (RFC 3834)."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


def _verdict(refused: aiosmtplib.SMTPResponseException) -> Undeliverable | Delayed:
    final = refused.code >= 500 and refused.code not in NOT_ABOUT_THE_MESSAGE
    return Undeliverable(_kind(refused)) if final else Delayed(_kind(refused))


def _kind(failed: Exception) -> str:
    code = getattr(failed, "code", None)
    return f"{type(failed).__name__} {code}" if isinstance(code, int) else type(failed).__name__


async def _part(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):  # the message is accepted; nothing hangs on this
        await client.quit(timeout=GOODBYE_SECONDS)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
