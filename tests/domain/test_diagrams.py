"""The diagrams in `docs/case-states/` say what the code does: every arrow, and no arrow more."""

from pathlib import Path

import pytest

from domain import claim
from domain.recovery import ENDS, State
from tests.diagram import Arrow, NotUnderstood, arrows, states
from tests.domain.exploring import recovery_arrows
from tests.domain.exploring_claims import claim_arrows

DIAGRAMS = Path(__file__).parents[2] / "docs" / "case-states"
RECOVERY = DIAGRAMS / "recovery.mmd"
CLAIM = DIAGRAMS / "claim.mmd"


def as_lines(found: set[Arrow]) -> list[str]:
    return sorted(f"{source} --> {target} : {event}" for source, event, target in found)


@pytest.fixture(scope="module")
def reachable() -> set[Arrow]:
    return recovery_arrows()


def test_diagram_of_a_recovery_has_every_arrow_of_the_code(reachable: set[Arrow]) -> None:
    assert as_lines(reachable - arrows(RECOVERY)) == [], "missing in docs/case-states/recovery.mmd"


def test_diagram_of_a_recovery_has_no_arrow_of_its_own(reachable: set[Arrow]) -> None:
    assert as_lines(arrows(RECOVERY) - reachable) == [], "nothing in the code does this"


def test_diagram_of_a_recovery_names_every_state() -> None:
    assert states(RECOVERY) == set(State)


def test_every_end_can_be_reached(reachable: set[Arrow]) -> None:
    assert {target for _, _, target in reachable} >= ENDS
    assert not {source for source, _, _ in reachable} & ENDS


def test_diagram_of_a_claim_has_every_arrow_of_the_code_and_none_of_its_own() -> None:
    reachable = claim_arrows()
    assert as_lines(reachable - arrows(CLAIM)) == [], "missing in docs/case-states/claim.mmd"
    assert as_lines(arrows(CLAIM) - reachable) == [], "nothing in the code does this"
    assert states(CLAIM) == set(claim.State)
    assert {target for _, _, target in reachable} >= claim.ENDS


# ---- the reader of diagrams


def test_arrow_that_is_taken_away_is_missed_by_name(tmp_path: Path, reachable: set[Arrow]) -> None:
    arrow = "    awaiting_code --> awaiting_resend : code_refused, code_expired\n"
    assert arrow in RECOVERY.read_text()
    shorter = tmp_path / "recovery.mmd"
    shorter.write_text(RECOVERY.read_text().replace(arrow, arrow.replace(", code_expired", "")))
    assert as_lines(reachable - arrows(shorter)) == ["awaiting_code --> awaiting_resend : code_expired"]


def test_group_stands_for_each_of_its_states(tmp_path: Path) -> None:
    drawn = tmp_path / "some.mmd"
    drawn.write_text(
        "stateDiagram-v2\n"
        '  state "both" as both\n'
        "  note right of both : here, there\n"
        "  both --> gone : left\n"
        "  both --> both : noted, heard\n"
    )
    assert arrows(drawn) == {
        ("here", "left", "gone"),
        ("there", "left", "gone"),
        *(("here", event, "here") for event in ("noted", "heard")),
        *(("there", event, "there") for event in ("noted", "heard")),
    }


def test_line_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    drawn = tmp_path / "some.mmd"
    drawn.write_text("stateDiagram-v2\n  here -> there : left\n")
    with pytest.raises(NotUnderstood, match="here -> there"):
        arrows(drawn)
