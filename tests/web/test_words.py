"""Words and tones stand in one table: every state, event, reason and problem has its own."""

from typing import get_args

import pytest

from domain import claim, errors, recovery
from domain.case import Channel, Kind, Party
from domain.decisions import Doubt, Outcome, Reason
from domain.recovery import Standing, State
from storage.identifiers import Problem
from web import gateway, words
from web.claim.view import TEMPLATES
from web.errors import ANSWERS
from web.render import HERE


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (words.RECOVERY_STATES, recovery.State),
        (words.CLAIM_STATES, claim.State),
        (words.KINDS, Kind),
        (words.CHANNELS, Channel),
        (words.PARTIES, Party),
        (words.STANDINGS, Standing),
        (words.OUTCOMES, Outcome),
        (words.REASONS, Reason),
        (words.REASONS_TO_CLAIMANT, Reason),
        (words.DOUBTS, Doubt),
        (words.PROBLEMS, Problem),
        (words.CONTACT_PROBLEMS, Problem),
        (TEMPLATES, State),
    ],
)
def test_a_table_knows_every_name_and_no_other(table: dict[str, object], names: type) -> None:
    assert set(table) == set(names)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("table", "events"), [(words.RECOVERY_EVENTS, recovery.Event), (words.CLAIM_EVENTS, claim.Event)]
)
def test_every_event_has_words(table: dict[str, str], events: object) -> None:
    assert set(table) == {event.__dataclass_fields__["kind"].default for event in get_args(events)}


def test_every_refusal_has_an_answer() -> None:
    outages = {gateway.StillWorking, gateway.CaseIsBusy, gateway.CaseIsClosed, gateway.Unavailable}
    assert set(ANSWERS) == {*errors.REFUSALS, errors.TooMany, *outages}


def test_no_template_blames_shouts_or_says_oops() -> None:
    for file in (HERE / "templates").rglob("*.html"):
        text = file.read_text()
        for word in ("oops", "Oops", "please", "Please", "simply"):
            assert word not in text, f"{word} in {file.name}"
