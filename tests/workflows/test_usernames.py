"""A username names the account, and a contact typed in full receives the code, if it belongs to that account."""

from datetime import timedelta

import pytest

from domain.case import Channel
from domain.errors import NotAllowedNow
from domain.recovery import State
from tests.house import on_sqlite

pytestmark = on_sqlite
MINUTE = timedelta(minutes=1)


async def test_vip_gets_the_code_at_the_contact_typed(house):
    opened = await house.open("vip")
    await house.until(opened.reference, State.AWAITING_CONTACT)
    assert house.outbox.is_empty
    assert (await house.give_contact(opened, "vip@example.com")).state == State.AWAITING_CODE
    message = await house.message(opened.reference)
    assert (message.address, message.channel) == ("vip@example.com", Channel.EMAIL)
    assert (await house.submit(opened, message.code)).state == State.AWAITING_NEW_PASSWORD


async def test_a_contact_of_somebody_else_gets_nothing(house):
    """Ada's address exists, but is none of vip's: it is as good as unknown."""
    opened = await house.open("vip", browser="eve-laptop")
    await house.until(opened.reference, State.AWAITING_CONTACT)
    answer = await house.give_contact(opened, "ada@example.com")
    assert answer.state == State.AWAITING_CODE
    await house.skip(opened.reference, 10 * MINUTE)
    await house.until(opened.reference, State.AWAITING_RESEND)
    assert house.outbox.is_empty


async def test_a_contact_is_given_once(house):
    opened = await house.open("vip")
    await house.until(opened.reference, State.AWAITING_CONTACT)
    await house.give_contact(opened, "vip@example.com")
    with pytest.raises(NotAllowedNow):
        await house.give_contact(opened, "+447700900004")


async def test_the_other_channel_is_a_resend_to_a_phone_typed_now(house):
    opened = await house.open("vip@example.com")
    await house.message(opened.reference)
    await house.skip(opened.reference, MINUTE)
    await house.resend(opened, to="+44 7700 900004")
    message = await house.message(opened.reference, 2)
    assert (message.address, message.channel) == ("+447700900004", Channel.SMS)
    assert "+447700900004" in await house.until_told("code", times=2)
    assert len(house.outbox.text.taken) == 1
    assert (await house.submit(opened, message.code)).state == State.AWAITING_NEW_PASSWORD


async def test_a_phone_of_somebody_else_gets_nothing(house):
    opened = await house.open("vip@example.com", browser="eve-laptop")
    await house.message(opened.reference)
    await house.skip(opened.reference, MINUTE)
    await house.resend(opened, to="+44 7700 900001")
    await house.skip(opened.reference, 10 * MINUTE)
    await house.until(opened.reference, State.AWAITING_RESEND)
    assert len(house.outbox.codes) == 1


async def test_no_contact_within_a_day_ends_the_case(house):
    opened = await house.open("vip")
    await house.until(opened.reference, State.AWAITING_CONTACT)
    await house.skip(opened.reference, timedelta(hours=24))
    await house.until(opened.reference, State.EXPIRED)
