"""A machine whose clock is days off, for worker and web alike: Temporal's clock and the database's decide."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from domain.recovery import State
from storage.engine import database_time
from tests.house import on_sqlite

NEW = "a new and long password"
A_MINUTE = timedelta(minutes=1)


@pytest.fixture(params=[timedelta(days=8), timedelta(days=-8)], ids=["fast", "slow"], autouse=True)
def wrong_clock(request):
    """Of this process only: neither SQLite nor PostgreSQL nor the Temporal server look at it."""
    with time_machine.travel(datetime.now(UTC) + request.param, tick=True):
        yield request.param


async def true_time(house):
    async with house.database.read() as session:
        return await database_time(session)


async def test_a_recovery_happens_at_the_true_time(house, wrong_clock):
    opened = await house.prove("ada@example.com")
    assert (await house.set_password(opened, NEW)).state == State.RECOVERED
    now = await true_time(house)
    assert abs(datetime.now(UTC) - now - wrong_clock) < A_MINUTE, "the test's own premise"
    assert {abs(event.at - now) < A_MINUTE for event in await house.events(opened.reference)} == {True}
    row = await house.row(opened.reference)
    assert abs(row.opened_at - now) < A_MINUTE
    assert await house.password_fits("ada", NEW)
    assert len(await house.until_told("password-changed", times=2)) == 2


@on_sqlite
async def test_a_code_ends_when_its_time_has_come_and_not_before(house):
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    case = await house.until(opened.reference, State.AWAITING_CODE)
    assert abs(case.issue.at - await true_time(house)) < A_MINUTE
    await house.skip(opened.reference, case.policy.code_lifetime)
    await house.until(opened.reference, State.AWAITING_RESEND)
    late = await house.open("ada@example.com", browser="another")
    assert (await house.submit(late, (await house.message(late.reference)).code)).event == "code_accepted"
    assert code


@on_sqlite
async def test_an_objection_counts_by_the_time_of_the_database(house):
    """Its link works for seven days, and the clock of whoever takes it is eight days off."""
    opened = await house.open("ada@example.com", browser="eve-laptop")
    received = await house.press(await house.objection_link("code", opened.reference))
    await house.gateway.object(received.case, received.id)
    case = await house.until(opened.reference, State.STOPPED)
    assert case.because == "objection"
    (objected,) = [event for event in await house.events(opened.reference) if event.kind == "owner_objected"]
    assert abs(datetime.fromisoformat(objected.data["received_at"]) - await true_time(house)) < A_MINUTE


@on_sqlite
async def test_a_decision_counts_by_the_time_of_the_database(house):
    opened = await house.out_of_codes()
    decision = await house.sign(opened)
    assert abs(decision.at - await true_time(house)) < A_MINUTE
    await house.gateway.decide(decision)
    await house.until(opened.reference, State.AWAITING_CODE)
