"""A case whose history grew long: it continues as new, and what was promised goes on."""

import asyncio

from domain.recovery import State
from tests.replay.scenario import Part, Take, scenario
from tests.replay.stage import Stage

EVENTS = 16
"""After so many the server suggests it: when the second try is judged."""
SERVER_LOOKS_EVERY = 11.0
"""Seconds between two looks of the server at its settings (`pollInterval`), and one."""


@scenario("continued-as-new", part=Part.CONTINUED, keeps=("first", "last"))
async def continued_as_new(stage: Stage) -> tuple[Take, ...]:
    stage.instance.suggest_continuing_as_new(EVENTS)
    await asyncio.sleep(SERVER_LOOKS_EVERY)
    owner = await stage.owner()
    attempt = await (await stage.open(owner.email)).until(State.AWAITING_CODE)
    await attempt.delivered()
    first = (await attempt.handle.describe()).raw_description.workflow_execution_info.first_run_id
    await attempt.wrong_code()
    await attempt.patiently(attempt.code)

    async def next_run() -> str | None:
        run = (await attempt.handle.describe()).run_id
        return run if run != first else None

    last = await stage.until(next_run, "the case to continue as new")
    await attempt.patiently(attempt.password)
    await stage.over(attempt.workflow)
    return Take(attempt.workflow, run=first, then="first"), Take(attempt.workflow, run=last, then="last")
