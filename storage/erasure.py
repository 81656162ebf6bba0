"""Forgetting, in two steps: first what is about a person, years later the record that names nobody (design 3, 5).

A person's row key is destroyed, so that copies of the sealed columns (backups, replicas) are unreadable as well; then
the rows go, and with them the digests by which somebody could be found again. Events, decisions and the delivery log
stay: they never held anything personal.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
from sqlmodel import SQLModel, col

from storage.models import (
    AccessLinkRow,
    AccountContactRow,
    AccountPasswordRow,
    AccountRecoveryCodeRow,
    AccountRow,
    AccountSessionRow,
    AgentSessionRow,
    CaseAccessRow,
    CaseEventRow,
    CasePersonRow,
    CaseRow,
    CodeIssueRow,
    EvidenceFileRow,
    EvidenceItemRow,
    EvidenceWeighedRow,
    HandBackRow,
    MessageRow,
    NoticeRow,
    ObjectionLinkRow,
    PresenceRow,
    ReceivedRow,
    RowKeyRow,
    VaultRow,
)
from storage.people import account_subject, case_subject

PARTS: tuple[type[SQLModel], ...] = (
    ObjectionLinkRow,
    NoticeRow,
    ReceivedRow,
    CodeIssueRow,
    CaseAccessRow,
    CasePersonRow,
    VaultRow,
    AccessLinkRow,
    EvidenceFileRow,
    EvidenceItemRow,
    EvidenceWeighedRow,
    HandBackRow,
    MessageRow,
    PresenceRow,
    CaseEventRow,
)
"""Everything that belongs to one case, what points at others first."""


async def due(session: AsyncSession, when: Mapped[datetime | None], now: datetime, limit: int) -> Sequence[str]:
    """References of cases whose `when` (`CaseRow.erase_at` or `.forget_at`) has come, the oldest first."""
    found = await session.execute(select(col(CaseRow.reference)).where(when <= now).order_by(when).limit(limit))
    return found.scalars().all()


async def erase_case(session: AsyncSession, reference: str) -> None:
    """What is personal about a case is gone for good; doing it again changes nothing more.

    An open case lives on: no message of it finds anybody any more, and it ends by its own clock.
    """
    mine = _of(reference)
    await session.execute(delete(RowKeyRow).where(col(RowKeyRow.subject) == case_subject(reference)))
    await _delete(session, mine, CasePersonRow, VaultRow, EvidenceItemRow)
    # What an event names stays as a place that is empty: who wrote when, which kind of file was there.
    await session.execute(update(MessageRow).where(mine(MessageRow)).values(sealed=""))
    await session.execute(update(EvidenceFileRow).where(mine(EvidenceFileRow)).values(content=None))
    await session.execute(update(NoticeRow).where(mine(NoticeRow)).values(address="", provider_id=""))
    row = await session.get(CaseRow, reference)
    if row is None or row.closed_at is None:
        return
    row.erase_at = None
    await _delete(session, mine, CaseAccessRow, AccessLinkRow, CodeIssueRow)


async def forget_case(session: AsyncSession, reference: str) -> None:
    """Nothing of the case is left."""
    await erase_case(session, reference)
    mine = _of(reference)
    await _delete(session, mine, *PARTS)
    await session.execute(delete(CaseRow).where(col(CaseRow.reference) == reference))


async def erase_account(session: AsyncSession, ref: str) -> list[str]:
    """Erase an owner: their key, everything by which they could be found or sign in, and every case about the account.

    The account's own row stays, as a place that nobody can enter. Answers the references of the erased cases.
    """
    await session.execute(delete(RowKeyRow).where(col(RowKeyRow.subject) == account_subject(ref)))
    for table in (AccountContactRow, AccountPasswordRow, AccountRecoveryCodeRow, AccountSessionRow):
        await session.execute(delete(table).where(col(table.account_ref) == ref))
    values = {"username_index": f"erased/{ref}", "username": ""}
    await session.execute(update(AccountRow).where(col(AccountRow.ref) == ref).values(**values))
    cases = await cases_about(session, ref)
    for reference in cases:
        await erase_case(session, reference)
    return cases


async def cases_about(session: AsyncSession, ref: str) -> list[str]:
    """Cases of the account, and those that sent it a code without coming further."""
    sent = select(col(CodeIssueRow.case_ref)).where(cast(col(CodeIssueRow.accounts), Text).like(f'%"{ref}"%'))
    mine = or_(col(CaseRow.account_ref) == ref, col(CaseRow.reference).in_(sent))
    found = await session.execute(select(col(CaseRow.reference)).where(mine).order_by(col(CaseRow.opened_at)))
    return list(found.scalars())


async def forget_sign_ins(session: AsyncSession, before: datetime) -> None:
    """Sessions of agents that began before; none of them is still open (they last hours)."""
    await session.execute(delete(AgentSessionRow).where(col(AgentSessionRow.made_at) < before))


async def _delete(session: AsyncSession, mine: Any, *tables: type[SQLModel]) -> None:
    for table in tables:
        await session.execute(delete(table).where(mine(table)))


def _of(reference: str) -> Any:
    """The condition that a row of any of these tables belongs to the case."""
    return lambda table: col(table.case_ref) == reference
