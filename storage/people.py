"""Personal data at rest: one wrapped key per person, sealed values, and their erasure (design 3, 4.3)."""

import os

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.keys import KEY_BYTES, Ring, Unreadable, seal, unseal
from storage.models import CasePersonRow, RowKeyRow


def case_subject(reference: str) -> str:
    """The row-key subject of a claimant in a case."""
    return f"case/{reference}"


def account_subject(account: str) -> str:
    """The row-key subject of an account's owner."""
    return f"account/{account}"


class RowKeys:
    """Seals under the person's own key, which is wrapped by the `row` ring; erasing the person deletes that key."""

    def __init__(self, ring: Ring) -> None:
        self._ring = ring

    async def seal(self, session: AsyncSession, subject: str, plain: str) -> str:
        """Hex of nonce, ciphertext and tag. Makes the person's key at first use."""
        return seal(await self._key(session, subject, make=True), plain.encode(), subject).hex()

    async def open(self, session: AsyncSession, subject: str, sealed: str) -> str:
        """The plain text. Raises `Unreadable` once the person was erased."""
        return unseal(await self._key(session, subject, make=False), bytes.fromhex(sealed), subject).decode()

    async def read(self, session: AsyncSession, subject: str, sealed: str) -> str | None:
        """As `open`; None for what can be read no more, so that everything else on a page still can."""
        try:
            return await self.open(session, subject, sealed)
        except Unreadable:
            return None

    async def seal_bytes(self, session: AsyncSession, subject: str, plain: bytes, *, about: str) -> bytes:
        """As `seal`, for what is large; bound to what it is `about`, such as the name of its row."""
        return seal(await self._key(session, subject, make=True), plain, f"{subject}/{about}")

    async def open_bytes(self, session: AsyncSession, subject: str, sealed: bytes, *, about: str) -> bytes:
        """What was sealed. Raises `Unreadable` once the person was erased."""
        return unseal(await self._key(session, subject, make=False), sealed, f"{subject}/{about}")

    async def erase(self, session: AsyncSession, subject: str) -> None:
        """Everything sealed for this person becomes unreadable for good."""
        await session.execute(delete(RowKeyRow).where(col(RowKeyRow.subject) == subject))

    async def _key(self, session: AsyncSession, subject: str, *, make: bool) -> bytes:
        row = await session.get(RowKeyRow, subject)
        if row is None:
            if not make:
                raise Unreadable("the key of this person was erased")
            row = await self._made(session, subject)
        return self._ring.open(row.wrapped, subject)

    async def _made(self, session: AsyncSession, subject: str) -> RowKeyRow:
        """A new key, or the one that somebody else made at the same moment (PostgreSQL lets two writers try)."""
        row = RowKeyRow(subject=subject, wrapped=self._ring.seal(os.urandom(KEY_BYTES), subject))
        try:
            async with session.begin_nested():
                session.add(row)
        except IntegrityError:
            return await session.get_one(RowKeyRow, subject)
        return row


async def person(session: AsyncSession, reference: str, name: str) -> CasePersonRow | None:
    """One thing the claimant typed, or a username shown after the proof (`username/<account>`)."""
    return await session.get(CasePersonRow, (reference, name))
