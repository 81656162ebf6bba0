"""The diagrams in `docs/case-states/` say what the code does: every arrow, and no arrow more."""

from pathlib import Path

import pytest

from domain import claim
from domain.claim import AccountFrozen, CaseOpened, Claim, FreezeLapsed, FreezeWithheld
from domain.recovery import ENDS, State
from tests.diagram import Arrow, NotUnderstood, arrows, states
from tests.domain.exploring import recovery_arrows
from tests.people import NOON, OLU, REFERENCE

DIAGRAMS = Path(__file__).parents[2] / "docs" / "case-states"
RECOVERY = DIAGRAMS / "recovery.mmd"
CLAIM = DIAGRAMS / "claim.mmd"


def claim_arrows() -> set[Arrow]:
    """Every `(state, event, state)` that a claim can go through so far."""
    events = (CaseOpened(NOON), AccountFrozen(NOON, 1), FreezeWithheld(NOON), FreezeLapsed(NOON))
    found: set[Arrow] = set()
    ahead = [claim.apply(Claim(REFERENCE, OLU.account, "received-1"), events[0])]
    found.add((claim.State.OPENING, events[0].kind, ahead[0].state))
    while ahead:
        case = ahead.pop()
        for event in events:
            after = claim.apply(case, event)
            if after is not case:
                found.add((case.state, event.kind, after.state))
                ahead.append(after)
    return found


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


def test_diagram_of_a_claim_equals_the_code() -> None:
    assert as_lines(arrows(CLAIM)) == as_lines(claim_arrows())


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
