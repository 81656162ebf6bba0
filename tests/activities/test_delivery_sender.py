"""A message goes out once, with one Message-ID and one link, and leaves nothing readable behind."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from sqlalchemy import select, text

from activities.delivery.channels import Delayed, Undeliverable
from activities.delivery.objections import ObjectionScope
from activities.delivery.sender import CodeMessage, Sender
from activities.delivery.smtp import SmtpCarrier
from domain.case import Channel
from domain.policy import CURRENT_POLICY
from storage.engine import Database
from storage.keys import Ring, Rings
from storage.models import NoticeRow, ObjectionLinkRow
from storage.people import account_subject
from tests.activities.post_office import House, house, mail_server
from tests.people import ADA, NOON, REFERENCE

CODE = "073104"
TOKEN = "9sT2vQ7Kd0aLmXwPq3_ZgA"
BY_MAIL = CodeMessage(
    case=REFERENCE,
    issue=1,
    channel=Channel.EMAIL,
    address=ADA.email,
    subject=account_subject(ADA.account),
    account=ADA.account,
    code=CODE,
    link=TOKEN,
    issued_at=NOON,
    policy=CURRENT_POLICY,
)
BY_SMS = replace(BY_MAIL, channel=Channel.SMS, address=ADA.phone, issue=2)


@pytest.fixture
async def home(database: Database, rings: Rings) -> House:
    return await house(database, rings)


async def row(home: House, name: str = f"{REFERENCE}.code.1") -> NoticeRow:
    async with home.db.read() as session:
        return await session.get_one(NoticeRow, name)


async def links(home: House) -> list[ObjectionLinkRow]:
    async with home.db.read() as session:
        return list((await session.execute(select(ObjectionLinkRow))).scalars())


def not_me(message: Any) -> str:
    """The token of the "this was not me" link."""
    return str(next(line for line in message.text.splitlines() if "/not-me/" in line).rpartition("/")[2])


# ---- once ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [BY_MAIL, BY_SMS])
async def test_a_message_that_was_handed_over_is_not_sent_again(home: House, message: CodeMessage) -> None:
    for _ in range(3):
        await home.sender().send_code(message)
    assert len(home.mail.taken + home.text.taken) == 1
    kept = await row(home, f"{REFERENCE}.code.{message.issue}")
    assert (kept.state, kept.attempts, kept.provider_id) == ("handed_over", 1, "taken-1")
    assert kept.handed_over_at is not None


async def test_a_crash_after_the_handover_sends_again_under_the_same_id(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr("activities.delivery.log.DeliveryLog.handed_over", crash)
        for message in (BY_MAIL, BY_SMS):
            with pytest.raises(ConnectionError):
                await home.sender().send_code(message)
    for message in (BY_MAIL, BY_SMS):
        await home.sender().send_code(message)
    assert [mail.message_id for mail in home.mail.taken] == [f"<{REFERENCE}.code.1@help.larkfield.example>"] * 2
    assert [text.id for text in home.text.taken] == [f"{REFERENCE}.code.2"] * 2
    assert home.mail.taken[0] == home.mail.taken[1]
    assert (await row(home)).attempts == 2


async def test_the_same_message_id_travels_on_every_try(home: House) -> None:
    async with mail_server() as server:
        sender = home.sender(mail=_smtp(server.url))
        server.data = "451 4.3.0 disk full"
        with pytest.raises(Delayed):
            await sender.send_code(BY_MAIL)
        server.data = ""
        await sender.send_code(BY_MAIL)
        await sender.send_code(BY_MAIL)
    (mail,) = server.caught
    assert mail["Message-ID"] == (await row(home)).message_id == f"<{REFERENCE}.code.1@help.larkfield.example>"


async def test_every_issue_is_a_message_of_its_own(home: House) -> None:
    await home.sender().send_code(BY_MAIL)
    await home.sender().send_code(replace(BY_MAIL, issue=2))
    assert len({mail.message_id for mail in home.mail.taken}) == 2


# ---- failures -----------------------------------------------------------------------------------------------


async def test_a_delay_stays_queued_and_is_sent_later(home: House) -> None:
    home.mail.fails[ADA.email] = Delayed("SMTPConnectError")
    with pytest.raises(Delayed):
        await home.sender().send_code(BY_MAIL)
    waiting = await row(home)
    assert (waiting.state, waiting.attempts, waiting.error) == ("queued", 1, "SMTPConnectError")
    home.mail.fails.clear()
    await home.sender().send_code(BY_MAIL)
    sent = await row(home)
    assert (sent.state, sent.attempts, sent.error) == ("handed_over", 2, "")


async def test_what_can_never_arrive_is_not_tried_again(home: House) -> None:
    home.mail.fails[ADA.email] = Undeliverable("SMTPRecipientRefused 550")
    with pytest.raises(Undeliverable):
        await home.sender().send_code(BY_MAIL)
    home.mail.fails.clear()
    with pytest.raises(Undeliverable, match="SMTPRecipientRefused 550"):
        await home.sender().send_code(BY_MAIL)
    failed = await row(home)
    assert (failed.state, failed.attempts, failed.error) == ("failed", 1, "SMTPRecipientRefused 550")
    assert home.mail.taken == []


# ---- the link -----------------------------------------------------------------------------------------------


async def test_the_mailed_link_carries_reference_and_token(home: House) -> None:
    await home.sender().send_code(BY_MAIL)
    assert f"https://help.larkfield.example/link/{REFERENCE}.{TOKEN}" in home.mail.taken[0].text.splitlines()


async def test_an_objection_is_found_by_the_digest_of_its_token(home: House) -> None:
    await home.sender().send_code(BY_MAIL)
    token = not_me(home.mail.taken[0])
    (kept,) = await links(home)
    assert kept.digest in home.rings.digest.digests("objection", token)
    assert (kept.scope, kept.case_ref, kept.account_ref) == ("case", REFERENCE, ADA.account)
    assert kept.notice == f"{REFERENCE}.code.1"
    assert kept.expires_at == NOON + CURRENT_POLICY.objection_lifetime
    assert len(token) == 22  # 128 bits in base64url


def _rotated(rings: Rings) -> Rings:
    def newer(ring: Ring) -> Ring:
        return Ring({**Ring.fresh("newer").keys, **ring.keys})

    return replace(rings, issue=newer(rings.issue), digest=newer(rings.digest))


@pytest.mark.parametrize("change", [lambda rings: rings, _rotated])
async def test_a_retry_carries_the_same_link_even_after_a_rotation(
    home: House, change: Callable[[Rings], Rings], monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mail.fails[ADA.email] = Delayed("Timeout")
    with pytest.raises(Delayed):
        await home.sender().send_code(BY_MAIL)
    (before,) = await links(home)
    home.mail.fails.clear()
    home.rings = change(home.rings)
    await home.sender().send_code(BY_MAIL)
    assert [link.digest for link in await links(home)] == [before.digest]
    assert before.digest in home.rings.digest.digests("objection", not_me(home.mail.taken[0]))


async def test_two_messages_have_two_links(home: House) -> None:
    await home.sender().send_code(BY_MAIL)
    await home.sender().send_code(BY_SMS)
    assert not_me(home.mail.taken[0]) != not_me(home.text.taken[0])


async def test_a_message_without_an_objection_has_no_link(home: House) -> None:
    context = {"username": "ada", "happened_at": NOON, "until": NOON, "policy": CURRENT_POLICY}
    await _send(home.sender(), "account-frozen", context, None)
    assert "/not-me/" not in home.mail.taken[0].text
    assert await links(home) == []


async def _send(sender: Sender, template: str, context: dict[str, object], objection: ObjectionScope | None) -> None:
    await sender.send(
        name=f"{REFERENCE}.{template}.1",
        case=REFERENCE,
        template=template,
        channel=Channel.EMAIL,
        address=ADA.email,
        subject_of_row_key=account_subject(ADA.account),
        context=context,
        objection=objection,
        account=ADA.account,
    )


# ---- nothing readable stays behind --------------------------------------------------------------------------


async def test_the_address_is_sealed_under_the_key_of_its_owner(home: House) -> None:
    await home.sender().send_code(BY_MAIL)
    kept = await row(home)
    async with home.db.read() as session:
        assert await home.row_keys.open(session, kept.subject, kept.address) == ADA.email


async def test_no_table_holds_address_code_or_token(home: House) -> None:
    await home.sender().send_code(BY_MAIL)
    await home.sender().send_code(BY_SMS)
    async with home.db.read() as session:
        kept = [
            str(found)
            for table in ("notice", "objection_link", "row_key")
            for found in await session.execute(text(f"SELECT * FROM {table}"))
        ]
    for secret in (ADA.email, ADA.phone, CODE, TOKEN, not_me(home.mail.taken[0])):
        assert not any(secret in line for line in kept)


async def test_no_log_holds_address_code_or_token(home: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with mail_server() as server:
        sender = home.sender(mail=_smtp(server.url))
        with structlog.testing.capture_logs() as entries:
            await sender.send_code(BY_MAIL)
            server.rcpt = f"550 <{ADA.email}> no such mailbox"
            with pytest.raises(Undeliverable):
                await sender.send_code(replace(BY_MAIL, issue=2))
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.log")]
    said = "\n".join([*map(str, entries), *ours])
    assert f"{REFERENCE}.code.1" in said
    assert "SMTPRecipientRefused 550" in said
    token = not_me_in(server.caught[0].get_body(("plain",)).get_content())  # type: ignore[union-attr]
    for secret in (ADA.email, "ada@", CODE, TOKEN, token):
        assert secret not in said


def not_me_in(text: str) -> str:
    return str(next(line for line in text.splitlines() if "/not-me/" in line).rpartition("/")[2])


def _smtp(url: str) -> SmtpCarrier:
    return SmtpCarrier(
        url, sender="help@larkfield.example", sender_name="Larkfield", host="help.larkfield.example", timeout=5
    )
