"""The mail and SMS catcher: a real SMTP server and a real HTTP endpoint that keep every single delivery.

It runs as a process of its own (`python -m development.catcher`) and folds nothing: a message that was delivered twice
is kept twice. The mailbox is a folder with one JSON file per delivery, so that any process can read it.
"""

import argparse
import asyncio
import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from development.ports import LOOPBACK

SMS_FIELDS = ("to", "from", "text", "id")
MAX_MAIL = 1_000_000
"""Bytes of one mail; ours have a few thousand."""


@dataclass(frozen=True)
class CaughtMessage:
    """One delivery as it arrived. `at` is ISO 8601 in UTC; `to` holds every receiver of the envelope, with commas.

    `message_id` is the mail's Message-ID or the SMS's id; `headers` is the raw text of all headers.
    """

    id: str
    at: str
    channel: Literal["email", "sms"]
    to: str
    sender: str
    subject: str
    text: str
    html: str
    message_id: str
    headers: str


def read_all(mailbox: Path) -> list[CaughtMessage]:
    """Every delivery, oldest first. A mailbox that does not exist is empty."""
    return [CaughtMessage(**json.loads(file.read_text())) for file in sorted(mailbox.glob("*.json"))]


def empty(mailbox: Path) -> None:
    """Forget everything that was caught so far."""
    for file in mailbox.glob("*.json"):
        file.unlink(missing_ok=True)


def keep(mailbox: Path, message: CaughtMessage) -> None:
    """Write one delivery; readers see all of it or nothing."""
    mailbox.mkdir(parents=True, exist_ok=True)
    unfinished = mailbox / f"{message.id}.part"
    unfinished.write_text(json.dumps(asdict(message), ensure_ascii=False, indent=1))
    unfinished.rename(mailbox / f"{message.id}.json")


def _new_id() -> str:
    """Sorts by time of arrival."""
    return f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"


class MailHandler:
    """What aiosmtpd calls when a mail is complete."""

    def __init__(self, mailbox: Path) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002
        raw = envelope.content or b""
        keep(self._mailbox, _caught_mail(raw if isinstance(raw, bytes) else raw.encode(), envelope))
        return "250 OK: caught"


def _caught_mail(raw: bytes, envelope: Envelope) -> CaughtMessage:
    mail = message_from_bytes(raw, policy=policy.default)
    return CaughtMessage(
        id=_new_id(),
        at=datetime.now(UTC).isoformat(),
        channel="email",
        to=", ".join(envelope.rcpt_tos),
        sender=envelope.mail_from or "",
        subject=str(mail["Subject"] or ""),
        text=_body(mail, "plain"),
        html=_body(mail, "html"),
        message_id=str(mail["Message-ID"] or ""),
        headers=raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode(errors="replace"),
    )


def _body(mail: EmailMessage, kind: Literal["plain", "html"]) -> str:
    part = mail.get_body(preferencelist=(kind,))
    # SMTP ends lines with CRLF; people and tests read text.
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def sms_app(mailbox: Path, secret: str) -> Starlette:
    """`POST /sms` with JSON `{to, from, text, id}`, signed as Standard Webhooks say; 401 when it is not."""
    webhook = Webhook(secret)

    async def receive(request: Request) -> Response:
        body = await request.body()
        try:
            sms = webhook.verify(body, dict(request.headers))
        except WebhookVerificationError:
            return JSONResponse({"error": "the signature is missing or wrong"}, HTTPStatus.UNAUTHORIZED)
        if not isinstance(sms, dict) or not all(
            isinstance(sms.get(name), str) for name in ("to", "from", "text", "id")
        ):
            return JSONResponse({"error": "to, from, text and id are needed"}, HTTPStatus.UNPROCESSABLE_ENTITY)
        message = _caught_sms(sms, request.headers)
        keep(mailbox, message)
        return JSONResponse({"id": message.id}, HTTPStatus.ACCEPTED)

    return Starlette(routes=[Route("/sms", receive, methods=["POST"])])


def _caught_sms(sms: Mapping[str, str], headers: Mapping[str, str]) -> CaughtMessage:
    return CaughtMessage(
        id=_new_id(),
        at=datetime.now(UTC).isoformat(),
        channel="sms",
        to=sms["to"],
        sender=sms["from"],
        subject="",
        text=sms["text"],
        html="",
        message_id=sms["id"],
        headers="\n".join(f"{name}: {value}" for name, value in headers.items()),
    )


async def serve(mailbox: Path, *, smtp_port: int, sms_port: int, secret: str) -> None:
    """Both servers, on the loopback interface only, until SIGINT or SIGTERM."""
    app = sms_app(mailbox, secret)
    handler = MailHandler(mailbox)
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(
        lambda: SMTP(handler, hostname="localhost", data_size_limit=MAX_MAIL, enable_SMTPUTF8=True, loop=loop),
        LOOPBACK,
        smtp_port,
    )
    config = uvicorn.Config(
        app, host=LOOPBACK, port=sms_port, log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )
    async with mail:
        await uvicorn.Server(config).serve()


def main() -> None:
    arguments = argparse.ArgumentParser(description="Catch mail and SMS.")
    arguments.add_argument("--mailbox", type=Path, required=True)
    arguments.add_argument("--smtp-port", type=int, required=True)
    arguments.add_argument("--sms-port", type=int, required=True)
    chosen = arguments.parse_args()
    secret = os.environ["REINSTATE_SMS_SECRET"]
    chosen.mailbox.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(chosen.mailbox, smtp_port=chosen.smtp_port, sms_port=chosen.sms_port, secret=secret))


if __name__ == "__main__":
    main()
