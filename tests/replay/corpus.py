"""The recorded histories: files, manifest, and what can be said about a history without running anything."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter

from connection import data_converter
from storage.keys import Ring
from tests.replay.instance import HERE, committed_keys

HISTORIES = HERE / "histories"
MANIFEST = HERE / "manifest.json"
MAY_BE_PLAIN = (".searchAttributes.indexedFields.", ".markerRecordedEventAttributes.details.data.payloads")
"""Where a payload may stand that is not sealed: search attributes, and the number and type of a local activity."""


@dataclass(frozen=True)
class Entry:
    """What the manifest says about one history. `steps`: `(state, event, state)` in order; `end`: the last state.

    `fingerprint` is what the workflow asked of the server, in order; `shows` is what the history is about.
    """

    scenario: str
    version: int
    workflow: str
    workflow_id: str
    release: str
    recorded: str
    sdk: str
    server: str
    key: str
    sha256: str
    events: int
    end: str
    steps: tuple[tuple[str, str, str], ...]
    shows: tuple[str, ...]
    fingerprint: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.workflow.lower()}/{self.scenario}.v{self.version}"

    @property
    def file(self) -> Path:
        return HISTORIES / f"{self.name}.json"

    @property
    def pairs(self) -> set[tuple[str, str]]:
        return {(state, event) for state, event, _ in self.steps}


def entries() -> list[Entry]:
    """Everything in the manifest, by name."""
    if not MANIFEST.exists():
        return []
    known = json.loads(MANIFEST.read_text())["histories"]
    return sorted((_entry(one) for one in known), key=lambda entry: entry.name)


def _entry(stored: dict[str, Any]) -> Entry:
    lists = {name: tuple(stored[name]) for name in ("shows", "fingerprint")}
    return Entry(**{**stored, **lists, "steps": tuple((a, b, c) for a, b, c in stored["steps"])})


def write_manifest(known: list[Entry]) -> None:
    """One history a line, so that a change of one is a change of one line."""
    lines = (json.dumps(asdict(entry), separators=(",", ":")) for entry in sorted(known, key=lambda one: one.name))
    MANIFEST.write_text('{"histories":[\n' + ",\n".join(lines) + "\n]}\n")


def text_of(history: WorkflowHistory) -> str:
    """The file of a history, without the names of processes and machines: nobody needs them."""
    stored = {"workflow_id": history.workflow_id, "history": _nameless(history.to_json_dict())}
    return json.dumps(stored, separators=(",", ":")) + "\n"


def _nameless(value: Any) -> Any:
    if isinstance(value, dict):
        named = {name: _nameless(inner) for name, inner in value.items() if name != "identity"}
        # A worker names its own queue after its process and machine.
        return {**named, "name": "sticky"} if named.get("kind") == "TASK_QUEUE_KIND_STICKY" else named
    return [_nameless(inner) for inner in value] if isinstance(value, list) else value


@cache
def load(file: Path) -> WorkflowHistory:
    stored = json.loads(file.read_text())
    return WorkflowHistory.from_json(stored["workflow_id"], stored["history"])


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def payload_ring() -> Ring:
    return Ring.parse(committed_keys()["REINSTATE_PAYLOAD_KEYS"])


def converter() -> DataConverter:
    """The converter of the product, with the keys of the recorded histories."""
    return data_converter(payload_ring(), refuse_plain=True)


def payloads(stored: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every payload in the JSON of a history, and where it stands: `startedEventAttributes.input.payloads`."""
    if isinstance(stored, dict):
        if "metadata" in stored and "encoding" in stored["metadata"]:
            yield at, stored
        for name, inner in stored.items():
            yield from payloads(inner, f"{at}.{name}")
    elif isinstance(stored, list):
        for inner in stored:
            yield from payloads(inner, at)


def is_sealed(payload: dict[str, Any]) -> bool:
    return encoding(payload) == "binary/encrypted"


def encoding(payload: dict[str, Any]) -> str:
    return base64.b64decode(payload["metadata"]["encoding"]).decode()


def key_of(payload: dict[str, Any]) -> str:
    """The id of the key that sealed it."""
    return base64.b64decode(payload["metadata"]["encryption-key-id"]).decode()


async def opened_payloads(text: str) -> str:
    """What is in the payloads of a history, sealed ones opened, as text."""
    codec = data_converter(payload_ring(), refuse_plain=False).payload_codec
    assert codec
    opened = await codec.decode([ParseDict(one, Payload()) for _, one in payloads(json.loads(text))])
    return "\n".join(payload.data.decode(errors="replace") for payload in opened)


