import json
import smtplib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import httpx2
import pytest
from standardwebhooks import Webhook

from development import catcher, keys
from development.ports import LOOPBACK, free_block, is_answering
from development.processes import Child

SMS = {"to": "+447700900003", "from": "Larkfield", "text": "Your code is 123 456", "id": "one"}


@dataclass(frozen=True)
class Running:
    mailbox: Path
    smtp_port: int
    sms_url: str
    secret: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    var, base, secret = tmp_path_factory.mktemp("catcher"), free_block(), keys.fresh_webhook_secret()
    mailbox = var / "mailbox"
    ports = ["--smtp-port", str(base), "--sms-port", str(base + 1)]
    child = Child(
        "catcher",
        [sys.executable, "-m", "development.catcher", "--mailbox", str(mailbox), *ports],
        log=var / "log",
        env={"REINSTATE_SMS_SECRET": secret},
    )
    child.start()
    while not (is_answering(base) and is_answering(base + 1)):
        assert child.is_alive(), child.last_words()
    yield Running(mailbox, base, f"http://{LOOPBACK}:{base + 1}/sms", secret)
    child.stop(grace=5)


@pytest.fixture(autouse=True)
def empty_mailbox(running: Running) -> None:
    catcher.empty(running.mailbox)


def send_mail(running: Running, *receivers: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "help@larkfield.example", receivers[0], "Your code · Größe"
    mail["Message-ID"] = "<one@larkfield.example>"
    mail.set_content("Your code is 123 456\n")
    mail.add_alternative("<p>Your code is <b>123 456</b></p>\n", subtype="html")
    with smtplib.SMTP(LOOPBACK, running.smtp_port) as server:
        server.send_message(mail, to_addrs=list(receivers))


def send_sms(running: Running, secret: str, body: bytes) -> int:
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("one", now, body.decode())
    headers = {
        "webhook-id": "one",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
        "content-type": "application/json",
    }
    return httpx2.post(running.sms_url, content=body, headers=headers).status_code


def test_mail_is_kept_in_all_its_parts(running: Running) -> None:
    send_mail(running, "ada@example.com")
    (caught,) = catcher.read_all(running.mailbox)
    assert (caught.channel, caught.to, caught.sender) == ("email", "ada@example.com", "help@larkfield.example")
    assert caught.subject == "Your code · Größe"
    assert caught.text == "Your code is 123 456\n"
    assert caught.html == "<p>Your code is <b>123 456</b></p>\n"
    assert caught.message_id == "<one@larkfield.example>"
    assert "Message-ID: <one@larkfield.example>" in caught.headers
    assert "123 456" not in caught.headers


def test_mail_sent_twice_is_kept_twice_in_order(running: Running) -> None:
    send_mail(running, "ada@example.com")
    send_mail(running, "ada@example.com")
    first, second = catcher.read_all(running.mailbox)
    assert first.message_id == second.message_id
    assert first.id != second.id
    assert first.at <= second.at


def test_every_receiver_of_the_envelope_is_named(running: Running) -> None:
    send_mail(running, "olu@example.com", "olu@work.example.com")
    (caught,) = catcher.read_all(running.mailbox)
    assert caught.to == "olu@example.com, olu@work.example.com"


def test_signed_sms_sent_twice_is_kept_twice(running: Running) -> None:
    body = json.dumps(SMS).encode()
    assert [send_sms(running, running.secret, body) for _ in range(2)] == [202, 202]
    first, second = catcher.read_all(running.mailbox)
    assert (first.channel, first.to, first.sender, first.text) == ("sms", SMS["to"], SMS["from"], SMS["text"])
    assert first.message_id == second.message_id == "one"


def test_unsigned_sms_is_refused(running: Running) -> None:
    assert httpx2.post(running.sms_url, json=SMS).status_code == 401
    assert catcher.read_all(running.mailbox) == []


def test_sms_signed_with_another_secret_is_refused(running: Running) -> None:
    assert send_sms(running, keys.fresh_webhook_secret(), json.dumps(SMS).encode()) == 401
    assert catcher.read_all(running.mailbox) == []


def test_sms_without_a_receiver_is_refused(running: Running) -> None:
    assert send_sms(running, running.secret, b'{"text": "to nobody"}') == 422


def test_an_unfinished_file_is_no_message(running: Running) -> None:
    (running.mailbox / "half.part").write_text('{"id": ')
    assert catcher.read_all(running.mailbox) == []


def test_a_mailbox_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert catcher.read_all(tmp_path / "nothing") == []
