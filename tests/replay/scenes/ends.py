"""Every end from every state in which somebody is waited for."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from domain.recovery import State
from tests.replay.scenario import SCENARIOS, Scenario, Story, Take, ended, still_open
from tests.replay.stage import LAST_CODE, ONE_TRY, QUICK, SECOND, Attempt, Stage

CALM = timedelta(minutes=1)
"""A cooldown that does not end while these are recorded."""


async def in_state(stage: Stage, state: State, **promises: Any) -> Attempt:
    """A case that has just come to this state, under a policy with these promises."""
    basis = {State.AWAITING_RESEND: ONE_TRY, State.AWAITING_HELP: LAST_CODE}.get(state, QUICK)
    policy = replace(basis, **{"cooldowns": (CALM,), **promises})
    owner = await stage.owner(second_factor=state is State.AWAITING_SECOND_PROOF)
    if state is State.AWAITING_ACCOUNT:
        await stage.owner(email=owner.email)
    if state is State.AWAITING_CONTACT:
        return await (await stage.open(owner.username, policy)).until(state)
    attempt = await (await stage.open(owner.email, policy)).until(State.AWAITING_CODE)
    if state in {State.AWAITING_RESEND, State.AWAITING_HELP}:
        await attempt.wrong_code()
    elif state is not State.AWAITING_CODE:
        await attempt.code()
    return await attempt.until(state)


WAITING = (
    State.AWAITING_CONTACT,
    State.AWAITING_CODE,
    State.AWAITING_RESEND,
    State.AWAITING_HELP,
    State.AWAITING_ACCOUNT,
    State.AWAITING_SECOND_PROOF,
    State.AWAITING_NEW_PASSWORD,
)


def withdrawn(state: State) -> Story:
    async def story(stage: Stage) -> Take:
        attempt = await in_state(stage, state)
        await attempt.withdraw()
        return ended(attempt)

    return story


def expired(state: State) -> Story:
    async def story(stage: Stage) -> Take:
        attempt = await in_state(stage, state, case_lifetime=4 * SECOND)
        await attempt.until(State.EXPIRED)
        return ended(attempt)

    return story


def decided(state: State) -> Story:
    async def story(stage: Stage) -> Take:
        attempt = await in_state(stage, state)
        await attempt.refused_decision()
        await attempt.decide("stop")
        return ended(attempt)

    return story


def objected(state: State) -> Story:
    async def story(stage: Stage) -> Take:
        attempt = await in_state(stage, state)
        await attempt.object()
        await attempt.until(State.STOPPED)
        return ended(attempt)

    return story


def superseded(state: State) -> Story:
    async def story(stage: Stage) -> Take:
        attempt = await in_state(stage, state)
        await attempt.supersede()
        await attempt.until(State.STOPPED)
        return ended(attempt)

    return story


def waiting(state: State) -> Story:
    async def story(stage: Stage) -> Take:
        return still_open(await in_state(stage, state))

    return story


for _state in WAITING:
    _named = _state.replace("_", "-")
    SCENARIOS += [
        Scenario(f"{_named}-withdrawn", withdrawn(_state), end="withdrawn", shows=("update accepted withdraw",)),
        Scenario(f"{_named}-stopped", decided(_state), end="stopped", shows=("signal decision_made",) * 2),
        Scenario(f"{_named}-expired", expired(_state), end="expired", shows=("timer fired",)),
        Scenario(f"{_named}-objected", objected(_state), end="stopped", shows=("signal owner_objected",)),
        Scenario(f"{_named}-superseded", superseded(_state), end="stopped", shows=("signal superseded",)),
        Scenario(f"{_named}-open", waiting(_state), end=_state),
    ]
