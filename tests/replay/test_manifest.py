"""The manifest and the files say the same, and every history is what a history has to be."""

import json
import re

import pytest

from development import people
from tests.replay import corpus, replaying
from tests.replay.corpus import Entry
from tests.replay.instance import committed_keys
from tests.replay.stage import MARK

ENTRIES = corpus.entries()
everything = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
WRITTEN_BY_PEOPLE = (
    MARK,
    people.DESK_PASSWORD,
    *(word for one in people.ACCOUNTS for word in (*one.contacts, *one.passwords, *one.recovery_codes)),
    *(contact.replace(" ", "") for one in people.ACCOUNTS for contact in one.contacts),
)


def test_every_file_is_in_the_manifest_and_every_entry_has_its_file() -> None:
    assert {entry.file for entry in ENTRIES} == set(corpus.HISTORIES.rglob("*.json"))


def test_names_are_used_once() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)


@everything
def test_file_is_the_one_that_was_recorded(entry: Entry) -> None:
    assert corpus.sha256_of(entry.file) == entry.sha256, "a recorded history never changes: record a new version"


@everything
def test_history_is_what_the_manifest_says(entry: Entry) -> None:
    history = corpus.load(entry.file)
    started = history.events[0].workflow_execution_started_event_attributes
    told = corpus.lines(history)
    assert (entry.workflow, entry.workflow_id) == (started.workflow_type.name, history.workflow_id)
    assert entry.events == len(history.events)
    assert entry.fingerprint == corpus.fingerprint(told)
    assert corpus.contains(told, entry.shows), f"it is about {entry.shows}"


@everything
async def test_case_went_through_what_the_manifest_says(entry: Entry) -> None:
    """The events that the workflow records when it runs the history again, folded by the rules of today."""
    steps = await replaying.steps(entry.workflow, corpus.load(entry.file))
    assert steps == entry.steps
    assert entry.end == (steps[-1][2] if steps else "")


@everything
def test_time_was_never_skipped(entry: Entry) -> None:
    assert "TIME_SKIPPING" not in entry.file.read_text()


@everything
def test_activity_types_are_compared(entry: Entry) -> None:
    """Core compares them only where the flag 1 was in use when the history was made."""
    history = corpus.load(entry.file)
    completed = (event.workflow_task_completed_event_attributes for event in history.events)
    assert 1 in {flag for task in completed for flag in task.sdk_metadata.core_used_flags}


@everything
def test_every_payload_is_sealed_with_the_named_key(entry: Entry) -> None:
    found = list(corpus.payloads(json.loads(entry.file.read_text())))
    assert {corpus.key_of(one) for _, one in found if corpus.is_sealed(one)} == {entry.key}
    plain = {at for at, one in found if not corpus.is_sealed(one)}
    assert [at for at in plain if not any(place in at for place in corpus.MAY_BE_PLAIN)] == []


@everything
async def test_nothing_personal_is_in_a_history_not_even_sealed(entry: Entry) -> None:
    text = entry.file.read_text()
    text += await corpus.opened_payloads(text)
    assert [word for word in WRITTEN_BY_PEOPLE if word.lower() in text.lower()] == []
    assert re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", text) == []


@everything
async def test_search_would_find_a_word(entry: Entry) -> None:
    """Control: the activities' arguments name the case, sealed."""
    text, reference = entry.file.read_text(), entry.workflow_id.partition("/")[2].replace("-", "")
    if entry.workflow in {"Recovery", "Claim"}:
        assert reference not in text
        assert reference in await corpus.opened_payloads(text)


def test_key_of_every_history_is_committed() -> None:
    names = set(corpus.payload_ring().keys)
    assert {entry.key for entry in ENTRIES} <= names
    assert all("replay-" in value for name, value in committed_keys().items() if name.endswith("_KEYS"))
