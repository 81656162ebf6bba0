"""Files of a case: sealed under the key of its claimant, read by nobody before they are clean.

A refused file is emptied at once; that it was there, its type and size stay.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.engine import database_time
from storage.keys import Rings, Unreadable
from storage.models import CaseEventRow, CaseRow, EvidenceFileRow
from storage.once import insert_once
from storage.people import RowKeys, case_subject
from storage.uploads import RULES, Refusal, Refused, Upload

WAITING, CLEAN, REFUSED = "waiting", "clean", "refused"
NAME_LENGTH = 24
"""Hexadecimal digits; the name stands in addresses of the desk."""


@dataclass(frozen=True)
class Listed:
    """What pages show of a file. `size` is in bytes, `refusal` a class: `infected`, `not_scanned`, `erased`."""

    name: str
    media_type: str
    size: int
    state: str
    at: datetime
    refusal: str


@dataclass(frozen=True)
class File:
    media_type: str
    content: bytes


async def keep(
    session: AsyncSession,
    rings: Rings,
    reference: str,
    uploads: Sequence[Upload],
    *,
    key: str = "",
    most: int = RULES.per_case,
) -> int:
    """Keep what was taken of a form's files, waiting for the scan; how many these are.

    With the same `key` (the update id) the same form sent twice keeps them once and answers the same number. Raises
    `Refused` if the case would have more than `most`: then the caller's transaction must roll back.
    """
    if not uploads:
        return 0
    await _locked(session, reference)
    now = await database_time(session)
    for number, upload in enumerate(uploads):
        name = _name(rings, reference, key, number)
        if await session.get(EvidenceFileRow, name) is None:
            await insert_once(session, await _row(session, rings, reference, name, upload, now))
    if await count(session, reference) > most:
        raise Refused(Refusal.TOO_MANY)
    return len(uploads)


async def _locked(session: AsyncSession, reference: str) -> None:
    """Two forms at once count each other's files."""
    await session.execute(select(col(CaseRow.number)).where(col(CaseRow.reference) == reference).with_for_update())


def _name(rings: Rings, reference: str, key: str, number: int) -> str:
    if not key:
        return secrets.token_hex(NAME_LENGTH // 2)
    return rings.digest.digest("file", reference, key, str(number))[:NAME_LENGTH]


async def _row(
    session: AsyncSession, rings: Rings, reference: str, name: str, upload: Upload, now: datetime
) -> EvidenceFileRow:
    sealed = await RowKeys(rings.row).seal_bytes(session, case_subject(reference), upload.content, about=name)
    return EvidenceFileRow(
        name=name,
        case_ref=reference,
        media_type=upload.media_type,
        size=len(upload.content),
        content=sealed,
        at=now,
    )


async def count(session: AsyncSession, reference: str) -> int:
    """Files that were ever kept for the case; refused ones count, so that nobody tries without end."""
    mine = col(EvidenceFileRow.case_ref) == reference
    return int((await session.execute(select(func.count()).select_from(EvidenceFileRow).where(mine))).scalar_one())


async def listed(session: AsyncSession, reference: str) -> list[Listed]:
    """The case's files, oldest first, without what is in them."""
    columns = (
        col(EvidenceFileRow.name),
        col(EvidenceFileRow.media_type),
        col(EvidenceFileRow.size),
        col(EvidenceFileRow.state),
        col(EvidenceFileRow.at),
        col(EvidenceFileRow.refusal),
    )
    mine = col(EvidenceFileRow.case_ref) == reference
    found = await session.execute(select(*columns).where(mine).order_by(columns[4], columns[0]))
    return [Listed(*row) for row in found.all()]


async def read(session: AsyncSession, rings: Rings, reference: str, name: str) -> File | None:
    """The file, if it is clean and belongs to this case; None for any other, and once the claimant was erased."""
    row = await session.get(EvidenceFileRow, name)
    if row is None or row.case_ref != reference or row.state != CLEAN:
        return None
    content = await _opened(session, rings, row)
    return File(row.media_type, content) if content is not None else None


# ---- for the scan -----------------------------------------------------------------------------------------------


async def waiting(session: AsyncSession, reference: str) -> list[str]:
    """Names of the files that nobody has scanned yet, oldest first."""
    mine = col(EvidenceFileRow.case_ref) == reference, col(EvidenceFileRow.state) == WAITING
    order = col(EvidenceFileRow.at), col(EvidenceFileRow.name)
    return list((await session.execute(select(col(EvidenceFileRow.name)).where(*mine).order_by(*order))).scalars())


async def unscanned(session: AsyncSession, rings: Rings, name: str) -> File | None:
    """The content of a file that waits, for the scanner only; None if there is nothing to scan any more."""
    row = await session.get(EvidenceFileRow, name)
    if row is None or row.state != WAITING:
        return None
    content = await _opened(session, rings, row)
    return File(row.media_type, content) if content is not None else None


async def release(session: AsyncSession, name: str) -> None:
    """The file is clean: it may be read."""
    await _scanned(session, name, state=CLEAN, scanned_at=await database_time(session))


async def refuse(session: AsyncSession, name: str, refusal: str) -> None:
    """The file is not clean: what is in it goes, at once."""
    now = await database_time(session)
    await _scanned(session, name, state=REFUSED, scanned_at=now, refusal=refusal, content=None)


async def _scanned(session: AsyncSession, name: str, **values: object) -> None:
    mine = col(EvidenceFileRow.name) == name, col(EvidenceFileRow.state) == WAITING
    await session.execute(update(EvidenceFileRow).where(*mine).values(**values))


async def scanned(session: AsyncSession, reference: str) -> tuple[int, int]:
    """How many of the case's files were found clean, and how many were refused."""
    columns = col(EvidenceFileRow.state), func.count()
    mine = col(EvidenceFileRow.case_ref) == reference
    rows = await session.execute(select(*columns).where(mine).group_by(columns[0]))
    found = {str(state): int(number) for state, number in rows.all()}
    return found.get(CLEAN, 0), found.get(REFUSED, 0)


async def told(session: AsyncSession, reference: str) -> tuple[int, int]:
    """How many clean and how many refused files the recorded events of the case speak of so far."""
    mine = col(CaseEventRow.case_ref) == reference, col(CaseEventRow.kind) == "files_scanned"
    found = (await session.execute(select(col(CaseEventRow.data)).where(*mine))).scalars().all()
    return sum(data["clean"] for data in found), sum(data["refused"] for data in found)


async def unsent(session: AsyncSession, reference: str, counted: int) -> int:
    """How many files are kept that the case was not told of yet, scanned or not; `counted`: it waits for so many."""
    return max(await count(session, reference) - sum(await told(session, reference)) - counted, 0)


async def _opened(session: AsyncSession, rings: Rings, row: EvidenceFileRow) -> bytes | None:
    if row.content is None:
        return None
    try:
        return await RowKeys(rings.row).open_bytes(session, case_subject(row.case_ref), row.content, about=row.name)
    except Unreadable:
        return None
