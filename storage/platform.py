"""What the demo platform's own page shows of an account of the embedded directory, and its two ways in and out.

For `/dev/login` only: a platform that is connected has pages of its own for all of this.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage import directory
from storage.directory import Contact
from storage.identifiers import Identifier
from storage.keys import Rings
from storage.models import (
    AccountGateRow,
    AccountPasswordRow,
    AccountRecoveryCodeRow,
    AccountRow,
    AccountSessionRow,
    CaseRow,
)

SHOWN_FOR = timedelta(days=7)
"""How long an ended session stays on the page."""
SIGNED_OUT = "sign-out"
"""Who ended a session, if it was the owner; else the reference of a case."""


@dataclass(frozen=True)
class Door:
    """An account that a name leads to, and the hash that the typed password must fit."""

    account: str
    hashed: str | None


@dataclass(frozen=True)
class Sheet:
    """An account as its owner sees it. `bar` is why it is shut, and until when; "" if it is open.

    `former` are contacts that were taken off. `held_until` is the end of a probation: until then risky changes are
    held. `kinds`: the kind of every case that has done something here, by reference.
    """

    account: AccountRow
    username: str
    contacts: list[Contact]
    former: list[Contact]
    sessions: list[AccountSessionRow]
    kinds: dict[str, str]
    password: AccountPasswordRow | None
    codes_left: int
    codes: int
    bar: str
    until: datetime | None
    frozen_by: str = ""
    held_until: datetime | None = None


async def doors(session: AsyncSession, rings: Rings, identifier: Identifier) -> list[Door]:
    """The accounts that this name may sign in to: usually one, for a shared contact several, for a stranger none."""
    owners = await directory.owners(session, rings, identifier)
    return [Door(ref, await directory.current_hash(session, ref)) for ref in owners]


async def sheet(session: AsyncSession, rings: Rings, ref: str, now: datetime) -> Sheet:
    """Everything on the page of this account. It must exist."""
    row = await directory.account(session, ref)
    if row is None:
        raise LookupError(ref)
    bar, until = directory.bar(row, now)
    left, codes = await _recovery_codes(session, ref)
    contacts = await directory.contacts(session, rings, ref)
    former = await directory.former_contacts(session, rings, ref)
    sessions = await directory.sessions(session, ref, ended_within=SHOWN_FOR, now=now)
    password = await _password(session, ref)
    gate = await session.get(AccountGateRow, ref)
    frozen_by = gate.frozen_by if gate and bar == "frozen" else ""
    did = {row.ended_by for row in sessions} | {name for one in (*contacts, *former) for name in _changed_by(one)}
    return Sheet(
        account=row,
        username=await directory.username(session, rings, row),
        contacts=contacts,
        former=former,
        sessions=sessions,
        kinds=await kinds_of(session, did | {frozen_by, password.set_by if password else ""}),
        password=password,
        codes_left=left,
        codes=codes,
        bar=bar,
        until=until,
        frozen_by=frozen_by,
        held_until=row.probation_until if row.probation_until and now < row.probation_until else None,
    )


def _changed_by(contact: Contact) -> tuple[str, str]:
    """The claims that put the contact in and took it off; "" where none did."""
    return contact.added_by, contact.removed_by


async def kinds_of(session: AsyncSession, references: set[str]) -> dict[str, str]:
    """The kind of each of these cases; what is none is left out."""
    found = await session.execute(
        select(col(CaseRow.reference), col(CaseRow.kind)).where(col(CaseRow.reference).in_(references))
    )
    return {row.reference: row.kind for row in found}


async def end_session(session: AsyncSession, row: AccountSessionRow, now: datetime) -> None:
    """The owner signs out of this one session."""
    mine = col(AccountSessionRow.digest) == row.digest, col(AccountSessionRow.ended_at).is_(None)
    await session.execute(update(AccountSessionRow).where(*mine).values(ended_at=now, ended_by=SIGNED_OUT))


async def _password(session: AsyncSession, ref: str) -> AccountPasswordRow | None:
    mine = col(AccountPasswordRow.account_ref) == ref, col(AccountPasswordRow.until).is_(None)
    return (await session.execute(select(AccountPasswordRow).where(*mine))).scalars().first()


async def _recovery_codes(session: AsyncSession, ref: str) -> tuple[int, int]:
    """Saved recovery codes that were not used yet, and all of them."""
    mine = col(AccountRecoveryCodeRow.account_ref) == ref
    statement = select(func.count()).select_from(AccountRecoveryCodeRow).where(mine)
    unused = (await session.execute(statement.where(col(AccountRecoveryCodeRow.used_by) == ""))).scalar_one()
    return int(unused), int((await session.execute(statement)).scalar_one())
