"""Around one `kill -9` of the worker. `worker_dies` returns when it is dead; the supervisor starts another one."""

import asyncio
from dataclasses import replace

from domain.recovery import State
from tests.replay.scenario import Part, Take, ended, scenario
from tests.replay.scenes.ends import in_state
from tests.replay.stage import LAST_CODE, QUICK, SECOND, Stage

DIED = "workflow task timed out"
"""The task was for a worker that is gone; after two seconds the server offers it to any other."""


@scenario(
    "decided-while-the-worker-is-dead",
    part=Part.RESTART,
    end="recovered",
    shows=("signal decision_made", DIED, "local check_decision", "update accepted submit_code"),
)
async def decided_while_the_worker_is_dead(stage: Stage) -> Take:
    attempt = await in_state(stage, State.AWAITING_HELP)
    await attempt.ask_help()
    await stage.worker_dies()
    await attempt.decide("allow")
    await attempt.until(State.AWAITING_CODE)
    await attempt.code()
    await attempt.password()
    return ended(attempt)


@scenario(
    "worker-killed-between-code-and-password",
    part=Part.RESTART,
    end="recovered",
    shows=("update completed submit_code", DIED, "update accepted set_password"),
)
async def worker_killed_between_code_and_password(stage: Stage) -> Take:
    attempt = await in_state(stage, State.AWAITING_NEW_PASSWORD)
    await stage.worker_dies()
    await attempt.patiently(attempt.password)
    return ended(attempt)


@scenario(
    "code-given-while-the-worker-is-dead",
    part=Part.RESTART,
    end="recovered",
    shows=(DIED, "update accepted submit_code"),
)
async def code_given_while_the_worker_is_dead(stage: Stage) -> Take:
    attempt = await in_state(stage, State.AWAITING_CODE)
    await attempt.delivered()
    await stage.worker_dies()
    await attempt.patiently(attempt.code)
    await attempt.password()
    return ended(attempt)


@scenario(
    "code-expires-while-the-worker-is-dead",
    part=Part.RESTART,
    end="withdrawn",
    shows=("timer fired", DIED, "local record_recovery"),
)
async def code_expires_while_the_worker_is_dead(stage: Stage) -> Take:
    """The clock acts late, and with the promised time."""
    owner = await stage.owner()
    policy = replace(QUICK, code_lifetime=6 * SECOND, cooldowns=(60 * SECOND,))
    attempt = await (await stage.open(owner.email, policy)).until(State.AWAITING_CODE)
    await stage.worker_dies()
    await attempt.until(State.AWAITING_RESEND)
    await attempt.withdraw()
    return ended(attempt)


@scenario(
    "signals-before-the-first-step",
    part=Part.RESTART,
    end="stopped",
    shows=("signal decision_made", "signal superseded", "local check_decision"),
)
async def signals_before_the_first_step(stage: Stage) -> Take:
    """The case was started and told two things before any worker saw it."""
    owner = await stage.owner()
    await stage.worker_dies()
    attempt = await stage.open(owner.email, LAST_CODE)
    decision = await attempt.written_decision("allow", agent="eve")
    await stage.gateway.decide(replace(decision, proof="forged:0"))
    await attempt.supersede()
    await asyncio.sleep(0)
    return ended(attempt)
