"""Cases and events to and from JSON, for the projection. The digests of codes and links stay in the workflow."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from domain import claim, claim_deadlines, claim_events, recovery
from domain.case import Deadline, Kind, Party, earliest
from domain.claim import Claim
from domain.recovery import Recovery

Case = Recovery | Claim
AnyEvent = recovery.Event | claim_events.Event

_CASES: dict[str, TypeAdapter[Any]] = {Kind.RECOVERY: TypeAdapter(Recovery), Kind.CLAIM: TypeAdapter(Claim)}
_EVENTS: dict[str, TypeAdapter[Any]] = {
    Kind.RECOVERY: TypeAdapter(recovery.Event),
    Kind.CLAIM: TypeAdapter(claim_events.Event),
}
_HIDDEN = ("digest", "link_digest")


def load_case(kind: str, snapshot: dict[str, Any]) -> Case:
    case: Case = _CASES[kind].validate_python(snapshot)
    return case


def dump_case(case: Case) -> dict[str, Any]:
    dumped: dict[str, Any] = _CASES[case.kind].dump_python(case, mode="json")
    for holder in (dumped, dumped.get("proof", {})):
        if holder.get("issue"):
            holder["issue"] = {name: value for name, value in holder["issue"].items() if name not in _HIDDEN}
    return dumped


def dump_event(kind: str, event: AnyEvent) -> dict[str, Any]:
    """What the event says besides `at` and `kind`, without digests."""
    dumped: dict[str, Any] = _EVENTS[kind].dump_python(event, mode="json")
    return {name: value for name, value in dumped.items() if name not in {*_HIDDEN, "at", "kind"}}


def load_event(kind: str, event_kind: str, at: datetime, data: dict[str, Any]) -> AnyEvent:
    event: AnyEvent = _EVENTS[kind].validate_python({**data, "at": at, "kind": event_kind})
    return event


def apply(case: Case, event: AnyEvent) -> Case:
    """`apply` of the case's own kind; its third caller is the timeline page."""
    if isinstance(case, Recovery):
        return recovery.apply(case, event)  # type: ignore[arg-type]
    return claim.apply(case, event)  # type: ignore[arg-type]


def next_deadline(case: Case) -> Deadline | None:
    return earliest(recovery.deadlines(case) if isinstance(case, Recovery) else claim_deadlines.deadlines(case))


def waiting_on(case: Case) -> Party | None:
    return recovery.waiting_on(case) if isinstance(case, Recovery) else claim_deadlines.waiting_on(case)


def due_at(case: Case) -> datetime | None:
    """What the desk's list is sorted by: for a claim what an agent has to do, else when the clock acts next."""
    if isinstance(case, Claim):
        return claim_deadlines.due_at(case)
    deadline = next_deadline(case)
    return deadline.at if deadline else None
