"""Whom to tell: the contacts of an account in the embedded directory."""

from activities.notices import Addressee, Contact
from domain.case import Channel
from storage import directory
from storage.engine import Database
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
            former = await directory.former_contacts(session, self._rings, account)
        told = [*contacts, *(contact for contact in former if contact.removed_by == case)]
        return Addressee(username, tuple(_contact(contact) for contact in told if contact.is_safe))


def _contact(contact: directory.Contact) -> Contact:
    channel = Channel.SMS if contact.kind is IdentifierKind.PHONE else Channel.EMAIL
    return Contact(contact.id, channel, contact.address, contact.since)
