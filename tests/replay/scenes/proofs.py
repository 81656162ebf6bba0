"""After the proof: which account, how it stands, a second proof, the new password."""

import asyncio
from collections.abc import Awaitable, Callable

from domain.recovery import State
from tests.replay.scenario import SCENARIOS, Scenario, Story, Take, ended, scenario
from tests.replay.scenes.codes import recovers
from tests.replay.scenes.ends import in_state
from tests.replay.stage import LAST_CODE, ONE_TRY, SECOND, Attempt, Owner, Stage

# ---- the mailed link, after the code is over


async def nobody_else(stage: Stage) -> Owner:
    return await stage.owner()


async def two_accounts(stage: Stage) -> Owner:
    owner = await stage.owner()
    await stage.owner(email=owner.email)
    return owner


async def with_second_factor(stage: Stage) -> Owner:
    return await stage.owner(second_factor=True)


async def being_deleted(stage: Stage) -> Owner:
    return await stage.owner(standing="being_deleted")


async def frozen(stage: Stage) -> Owner:
    owner = await stage.owner()
    await stage.freeze(owner)
    return owner


Somebody = Callable[[Stage], Awaitable[Owner]]
BY_LINK: tuple[tuple[str, Somebody, State], ...] = (
    ("active", nobody_else, State.AWAITING_NEW_PASSWORD),
    ("two-accounts", two_accounts, State.AWAITING_ACCOUNT),
    ("second-factor", with_second_factor, State.AWAITING_SECOND_PROOF),
    ("being-deleted", being_deleted, State.REFERRED),
)


def by_link(policy_is_last: bool, somebody: Somebody, reaches: State) -> Story:
    async def story(stage: Stage) -> Take:
        owner = await somebody(stage)
        attempt = await stage.open(owner.email, LAST_CODE if policy_is_last else ONE_TRY)
        await attempt.until(State.AWAITING_CODE)
        await attempt.wrong_code()
        await attempt.link()
        await attempt.until(reaches)
        if reaches is not State.REFERRED:
            await attempt.withdraw()
        return ended(attempt)

    return story


for _last, _where in ((False, "awaiting-resend"), (True, "awaiting-help")):
    for _standing, _somebody, _reaches in BY_LINK:
        _end = "referred" if _reaches is State.REFERRED else "withdrawn"
        SCENARIOS.append(
            Scenario(
                f"link-while-{_where}-{_standing}",
                by_link(_last, _somebody, _reaches),
                end=_end,
                shows=("update accepted submit_code", "update accepted use_link"),
            )
        )


# ---- a proof lapses: once while a code is left, once when none is


def lapses(state: State) -> Story:
    async def story(stage: Stage) -> Take:
        attempt = await in_state(stage, state, proof_window=2 * SECOND, cooldowns=(SECOND,))
        await attempt.until(State.AWAITING_RESEND)
        await attempt.resend()
        await attempt.code()
        await attempt.until(State.AWAITING_HELP)
        await attempt.ask_help()
        await attempt.decide("stop")
        return ended(attempt)

    return story


for _state in (State.AWAITING_ACCOUNT, State.AWAITING_SECOND_PROOF, State.AWAITING_NEW_PASSWORD):
    _shown = ("update accepted submit_code", "timer fired", "update accepted submit_code", "timer fired")
    _name = f"proof-lapses-while-{_state.replace('_', '-')}"
    SCENARIOS.append(Scenario(_name, lapses(_state), end="stopped", shows=_shown))


# ---- how the account stands


@scenario("banned", end="referred")
async def banned(stage: Stage) -> Take:
    owner = await stage.owner(standing="banned")
    attempt = await (await stage.open(owner.email)).until(State.AWAITING_CODE)
    await attempt.code()
    return ended(attempt)


@scenario("frozen", end="referred", shows=("update accepted use_link",))
async def frozen_by_link(stage: Stage) -> Take:
    owner = await frozen(stage)
    attempt = await (await stage.open(owner.email)).until(State.AWAITING_CODE)
    await attempt.link()
    return ended(attempt)


async def at_the_choice(stage: Stage, owner: Owner) -> Attempt:
    attempt = await (await stage.open(owner.email)).until(State.AWAITING_CODE)
    await attempt.code()
    return await attempt.until(State.AWAITING_ACCOUNT)


@scenario("one-of-two-accounts", end="recovered", shows=("update accepted choose_account",))
async def one_of_two_accounts(stage: Stage) -> Take:
    owner = await stage.owner()
    await stage.owner(email=owner.email)
    attempt = await at_the_choice(stage, owner)
    await attempt.choose(owner)
    await attempt.password()
    return ended(attempt)


