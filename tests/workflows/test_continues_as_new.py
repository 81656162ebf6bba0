"""A case whose history grew long goes on in a new run, and nobody notices."""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio import workflow

from domain.policy import CURRENT_POLICY
from domain.recovery import State
from tests.house import eventually, on_sqlite, wrong
from workflows.case_loop import CaseLoop

pytestmark = on_sqlite
LONG = 8
"""Events. The server suggests it after thousands, or after megabytes."""


@pytest.fixture(autouse=True)
def _short_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CaseLoop, "_is_long", lambda _: workflow.info().get_current_history_length() > LONG)


async def test_a_password_is_set_across_runs(house):
    opened = await house.open("ada@example.com")
    code = (await house.message(opened.reference)).code
    first = (await house.handle(opened.reference).describe()).raw_description.workflow_execution_info.first_run_id
    await house.submit(opened, wrong(code))
    await eventually(house.handle(opened.reference).describe, lambda described: described.run_id != first)
    await house.submit(opened, code)
    answer = await house.set_password(opened, "a new and long password")
    assert answer.state == State.RECOVERED


async def test_a_code_still_expires_in_the_next_run(house):
    policy = replace(CURRENT_POLICY, code_lifetime=timedelta(seconds=3))
    opened = await house.open("ada@example.com", policy=policy)
    code = (await house.message(opened.reference)).code
    await house.submit(opened, wrong(code))
    await house.until(opened.reference, State.AWAITING_RESEND)