# ---- a history in words


def lines(history: WorkflowHistory) -> tuple[str, ...]:
    """What happened, in words that are the same in every run: `update accepted submit_code`, `timer fired`."""
    told = _Teller()
    return tuple(line for event in history.events if (line := told.line(event)))


def fingerprint(told: tuple[str, ...]) -> tuple[str, ...]:
    """Only what the workflow did: commands, and the messages it took, in order. No answers, no workflow tasks."""
    left_out = ("timer fired", "workflow task", "external")
    return tuple(line for line in told if not line.startswith(left_out))


def undisturbed(done: tuple[str, ...]) -> tuple[str, ...]:
    """Without the second way of a quick activity: on a busy machine the first one may run out of its second."""
    again = {line.removesuffix(" failed").replace("local", "activity") for line in done if line.endswith(" failed")}
    return tuple(line.removesuffix(" failed") for line in done if line not in again)


class _Teller:
    """Remembers the names of updates, which later events repeat only by number."""

    def __init__(self) -> None:
        self._updates: dict[int, str] = {}

    def line(self, event: HistoryEvent) -> str:
        kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
        told = getattr(self, f"_{kind.lower()}", None)
        return str(told(event)) if told else ""

    def _activity_task_scheduled(self, event: HistoryEvent) -> str:
        return f"activity {event.activity_task_scheduled_event_attributes.activity_type.name}"

    def _activity_task_cancel_requested(self, event: HistoryEvent) -> str:
        return "activity cancelled"

    def _marker_recorded(self, event: HistoryEvent) -> str:
        marker = event.marker_recorded_event_attributes
        if marker.marker_name != "core_local_activity":
            return f"marker {marker.marker_name}"
        failed = " failed" if marker.HasField("failure") else ""
        return f"local {local_activity(event)}{failed}"

    def _timer_started(self, event: HistoryEvent) -> str:
        return "timer started"

    def _timer_canceled(self, event: HistoryEvent) -> str:
        return "timer cancelled"

    def _timer_fired(self, event: HistoryEvent) -> str:
        return "timer fired"

    def _workflow_execution_signaled(self, event: HistoryEvent) -> str:
        return f"signal {event.workflow_execution_signaled_event_attributes.signal_name}"

    def _workflow_execution_update_accepted(self, event: HistoryEvent) -> str:
        accepted = event.workflow_execution_update_accepted_event_attributes
        name = self._updates[event.event_id] = accepted.accepted_request.input.name
        return f"update accepted {name}"

    def _workflow_execution_update_completed(self, event: HistoryEvent) -> str:
        completed = event.workflow_execution_update_completed_event_attributes
        if completed.outcome.HasField("failure"):
            return f"update refused {completed.outcome.failure.application_failure_info.type}"
        return f"update completed {self._updates[completed.accepted_event_id]}"

    def _start_child_workflow_execution_initiated(self, event: HistoryEvent) -> str:
        return f"child {event.start_child_workflow_execution_initiated_event_attributes.workflow_type.name}"

    def _start_child_workflow_execution_failed(self, event: HistoryEvent) -> str:
        return "external child was there already"

    def _signal_external_workflow_execution_initiated(self, event: HistoryEvent) -> str:
        name = event.signal_external_workflow_execution_initiated_event_attributes.signal_name
        return f"signal external {name}"

    def _signal_external_workflow_execution_failed(self, event: HistoryEvent) -> str:
        return "external signal reached nobody"

    def _workflow_task_timed_out(self, event: HistoryEvent) -> str:
        return "workflow task timed out"

    def _workflow_execution_completed(self, event: HistoryEvent) -> str:
        return "completed"

    def _workflow_execution_continued_as_new(self, event: HistoryEvent) -> str:
        return "continued as new"

    def _workflow_execution_failed(self, event: HistoryEvent) -> str:
        return "failed"


def local_activity(event: HistoryEvent) -> str:
    """The type of a local activity, from its marker."""
    data = event.marker_recorded_event_attributes.details["data"].payloads[0].data
    return str(json.loads(data)["activity_type"])


def activities(history: WorkflowHistory) -> set[str]:
    """Types of all activities in it, local ones too."""
    told = (line.split() for line in lines(history) if line.startswith(("activity ", "local ")))
    return {words[1] for words in told if words[1] != "cancelled"}


def contains(told: tuple[str, ...], shows: tuple[str, ...]) -> bool:
    """Whether these lines are all there, in this order, with anything in between."""
    rest = iter(told)
    return all(any(line == wanted for line in rest) for wanted in shows)
