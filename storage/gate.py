"""The gate of an account: whatever decides its fate locks it first (design 4.3).

Every reference has one, a stand-in's too, so that locking it tells nobody whether there is an account.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.models import AccountGateRow
from storage.once import insert_once


async def lock_gate(session: AsyncSession, ref: str) -> AccountGateRow:
    """The gate of an account, locked until the end of the transaction."""
    statement = select(AccountGateRow).where(col(AccountGateRow.account_ref) == ref).with_for_update()
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        await insert_once(session, AccountGateRow(account_ref=ref))
        found = (await session.execute(statement)).scalar_one()
    return found
