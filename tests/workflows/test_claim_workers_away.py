"""What agents and owners send while no worker runs is kept, applied once, and judged by when it came."""

import asyncio
from datetime import timedelta

import pytest

from domain.claim import State
from domain.decisions import ALL, Outcome
from tests.claim_house import CLAIM, ClaimHouse
from tests.house import on_sqlite, with_policy

SOON = timedelta(seconds=3)
"""The clock of a case does not jump while it has work to do, as it always has without a worker: so holds are short."""
BRIEF = with_policy(hold_one_replaced=SOON, hold_all_replaced=SOON, approval_within=SOON)


@pytest.fixture
def claims(house) -> ClaimHouse:
    return ClaimHouse(house)


async def test_a_decision_while_every_worker_is_dead_is_applied_once(house, claims):
    opened = await claims.in_review()
    decision = await claims.signs(opened, "sam", Outcome.DENY, reason="not_enough_evidence")
    await house.stop_worker()
    await house.gateway.decide(decision, kind=CLAIM)
    await house.gateway.decide(decision, kind=CLAIM)
    await house.start_worker()
    await claims.until(opened, State.DENIED)
    kinds = await house.kinds(opened.reference)
    assert kinds.count("decision_recorded") == 1


async def test_an_objection_before_the_end_of_the_hold_counts_although_all_workers_were_down(house, claims):
    texts = {"username": "olu", "email": "olu@example.com"}
    opened = await claims.in_review("eve@example.net", texts=texts, browser="eve-laptop", policy=BRIEF)
    plan = (await claims.contact_ids("olu"))["olu@example.com"]
    await claims.approved(opened, plan)
    await house.until_told("hold-started", times=3)
    await house.stop_worker()
    received = await claims.press(opened, "hold-started")
    await house.gateway.object(opened.reference, received, kind=CLAIM)
    await asyncio.sleep(SOON.total_seconds())
    await house.start_worker()
    case = await claims.until(opened, State.CONTESTED)
    assert case.begun_at is None
    assert "olu@example.com" in await claims.contacts("olu")


async def test_an_objection_whose_signal_never_came_still_stops_the_hand_back(house, claims):
    """The row is enough: the last look and the mark that the effect has begun are one transaction."""
    texts = {"username": "olu", "email": "olu@example.com"}
    opened = await claims.in_review("eve@example.net", texts=texts, browser="eve-laptop")
    plan = (await claims.contact_ids("olu"))["olu@example.com"]
    held = await claims.approved(opened, plan)
    await house.until_told("hold-started", times=3)
    await claims.press(opened, "hold-started")
    await claims.skip(opened, held.hold_until - held.since)
    case = await claims.until(opened, State.CONTESTED)
    assert case.begun_at is None
    assert "hand_back_begun" not in await house.kinds(opened.reference)


@on_sqlite
async def test_a_second_approval_in_time_counts_although_its_day_is_over_when_a_worker_returns(house, claims):
    opened = await claims.in_review(policy=BRIEF)
    await claims.decides(opened, "sam", Outcome.APPROVE, plan=ALL)
    approval = await claims.signs(opened, "kim", Outcome.APPROVE)
    await house.stop_worker()
    await house.gateway.decide(approval, kind=CLAIM)
    await asyncio.sleep(SOON.total_seconds())
    await house.start_worker()
    await claims.until(opened, State.COOLING_OFF)


@on_sqlite
async def test_each_step_of_a_hand_back_survives_a_worker_that_is_killed(house, claims):
    opened = await claims.in_review(policy=BRIEF)
    await claims.approved(opened)
    await house.stop_worker()
    await asyncio.sleep(SOON.total_seconds())
    for _ in range(3):
        await house.start_worker()
        await house.stop_worker()
    await house.start_worker()
    case = await claims.until(opened, State.PROBATION)
    assert [step.step for step in case.done] == ["lift_freeze", "change_contacts", "end_sessions", "send_link"]
    assert await claims.contacts("nia") == ["nia.new@example.org"]
