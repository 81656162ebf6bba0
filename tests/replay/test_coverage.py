"""Whatever can happen to a case is in some history: every arrow of the diagrams, every end, every scenario."""

from pathlib import Path

import pytest

from domain.recovery import ENDS
from tests.diagram import arrows
from tests.replay import corpus, record, replaying
from tests.replay.scenario import SCENARIOS

DIAGRAMS = Path(__file__).parents[2] / "docs" / "case-states"
ENTRIES = corpus.entries()
RECORD = "`make history` records what is missing; a new arrow needs a scenario in tests/replay/scenes"


@pytest.mark.parametrize(("workflow", "diagram"), [("Recovery", "recovery.mmd"), ("Objection", "claim.mmd")])
def test_every_arrow_of_the_diagram_is_in_a_history(workflow: str, diagram: str) -> None:
    recorded = {step for entry in ENTRIES if entry.workflow == workflow for step in entry.steps}
    missing = sorted(arrows(DIAGRAMS / diagram) - recorded)
    assert [f"{state} --> {then} : {event}" for state, event, then in missing] == [], RECORD


@pytest.mark.parametrize(("workflow", "diagram"), [("Recovery", "recovery.mmd"), ("Objection", "claim.mmd")])
def test_no_history_goes_where_the_diagram_has_no_arrow(workflow: str, diagram: str) -> None:
    recorded = {step for entry in ENTRIES if entry.workflow == workflow for step in entry.steps}
    assert sorted(recorded - arrows(DIAGRAMS / diagram)) == []


def test_every_end_is_in_a_history() -> None:
    assert {str(end) for end in ENDS} <= {entry.end for entry in ENTRIES if entry.workflow == "Recovery"}


def test_every_scenario_has_its_histories() -> None:
    record.load_scenes()
    wanted = {name for one in SCENARIOS for name in one.names}
    assert sorted(wanted - {entry.scenario for entry in ENTRIES}) == [], RECORD


def test_every_workflow_has_an_open_and_a_closed_history() -> None:
    over = {(entry.workflow, entry.fingerprint[-1] == "completed") for entry in ENTRIES}
    assert {("Recovery", True), ("Recovery", False), ("Objection", True), ("Objection", False)} <= over
    assert {(str(name), True) for name in replaying.workflow_types()} <= over


def test_arrow_without_a_history_is_named(tmp_path: Path) -> None:
    """Control: a new arrow in the diagram is missed."""
    drawn = tmp_path / "recovery.mmd"
    text = (DIAGRAMS / "recovery.mmd").read_text()
    drawn.write_text(f"{text}    awaiting_help --> referred : help_asked\n")
    recorded = {step for entry in ENTRIES for step in entry.steps}
    assert arrows(drawn) - recorded == {("awaiting_help", "help_asked", "referred")}
