"""Whatever can happen to a case is in some history: every arrow of the diagrams, every end, every scenario."""

from pathlib import Path

import pytest

from domain import claim, recovery
from tests.diagram import arrows
from tests.replay import corpus, record, replaying
from tests.replay.scenario import SCENARIOS

DIAGRAMS = Path(__file__).parents[2] / "docs" / "case-states"
ENTRIES = corpus.entries()
RECORD = "`make history` records what is missing; a new arrow needs a scenario in tests/replay/scenes"


def recorded(workflow: str) -> set[tuple[str, str, str]]:
    return {step for entry in ENTRIES if entry.workflow == workflow for step in entry.steps}


def test_every_arrow_of_a_recovery_is_in_a_history() -> None:
    missing = sorted(arrows(DIAGRAMS / "recovery.mmd") - recorded("Recovery"))
    assert [f"{state} --> {then} : {event}" for state, event, then in missing] == [], RECORD


SLOW = {"step_delayed"}
"""Events that take a minute of an account system that does not answer: `tests/workflows` has them."""


def test_every_way_on_of_a_claim_is_in_a_history() -> None:
    """Every arrow from one state to another, and every event; what leaves the state as it is, in one state."""
    drawn, there = arrows(DIAGRAMS / "claim.mmd"), recorded("Claim")
    ways = {(state, event, then) for state, event, then in drawn if state != then}
    missing = sorted(ways - there)
    assert [f"{state} --> {then} : {event}" for state, event, then in missing] == [], RECORD
    assert {event for _, event, _ in drawn} - {event for _, event, _ in there} - SLOW == set(), RECORD


@pytest.mark.parametrize(("workflow", "diagram"), [("Recovery", "recovery.mmd"), ("Claim", "claim.mmd")])
def test_no_history_goes_where_the_diagram_has_no_arrow(workflow: str, diagram: str) -> None:
    assert sorted(recorded(workflow) - arrows(DIAGRAMS / diagram)) == []


@pytest.mark.parametrize(("workflow", "ends"), [("Recovery", recovery.ENDS), ("Claim", claim.ENDS)])
def test_every_end_is_in_a_history(workflow: str, ends: frozenset[str]) -> None:
    assert {str(end) for end in ends} <= {entry.end for entry in ENTRIES if entry.workflow == workflow}


def test_every_scenario_has_its_histories() -> None:
    record.load_scenes()
    wanted = {name for one in SCENARIOS for name in one.names}
    assert sorted(wanted - {entry.scenario for entry in ENTRIES}) == [], RECORD


def test_every_workflow_has_an_open_and_a_closed_history() -> None:
    over = {(entry.workflow, entry.fingerprint[-1] == "completed") for entry in ENTRIES}
    assert {("Recovery", True), ("Recovery", False), ("Claim", True), ("Claim", False)} <= over
    assert {(str(name), True) for name in replaying.workflow_types()} <= over


def test_arrow_without_a_history_is_named(tmp_path: Path) -> None:
    """Control: a new arrow in the diagram is missed."""
    drawn = tmp_path / "recovery.mmd"
    text = (DIAGRAMS / "recovery.mmd").read_text()
    drawn.write_text(f"{text}    awaiting_help --> referred : help_asked\n")
    recorded = {step for entry in ENTRIES for step in entry.steps}
    assert arrows(drawn) - recorded == {("awaiting_help", "help_asked", "referred")}
