"""Text messages leave by HTTP: signed for a webhook, as a form for Twilio."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from activities.delivery.channels import Delayed, Text, Undeliverable
from activities.delivery.sms_twilio import TwilioCarrier
from activities.delivery.sms_webhook import WebhookCarrier
from tests.activities.post_office import WEBHOOK_SECRET, Provider, listener, never_answers, provider
from tests.people import ADA

MESSAGE = Text(ADA.phone, "073104 is your code – ok?\n\n@help.larkfield.example #073104", "7F3KQ2M9XA.code.1")
BOTH = pytest.mark.parametrize("kind", ["webhook", "twilio"])


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=5, trust_env=False) as opened:
        yield opened


@pytest.fixture
async def phone_company() -> AsyncIterator[Provider]:
    async with provider() as started:
        yield started


def carrier(kind: str, client: httpx2.AsyncClient, url: str) -> WebhookCarrier | TwilioCarrier:
    if kind == "webhook":
        return WebhookCarrier(client, f"{url}/sms", secret=WEBHOOK_SECRET, sender="Larkfield")
    return TwilioCarrier(client, url, account="AC0001", token="token", sender="+447700900000")


async def test_the_webhook_is_signed_and_says_who_to_whom(client: httpx2.AsyncClient, phone_company: Provider) -> None:
    phone_company.answer = '{"id": "provider-7"}'
    assert await carrier("webhook", client, phone_company.url).carry(MESSAGE) == "provider-7"
    (posted,) = phone_company.posted
    said = Webhook(WEBHOOK_SECRET).verify(posted.body, posted.headers)
    assert said == {"to": ADA.phone, "from": "Larkfield", "text": MESSAGE.text, "id": MESSAGE.id}
    assert posted.path == "/sms"
    assert posted.headers["content-type"] == "application/json"


async def test_a_changed_webhook_no_longer_fits_its_signature(
    client: httpx2.AsyncClient, phone_company: Provider
) -> None:
    await carrier("webhook", client, phone_company.url).carry(MESSAGE)
    (posted,) = phone_company.posted
    with pytest.raises(WebhookVerificationError):
        Webhook(WEBHOOK_SECRET).verify(posted.body.replace("900001", "900666"), posted.headers)


async def test_the_webhook_id_stays_the_same_on_a_retry(client: httpx2.AsyncClient, phone_company: Provider) -> None:
    for _ in range(2):
        await carrier("webhook", client, phone_company.url).carry(MESSAGE)
    assert [posted.headers["webhook-id"] for posted in phone_company.posted] == [MESSAGE.id, MESSAGE.id]
    assert [json.loads(posted.body)["id"] for posted in phone_company.posted] == [MESSAGE.id, MESSAGE.id]


async def test_twilio_gets_a_form_and_our_name(client: httpx2.AsyncClient, phone_company: Provider) -> None:
    phone_company.status, phone_company.answer = 201, '{"sid": "SM0001", "status": "queued"}'
    assert await carrier("twilio", client, phone_company.url).carry(MESSAGE) == "SM0001"
    (posted,) = phone_company.posted
    assert posted.path == "/2010-04-01/Accounts/AC0001/Messages.json"
    assert posted.headers["content-type"] == "application/x-www-form-urlencoded"
    assert posted.headers["authorization"] == "Basic QUMwMDAxOnRva2Vu"
    assert parse_qs(posted.body) == {"To": [ADA.phone], "From": ["+447700900000"], "Body": [MESSAGE.text]}


async def test_twilio_sends_from_a_pool_of_numbers_too(client: httpx2.AsyncClient, phone_company: Provider) -> None:
    pool = TwilioCarrier(client, phone_company.url + "/", account="AC0001", token="token", sender="MG0009")
    await pool.carry(MESSAGE)
    assert parse_qs(phone_company.posted[0].body)["MessagingServiceSid"] == ["MG0009"]


@BOTH
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Undeliverable),
        (422, Undeliverable),
        (410, Undeliverable),
        (401, Delayed),
        (403, Delayed),
        (404, Delayed),
        (408, Delayed),
        (429, Delayed),
        (500, Delayed),
        (503, Delayed),
        (302, Delayed),
    ],
)
async def test_what_speaks_of_the_message_is_final_and_nothing_else(
    client: httpx2.AsyncClient, phone_company: Provider, kind: str, status: int, outcome: type[Exception]
) -> None:
    phone_company.status, phone_company.answer = status, f'{{"message": "The number {ADA.phone} is not valid"}}'
    with pytest.raises(outcome, match=f"HTTP {status}") as refused:
        await carrier(kind, client, phone_company.url).carry(MESSAGE)
    assert ADA.phone not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@BOTH
async def test_a_provider_that_does_not_answer_is_tried_again(kind: str) -> None:
    async with httpx2.AsyncClient(timeout=0.2, trust_env=False) as hasty, listener(never_answers) as port:
        with pytest.raises(Delayed, match="ReadTimeout"):
            await carrier(kind, hasty, f"http://127.0.0.1:{port}").carry(MESSAGE)


@BOTH
async def test_nobody_listening_is_tried_again(client: httpx2.AsyncClient, kind: str) -> None:
    async with listener(never_answers) as port:
        pass
    with pytest.raises(Delayed, match="ConnectError"):
        await carrier(kind, client, f"http://127.0.0.1:{port}").carry(MESSAGE)


@BOTH
@pytest.mark.parametrize("answer", ["", "fine", "[]", '{"id": 7, "sid": null}', "[" * 100_000])
async def test_an_answer_without_an_id_is_still_a_success(
    client: httpx2.AsyncClient, phone_company: Provider, kind: str, answer: str
) -> None:
    phone_company.answer = answer
    assert await carrier(kind, client, phone_company.url).carry(MESSAGE) == ""


@BOTH
async def test_a_provider_that_talks_without_end_has_taken_the_message(client: httpx2.AsyncClient, kind: str) -> None:
    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        while True:
            writer.write(b" " * 65_536)
            await writer.drain()

    async with listener(talks) as port, asyncio.timeout(5):
        assert await carrier(kind, client, f"http://127.0.0.1:{port}").carry(MESSAGE) == ""


@BOTH
async def test_a_provider_that_hangs_up_after_its_status_has_taken_the_message(
    client: httpx2.AsyncClient, kind: str
) -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{")
        await writer.drain()

    async with listener(hangs_up) as port:
        assert await carrier(kind, client, f"http://127.0.0.1:{port}").carry(MESSAGE) == ""
