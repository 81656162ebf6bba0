"""Mail leaves by a real SMTP conversation, whatever the server is like."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter

from activities.delivery.channels import Delayed, Mail, Undeliverable
from activities.delivery.smtp import Server, SmtpCarrier
from tests.activities.post_office import MailServer, hangs_up, listener, mail_server, never_answers, only_ada
from tests.people import ADA

MESSAGE_ID = "<7F3KQ2M9XA.code.1@help.larkfield.example>"


def to(address: str = ADA.email) -> Mail:
    return Mail(
        to=address,
        subject="Your code — für dich",
        text="It works until 14:41.\nhttps://help.larkfield.example/link/" + "a" * 80 + "\n",
        html="<p>It works until 14:41 • today.</p>",
        message_id=MESSAGE_ID,
        headers={"Reply-To": "help@larkfield.example"},
    )


def carrier(url: str, *, timeout: float = 5, tls: ssl.SSLContext | None = None) -> SmtpCarrier:
    return SmtpCarrier(
        url,
        sender="help@larkfield.example",
        sender_name="Larkfield",
        host="help.larkfield.example",
        timeout=timeout,
        tls=tls,
    )


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as started:
        yield started


# ---- what arrives -------------------------------------------------------------------------------------------


async def test_a_mail_arrives_with_text_and_html(server: MailServer) -> None:
    queue_id = await carrier(server.url).carry(to())
    (message,) = server.caught
    assert queue_id == "4XyZ7Q"
    assert message["Subject"] == "Your code — für dich"
    assert message["From"] == "Larkfield <help@larkfield.example>"
    assert message["To"] == ADA.email
    assert message["Reply-To"] == "help@larkfield.example"
    assert message["Message-ID"] == MESSAGE_ID
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().splitlines() == to().text.splitlines()
    assert html.get_content().strip() == to().html
    assert text.get_content_charset() == html.get_content_charset() == "utf-8"


async def test_the_date_is_now_and_says_its_zone(server: MailServer) -> None:
    await carrier(server.url).carry(to())
    date = parsedate_to_datetime(server.caught[0]["Date"])
    assert abs(datetime.now(UTC) - date) < timedelta(minutes=1)


async def test_a_message_id_is_never_folded_or_encoded(server: MailServer) -> None:
    long = f"<7F3KQ2M9XA.password-not-set.1795435200000.0123456789ab@{'help.' * 12}larkfield.example>"
    mail = to()
    await carrier(server.url).carry(Mail(mail.to, mail.subject, mail.text, mail.html, long))
    assert server.caught[0]["Message-ID"] == long
    assert long.encode() in (server.envelopes[0].original_content or b"")


async def test_a_domain_with_umlauts_travels_in_ascii(server: MailServer) -> None:
    await carrier(server.url).carry(to("ada@bücher.example"))
    assert server.envelopes[0].rcpt_tos == ["ada@xn--bcher-kva.example"]


async def test_a_name_with_umlauts_needs_a_server_that_knows_them(server: MailServer) -> None:
    await carrier(server.url).carry(to("zoë@example.com"))
    assert server.envelopes[0].rcpt_tos == ["zoë@example.com"]


@pytest.mark.parametrize(
    "address",
    ["ada", "ada@ex ample.com", "ada@example.com\r\nRCPT TO:<eve@example.net>", "<ada@example.com> NOTIFY=NEVER"],
)
async def test_what_is_no_address_never_reaches_the_server(server: MailServer, address: str) -> None:
    with pytest.raises(Undeliverable):
        await carrier(server.url).carry(to(address))
    assert server.caught == []


# ---- what goes wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "reply", "outcome"),
    [
        ("rcpt", "550 5.1.1 <ada@example.com> no such mailbox", Undeliverable),
        ("rcpt", "553 5.1.3 bad address", Undeliverable),
        ("rcpt", "530 5.7.0 authentication required", Delayed),
        ("rcpt", "450 4.2.1 <ada@example.com> try later", Delayed),
        ("rcpt", "421 4.3.2 closing", Delayed),
        ("data", "554 5.7.1 refused for ada@example.com", Undeliverable),
        ("data", "451 4.3.0 disk full", Delayed),
    ],
)
async def test_a_refusal_is_final_only_if_the_server_says_so(
    server: MailServer, where: str, reply: str, outcome: type[Exception]
) -> None:
    setattr(server, where, reply)
    with pytest.raises(outcome) as refused:
        await carrier(server.url).carry(to())
    assert reply[:3] in str(refused.value)
    assert server.caught == []


async def test_nothing_in_a_failure_repeats_the_address(server: MailServer) -> None:
    server.rcpt = "550 5.1.1 <ada@example.com> no such mailbox"
    with pytest.raises(Undeliverable) as refused:
        await carrier(server.url).carry(to())
    failure = Failure()
    await DataConverter.default.encode_failure(refused.value, failure)
    assert failure.application_failure_info.non_retryable
    assert not failure.HasField("cause")
    assert "ada" not in str(failure)


async def test_a_slow_server_is_given_up_in_time(server: MailServer) -> None:
    server.wait = asyncio.Event()
    with pytest.raises(Delayed, match="Timeout"):
        await carrier(server.url, timeout=0.2).carry(to())
    server.wait.set()


@pytest.mark.parametrize("answer", [never_answers, hangs_up])
async def test_a_server_that_is_none_is_tried_again(answer: Any) -> None:
    async with listener(answer) as port:
        with pytest.raises(Delayed):
            await carrier(f"smtp://127.0.0.1:{port}", timeout=0.5).carry(to())


async def test_nobody_listening_is_tried_again(server: MailServer) -> None:
    async with listener(never_answers) as port:
        pass
    with pytest.raises(Delayed, match="SMTPConnectError"):
        await carrier(f"smtp://127.0.0.1:{port}").carry(to())


async def test_a_server_that_never_says_goodbye_has_still_taken_the_mail(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_goodbye(*_: Any, **__: Any) -> None:
        raise TimeoutError

    monkeypatch.setattr("aiosmtplib.SMTP.quit", no_goodbye)
    assert await carrier(server.url).carry(to()) == "4XyZ7Q"


# ---- passwords and TLS --------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of the server, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "mail.pem"
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain) + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


async def test_starttls_and_a_password(certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    theirs, ours = certificate
    async with mail_server(tls=theirs, authenticator=only_ada, auth_required=True, require_starttls=True) as server:
        url = server.url.replace("smtp://", "smtp+starttls://ada:p%40ss%20word@")
        await carrier(url, tls=ours).carry(to())
    assert len(server.caught) == 1


async def test_tls_from_the_start(certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    theirs, ours = certificate
    async with mail_server(tls=theirs, implicit=True) as server:
        await carrier(server.url.replace("smtp", "smtps"), tls=ours).carry(to())
    assert len(server.caught) == 1


async def test_an_unknown_certificate_is_not_trusted(certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async with mail_server(tls=certificate[0]) as server:
        with pytest.raises(Delayed):
            await carrier(server.url.replace("smtp", "smtp+starttls")).carry(to())
    assert server.caught == []


async def test_demanded_tls_that_is_not_offered_sends_nothing(server: MailServer) -> None:
    with pytest.raises(Delayed):
        await carrier(server.url.replace("smtp", "smtp+starttls")).carry(to())
    assert server.caught == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_wrong_password_is_for_an_operator_to_mend() -> None:
    async with mail_server(authenticator=only_ada, auth_required=True, auth_require_tls=False) as server:
        url = server.url.replace("smtp://", "smtp://ada:wrong@")
        with pytest.raises(Delayed, match="SMTPAuthenticationError 535"):
            await carrier(url).carry(to())


@pytest.mark.parametrize(
    ("url", "port", "use_tls", "start_tls"),
    [
        ("smtp://mail.example", 25, False, None),
        ("smtp://mail.example:1025", 1025, False, None),
        ("smtp://ada:secret@mail.example", 587, False, True),
        ("smtp://ada:secret@localhost:1025", 1025, False, None),
        ("smtp+starttls://mail.example", 587, False, True),
        ("smtps://ada:secret@mail.example", 465, True, False),
    ],
)
def test_a_password_never_travels_in_the_clear(url: str, port: int, use_tls: bool, start_tls: bool | None) -> None:
    server = Server.parse(url)
    assert (server.port, server.use_tls, server.start_tls) == (port, use_tls, start_tls)
    assert "secret" not in repr(server)


@pytest.mark.parametrize("url", ["", "http://mail.example", "smtp://", "ada:secret@mail.example"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="an SMTP address begins with") as refused:
        Server.parse(url)
    assert "secret" not in str(refused.value)
