"""From what somebody typed to accounts, or to a stand-in when there is none (decoy cases, design 2.2).

The stand-in has a reference, a budget and codes like an account. What differs is the `mark`: a code is digested
together with the mark, an empty one for accounts, a random one for stand-ins. So nothing anybody types ever
equals a stand-in's code, and no other file has to ask whether somebody is there.
"""

import base64
import secrets
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from storage import directory
from storage.identifiers import Identifier
from storage.keys import Rings

REF_LENGTH = 16
ERASED = "acc_erased"
"""Stands for what was typed and erased since."""


@dataclass(frozen=True)
class Resolved:
    """The accounts that a code is about, opaque; `mark` goes into its digest."""

    accounts: tuple[str, ...]
    mark: str


async def resolve(
    session: AsyncSession, rings: Rings, named: Identifier | None, contact: Identifier | None
) -> Resolved:
    """The accounts that `named` names and that have `contact`; None is what was typed and erased since.

    Both are the same when the one box held an e-mail or phone. A contact that belongs to another account only
    is as good as unknown, so a second identifier never tells or reaches anything.
    """
    if named is None or contact is None:
        return Resolved((ERASED,), secrets.token_hex(16))
    accounts = await _both(session, rings, named, contact)
    if accounts:
        return Resolved(tuple(sorted(accounts)), "")
    return Resolved((stand_in(rings, named, contact),), secrets.token_hex(16))


async def recipient(
    session: AsyncSession, rings: Rings, named: Identifier | None, contact: Identifier | None
) -> Identifier | None:
    """Whom the sender may write to; None where nobody is."""
    if named is None or contact is None or not await _both(session, rings, named, contact):
        return None
    return contact


async def _both(session: AsyncSession, rings: Rings, named: Identifier, contact: Identifier) -> set[str]:
    accounts = set(await directory.owners(session, rings, contact))
    if named != contact:
        accounts &= set(await directory.owners(session, rings, named))
    return accounts


async def username_of(session: AsyncSession, rings: Rings, account: str) -> str:
    """For the message that hands an account back; empty where there is none, or its owner was erased."""
    row = await directory.account(session, account)
    return await directory.username(session, rings, row) if row else ""


def nobody(rings: Rings, named: Identifier | None, contact: Identifier | None) -> str:
    """The stand-in for what a claimant said that leads to no account, or to more than one."""
    if named is None and contact is None:
        return ERASED
    one = named or contact
    assert one
    return stand_in(rings, one, contact or one)


def stand_in(rings: Rings, named: Identifier, contact: Identifier) -> str:
    """The same for the same names, so that tries and starts are counted for decoys as for accounts."""
    parts = ("stand-in", named.kind, named.normal, contact.kind, contact.normal)
    derived = rings.index.derive(*parts, key=rings.index.current)
    return "acc_" + base64.b32encode(derived).decode().lower()[:REF_LENGTH]
