"""Strangers can neither guess nor lock an owner out: an account has one budget of tries; once spent, only links go."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from activities import codes as codes_activity
from domain.recovery import State
from storage import codes
from storage.models import BudgetRow, CodeIssueRow
from tests.house import on_sqlite

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NEW = "a new and long password"


@pytest.fixture(autouse=True)
def one_day(monkeypatch):
    """The budget's day does not change in the middle of a test."""

    async def noon(session):
        return NOON

    monkeypatch.setattr(codes_activity, "database_time", noon)


async def tries(house):
    """(used, reserved) of the one account that was touched."""
    async with house.database.read() as session:
        rows = (await session.execute(select(BudgetRow).where(col(BudgetRow.bucket).startswith("tries/")))).scalars()
        (row,) = rows.all()
    return row.used, row.reserved


async def issue_of(house, opened, number=1):
    async with house.database.read() as session:
        return await session.get(CodeIssueRow, (opened.reference, number))


async def four_codes_out(house, first, second):
    """Four cases with a code each hold all twenty tries of the day; they came by two channels."""
    cases = [await house.open(typed) for typed in (first, first, second, second)]
    for case in cases:
        await house.until(case.reference, State.AWAITING_CODE)
    return cases


async def test_the_fifth_code_of_the_day_is_only_a_link(house):
    await four_codes_out(house, "ada@example.com", "+447700900001")
    assert await tries(house) == (0, 20)
    fifth = await house.open("ada@example.com")
    message = await house.message(fifth.reference)
    assert message.code is None
    key = (await house.case(fifth.reference)).issue.keys.partition("/")[0]
    would_be = codes.code(house.rings, fifth.reference, 1, 6, key=key)
    assert (await house.submit(fifth, would_be)).event == "code_refused"
    assert (await house.use_link(fifth, message.link)).state == State.AWAITING_NEW_PASSWORD
    assert (await house.set_password(fifth, NEW)).state == State.RECOVERED


@on_sqlite
async def test_a_decoy_spends_its_day_in_the_same_way(house):
    """Nobody has this address: the same reservations, the same answers, and no message."""
    for case in [await house.open("nobody@example.com") for _ in range(4)]:
        await house.until(case.reference, State.AWAITING_CODE)
    assert await tries(house) == (0, 20)
    fifth = await house.open("nobody@example.com")
    await house.until(fifth.reference, State.AWAITING_CODE)
    assert (await issue_of(house, fifth)).link_only
    answer = await house.submit(fifth, "123456")
    assert (answer.event, answer.state, answer.tries_left) == ("code_refused", State.AWAITING_CODE, 4)
    assert house.outbox.is_empty


@on_sqlite
async def test_tries_come_back_when_the_code_was_right(house):
    opened = await house.open("ada@example.com")
    message = await house.message(opened.reference)
    assert await tries(house) == (0, 5)
    await house.submit(opened, "000000" if message.code != "000000" else "111111")
    await house.submit(opened, message.code)
    assert await tries(house) == (1, 0)


@on_sqlite
async def test_tries_come_back_when_the_code_runs_out(house):
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    await house.skip(opened.reference, timedelta(minutes=10))
    await house.until(opened.reference, State.AWAITING_RESEND)
    assert await tries(house) == (0, 0)


@on_sqlite
async def test_tries_come_back_when_a_case_ends(house):
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    await house.withdraw(opened)
    assert await tries(house) == (0, 0)


@on_sqlite
async def test_wrong_tries_stay_spent(house):
    opened = await house.open("ada@example.com")
    await house.use_up(opened)
    assert await tries(house) == (5, 0)


@on_sqlite
async def test_a_new_code_takes_over_what_the_old_one_held(house):
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    await house.skip(opened.reference, timedelta(minutes=1))
    await house.resend(opened)
    await house.message(opened.reference, 2)
    assert await tries(house) == (0, 5)


@on_sqlite
async def test_the_sixth_case_within_an_hour_is_silent(house):
    """Somebody floods Ada: she hears of five, and whoever floods sees no difference."""
    cases = []
    for typed in ("ada@example.com", "+447700900001") * 3:
        cases.append(await house.open(typed))
        await house.until(cases[-1].reference, State.AWAITING_CODE)
    for case in cases[:5]:
        await house.message(case.reference)
    sixth = await house.case(cases[5].reference)
    assert sixth.state == State.AWAITING_CODE
    assert (await issue_of(house, cases[5])).silent
    history = await house.idle(cases[5].reference)
    assert sorted(history) == sorted(await house.idle(cases[4].reference))
    assert {code.case for code in house.outbox.codes} == {case.reference for case in cases[:5]}
