"""An owner objects to a changed password: the workflow `Objection`."""

from dataclasses import replace

from domain.policy import Policy
from storage import intake, reads
from storage.intake import Browser
from tests.replay.scenario import Take, scenario
from tests.replay.scenes.codes import recovers
from tests.replay.stage import MARK, NUMBERS, QUICK, SECOND, Owner, Stage


async def somebody_recovered(stage: Stage, *, contacts: int = 1) -> tuple[Owner, list[str]]:
    """An account whose password was just changed, and the "this was not me" tokens of the notices."""
    more = tuple(f"{MARK}.other.{next(NUMBERS)}@example.org" for _ in range(contacts - 1))
    owner = await stage.owner(more=more)
    attempt = await stage.open(owner.email)
    await recovers(attempt)
    await stage.over(attempt.workflow)
    return owner, await stage.objection_tokens(f"{attempt.reference}.password-changed", contacts)


async def press(stage: Stage, token: str, policy: Policy, *, start: bool = True) -> str:
    """The owner presses the button of a notice; the workflow id of the claim it opens."""
    async with stage.database.read() as session:
        link = await reads.objection_link(session, stage.rings, token)
    assert link
    async with stage.database.write() as session:
        received = await intake.receive_objection(
            session, stage.rings, link, Browser("owner"), key=f"form-{next(NUMBERS)}", policy=policy
        )
        await intake.mark_delivered(session, received.id)
    assert received.opened
    if start:
        await stage.start(received.opened.case)
    return stage.objection_id(received.case)


@scenario("freeze-lapses", shows=("activity freeze_account", "timer fired", "activity end_freeze"))
async def freeze_lapses(stage: Stage) -> Take:
    _, (token,) = await somebody_recovered(stage)
    return Take(await press(stage, token, replace(QUICK, freeze_lifetime=2 * SECOND)))


@scenario("frozen-once", keeps=("open", "withheld"), shows=("activity freeze_account",))
async def frozen_once(stage: Stage) -> tuple[Take, ...]:
    """Two contacts say it: the account is frozen by the first, and not again by the second."""
    _, (first, second) = await somebody_recovered(stage, contacts=2)
    frozen = await press(stage, first, QUICK)
    await stage.idle(frozen)
    withheld = await press(stage, second, QUICK)
    return Take(frozen, ends=False, then="open"), Take(withheld, then="withheld")
