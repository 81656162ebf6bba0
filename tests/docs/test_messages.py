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
from domain import claim_events
from domain.case import Answer
from domain.decisions import OUTCOMES, Decision, Doubt, Item, Outcome, reasons
from domain.errors import REFUSALS
from domain.recovery import Command
from storage.keys import Ring
from tests.people import SAM
from workflows.claim import ClaimWorkflow
from workflows.recovery import RecoveryWorkflow

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "messages.md").read_text(encoding="utf-8")
CLAIM_TEXT = (DOCS / "claim-messages.md").read_text(encoding="utf-8")
PAGES = {
    "recovery": (TEXT, Command, RecoveryWorkflow),
    "claim": (CLAIM_TEXT, claim_events.Command, ClaimWorkflow),
}
each_page = pytest.mark.parametrize("kind", PAGES)


def shapes(union: object) -> dict[str, type]:
    """The commands of a union, which may be made of unions, by their name."""
    members = [member for one in get_args(union) for member in (get_args(one) or (one,))]
    return {member.kind: member for member in members}


def sections(text: str = TEXT) -> dict[str, str]:
    """Third-level sections by title, without the backticks."""
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
    return {title.strip("`"): body for title, body in zip(parts[::2], parts[1::2], strict=True)}


def example(title: str, text: str = TEXT) -> str:
    found = re.search(r"```json\n(.+?)```", sections(text)[title], flags=re.DOTALL)
    assert found, f"{title} has no example"
    return found[1]


def definition(kind: str) -> workflow._Definition:
    return workflow._Definition.must_from_class(PAGES[kind][2])


@each_page
def test_every_update_is_documented_under_its_name(kind: str) -> None:
    text, union, _ = PAGES[kind]
    assert set(definition(kind).updates) == set(shapes(union))
    assert set(shapes(union)) <= set(sections(text))


@each_page
def test_every_signal_is_documented_under_its_name(kind: str) -> None:
    text = PAGES[kind][0]
    signals = text[text.index("## Signals") : text.index("## What the clock does")]
    named = set(re.findall(r"^### `(\w+)`$", signals, flags=re.MULTILINE))
    assert named == {name for name in definition(kind).signals if name}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in PAGES for name in sorted(shapes(PAGES[kind][1]))])
def test_example_of_an_update_is_one(kind: str, name: str) -> None:
    text, union, _ = PAGES[kind]
    command = TypeAdapter(union).validate_json(example(name, text), extra="forbid")
    assert isinstance(command, shapes(union)[name])
    assert set(json.loads(example(name, text))) == {field.name for field in fields(shapes(union)[name])}


@each_page
def test_example_of_a_decision_is_one(kind: str) -> None:
    decision = TypeAdapter(Decision).validate_json(example("decision_made", PAGES[kind][0]), extra="forbid")
    assert decision.outcome in OUTCOMES[kind]
    assert decision.reason in reasons(kind, Outcome(decision.outcome))


@each_page
def test_example_of_an_objection_is_one(kind: str) -> None:
    TypeAdapter(Objection).validate_json(example("owner_objected", PAGES[kind][0]), extra="forbid")


def test_example_of_an_answer_is_one() -> None:
    TypeAdapter(Answer).validate_json(example("The answer"), extra="forbid")


def test_every_refusal_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \|", sections()["Refusals"], flags=re.MULTILINE) == [
        refusal.__name__ for refusal in REFUSALS
    ]


def test_every_doubt_about_a_decision_is_explained() -> None:
    found: set[str] = set()
    for text in (TEXT, CLAIM_TEXT):
        table = sections(text)["decision_made"]
        found |= set(re.findall(r"^\| `(\w+)` \|", table[table.index("| reason | meaning") :], flags=re.MULTILINE))
    assert found == {str(doubt) for doubt in Doubt}


@each_page
def test_every_word_of_a_decision_is_explained(kind: str) -> None:
    said = sections(PAGES[kind][0])["decision_made"]
    words = {word for outcome in OUTCOMES[kind] for word in (outcome, *reasons(kind, outcome))}
    assert {str(word) for word in words if f"`{word}`" not in said} == set()
    if kind == "claim":
        assert {str(item) for item in Item if f"`{item}`" not in said} == set()


def test_proof_is_made_as_described() -> None:
    key = bytes(range(32))
    decision = SAM.decides(version=23)
    lines = (decision.case, "23", decision.id, "allow", "codes_used_up", "sam", "2026-11-23T12:00:00+00:00")
    text = "\n".join(lines).encode()
    by_hand = hmac.new(key, len(text).to_bytes(4, "big") + text, hashlib.sha256).hexdigest()
    assert Ring({"2026-11": key}).is_signed(decision.proved_text(), f"2026-11:{by_hand}")
