"""What a claimant gave, for the desk: which things there are, and one of them opened when an agent looks at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.keys import Rings
from storage.models import CasePersonRow, EvidenceFileRow, EvidenceItemRow
from storage.people import RowKeys, case_subject

CONTACT = "contact"
"""The name under which the proved contact is looked at; whatever else a claimant gave has its own kind."""


@dataclass(frozen=True)
class Given:
    """One thing that was given, and when. `evidence` is the time it was given, as an event names it."""

    evidence: str
    kind: str
    at: datetime


@dataclass(frozen=True)
class File:
    """A file by the name of its row. `size` in bytes; `refusal` is a class of refusal, never a name."""

    name: str
    media_type: str
    size: int
    state: str
    at: datetime
    refusal: str


async def given(session: AsyncSession, reference: str) -> list[Given]:
    """What there is, oldest first, without opening any of it."""
    rows = await session.execute(
        select(col(EvidenceItemRow.evidence), col(EvidenceItemRow.kind), col(EvidenceItemRow.at))
        .where(col(EvidenceItemRow.case_ref) == reference)
        .order_by(col(EvidenceItemRow.at), col(EvidenceItemRow.kind))
    )
    return [Given(*row) for row in rows.all()]


async def opened(session: AsyncSession, rings: Rings, reference: str, evidence: str, kind: str) -> str | None:
    """One thing in the claimant's own words; None if there is none, or it was erased."""
    row = await session.get(EvidenceItemRow, (reference, evidence, kind))
    return await RowKeys(rings.row).read(session, case_subject(reference), row.sealed) if row else None


async def contact(session: AsyncSession, rings: Rings, reference: str, name: str) -> str | None:
    """The address or number of this `case_person` row; None if there is none, or it was erased."""
    row = await session.get(CasePersonRow, (reference, name))
    return await RowKeys(rings.row).read(session, case_subject(reference), row.sealed) if row else None


async def files(session: AsyncSession, reference: str) -> Sequence[File]:
    """The files of a case, oldest first, without what is in them."""
    rows = await session.execute(
        select(
            col(EvidenceFileRow.name),
            col(EvidenceFileRow.media_type),
            col(EvidenceFileRow.size),
            col(EvidenceFileRow.state),
            col(EvidenceFileRow.at),
            col(EvidenceFileRow.refusal),
        )
        .where(col(EvidenceFileRow.case_ref) == reference)
        .order_by(col(EvidenceFileRow.at), col(EvidenceFileRow.name))
    )
    return [File(*row) for row in rows.all()]
