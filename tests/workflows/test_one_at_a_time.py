"""Fifty at once are judged one after the other: at most five tries count, and one of them wins."""

import asyncio
from collections import Counter

from activities.accounts.sql import SqlAccounts
from domain.errors import CodeIsOver, NotAllowedNow
from domain.recovery import State
from tests.house import on_sqlite, wrong
from web.gateway import CaseIsBusy, Gateway

FIFTY = 50


async def at_once(house, opened, typed):
    """What each of these hears, sent together from two web processes; who meets a busy case tries again."""
    doors = [Gateway(house.client), Gateway(house.client)]

    async def one(number, code):
        command = await house.code(opened, code, issue=1)
        while True:
            try:
                answer = await doors[number % 2].tell(opened.reference, command, update_id=f"parallel-{number}")
            except CaseIsBusy:
                await asyncio.sleep(0.01)
            except (NotAllowedNow, CodeIsOver) as refused:
                return type(refused).__name__
            else:
                return answer.event

    async with asyncio.timeout(60):
        return Counter(await asyncio.gather(*(one(number, code) for number, code in enumerate(typed))))


def after_a_moment(look):
    async def slow(*about):
        await asyncio.sleep(0.5)
        return await look(*about)

    return slow


@on_sqlite
async def test_of_fifty_wrong_codes_five_count(house):
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    heard = await at_once(house, opened, [wrong(code)] * FIFTY)
    assert heard == {"code_refused": 5, "CodeIsOver": 45}
    assert (await house.case(opened.reference)).state == State.AWAITING_RESEND
    assert (await house.kinds(opened.reference)).count("code_refused") == 5


async def test_of_fifty_right_codes_one_wins(house, monkeypatch):
    """The account system takes a moment, in which all fifty are there."""
    monkeypatch.setattr(SqlAccounts, "_look", after_a_moment(SqlAccounts._look))
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    heard = await at_once(house, opened, [code] * FIFTY)
    assert heard == {"code_accepted": 1, "NotAllowedNow": 49}
    assert (await house.kinds(opened.reference)).count("code_accepted") == 1


@on_sqlite
async def test_a_right_code_among_wrong_ones_wins_at_most_once(house):
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    heard = await at_once(house, opened, [code if number % 10 == 2 else wrong(code) for number in range(FIFTY)])
    assert heard["code_refused"] <= 5
    assert heard["code_accepted"] == (1 if heard["code_refused"] < 5 else 0)
    assert heard.total() == FIFTY
