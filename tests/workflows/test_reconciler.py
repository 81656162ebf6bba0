"""Written down but never said: the reconciler starts such cases and sends such signals, once."""

from datetime import timedelta

import pytest

from domain.recovery import State
from storage.engine import database_time
from storage.models import CaseRow, ReceivedRow
from tests.house import on_sqlite
from workflows import CASE_KIND, CASES, POLICY_VERSION

LONG_AGO = timedelta(minutes=5)


async def reconcile(house):
    """One run of what the Schedule starts; how many were sent on their way."""
    return await house.client.execute_workflow("Reconcile", id="reconcile", task_queue=CASES)


async def an_age_ago(house):
    async with house.database.read() as session:
        return await database_time(session) - LONG_AGO


async def test_a_case_that_temporal_never_heard_of_is_started(house):
    opened = await house.write_down("ada@example.com")
    assert await reconcile(house) == 0  # too young: most likely on its way
    await house.change(CaseRow, CaseRow.reference == opened.reference, opened_at=await an_age_ago(house))
    assert await reconcile(house) == 1
    message = await house.message(opened.reference)
    assert (await house.submit(opened, message.code)).state == State.AWAITING_NEW_PASSWORD
    assert await reconcile(house) == 0
    attributes = (await house.handle(opened.reference).describe()).typed_search_attributes
    assert (attributes[CASE_KIND], attributes[POLICY_VERSION]) == ("recovery", opened.case.policy.version)


@on_sqlite
async def test_a_case_that_is_on_its_way_is_left_alone(house):
    opened = await house.write_down("ada@example.com")
    await house.stop_worker()
    await house.gateway.start(opened.case)
    await house.change(CaseRow, CaseRow.reference == opened.reference, opened_at=await an_age_ago(house))
    await house.start_worker()
    await reconcile(house)
    await house.message(opened.reference)
    await house.idle(opened.reference)
    assert await house.kinds(opened.reference) == ["case_opened", "code_issued"]


@on_sqlite
async def test_a_decision_whose_signal_was_lost_is_sent(house):
    opened = await house.out_of_codes()
    decision = await house.sign(opened)
    await house.change(ReceivedRow, ReceivedRow.id == decision.id, received_at=await an_age_ago(house))
    assert await reconcile(house) == 1
    await house.until(opened.reference, State.AWAITING_CODE)
    assert await reconcile(house) == 0


@on_sqlite
async def test_an_objection_whose_signal_was_lost_is_sent(house):
    opened = await house.open("ada@example.com", browser="eve-laptop")
    received = await house.press(await house.objection_link("code", opened.reference))
    await house.change(ReceivedRow, ReceivedRow.id == received.id, received_at=await an_age_ago(house))
    assert await reconcile(house) == 1
    assert (await house.until(opened.reference, State.STOPPED)).because == "objection"


@on_sqlite
async def test_an_objection_whose_claim_was_never_started_freezes_all_the_same(house):
    opened = await house.prove("ada@example.com", browser="eve-laptop")
    await house.set_password(opened, "what eve would like")
    received = await house.press(await house.objection_link("password-changed", opened.reference))
    long_ago = await an_age_ago(house)
    await house.change(CaseRow, CaseRow.reference == received.case, opened_at=long_ago)
    await house.change(ReceivedRow, ReceivedRow.id == received.id, received_at=long_ago)
    await reconcile(house)
    assert len(await house.until_told("account-frozen", times=2)) == 2
    assert await reconcile(house) == 0


@on_sqlite
@pytest.mark.parametrize("answered", [True, False])
async def test_a_signal_for_a_case_that_is_over_is_let_go(house, answered):
    opened = await house.out_of_codes()
    decision = await house.sign(opened)
    await house.withdraw(opened)
    await house.handle(opened.reference).result()
    long_ago = await an_age_ago(house)
    await house.change(
        ReceivedRow, ReceivedRow.id == decision.id, received_at=long_ago, answered_at=long_ago if answered else None
    )
    assert await reconcile(house) == (0 if answered else 1)
    assert await reconcile(house) == 0
