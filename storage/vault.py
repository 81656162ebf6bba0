"""Sealed single-use secrets: a new password, a saved recovery code (design 6).

A workflow carries only the name of the row.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.keys import Ring
from storage.models import CaseRow, VaultRow
from storage.once import insert_once

LIFETIME = timedelta(hours=24)
"""Until applied, at most a day (design 5, retention)."""


def _context(reference: str, purpose: str) -> str:
    return f"vault/{purpose}/{reference}"


async def put(
    session: AsyncSession, ring: Ring, *, name: str, reference: str, purpose: str, secret: str, now: datetime
) -> None:
    """Seal a secret under this name, bound to case and purpose. The same name again changes nothing."""
    if await session.get(VaultRow, name) is None:
        sealed = ring.seal(secret.encode(), _context(reference, purpose))
        row = VaultRow(name=name, case_ref=reference, purpose=purpose, sealed=sealed, expires_at=now + LIFETIME)
        await insert_once(session, row)


async def look(session: AsyncSession, ring: Ring, *, name: str, reference: str, purpose: str) -> str | None:
    """The secret; None if it is gone. Raises `Unreadable` if it was sealed for something else."""
    row = await session.get(VaultRow, name)
    if row is None:
        return None
    return ring.open(row.sealed, _context(reference, purpose)).decode()


async def drop(session: AsyncSession, name: str) -> None:
    await session.execute(delete(VaultRow).where(col(VaultRow.name) == name))


async def forget(session: AsyncSession, before: datetime) -> None:
    """Secrets that nobody fetched in time, or that no open case waits for; for the upkeep."""
    closed = select(col(CaseRow.reference)).where(
        col(CaseRow.reference) == col(VaultRow.case_ref), col(CaseRow.closed_at).is_not(None)
    )
    over = or_(col(VaultRow.expires_at) < before, closed.exists())
    await session.execute(delete(VaultRow).where(over).execution_options(synchronize_session=False))
