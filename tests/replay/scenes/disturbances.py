"""What goes wrong in between: a locked database, two things at the same moment, a mail server that is silent."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.errors import CodeIsOver
from domain.recovery import State
from tests.replay.scenario import Part, Take, ended, scenario
from tests.replay.scenes.ends import in_state
from tests.replay.stage import QUICK, SECOND, Attempt, Stage

LOCKED = 3.0
"""Seconds: longer than a local activity may take, shorter than a regular one."""


@scenario(
    "record-retried",
    part=Part.ALONE,
    end="recovered",
    shows=("update accepted submit_code", "local record_recovery failed", "activity record_recovery"),
)
async def record_retried(stage: Stage) -> Take:
    attempt = await in_state(stage, State.AWAITING_CODE)
    await attempt.delivered()
    with stage.instance.database_locked():
        waiting = asyncio.create_task(attempt.wrong_code())
        await asyncio.sleep(LOCKED)
    await waiting
    await attempt.code()
    await attempt.password()
    return ended(attempt)


@scenario(
    "wrong-codes-at-once",
    part=Part.ALONE,
    end="withdrawn",
    shows=(*["update accepted submit_code"] * 4, *["update refused CodeIsOver"] * 2),
)
async def wrong_codes_at_once(stage: Stage) -> Take:
    """Four tries where two are left: all are accepted, wait for their turn, and two are refused then."""
    attempt = await in_state(stage, State.AWAITING_CODE)
    await attempt.delivered()
    with stage.instance.database_locked():
        tries = [asyncio.create_task(attempt.wrong_code()) for _ in range(4)]
        await asyncio.sleep(LOCKED)
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, CodeIsOver) for answer in answers) == 2, answers
    await attempt.withdraw()
    return ended(attempt)


async def before_its_code_expires(stage: Stage, seconds: float) -> Attempt:
    """So many seconds before. The case has nothing else under way."""
    owner = await stage.owner()
    policy = replace(QUICK, code_lifetime=6 * SECOND, cooldowns=(timedelta(minutes=1),))
    attempt = await (await stage.open(owner.email, policy)).until(State.AWAITING_CODE)
    await attempt.delivered()
    until = (await attempt.case()).code_until
    assert until
    left = (until - datetime.now(UTC)).total_seconds() - seconds
    assert left > 0
    await asyncio.sleep(left)
    return attempt


@scenario(
    "code-expires-while-it-is-checked",
    part=Part.ALONE,
    end="recovered",
    shows=("update accepted submit_code", "timer fired", "update completed submit_code"),
)
async def code_expires_while_it_is_checked(stage: Stage) -> Take:
    """Given in time: the clock waits for its turn, and finds that there is nothing to do any more."""
    attempt = await before_its_code_expires(stage, 1.0)
    with stage.instance.database_locked():
        waiting = asyncio.create_task(attempt.code())
        await asyncio.sleep(LOCKED / 2)
    await waiting
    await attempt.password()
    return ended(attempt)


@scenario(
    "code-expires-while-another-is-recorded",
    part=Part.ALONE,
    end="withdrawn",
    shows=("update accepted submit_code", "update accepted submit_code", "timer fired", "update refused CodeIsOver"),
)
async def code_expires_while_another_is_recorded(stage: Stage) -> Take:
    """The right code came in time, behind a wrong one; when its turn comes the code is over."""
    attempt = await before_its_code_expires(stage, 2.5)
    with stage.instance.database_locked():
        wrong = asyncio.create_task(attempt.wrong_code())
        await asyncio.sleep(0.2)
        # It reaches the case when the short attempt at recording the wrong one is over, a second later.
        right = asyncio.create_task(attempt.code())
        await asyncio.sleep(LOCKED)
    await wrong
    try:
        await right
    except CodeIsOver:
        await attempt.withdraw()
    return ended(attempt)


@scenario(
    "refused-decision-while-the-password-is-applied",
    part=Part.ALONE,
    end="recovered",
    shows=(
        "update accepted set_password",
        "signal decision_made",
        "signal superseded",
        "update completed set_password",
    ),
)
async def refused_decision_while_the_password_is_applied(stage: Stage) -> Take:
    """So is a quicker recovery that says so too late: the account's gate has decided."""
    attempt = await in_state(stage, State.AWAITING_NEW_PASSWORD)
    case = await attempt.case()
    decision = await attempt.written_decision("stop", agent="eve")
    password = await attempt.sealed_password()
    with stage.instance.database_locked():
        waiting = asyncio.create_task(attempt.send_password(password))
        await asyncio.sleep(0.5)
        await stage.gateway.decide(replace(decision, version=case.version, proof="forged:0"))
        await attempt.supersede()
        await asyncio.sleep(LOCKED / 2)
    await waiting
    return ended(attempt)


@scenario(
    "withdrawn-while-the-mail-server-is-silent",
    part=Part.ALONE,
    end="withdrawn",
    shows=("activity send_code", "update accepted withdraw", "activity cancelled"),
)
async def withdrawn_while_the_mail_server_is_silent(stage: Stage) -> Take:
    with stage.instance.catcher_silent():
        attempt = await in_state(stage, State.AWAITING_CODE)
        await attempt.withdraw()
        await stage.over(attempt.workflow)
    return ended(attempt)


@scenario(
    "worker-killed-in-the-middle-of-a-step",
    part=Part.ALONE,
    end="recovered",
    shows=("workflow task timed out", "update accepted submit_code"),
)
async def worker_killed_in_the_middle_of_a_step(stage: Stage) -> Take:
    """The code was being recorded. Whoever sent it sends the same form again, and gets the one answer."""
    attempt = await in_state(stage, State.AWAITING_CODE)
    await attempt.delivered()
    with stage.instance.database_locked():
        waiting = asyncio.create_task(attempt.patiently(attempt.code))
        await asyncio.sleep(0.4)
        stage.instance.kill_worker()
    await waiting
    await attempt.until(State.AWAITING_NEW_PASSWORD)
    await attempt.password()
    return ended(attempt)
