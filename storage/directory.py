"""The embedded directory: the account system of a platform that connects none of its own (design 14, 15).

Only the account adapter (`activities/accounts/sql.py`), the demo platform's sign-in page and the loader of demo
people use it; no page for claimants does.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Rings
from storage.models import (
    AccountContactRow,
    AccountPasswordRow,
    AccountRecoveryCodeRow,
    AccountRow,
    AccountSessionRow,
)
from storage.people import RowKeys, account_subject

HASHER = PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)
"""argon2id as the OWASP Password Storage Cheat Sheet asks for at least: 19 MiB, two passes, one lane."""


@dataclass(frozen=True)
class Contact:
    """`id` is opaque; `address` is the normal form, opened: for sending and for pages of the demo platform only.

    `added_by` and `removed_by` name the claim that did so; `removed_at` is None for a contact that is one now.
    """

    id: str
    kind: IdentifierKind
    address: str
    since: datetime
    removed_at: datetime | None = None
    added_by: str = ""
    removed_by: str = ""
    is_safe: bool = True


@dataclass(frozen=True)
class Held:
    """An account that a contact belongs to, or belonged to until `removed_at`."""

    account: str
    contact: str
    since: datetime
    removed_at: datetime | None
    added_by: str
    removed_by: str


def contact_id(row: AccountContactRow) -> str:
    """As the outside knows a contact."""
    return f"c{row.id}"


def contact_index(rings: Rings, identifier: Identifier) -> list[str]:
    """The blind index of a contact under every key, newest first."""
    return rings.index.digests("contact", identifier.kind, identifier.normal)


def username_index(rings: Rings, username: str) -> list[str]:
    return rings.index.digests("username", username.lower())


def recovery_code_digests(rings: Rings, account: str, code: str) -> list[str]:
    """Saved recovery codes are compared without gaps and case."""
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return rings.index.digests("recovery-code", account, plain)


async def owners(session: AsyncSession, rings: Rings, identifier: Identifier) -> list[str]:
    """References of the accounts that this names, in a fixed order; usually one, for a shared contact several."""
    if identifier.kind is IdentifierKind.USERNAME:
        wanted = username_index(rings, identifier.normal)
        statement = select(col(AccountRow.ref)).where(col(AccountRow.username_index).in_(wanted))
    else:
        contact = col(AccountContactRow.index).in_(contact_index(rings, identifier))
        now = col(AccountContactRow.removed_at).is_(None)
        statement = select(col(AccountContactRow.account_ref)).where(contact, now)
    return sorted(set((await session.execute(statement)).scalars()))


async def holders(session: AsyncSession, rings: Rings, identifier: Identifier) -> list[Held]:
    """The accounts that have this contact or once had it, in a fixed order; none for a username."""
    if identifier.kind is IdentifierKind.USERNAME:
        return []
    rows = await session.execute(
        select(AccountContactRow)
        .where(col(AccountContactRow.index).in_(contact_index(rings, identifier)))
        .order_by(col(AccountContactRow.account_ref))
    )
    return [
        Held(row.account_ref, contact_id(row), row.since, row.removed_at, row.added_by, row.removed_by)
        for row in rows.scalars()
    ]


async def account(session: AsyncSession, ref: str) -> AccountRow | None:
    return await session.get(AccountRow, ref)


async def username(session: AsyncSession, rings: Rings, row: AccountRow) -> str:
    """Empty once the owner was erased."""
    return await RowKeys(rings.row).read(session, account_subject(row.ref), row.username) or ""


async def contacts(session: AsyncSession, rings: Rings, ref: str) -> list[Contact]:
    """All contacts of the account that can be read, oldest first; none once the owner was erased."""
    return await _opened(session, rings, ref, col(AccountContactRow.removed_at).is_(None))


async def former_contacts(session: AsyncSession, rings: Rings, ref: str) -> list[Contact]:
    """Contacts that were taken off the account, oldest first."""
    return await _opened(session, rings, ref, col(AccountContactRow.removed_at).is_not(None))


async def _opened(session: AsyncSession, rings: Rings, ref: str, condition: ColumnElement[bool]) -> list[Contact]:
    rows = await session.execute(
        select(AccountContactRow)
        .where(col(AccountContactRow.account_ref) == ref, condition)
        .order_by(col(AccountContactRow.since), col(AccountContactRow.id))
    )
    keys, subject, found = RowKeys(rings.row), account_subject(ref), []
    for row in rows.scalars():
        address = await keys.read(session, subject, row.address)
        if address is not None:
            found.append(_contact(row, address))
    return found


def _contact(row: AccountContactRow, address: str) -> Contact:
    kind = IdentifierKind(row.kind)
    return Contact(contact_id(row), kind, address, row.since, row.removed_at, row.added_by, row.removed_by, row.is_safe)


async def set_password(session: AsyncSession, ref: str, hashed: str, *, case: str, now: datetime) -> None:
    """Replace the password. The earlier hash is kept, as evidence for claims (design 7)."""
    mine = col(AccountPasswordRow.account_ref) == ref
    current = col(AccountPasswordRow.until).is_(None)
    await session.execute(update(AccountPasswordRow).where(mine, current).values(until=now))
    session.add(AccountPasswordRow(account_ref=ref, hash=hashed, since=now, set_by=case))


async def password_was_set_by(session: AsyncSession, ref: str, case: str) -> bool:
    found = await session.execute(
        select(func.count())
        .select_from(AccountPasswordRow)
        .where(col(AccountPasswordRow.account_ref) == ref, col(AccountPasswordRow.set_by) == case)
    )
    return bool(found.scalar_one())


async def password_set_since(session: AsyncSession, ref: str, moment: datetime) -> bool:
    """Whether a case set a password after that moment: the newer success wins over older attempts."""
    found = await session.execute(
        select(func.count())
        .select_from(AccountPasswordRow)
        .where(
            col(AccountPasswordRow.account_ref) == ref,
            col(AccountPasswordRow.since) >= moment,
            col(AccountPasswordRow.set_by) != "",
        )
    )
    return bool(found.scalar_one())


async def end_sessions(session: AsyncSession, ref: str, *, by: str, now: datetime) -> int:
    """End every session and API token of the account; how many `by` has ended, also when asked again."""
    await end_live_sessions(session, ref, by=by, now=now)
    mine = col(AccountSessionRow.account_ref) == ref, col(AccountSessionRow.ended_by) == by
    ended = select(func.count()).select_from(AccountSessionRow).where(*mine)
    return int((await session.execute(ended)).scalar_one())


async def end_live_sessions(session: AsyncSession, ref: str, *, by: str, now: datetime) -> int:
    """End every session and API token that is alive; how many there were."""
    alive = col(AccountSessionRow.account_ref) == ref, col(AccountSessionRow.ended_at).is_(None)
    ending = update(AccountSessionRow).where(*alive).values(ended_at=now, ended_by=by)
    return len((await session.execute(ending.returning(col(AccountSessionRow.digest)))).all())


async def burn_recovery_code(session: AsyncSession, rings: Rings, ref: str, code: str, *, case: str) -> bool:
    """Use a saved code up, atomically. The same case may ask again and gets the same answer."""
    wanted = recovery_code_digests(rings, ref, code)
    row = (
        await session.execute(
            select(AccountRecoveryCodeRow)
            .where(
                col(AccountRecoveryCodeRow.account_ref) == ref,
                col(AccountRecoveryCodeRow.digest).in_(wanted),
                col(AccountRecoveryCodeRow.used_by).in_(["", case]),
            )
            .with_for_update()
        )
    ).scalar_one_or_none()
    if row is None:
        return False
    row.used_by = case
    return True


async def burnt_by(session: AsyncSession, ref: str, *, case: str) -> bool:
    """Whether this attempt burnt a code before: the answer to an activity that runs a second time."""
    mine = col(AccountRecoveryCodeRow.account_ref) == ref, col(AccountRecoveryCodeRow.used_by) == case
    found = await session.execute(select(func.count()).select_from(AccountRecoveryCodeRow).where(*mine))
    return bool(found.scalar_one())


async def freeze(session: AsyncSession, ref: str, *, now: datetime, until: datetime | None) -> None:
    """Shut the account, until then or (None) until it is opened."""
    values = {"frozen_at": now, "frozen_until": until}
    await session.execute(update(AccountRow).where(col(AccountRow.ref) == ref).values(**values))


async def unfreeze(session: AsyncSession, ref: str) -> None:
    values = {"frozen_at": None, "frozen_until": None}
    await session.execute(update(AccountRow).where(col(AccountRow.ref) == ref).values(**values))


# ---- signing in to the demo platform ------------------------------------------------------------------------------


@dataclass(frozen=True)
class SignIn:
    """`bar` is why the door stays shut although the password is right: banned, frozen, being_deleted."""

    account: str
    token: str = ""
    bar: str = ""
    until: datetime | None = None


async def hashes(session: AsyncSession, ref: str, most: int) -> list[str]:
    """The hashes of the present password and of earlier ones, the newest first."""
    found = await session.execute(
        select(col(AccountPasswordRow.hash))
        .where(col(AccountPasswordRow.account_ref) == ref)
        .order_by(col(AccountPasswordRow.since).desc(), col(AccountPasswordRow.id).desc())
        .limit(most)
    )
    return list(found.scalars())


async def current_hash(session: AsyncSession, ref: str) -> str | None:
    found = await session.execute(
        select(col(AccountPasswordRow.hash)).where(
            col(AccountPasswordRow.account_ref) == ref, col(AccountPasswordRow.until).is_(None)
        )
    )
    return found.scalars().first()


def fits_any(hashed: Sequence[str | None], password: str) -> bool:
    """Whether the password has one of these hashes. All are compared, so that the time tells nothing."""
    return sum(fits(one, password) for one in hashed) > 0


def fits(hashed: str | None, password: str) -> bool:
    """Whether the password has this hash; takes its 20 ms for an unknown account too. Not for the event loop."""
    try:
        return HASHER.verify(hashed or _NOBODY, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


_NOBODY = HASHER.hash(secrets.token_urlsafe(16))


def bar(row: AccountRow, now: datetime) -> tuple[str, datetime | None]:
    """Why an account is shut at this moment, and until when; ("", None) if it is open."""
    if row.frozen_at and (row.frozen_until is None or now < row.frozen_until):
        return "frozen", row.frozen_until
    if row.standing == "active" or (row.standing == "banned" and row.standing_until and now >= row.standing_until):
        return "", None
    return row.standing, row.standing_until


async def devices(session: AsyncSession, ref: str, *, before: datetime) -> list[str]:
    """The names of devices that the account was used with before that moment."""
    mine = col(AccountSessionRow.account_ref) == ref, col(AccountSessionRow.made_at) < before
    found = await session.execute(select(col(AccountSessionRow.device)).where(*mine).distinct())
    return sorted(name for name in found.scalars() if name)


async def open_session(session: AsyncSession, rings: Rings, ref: str, *, device: str, now: datetime) -> str:
    """A session of the demo platform; its token."""
    token = secrets.token_urlsafe(24)
    digest = rings.digest.digest("platform-session", token)
    session.add(AccountSessionRow(digest=digest, account_ref=ref, device=device, made_at=now))
    return token


async def session_of(session: AsyncSession, rings: Rings, token: str) -> AccountSessionRow | None:
    """The session of a token, ended ones too: its next click must be able to say so."""
    wanted = rings.digest.digests("platform-session", token)
    found = await session.execute(select(AccountSessionRow).where(col(AccountSessionRow.digest).in_(wanted)))
    return found.scalar_one_or_none()


async def sessions(
    session: AsyncSession, ref: str, *, ended_within: timedelta, now: datetime
) -> list[AccountSessionRow]:
    """Live sessions and API tokens, and those ended lately; newest first."""
    rows = await session.execute(
        select(AccountSessionRow)
        .where(col(AccountSessionRow.account_ref) == ref)
        .order_by(col(AccountSessionRow.made_at).desc())
    )
    return [row for row in rows.scalars() if row.ended_at is None or row.ended_at > now - ended_within]
