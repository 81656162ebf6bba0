"""Each step of a hand-back, and of its undoing, is done once, whoever dies in the middle of it; and it is tried on."""

from datetime import timedelta

import pytest

from activities.accounts import claims as adapter
from activities.accounts import steps
from domain.claim import HAND_BACK, UNDOING, State
from domain.claim_events import Step
from domain.decisions import ALL, Outcome
from tests.claim_house import ClaimHouse
from tests.house import on_sqlite, with_policy
from workflows import claim_effects

SOON = timedelta(seconds=1)
BRIEF = with_policy(hold_one_replaced=SOON, hold_all_replaced=SOON)
OF_THE_ADAPTER = [step for step in HAND_BACK if step is not Step.SEND_LINK]
THIEF = {"username": "olu", "email": "olu@example.com"}


class Died(Exception):
    """As if the worker had gone: Temporal hears nothing of what was done, and asks again."""


@pytest.fixture
def claims(house) -> ClaimHouse:
    return ClaimHouse(house)


@pytest.fixture
def deaths(monkeypatch):
    """`deaths(step, committed)`: the first time that step is taken, the worker dies before or after its commit."""

    def arrange(wanted: str, *, committed: bool) -> list[str]:
        died: list[str] = []
        take, info = steps.take, adapter.log.info

        async def taken(at, step):
            if not committed and step == wanted and not died:
                died.append(step)
                raise Died
            return await take(at, step)

        class Log:
            def info(self, event, **about):
                if committed and about.get("step", event) == wanted and not died:
                    died.append(wanted)
                    raise Died
                info(event, **about)

        monkeypatch.setattr(steps, "take", taken)
        monkeypatch.setattr(adapter, "log", Log())
        return died

    return arrange


@pytest.mark.parametrize("committed", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("step", OF_THE_ADAPTER)
async def test_a_hand_back_goes_on_where_the_worker_died(house, claims, deaths, step, committed):
    died = deaths(step, committed=committed)
    opened = await claims.in_review(policy=BRIEF)
    await claims.approved(opened, ALL)
    case = await claims.until(opened, State.PROBATION)
    assert died == [step]
    assert [done.step for done in case.done] == list(HAND_BACK)
    assert await claims.contacts("nia") == ["nia.new@example.org"]
    assert (await house.kinds(opened.reference)).count("step_done") == len(OF_THE_ADAPTER)
    await house.message(opened.reference, 2)
    assert [message.issue for message in house.outbox.codes if message.case == opened.reference] == [1, 2]


async def test_it_begins_once_although_the_worker_died_right_after(house, claims, deaths):
    died = deaths("hand-back begun", committed=True)
    opened = await claims.in_review(policy=BRIEF)
    await claims.approved(opened, ALL)
    await claims.until(opened, State.PROBATION)
    assert died == ["hand-back begun"]
    assert (await house.kinds(opened.reference)).count("hand_back_begun") == 1


@on_sqlite
@pytest.mark.parametrize("committed", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("step", UNDOING)
async def test_a_roll_back_goes_on_where_the_worker_died(house, claims, deaths, step, committed):
    opened = await claims.in_review("eve@example.net", texts=THIEF, browser="eve-laptop", policy=BRIEF)
    before = await claims.contacts("olu")
    await claims.approved(opened, (await claims.contact_ids("olu"))["olu@example.com"])
    await claims.until(opened, State.PROBATION)
    died = deaths(step, committed=committed)
    await claims.objects(opened, "handed-back")
    await claims.until_case(opened, lambda case: case.frozen_at)
    await claims.decides(opened, "lee", Outcome.UNDO)
    undone = await claims.until(opened, State.UNDONE)
    assert died == [step]
    assert [done.step for done in undone.done][-3:] == list(UNDOING)
    assert await claims.contacts("olu") == before


@on_sqlite
async def test_a_step_that_is_not_answered_is_said_to_be_late_and_tried_on(house, claims, monkeypatch):
    """The clock goes on beside it: nothing else of the case waits for the account system."""
    monkeypatch.setattr(claim_effects, "PATIENCE", SOON)
    monkeypatch.setattr(claim_effects, "PAUSE", SOON / 10)
    take, away = steps.take, [True]

    async def taken(at, step):
        if away and step is Step.CHANGE_CONTACTS:
            raise ConnectionError("the account system is away")
        return await take(at, step)

    monkeypatch.setattr(steps, "take", taken)
    opened = await claims.in_review(policy=BRIEF)
    await claims.approved(opened, ALL)
    late = await claims.until_case(opened, lambda case: case.is_delayed)
    assert (late.state, [done.step for done in late.done]) == (State.HANDING_BACK, [Step.LIFT_FREEZE])
    away.clear()
    case = await claims.until(opened, State.PROBATION)
    assert not case.is_delayed
    assert (await house.kinds(opened.reference)).count("step_delayed") == 1
