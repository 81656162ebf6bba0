"""What the pages of a claimant read of a claim: what they gave and did not send yet, and who wrote to them."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.keys import Rings
from storage.models import AgentRow, EvidenceItemRow
from storage.people import RowKeys, case_subject


async def texts(session: AsyncSession, rings: Rings, reference: str, evidence: str) -> dict[str, str]:
    """What was given at this time, by kind, opened; what was erased is left out."""
    rows = await session.execute(
        select(EvidenceItemRow).where(
            col(EvidenceItemRow.case_ref) == reference, col(EvidenceItemRow.evidence) == evidence
        )
    )
    keys, subject = RowKeys(rings.row), case_subject(reference)
    found = {row.kind: await keys.read(session, subject, row.sealed) for row in rows.scalars()}
    return {kind: text for kind, text in found.items() if text is not None}


async def display_names(session: AsyncSession, agents: Iterable[str]) -> dict[str, str]:
    """How these agents sign what they write to people."""
    rows = await session.execute(
        select(col(AgentRow.name), col(AgentRow.display_name)).where(col(AgentRow.name).in_(list(agents)))
    )
    return {row.name: row.display_name for row in rows.all()}


async def kinds(session: AsyncSession, reference: str) -> dict[str, frozenset[str]]:
    """Which kinds of things were given each time, without opening any."""
    rows = await session.execute(
        select(col(EvidenceItemRow.evidence), col(EvidenceItemRow.kind)).where(
            col(EvidenceItemRow.case_ref) == reference
        )
    )
    found: dict[str, frozenset[str]] = {}
    for evidence, kind in rows.all():
        found[evidence] = found.get(evidence, frozenset()) | {kind}
    return found
