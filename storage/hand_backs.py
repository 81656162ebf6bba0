"""What a hand-back does to an account of the embedded directory, and how it is rolled back (design 7).

Everything here takes the open transaction of its caller, which holds the account's gate. Contacts are never deleted:
one that is taken off keeps its row, so that it can be told, can prove an older claim, and can come back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.decisions import ALL
from storage import directory
from storage.identifiers import Identifier
from storage.keys import Rings
from storage.models import AccountContactRow, AccountGateRow, AccountPasswordRow, AccountRow
from storage.people import RowKeys, account_subject

_OF_A_CONTACT = ("since", "removed_at", "added_by", "removed_by")


async def snapshot(session: AsyncSession, gate: AccountGateRow, row: AccountRow | None) -> dict[str, Any]:
    """The account as it is now, in opaque ids and times: what `restore_contacts` and `restore_freeze` go back to."""
    contacts = await _contacts(session, gate.account_ref)
    return {
        "contacts": {directory.contact_id(contact): _state(contact) for contact in contacts},
        "frozen_at": _text(row.frozen_at if row else None),
        "frozen_until": _text(row.frozen_until if row else None),
        "frozen_by": gate.frozen_by,
        "probation_until": _text(row.probation_until if row else None),
    }


async def change_contacts(
    session: AsyncSession, rings: Rings, row: AccountRow, proved: Identifier, *, plan: str, case: str, now: datetime
) -> tuple[str, int]:
    """Put the proved contact in the place of one (its opaque id) or of all.

    A word for what was done, and how many contacts were taken off, or put in if none was.
    """
    removed, mine = 0, directory.contact_index(rings, proved)
    for contact in await _contacts(session, row.ref):
        named = plan in {ALL, directory.contact_id(contact)}
        if named and contact.removed_at is None and contact.index not in mine:
            contact.removed_at, contact.removed_by = now, case
            removed += 1
    added = await _put_in(session, rings, row, proved, case=case, now=now)
    if removed:
        return ("all_replaced" if plan == ALL else "replaced"), removed
    return ("added", 1) if added else ("kept", 0)


async def _put_in(
    session: AsyncSession, rings: Rings, row: AccountRow, proved: Identifier, *, case: str, now: datetime
) -> bool:
    """Make it a contact of the account; a former one comes back, as young as it is now. False: it is one already."""
    for contact in await _contacts(session, row.ref):
        if contact.index in directory.contact_index(rings, proved):
            if contact.removed_at is None:
                return False
            contact.since, contact.removed_at, contact.added_by, contact.removed_by = now, None, case, ""
            return True
    session.add(
        AccountContactRow(
            account_ref=row.ref,
            kind=proved.kind,
            index=directory.contact_index(rings, proved)[0],
            address=await RowKeys(rings.row).seal(session, account_subject(row.ref), proved.normal),
            since=now,
            added_by=case,
        )
    )
    await session.flush()
    return True


async def restore_contacts(
    session: AsyncSession, row: AccountRow, before: dict[str, Any], *, case: str, begun_at: datetime, now: datetime
) -> int:
    """What this case put in is off again, what it took off is back; contacts that others changed since then stay.

    How many contacts that concerned. A password of the time since `begun_at` opens nothing any more.
    """
    changed = 0
    for contact in await _contacts(session, row.ref):
        recorded = before["contacts"].get(directory.contact_id(contact))
        was_put_in = contact.added_by == case and contact.removed_at is None
        if recorded is None and was_put_in:
            contact.removed_at, contact.removed_by = now, case
            changed += 1
        elif recorded and (was_put_in or contact.removed_by == case) and recorded != _state(contact):
            _restore(contact, recorded)
            changed += 1
    row.probation_until = _time(before["probation_until"])
    await _void_password(session, row.ref, begun_at=begun_at, now=now)
    return changed


def restore_freeze(gate: AccountGateRow, row: AccountRow, before: dict[str, Any]) -> None:
    """Shut as it was before, and because of the same case."""
    row.frozen_at, row.frozen_until = _time(before["frozen_at"]), _time(before["frozen_until"])
    gate.frozen_by = before["frozen_by"]


async def _contacts(session: AsyncSession, ref: str) -> Sequence[AccountContactRow]:
    """Contacts of the account, former ones too."""
    found = await session.execute(
        select(AccountContactRow).where(col(AccountContactRow.account_ref) == ref).order_by(col(AccountContactRow.id))
    )
    return found.scalars().all()


async def _void_password(session: AsyncSession, ref: str, *, begun_at: datetime, now: datetime) -> None:
    """Whoever was handed the account back may know it, also one that a recovery set: that went to a contact of theirs.

    The one before is as well known to whoever had the account then. The owner sets another one, as after any loss.
    """
    mine, current = col(AccountPasswordRow.account_ref) == ref, col(AccountPasswordRow.until).is_(None)
    is_younger = col(AccountPasswordRow.since) >= begun_at
    await session.execute(update(AccountPasswordRow).where(mine, current, is_younger).values(until=now))


def _state(contact: AccountContactRow) -> dict[str, str]:
    kept = {name: getattr(contact, name) for name in _OF_A_CONTACT}
    return {name: _text(value) if isinstance(value, datetime | None) else value for name, value in kept.items()}


def _restore(contact: AccountContactRow, recorded: dict[str, str]) -> None:
    since = _time(recorded["since"])
    contact.since, contact.removed_at = since or contact.since, _time(recorded["removed_at"])
    contact.added_by, contact.removed_by = recorded["added_by"], recorded["removed_by"]


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
