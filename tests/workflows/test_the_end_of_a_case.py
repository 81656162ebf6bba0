"""A case ends by itself after a day, when its person withdraws, or when somebody says "this was not me"."""

import asyncio
from datetime import timedelta
from functools import wraps

import pytest

from activities.accounts.sql import SqlAccounts
from domain.errors import NotAllowedNow
from domain.recovery import State
from tests.house import on_sqlite
from web.gateway import CaseIsClosed

pytestmark = on_sqlite
NEW = "a new and long password"


async def test_a_case_ends_after_a_day(house):
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    await house.skip(opened.reference, timedelta(hours=24))
    case = await house.until(opened.reference, State.EXPIRED)
    assert case.since == case.opened_at + timedelta(hours=24)
    assert (await house.row(opened.reference)).closed_at == case.since
    assert await house.handle(opened.reference).result() == State.EXPIRED
    with pytest.raises((CaseIsClosed, NotAllowedNow)):
        await house.withdraw(opened)


async def test_who_withdraws_is_done(house):
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    assert (await house.withdraw(opened)).state == State.WITHDRAWN
    with pytest.raises((CaseIsClosed, NotAllowedNow)):
        await house.submit(opened, code)
    assert await house.handle(opened.reference).result() == State.WITHDRAWN


async def test_a_case_withdrawn_at_once_keeps_its_answer(house):
    """The message is still on its way, and its result arrives while the case closes."""
    for number in range(4):
        opened = await house.open("ada@example.com", browser=f"laptop-{number}")
        await house.until(opened.reference, State.AWAITING_CODE)
        assert (await house.withdraw(opened)).state == State.WITHDRAWN
        assert await house.handle(opened.reference).result() == State.WITHDRAWN


async def object_to(house, template, opened):
    """Press the link of that message, and tell the case."""
    received = await house.press(await house.objection_link(template, opened.reference))
    await house.gateway.object(received.case, received.id)
    return received


async def test_not_me_in_a_code_message_stops_that_case(house):
    eve = await house.open("ada@example.com", browser="eve-laptop")
    other = await house.open("ada@example.com")
    await house.message(other.reference)
    received = await object_to(house, "code", eve)
    case = await house.until(eve.reference, State.STOPPED)
    assert (case.because, received.scope, received.opened) == ("objection", "case", None)
    assert (await house.case(other.reference)).state == State.AWAITING_CODE
    assert (await house.row(eve.reference)).account_ref


async def test_an_objection_without_its_row_is_none(house):
    """Anybody may send a signal; only a pressed link makes the row."""
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    await house.gateway.object(opened.reference, "objection/made-up")
    await house.idle(opened.reference)
    assert (await house.case(opened.reference)).state == State.AWAITING_CODE


async def test_an_objection_to_another_case_is_none(house):
    eve = await house.open("ada@example.com", browser="eve-laptop")
    pat = await house.open("+44 7700 900003")
    await house.message(pat.reference)
    received = await house.press(await house.objection_link("code", eve.reference))
    await house.gateway.object(pat.reference, received.id)
    await house.idle(pat.reference)
    assert (await house.case(pat.reference)).state == State.AWAITING_CODE


async def test_an_objection_received_first_wins_at_the_gate(house):
    """Its signal is late, or lost; the row is there when the password is about to be set."""
    eve = await house.prove("ada@example.com", browser="eve-laptop")
    await house.press(await house.objection_link("code", eve.reference))
    answer = await house.set_password(eve, "what eve would like")
    assert (answer.state, (await house.case(eve.reference)).because) == (State.STOPPED, "objection")
    assert await house.password_fits("ada", "ada-current-2025")
    assert await house.vault() == []


async def test_an_objection_during_the_password_waits_for_the_gate(house, monkeypatch):
    """It came in after the gate was passed: the account's own link is the way then."""
    ada = await house.prove("ada@example.com")
    begun, go_on = asyncio.Event(), asyncio.Event()

    @wraps(SqlAccounts.apply_password)
    async def slowly(self, new, at_once=SqlAccounts.apply_password):
        result = await at_once(self, new)
        begun.set()
        await go_on.wait()
        return result

    await house.stop_worker()
    monkeypatch.setattr(SqlAccounts, "apply_password", slowly)
    await house.start_worker()
    setting = asyncio.create_task(house.set_password(ada, NEW))
    await begun.wait()
    received = await house.press(await house.objection_link("code", ada.reference))
    await house.gateway.object(received.case, received.id)
    go_on.set()
    assert (await setting).state == State.RECOVERED
    await house.until_told("password-changed", times=2)
    assert await house.handle(ada.reference).result() == State.RECOVERED


async def test_after_the_recovery_it_is_too_late_for_the_case(house):
    ada = await house.prove("ada@example.com")
    await house.set_password(ada, NEW)
    await house.handle(ada.reference).result()
    with pytest.raises(CaseIsClosed):
        await object_to(house, "code", ada)
    assert (await house.case(ada.reference)).state == State.RECOVERED
