"""The log as a file, line by line while it is read: CSV for tables, JSON lines for machines.

Each line has what the chain was computed over and both hashes, so that a copy can be compared with the original.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from storage.audit_log import Logged

COLUMNS = ("at", "case", "number", "kind", "event", "actor", "audience", "data", "previous_hash", "hash")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would compute instead of showing it."""


async def csv_lines(batches: AsyncIterator[tuple[Logged, ...]]) -> AsyncIterator[str]:
    """RFC 4180, with a line of names first."""
    yield _csv([COLUMNS])
    async for batch in batches:
        yield _csv(tuple(_plain(value) for value in _fields(one).values()) for one in batch)


async def json_lines(batches: AsyncIterator[tuple[Logged, ...]]) -> AsyncIterator[str]:
    """One object a line, and one at the end that says how many there were: a file without it was cut."""
    count = 0
    async for batch in batches:
        count += len(batch)
        yield "".join(json.dumps(_fields(one), ensure_ascii=False, separators=(",", ":")) + "\n" for one in batch)
    yield json.dumps({"events": count}) + "\n"


def _fields(one: Logged) -> dict[str, Any]:
    row = one.row
    values = (row.at.isoformat(), row.case_ref, row.number, one.kind, row.kind, row.actor, row.audience, row.data)
    return dict(zip(COLUMNS, (*values, row.previous_hash, row.hash), strict=True))


def _plain(value: Any) -> str:
    text = json.dumps(value, sort_keys=True) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _csv(rows: Iterable[Iterable[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
