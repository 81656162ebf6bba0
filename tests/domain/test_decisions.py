"""What the proof of a decision covers: every field, in one fixed text that any client can build."""

from dataclasses import fields, replace
from datetime import timedelta, timezone

import pytest

from domain.decisions import Decision, Doubt, Outcome, Reason
from tests.people import NOON, SAM, seconds

DECISION = SAM.decides(version=7)
CHANGED = {
    "case": "7F3KQ2M9XB",
    "version": 8,
    "id": "decision-2",
    "outcome": Outcome.STOP,
    "reason": Reason.SUSPICIOUS,
    "agent": "kim",
    "at": NOON + seconds(1),
    "text": "message-1",
    "items": ("document",),
    "plan": "all",
}


def test_proved_text_is_one_field_a_line() -> None:
    assert DECISION.proved_text() == ("7F3KQ2M9XA\n7\ndecision-1\nallow\ncodes_used_up\nsam\n2026-11-23T12:00:00+00:00")


@pytest.mark.parametrize("field", [field.name for field in fields(Decision) if field.name not in {"proof", "kind"}])
def test_proof_covers_every_field(field: str) -> None:
    assert replace(DECISION, **{field: CHANGED[field]}).proved_text() != DECISION.proved_text()


def test_proof_does_not_cover_itself() -> None:
    assert replace(DECISION, proof="other:proof").proved_text() == DECISION.proved_text()


def test_same_moment_in_another_zone_is_another_text() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=1)))
    assert replace(DECISION, at=elsewhere).proved_text() != DECISION.proved_text()


@pytest.mark.parametrize("words", [Outcome, Reason, Doubt])
def test_words_of_decisions_are_their_own_names(words: type[Outcome] | type[Reason] | type[Doubt]) -> None:
    assert all(word.value == word.name.lower() for word in words)
