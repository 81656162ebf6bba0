"""`docs/messages.md` is a contract for other clients: names, shapes and words are those of the code."""

import hashlib
import hmac
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter
from temporalio import workflow

from activities.contract import Objection
from domain.decisions import Decision, Doubt, Outcome, Reason
from domain.errors import REFUSALS
from domain.recovery import Answer, Command
from storage.keys import Ring
from tests.people import SAM
from workflows.recovery import RecoveryWorkflow

TEXT = (Path(__file__).parents[2] / "docs" / "messages.md").read_text(encoding="utf-8")


def sections() -> dict[str, str]:
    """Third-level sections by title, without the backticks."""
    parts = re.split(r"^### (.+)$", TEXT, flags=re.MULTILINE)[1:]
    return {title.strip("`"): body for title, body in zip(parts[::2], parts[1::2], strict=True)}


def example(title: str) -> str:
    found = re.search(r"```json\n(.+?)```", sections()[title], flags=re.DOTALL)
    assert found, f"{title} has no example"
    return found[1]


def definition() -> workflow._Definition:
    return workflow._Definition.must_from_class(RecoveryWorkflow)


SHAPES = {command.kind: command for command in get_args(Command)}


def test_every_update_is_documented_under_its_name() -> None:
    assert set(definition().updates) == set(SHAPES)
    assert set(SHAPES) <= set(sections())


def test_every_signal_is_documented_under_its_name() -> None:
    signals = TEXT[TEXT.index("## Signals") :]
    named = set(re.findall(r"^### `(\w+)`$", signals, flags=re.MULTILINE))
    assert named == {name for name in definition().signals if name}


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_example_of_an_update_is_one(kind: str) -> None:
    command = TypeAdapter(Command).validate_json(example(kind), extra="forbid")
    assert isinstance(command, SHAPES[kind])
    assert set(json.loads(example(kind))) == {field.name for field in fields(SHAPES[kind])}


def test_example_of_a_decision_is_one() -> None:
    decision = TypeAdapter(Decision).validate_json(example("decision_made"), extra="forbid")
    assert decision.outcome in set(Outcome)
    assert decision.reason in set(Reason)


def test_example_of_an_objection_is_one() -> None:
    TypeAdapter(Objection).validate_json(example("owner_objected"), extra="forbid")


def test_example_of_an_answer_is_one() -> None:
    TypeAdapter(Answer).validate_json(example("The answer"), extra="forbid")


def test_every_refusal_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \|", sections()["Refusals"], flags=re.MULTILINE) == [
        refusal.__name__ for refusal in REFUSALS
    ]


def test_every_doubt_about_a_decision_is_explained() -> None:
    table = sections()["decision_made"]
    table = table[table.index("| reason | meaning") :]
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == {str(doubt) for doubt in Doubt}


@pytest.mark.parametrize("word", [*Outcome, *Reason])
def test_every_word_of_a_decision_is_explained(word: str) -> None:
    assert f"`{word}`" in sections()["decision_made"]


def test_proof_is_made_as_described() -> None:
    key = bytes(range(32))
    decision = SAM.decides(version=23)
    lines = (decision.case, "23", decision.id, "allow", "codes_used_up", "sam", "2026-11-23T12:00:00+00:00")
    text = "\n".join(lines).encode()
    by_hand = hmac.new(key, len(text).to_bytes(4, "big") + text, hashlib.sha256).hexdigest()
    assert Ring({"2026-11": key}).is_signed(decision.proved_text(), f"2026-11:{by_hand}")
