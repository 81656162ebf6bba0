"""What a claimant gave, for the desk: which things there are, and one of them opened when an agent looks at it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.intake_claim import OPENING
from storage.keys import Rings
from storage.models import CasePersonRow, EvidenceItemRow
from storage.people import RowKeys, case_subject

CONTACT = "contact"
"""The name under which the proved contact is looked at; whatever else a claimant gave has its own kind."""


@dataclass(frozen=True)
class Given:
    """One thing that was given, and when. `evidence` is the time it was given, as an event names it."""

    evidence: str
    kind: str
    at: datetime


async def given(session: AsyncSession, reference: str, evidence: Iterable[str]) -> list[Given]:
    """What there is of these times, oldest first, without opening any of it.

    What was typed and not sent yet is of no time that an event names.
    """
    rows = await session.execute(
        select(col(EvidenceItemRow.evidence), col(EvidenceItemRow.kind), col(EvidenceItemRow.at))
        .where(col(EvidenceItemRow.case_ref) == reference, col(EvidenceItemRow.evidence).in_(list(evidence)))
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


async def opening(session: AsyncSession, rings: Rings, reference: str) -> dict[str, str]:
    """What was written into the first form, by kind, opened: it was written to the desk."""
    rows = await session.execute(
        select(EvidenceItemRow).where(
            col(EvidenceItemRow.case_ref) == reference, col(EvidenceItemRow.evidence) == OPENING
        )
    )
    keys, subject = RowKeys(rings.row), case_subject(reference)
    found = {row.kind: await keys.read(session, subject, row.sealed) for row in rows.scalars()}
    return {kind: text for kind, text in found.items() if text is not None}
