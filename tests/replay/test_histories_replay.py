"""The code of today fits every history that was ever recorded, and would not fit if it were changed."""

import pytest
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from tests.replay import corpus, replaying
from tests.replay.corpus import Entry

ENTRIES = corpus.entries()
everything = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
HINT = "docs/histories.md says what to do: the workflow needs a patch, not the history a new recording"


@everything
async def test_history_replays(entry: Entry) -> None:
    failure = await replaying.failure_of(replaying.replayer(), corpus.load(entry.file))
    assert failure is None, f"{failure}\n{HINT}"


# ---- positive controls: what this suite would say if somebody changed a workflow without a patch


async def failures(change: Interceptor, entries: list[Entry]) -> dict[str, Exception | None]:
    """Why each of these histories does not fit the changed code; None if it does."""
    replays = replaying.replayer(change, runner=UnsandboxedWorkflowRunner())
    found = await replaying.failures_of(replays, [corpus.load(entry.file) for entry in entries])
    return {entry.name: failure for entry, failure in zip(entries, found, strict=True)}


ACTIVITIES = {entry.name: corpus.activities(corpus.load(entry.file)) for entry in ENTRIES}
EVERY_ACTIVITY = sorted(set().union(*ACTIVITIES.values()))


@pytest.mark.parametrize("activity", EVERY_ACTIVITY)
async def test_renamed_activity_is_noticed(activity: str) -> None:
    affected = [entry for entry in ENTRIES if activity in ACTIVITIES[entry.name]]
    found = await failures(replaying.Renamed(activity), affected)
    assert [name for name, failure in found.items() if not isinstance(failure, NondeterminismError)] == []


async def test_one_more_activity_is_noticed() -> None:
    """Some fail before the comparison: a result goes to the wrong activity, and cannot be read as one of its own."""
    found = await failures(replaying.OneMore(), ENTRIES)
    assert [name for name, failure in found.items() if failure is None] == []


def test_every_activity_of_a_workflow_is_in_some_history() -> None:
    assert set(EVERY_ACTIVITY) == replaying.activities_of_workflows()
