"""A case with a long history goes on in a new one, and nobody notices."""

import dataclasses

import pytest
from temporalio import workflow

from domain.recovery import State
from tests.house import eventually, on_sqlite, wrong
from workflows.case_loop import CaseLoop

pytestmark = on_sqlite
NEW = "a new and long password"


@pytest.fixture
def short_histories(monkeypatch):
    """The server suggests a new history after 4,096 events; here it is 40."""
    monkeypatch.setattr(CaseLoop, "_is_long", lambda self: workflow.info().get_current_history_length() > 40)


async def runs(house, opened):
    """How many histories the case has had."""
    handle, found = house.handle(opened.reference), 1
    history = await handle.fetch_history()
    while history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id:
        earlier = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        history = await house.client.get_workflow_handle(handle.id, run_id=earlier).fetch_history()
        found += 1
    return found


async def test_a_case_keeps_its_state_over_many_histories(short_histories, house):
    opened = await house.out_of_codes()
    forged = dataclasses.replace(await house.sign(opened), proof="forged")
    for number in range(20):
        await house.gateway.decide(dataclasses.replace(forged, id=f"forged-{number}"))
    await house.until_case(opened.reference, lambda case: len(case.decided) == 20)
    await house.gateway.decide(await house.sign(opened))
    message = await house.message(opened.reference, 2)
    assert (await house.submit(opened, message.code)).state == State.AWAITING_NEW_PASSWORD
    assert await eventually(lambda: runs(house, opened), lambda found: found > 1)
    assert (await house.set_password(opened, NEW)).state == State.RECOVERED
    assert (await house.kinds(opened.reference)).count("decision_refused") == 20


async def test_tries_and_deadlines_go_on_in_the_new_history(short_histories, house):
    opened = await house.open("ada@example.com")
    right = (await house.message(opened.reference)).code
    for left in (4, 3, 2):
        assert (await house.submit(opened, wrong(right))).tries_left == left
    before = await house.case(opened.reference)
    for number in range(20):
        await house.gateway.object(opened.reference, f"objection/made-up-{number}")
    await house.submit(opened, wrong(right))
    assert await eventually(lambda: runs(house, opened), lambda found: found > 1)
    after = await house.case(opened.reference)
    assert (after.tries_left, after.code_until, after.open_until) == (1, before.code_until, before.open_until)
    assert (await house.submit(opened, right)).state == State.AWAITING_NEW_PASSWORD
