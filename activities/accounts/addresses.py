"""Whom to tell: the contacts of an account in the embedded directory."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.notices import Addressee, Contact
from domain.case import Channel, Kind
from storage import directory, reads
from storage.engine import Database, database_time
from storage.identifiers import IdentifierKind
from storage.keys import Rings


class SqlAddressBook:
    def __init__(self, database: Database, rings: Rings) -> None:
        self._database, self._rings = database, rings

    async def addressee(self, account: str, case: str) -> Addressee:
        async with self._database.read() as session:
            row = await directory.account(session, account)
            if row is None:
                return Addressee("", ())
            username = await directory.username(session, self._rings, row)
            contacts = await directory.contacts(session, self._rings, account)
            former = await self._former(session, account, case)
        return Addressee(username, tuple(_contact(contact) for contact in (*contacts, *former) if contact.is_safe))

    async def _former(self, session: AsyncSession, account: str, case: str) -> list[directory.Contact]:
        """Who hears of a claim besides: whom it has taken off, and whom somebody in the account took off lately.

        Otherwise a thief who has put their own address in is the only one who hears of their claim.
        """
        former = await directory.former_contacts(session, self._rings, account)
        since = await _lately(session, case)
        return [
            one
            for one in former
            if one.removed_by == case or (since and one.removed_at and one.removed_at > since and not one.removed_by)
        ]


async def _lately(session: AsyncSession, case: str) -> datetime | None:
    """From when on a contact that was taken off belonged to the account lately; None where no claim asks."""
    row = await reads.case_row(session, case)
    if row is None or row.kind != Kind.CLAIM:
        return None
    return await database_time(session) - reads.case_of(row).policy.current_contact


def _contact(contact: directory.Contact) -> Contact:
    channel = Channel.SMS if contact.kind is IdentifierKind.PHONE else Channel.EMAIL
    return Contact(contact.id, channel, contact.address, contact.since)