@scenario("one-of-two-accounts-banned", end="referred", shows=("update accepted choose_account",))
async def one_of_two_accounts_banned(stage: Stage) -> Take:
    owner = await stage.owner()
    other = await stage.owner(email=owner.email, standing="banned")
    attempt = await at_the_choice(stage, owner)
    await attempt.choose(other)
    return ended(attempt)


@scenario(
    "one-of-two-accounts-with-second-factor",
    end="recovered",
    shows=(
        "update accepted choose_account",
        "update accepted submit_second_proof",
        "update accepted submit_second_proof",
    ),
)
async def one_of_two_accounts_with_second_factor(stage: Stage) -> Take:
    owner = await stage.owner(second_factor=True)
    await stage.owner(email=owner.email)
    attempt = await at_the_choice(stage, owner)
    await attempt.choose(owner)
    await attempt.second_proof("PLANTED-WRONG-0")
    await attempt.second_proof(owner.recovery_codes[0])
    await attempt.password()
    return ended(attempt)


@scenario("second-proof-refused", end="referred", shows=("update accepted submit_second_proof",) * 2)
async def second_proof_refused(stage: Stage) -> Take:
    attempt = await in_state(stage, State.AWAITING_SECOND_PROOF)
    for number in (1, 2):
        await attempt.second_proof(f"PLANTED-WRONG-{number}")
    return ended(attempt)


# ---- the new password


@scenario("password-lost", end="recovered", shows=("activity send_notice", "update accepted set_password"))
async def password_lost(stage: Stage) -> Take:
    attempt = await in_state(stage, State.AWAITING_NEW_PASSWORD)
    await attempt.password(lost=True)
    await attempt.until(State.AWAITING_NEW_PASSWORD)
    await attempt.password()
    return ended(attempt)


@scenario("frozen-before-the-password", end="referred", shows=("activity apply_password",))
async def frozen_before_the_password(stage: Stage) -> Take:
    owner = await stage.owner()
    attempt = await (await stage.open(owner.email)).until(State.AWAITING_CODE)
    await attempt.code()
    await stage.freeze(owner)
    await attempt.password()
    return ended(attempt)


@scenario("objection-found-by-the-password", end="stopped", shows=("activity apply_password",))
async def objection_found_by_the_password(stage: Stage) -> Take:
    """The row is there, its signal never came: the effect is stopped all the same."""
    attempt = await in_state(stage, State.AWAITING_NEW_PASSWORD)
    await attempt.objection_arrives(delivered=True)
    await attempt.password()
    return ended(attempt)


@scenario("quicker-recovery-found-by-the-password", end="stopped", shows=("activity apply_password",))
async def quicker_recovery_found_by_the_password(stage: Stage) -> Take:
    """Two accounts on one address: the slower case has not said which one it is about when the other is done."""
    owner = await stage.owner()
    await stage.owner(email=owner.email)
    slow, quick = await at_the_choice(stage, owner), await at_the_choice(stage, owner)
    await quick.choose(owner)
    await quick.password()
    await slow.choose(owner)
    await slow.password()
    return ended(slow)


@scenario("quicker-recovery-stops-the-other", keeps=("quicker", "slower"))
async def quicker_recovery_stops_the_other(stage: Stage) -> tuple[Take, ...]:
    owner = await stage.owner()
    slow = await (await stage.open(owner.email)).until(State.AWAITING_CODE)
    quick = await stage.open(owner.email)
    await recovers(quick)
    await slow.until(State.STOPPED)
    return ended(quick, "quicker"), ended(slow, "slower")


@scenario("quicker-recovery-and-the-other-is-gone", end="recovered", shows=("signal external superseded",))
async def quicker_recovery_and_the_other_is_gone(stage: Stage) -> Take:
    """An operator terminated the other one: its row still says open."""
    owner = await stage.owner()
    slow = await (await stage.open(owner.email)).until(State.AWAITING_CODE)
    await slow.handle.terminate("recorded: an operator ended it")
    quick = await stage.open(owner.email)
    return await recovers(quick)


@scenario("objection-of-nobody-first", end="stopped", shows=("signal owner_objected",))
async def objection_of_nobody_first(stage: Stage) -> Take:
    """A signal that names no row means nothing; the one with a row ends the case."""
    attempt = await in_state(stage, State.AWAITING_CODE)
    await stage.gateway.object(attempt.reference, "objection/of-nobody")
    await asyncio.sleep(0.5)
    await attempt.object()
    return ended(attempt)
