"""What Schedules do: find what a crash left between SQL and Temporal, and erase what is kept no longer."""

import asyncio

from development.namespace import RECONCILER, RETENTION_JOB
from domain.recovery import State
from storage import reads
from tests.replay.scenario import Part, Take, ended, scenario
from tests.replay.scenes.claims import press, somebody_recovered
from tests.replay.scenes.ends import in_state
from tests.replay.stage import LAST_CODE, QUICK, Stage

OLD_ENOUGH = 21.0
"""Seconds: the upkeep leaves younger rows alone (`activities/upkeep.py: GRACE`)."""
NOBODY = "nobody"
"""A task queue that no worker polls."""


@scenario("nothing-to-do", part=Part.PAGES)
async def nothing_to_do(stage: Stage) -> Take:
    return Take(await stage.run_now(RECONCILER))


@scenario(
    "orphans-found",
    keeps=("", "recovery", "claim"),
    waits_long=True,
    shows=(
        "child Claim",
        "child Recovery",
        "external child was there already",
        "signal external decision_made",
        "signal external owner_objected",
        "external signal reached nobody",
        "activity mark_reached",
    ),
)
async def orphans_found(stage: Stage) -> tuple[Take, ...]:
    """Two cases that nobody started and one that somebody did; a decision and two objections that nobody delivered."""
    _, (token,) = await somebody_recovered(stage)
    claim = await press(stage, token, QUICK, start=False)
    lost = await stage.open((await stage.owner()).email, LAST_CODE, start=False)
    begun = await stage.open((await stage.owner()).email, start=False)
    opening = reads.case_of(await stage.row(begun.reference))
    await stage.client.start_workflow("Recovery", opening, id=begun.workflow, task_queue=NOBODY)
    asked = await in_state(stage, State.AWAITING_HELP)
    await asked.ask_help()
    await asked.written_decision("allow", agent="sam", delivered=False)
    objected = await in_state(stage, State.AWAITING_CODE)
    await objected.objection_arrives(delivered=False)
    over = await in_state(stage, State.AWAITING_CODE)
    await over.withdraw()
    await stage.over(over.workflow)
    await over.objection_arrives(delivered=False)
    await asyncio.sleep(OLD_ENOUGH)
    run = await stage.run_now(RECONCILER)
    await lost.until(State.AWAITING_CODE)
    await asked.until(State.AWAITING_CODE)
    await objected.until(State.STOPPED)
    await lost.withdraw()
    await begun.handle.terminate("recorded: it was never meant to run")
    return Take(run), ended(lost, "recovery"), Take(claim.workflow, ends=False, then="claim")


@scenario("erased-in-time", part=Part.ALONE, shows=("activity erase_people",) * 2 + ("activity erase_records",) * 2)
async def erased_in_time(stage: Stage) -> Take:
    """One case whose people are due, and one whose record is."""
    for column in ("erase_at", "forget_at"):
        over = await in_state(stage, State.AWAITING_CODE)
        await over.withdraw()
        await stage.over(over.workflow)
        await stage.make_due(over.reference, column)
    return Take(await stage.run_now(RETENTION_JOB))
