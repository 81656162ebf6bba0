"""Thousands of account owners for measurements: an e-mail address, a session and a password each."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from storage.directory import HASHER, contact_index, username_index
from storage.engine import Database
from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Rings
from storage.models import AccountContactRow, AccountPasswordRow, AccountRow, AccountSessionRow
from storage.people import RowKeys, account_subject

AT_ONCE = 500
SINCE = datetime(2025, 1, 20, tzinfo=UTC)


def email(number: int) -> str:
    return f"owner{number:06}@example.com"


async def move_in(database: Database, rings: Rings, numbers: range) -> None:
    """Add the owners with these numbers. All have the same password, because hashing thousands takes minutes."""
    hashed = HASHER.hash("the-password-that-was-forgotten")
    for portion in _portions(numbers):
        async with database.write() as session:
            for number in portion:
                await _add(session, rings, number, hashed)


def _portions(numbers: range) -> Iterator[range]:
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        yield range(start, min(start + AT_ONCE, numbers.stop))


async def _add(session: AsyncSession, rings: Rings, number: int, hashed: str) -> None:
    ref, keys = f"acc_bench{number:07}", RowKeys(rings.row)
    subject, username = account_subject(ref), f"owner{number:06}"
    contact = Identifier(IdentifierKind.EMAIL, email(number))
    session.add(
        AccountRow(
            ref=ref,
            username_index=username_index(rings, username)[0],
            username=await keys.seal(session, subject, username),
            made_at=SINCE,
        )
    )
    await session.flush()
    address = await keys.seal(session, subject, contact.normal)
    index = contact_index(rings, contact)[0]
    session.add(AccountContactRow(account_ref=ref, kind=contact.kind, index=index, address=address, since=SINCE))
    session.add(AccountPasswordRow(account_ref=ref, hash=hashed, since=SINCE))
    session.add(AccountSessionRow(digest=f"bench-{number}", account_ref=ref, device="Firefox on Linux", made_at=SINCE))
