"""Finding cases for an agent: by reference, or by exactly what a claimant typed. Nothing typed is stored or logged."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.case import ALPHABET, REFERENCE_LENGTH
from storage.identifiers import MAX_LENGTH, NotUnderstood, identify
from storage.keys import Rings
from storage.models import CasePersonRow, CaseRow
from storage.queue import COLUMNS, Entry, entry_of

MOST = 50
SHORTEST = 3
"""Characters of a reference by which cases are looked for."""


async def search(session: AsyncSession, rings: Rings, typed: str, region: str) -> Sequence[Entry]:
    """Open and closed cases, newest first, at most `MOST`.

    A contact or a username is compared through its keyed digest: the whole of it has to be right, and what is found
    is what the claimants of these cases typed themselves, not what our records say about an account.
    """
    found: dict[str, Entry] = {}
    for condition in (_by_reference(typed), _by_account(typed), _by_person(rings, typed, region)):
        if condition is not None:
            rows = await session.execute(_cases(condition))
            found |= {entry.reference: entry for entry in map(entry_of, rows.all())}
    return sorted(found.values(), key=lambda entry: entry.opened_at, reverse=True)[:MOST]


def _cases(condition: Any) -> Any:
    # Sorted by the key that was looked up, not by time: no index over all cases may tempt the planner.
    return select(*COLUMNS).where(condition).order_by(col(CaseRow.reference)).limit(MOST)  # type: ignore[call-overload]


def _by_reference(typed: str) -> Any:
    plain = typed.upper().replace("-", "").replace(" ", "").translate(str.maketrans("ILO", "110"))
    if not SHORTEST <= len(plain) <= REFERENCE_LENGTH or not set(plain) <= set(ALPHABET):
        return None
    # A range of the primary key; `LIKE` uses its index in some collations only.
    first, last = plain.ljust(REFERENCE_LENGTH, ALPHABET[0]), plain.ljust(REFERENCE_LENGTH, ALPHABET[-1])
    return col(CaseRow.reference).between(first, last)


def _by_account(typed: str) -> Any:
    plain = typed.strip()
    return col(CaseRow.account_ref) == plain if 0 < len(plain) <= MAX_LENGTH else None


def _by_person(rings: Rings, typed: str, region: str) -> Any:
    try:
        named = identify(typed, region)
    except NotUnderstood:
        return None
    digests = rings.digest.digests("typed", named.kind, named.normal)
    return col(CaseRow.reference).in_(select(col(CasePersonRow.case_ref)).where(col(CasePersonRow.digest).in_(digests)))
