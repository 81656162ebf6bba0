"""Codes: tried, expired, sent again, allowed by an agent; and nobody at the other end."""

from dataclasses import replace
from datetime import timedelta

from domain.recovery import State
from tests.replay.scenario import Take, ended, scenario
from tests.replay.stage import LAST_CODE, MARK, ONE_TRY, QUICK, SECOND, Attempt, Stage


async def recovers(attempt: Attempt) -> Take:
    """The last two steps of a case that goes well."""
    await attempt.until(State.AWAITING_CODE)
    await attempt.code()
    await attempt.password()
    return ended(attempt)


@scenario("code-sent-again", end="recovered", shows=("timer fired", "update accepted resend_code"))
async def code_sent_again(stage: Stage) -> Take:
    owner = await stage.owner()
    attempt = await (await stage.open(owner.email)).until(State.AWAITING_CODE)
    await attempt.resend()
    await attempt.wrong_code()
    return await recovers(attempt)


@scenario("code-sent-again-after-the-last-try", end="recovered", shows=("update accepted resend_code",))
async def code_sent_again_after_the_last_try(stage: Stage) -> Take:
    owner = await stage.owner()
    attempt = await (await stage.open(owner.email, replace(ONE_TRY, cooldowns=(2 * SECOND,)))).until(
        State.AWAITING_CODE
    )
    await attempt.wrong_code()
    await attempt.resend()
    return await recovers(attempt)


@scenario(
    "codes-expire-until-an-agent-allows-one-more",
    end="recovered",
    shows=(
        "timer fired",
        "timer fired",
        "update accepted ask_help",
        "signal decision_made",
        "update accepted submit_code",
    ),
)
async def codes_expire_until_an_agent_allows_one_more(stage: Stage) -> Take:
    owner = await stage.owner()
    attempt = await stage.open(owner.email, replace(QUICK, code_lifetime=timedelta(seconds=2)))
    await attempt.until(State.AWAITING_RESEND)
    await attempt.resend()
    await attempt.until(State.AWAITING_HELP)
    await attempt.ask_help()
    await attempt.decide("allow")
    return await recovers(attempt)


@scenario("allowed-code-expires-untouched", end="recovered", shows=("signal decision_made", "timer fired"))
async def allowed_code_expires_untouched(stage: Stage) -> Take:
    owner = await stage.owner()
    policy = replace(LAST_CODE, code_lifetime=3 * SECOND)
    attempt = await (await stage.open(owner.email, policy)).until(State.AWAITING_CODE)
    await attempt.wrong_code()
    await attempt.ask_help()
    await attempt.decide("allow", agent="kim")
    await attempt.until(State.AWAITING_RESEND)
    await attempt.resend()
    return await recovers(attempt)


@scenario("agent-stops", end="stopped", shows=("signal decision_made",))
async def agent_stops(stage: Stage) -> Take:
    owner = await stage.owner()
    attempt = await (await stage.open(owner.email, LAST_CODE)).until(State.AWAITING_CODE)
    await attempt.wrong_code()
    await attempt.ask_help()
    await attempt.decide("stop")
    return ended(attempt)


@scenario("two-agents-decide", end="recovered", shows=("signal decision_made", "signal decision_made"))
async def two_agents_decide(stage: Stage) -> Take:
    """Both saw the same case, so the second is refused; an auditor is refused before them."""
    owner = await stage.owner()
    attempt = await (await stage.open(owner.email, LAST_CODE)).until(State.AWAITING_CODE)
    await attempt.wrong_code()
    await attempt.ask_help()
    await attempt.decide("allow", agent="ina")
    first = await attempt.written_decision("allow", agent="sam")
    late = await attempt.written_decision("stop", agent="kim")
    for decision in (first, late):
        await stage.gateway.decide(decision)
    await attempt.until_true(lambda case: late.id in case.decided, "the late decision to be dealt with")
    return await recovers(attempt)


@scenario("nobody-by-email", end="expired", shows=("update accepted submit_code", "update accepted resend_code"))
async def nobody_by_email(stage: Stage) -> Take:
    """A case for an address that no account has: everything but the sending."""
    policy = replace(QUICK, case_lifetime=5 * SECOND)
    attempt = await (await stage.open(f"{MARK}.nobody@example.org", policy)).until(State.AWAITING_CODE)
    await attempt.code()
    await attempt.resend()
    await attempt.until(State.EXPIRED)
    return ended(attempt)


@scenario("contact-of-somebody-else", end="withdrawn", shows=("update accepted give_contact",))
async def contact_of_somebody_else(stage: Stage) -> Take:
    """A username, and an address that belongs to another account: as good as unknown."""
    owner, other = await stage.owner(), await stage.owner()
    attempt = await (await stage.open(owner.username)).until(State.AWAITING_CONTACT)
    await attempt.contact(other.email)
    await attempt.code()
    await attempt.withdraw()
    return ended(attempt)


@scenario("by-username-and-phone", end="recovered", shows=("update accepted give_contact",))
async def by_username_and_phone(stage: Stage) -> Take:
    phone = stage.phone()
    owner = await stage.owner(more=(phone,))
    attempt = await (await stage.open(owner.username)).until(State.AWAITING_CONTACT)
    await attempt.contact(phone)
    return await recovers(attempt)
