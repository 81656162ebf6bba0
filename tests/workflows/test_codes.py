"""Codes run out, wait, are replaced and used up; the clock does it by itself, and the record says when."""

from datetime import timedelta

import pytest

from domain.errors import CodeIsOver, LinkIsOver, NoCodesLeft, NotAllowedNow, TooSoon, UseTheNewest
from domain.recovery import State
from tests.house import on_sqlite, with_policy, wrong

pytestmark = on_sqlite
MINUTE = timedelta(minutes=1)


async def test_a_code_runs_out_after_ten_minutes(house):
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    await house.skip(opened.reference, 10 * MINUTE)
    case = await house.until(opened.reference, State.AWAITING_RESEND)
    expired = (await house.events(opened.reference))[-1]
    assert (expired.kind, expired.at) == ("code_expired", case.issue.at + 10 * MINUTE)
    with pytest.raises(CodeIsOver):
        await house.submit(opened, code)


async def test_the_link_outlives_the_code_by_twenty_minutes(house):
    opened = await house.open("ada@example.com")
    link = (await house.message(opened.reference)).link
    await house.skip(opened.reference, 28 * MINUTE)
    assert (await house.use_link(opened, link)).state == State.AWAITING_NEW_PASSWORD


async def test_the_link_runs_out_after_thirty_minutes(house):
    opened = await house.open("ada@example.com")
    link = (await house.message(opened.reference)).link
    await house.skip(opened.reference, 30 * MINUTE)
    with pytest.raises(LinkIsOver):
        await house.use_link(opened, link)


async def test_the_cooldown_ends_by_itself(house):
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    with pytest.raises(TooSoon):
        await house.resend(opened)
    await house.skip(opened.reference, MINUTE)
    case = await house.until_case(opened.reference, lambda case: case.resend_open)
    ended = (await house.events(opened.reference))[-1]
    assert (ended.kind, ended.at) == ("cooldown_ended", case.issue.at + MINUTE)
    assert case.state is State.AWAITING_CODE


async def test_a_new_code_kills_the_old_one(house):
    opened = await house.open("ada@example.com")
    first = await house.message(opened.reference)
    await house.skip(opened.reference, MINUTE)
    answer = await house.resend(opened)
    assert (answer.event, answer.state) == ("code_requested", State.AWAITING_CODE)
    second = await house.message(opened.reference, 2)
    with pytest.raises(UseTheNewest):
        await house.submit(opened, first.code, issue=1)
    with pytest.raises(LinkIsOver):
        await house.use_link(opened, first.link)
    assert (await house.case(opened.reference)).tries_left == 5
    assert (await house.submit(opened, second.code)).state == State.AWAITING_NEW_PASSWORD


async def test_the_second_cooldown_is_longer(house):
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    await house.skip(opened.reference, MINUTE)
    await house.resend(opened)
    await house.skip(opened.reference, MINUTE)
    with pytest.raises(TooSoon):
        await house.resend(opened)
    await house.skip(opened.reference, MINUTE)
    assert (await house.resend(opened)).event == "code_requested"


async def test_five_wrong_codes_spend_it(house):
    opened = await house.open("ada@example.com")
    right = (await house.message(opened.reference)).code
    left = [(await house.submit(opened, wrong(right))).tries_left for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    assert (await house.case(opened.reference)).state == State.AWAITING_RESEND
    with pytest.raises(CodeIsOver):
        await house.submit(opened, right)


async def test_a_spent_code_leaves_its_link(house):
    opened = await house.open("ada@example.com")
    await house.use_up(opened)
    answer = await house.use_link(opened, (await house.message(opened.reference)).link)
    assert answer.state == State.AWAITING_NEW_PASSWORD


async def test_after_five_codes_the_desk_can_be_asked(house):
    opened = await house.open("ada@example.com")
    for issue in range(1, 6):
        await house.message(opened.reference, issue)
        await house.skip(opened.reference, 10 * MINUTE)
        await house.until(opened.reference, State.AWAITING_RESEND, State.AWAITING_HELP)
        if issue < 5:
            await house.resend(opened)
    assert (await house.case(opened.reference)).state == State.AWAITING_HELP
    assert len(house.outbox.codes) == 5
    with pytest.raises(NotAllowedNow):
        await house.resend(opened)
    assert (await house.ask_help(opened)).event == "help_asked"
    assert (await house.row(opened.reference)).waiting_on == "agent"


async def test_the_last_code_cannot_be_replaced(house):
    opened = await house.open("ada@example.com", policy=with_policy(codes_per_case=1))
    await house.message(opened.reference)
    await house.skip(opened.reference, MINUTE)
    with pytest.raises(NoCodesLeft):
        await house.resend(opened)


async def test_a_proof_lapses_after_a_quarter_of_an_hour(house):
    opened = await house.prove("ada@example.com")
    await house.skip(opened.reference, 15 * MINUTE)
    await house.until(opened.reference, State.AWAITING_RESEND)
    with pytest.raises(NotAllowedNow):
        await house.set_password(opened, "a new and long password")
    assert await house.password_fits("ada", "ada-current-2025")


async def test_the_same_form_again_gets_the_same_answer(house):
    opened = await house.open("ada@example.com")
    command = await house.code(opened, wrong((await house.message(opened.reference)).code))
    first = await house.tell(opened.reference, command, "one-form")
    again = await house.tell(opened.reference, command, "one-form")
    assert first == again
    assert (await house.case(opened.reference)).tries_left == 4
