"""What we tell people besides codes: every contact of the account, or only the one that the case proved.

Nobody is left out because somebody else could not be reached: all are told first, then what went wrong is raised.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from temporalio import activity

from activities.contract import Notice, NoticeName, Notices
from activities.delivery.channels import Delayed, Undeliverable
from activities.delivery.objections import ObjectionScope
from activities.delivery.sender import Sender
from domain.case import Channel
from domain.contact_proof import Destination
from storage.engine import Database
from storage.keys import Unreadable
from storage.people import RowKeys, account_subject, case_subject, person


@dataclass(frozen=True)
class Contact:
    """One way to reach an owner. `id` is opaque and stays the same: it is part of the name of a message.

    `since`: from when it belonged to the account; None for the contact that a claimant proved.
    """

    id: str
    channel: Channel
    address: str
    since: datetime | None = None


@dataclass(frozen=True)
class Addressee:
    """An owner as the account system knows them."""

    username: str
    contacts: tuple[Contact, ...]


class AddressBook(Protocol):
    """The part of the account system that knows whom to tell."""

    async def addressee(self, account: str, case: str) -> Addressee:
        """Whom to tell about this case: every safe contact, also those that the case has taken off the account.

        An addressee without contacts if the reference resolves to nobody.
        """
        ...


class SentNotices(Notices):
    def __init__(self, db: Database, row_keys: RowKeys, book: AddressBook, sender: Sender) -> None:
        self._db, self._row_keys, self._book, self._sender = db, row_keys, book, sender

    @activity.defn
    async def send_notice(self, notice: Notice) -> None:
        addressee = await self._book.addressee(notice.account, notice.case)
        if notice.only:
            contacts: tuple[Contact, ...] = (await self._proved(notice.case, notice.only),)
            subject = case_subject(notice.case)
        else:
            contacts, subject = addressee.contacts, account_subject(notice.account)
        tellings = (self._tell(notice, addressee.username, contact, subject) for contact in contacts)
        _raise_what_matters(await asyncio.gather(*tellings, return_exceptions=True))

    async def _proved(self, case: str, to: Destination) -> Contact:
        async with self._db.read() as session:
            row = await person(session, case, to.contact)
            if row is None:
                raise Undeliverable("Erased")
            try:
                address = await self._row_keys.open(session, case_subject(case), row.sealed)
            except Unreadable:
                raise Undeliverable("Erased") from None
        return Contact(to.contact, to.channel, address)

    async def _tell(self, notice: Notice, username: str, contact: Contact, row_key: str) -> None:
        await self._sender.send(
            name=_name(notice, contact),
            case=notice.case,
            template=notice.name,
            channel=contact.channel,
            address=contact.address,
            subject_of_row_key=row_key,
            context=_context(notice, username),
            objection=_objection(notice, contact),
            account=notice.account,
            way_back=notice.happened_at if notice.name in TO_THE_CLAIMANT else None,
        )


def _context(notice: Notice, username: str) -> dict[str, object]:
    """What the templates know. A claimant is not told whose account the claim may be about."""
    shown = {} if notice.name in TO_THE_CLAIMANT else {"username": username}
    moments = {"happened_at": notice.happened_at, "until": notice.until}
    return {**shown, **moments, "policy": notice.policy, "because": notice.because}


def _name(notice: Notice, contact: Contact) -> str:
    """One per reason and contact: the same thing may happen to a case twice, at another moment."""
    moment = int(notice.happened_at.timestamp() * 1000)
    return f"{notice.case}.{notice.name}.{moment}.{contact.id}"


TO_THE_CLAIMANT: frozenset[NoticeName] = frozenset(
    {
        "claim-received",
        "claim-reminder",
        "claim-question",
        "claim-message",
        "claim-delayed",
        "claim-approved",
        "claim-contested",
        "claim-ended",
    }
)
"""They carry a one-time link into the case: somebody who waits for days is seldom at the same browser."""
STOPPABLE: frozenset[NoticeName] = frozenset({"hold-started", "hold-middle", "hold-ending", "handed-back"})


def _objection(notice: Notice, contact: Contact) -> ObjectionScope | None:
    """A freeze needs no link of its own: it already is the answer to an objection, and only one is automatic.

    That of a hand-back works at least as long as there is something to stop, and for who may stop it.
    """
    until = notice.happened_at + notice.policy.objection_lifetime
    if notice.name in STOPPABLE:
        return ObjectionScope("claim", max(until, notice.until or until), may_object=_may_object(notice, contact))
    match notice.name:
        case "password-changed":
            return ObjectionScope("account", until)
        case "password-not-set":
            return ObjectionScope("case", until)
        case _:
            return None


def _may_object(notice: Notice, contact: Contact) -> bool:
    """A contact that came after what is disputed may be the thief's."""
    return contact.since is None or notice.disputed_at is None or contact.since <= notice.disputed_at


def _raise_what_matters(results: Sequence[BaseException | None]) -> None:
    """What may still succeed comes first; nobody told is final; that some could not be told is in the log."""
    failures = [result for result in results if result is not None]
    for failure in failures:
        if not isinstance(failure, Undeliverable | Delayed):
            raise failure
    for failure in failures:
        if isinstance(failure, Delayed) or len(failures) == len(results):
            raise failure
