"""The chain of hashes over the events of a case: keyed, so that whoever can write to the table cannot recompute it."""

import json
from collections.abc import Sequence

from storage.keys import Ring
from storage.models import CaseEventRow

FIRST = ""


def chained(ring: Ring, row: CaseEventRow, previous: str) -> str:
    """`<key id>:<hex>` over this event and the hash before it."""
    return ring.sign(_text(row, previous))


def first_break(ring: Ring, rows: Sequence[CaseEventRow]) -> int | None:
    """The number of the first event (of one case, in order) whose hash does not fit; None when all do."""
    previous = FIRST
    for expected, row in enumerate(rows, start=1):
        fits = row.number == expected and row.previous_hash == previous
        if not fits or not ring.is_signed(_text(row, previous), row.hash):
            return row.number
        previous = row.hash
    return None


def _text(row: CaseEventRow, previous: str) -> str:
    fields = [row.case_ref, row.number, row.kind, row.at.isoformat(), row.actor, row.audience, row.data, previous]
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))
