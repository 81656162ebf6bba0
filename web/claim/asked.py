"""What agents asked the claimant for, and what was given since."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain import claim_events
from domain.claim import Claim
from domain.decisions import Item, Outcome
from domain.evidence import FactKind
from storage.reads import Entry

_FACTS: dict[str, tuple[FactKind, ...]] = {
    Item.PASSWORDS: (FactKind.PASSWORD,),
    Item.RECOVERY_CODE: (FactKind.RECOVERY_CODE,),
    Item.DOCUMENT: (FactKind.FILES,),
    Item.DEVICES: (),
}


@dataclass(frozen=True)
class AskedItem:
    """One thing that was asked for; `given_at` is when something of the kind came in."""

    item: str
    given_at: datetime | None = None


@dataclass(frozen=True)
class Ask:
    """`is_open`: the case waits for it until `due_at`."""

    at: datetime
    due_at: datetime
    items: tuple[AskedItem, ...]
    is_open: bool


def asks_of(case: Claim, entries: Iterable[Entry], kinds: Mapping[str, frozenset[str]]) -> list[Ask]:
    """Every question, oldest first. `kinds`: which kinds of things each evidence holds."""
    asks: list[Ask] = []
    for entry in entries:
        event, after = entry.event, entry.after
        if isinstance(event, claim_events.DecisionRecorded) and event.outcome is Outcome.ASK:
            items = tuple(AskedItem(item) for item in event.items)
            due = after.asked.due_at if isinstance(after, Claim) and after.asked else event.at
            asks.append(Ask(event.at, due, items, is_open=False))
        elif asks and (given := _given(event, kinds)):
            asks[-1] = _with(asks[-1], given, event.at)
    if asks and case.asked:
        asks[-1] = Ask(asks[-1].at, asks[-1].due_at, asks[-1].items, is_open=True)
    return asks


def _given(event: object, kinds: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The names of items that this event brings something for."""
    if isinstance(event, claim_events.ReplySent):
        return frozenset({Item.EXPLANATION, *([Item.DOCUMENT] if event.files else [])})
    if not isinstance(event, claim_events.EvidenceGiven):
        return frozenset()
    facts = {fact.kind for fact in event.facts}
    found = {item for item, wanted in _FACTS.items() if facts & set(wanted)}
    if event.files:
        found.add(Item.DOCUMENT)
    return frozenset(found | kinds.get(event.evidence, frozenset()))


def _with(ask: Ask, given: frozenset[str], at: datetime) -> Ask:
    items = tuple(AskedItem(item.item, item.given_at or (at if item.item in given else None)) for item in ask.items)
    return Ask(ask.at, ask.due_at, items, ask.is_open)
