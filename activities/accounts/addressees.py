"""Whom to tell about an account of the embedded directory."""

from activities.notices import Addressee, Contact
from domain.case import Channel
from storage import directory
from storage.engine import Database
from storage.identifiers import IdentifierKind
from storage.keys import Rings

ID_LENGTH = 12  # hex digits; tells the few contacts of one account apart


class DirectoryBook:
    """An `AddressBook`. A contact's id is a keyed digest, so that names of messages and Message-IDs tell nothing."""

    def __init__(self, database: Database, rings: Rings) -> None:
        self._database, self._rings = database, rings

    async def addressee(self, account: str) -> Addressee:
        async with self._database.read() as session:
            row = await directory.account(session, account)
            if row is None:
                return Addressee("", ())
            contacts = await directory.contacts(session, self._rings, account)
            username = await directory.username(session, self._rings, row)
        return Addressee(username, tuple(self._contact(account, contact) for contact in contacts))

    def _contact(self, account: str, contact: directory.Contact) -> Contact:
        digest = self._rings.digest.digest("message-to", account, contact.kind, contact.address)
        channel = Channel.SMS if contact.kind is IdentifierKind.PHONE else Channel.EMAIL
        return Contact(digest[:ID_LENGTH], channel, contact.address)
