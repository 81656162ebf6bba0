"""Asking for the way back to a case (`/find`): what was typed, sealed, for the worker alone.

The web keeps it and says the same to everybody; whether there is such a case only the worker looks up.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage.engine import database_time
from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Rings
from storage.models import FindRequestRow
from storage.once import insert_once

LIFETIME = timedelta(hours=25)
"""A message is tried for a day (`workflows/find.py`), and what was typed is kept no longer than it is of use."""


@dataclass(frozen=True)
class Asked:
    """`reference` as `domain.case.parse_reference` answers it; `contact` is an e-mail address or a phone number."""

    reference: str
    contact: Identifier


@dataclass(frozen=True)
class Kept:
    asked: Asked
    at: datetime


def request_id(rings: Rings, cookie: str, key: str, asked: Asked) -> str:
    """The same form sent twice by the same browser is one request. Opaque: it is part of a workflow's id."""
    parts = (cookie, key, asked.reference, asked.contact.kind, asked.contact.normal)
    return rings.digest.digest("find", *parts)[:32]


async def ask(session: AsyncSession, rings: Rings, name: str, asked: Asked) -> bool:
    """Keep the request under this name; whether it is new."""
    typed = json.dumps([asked.reference, asked.contact.kind, asked.contact.normal])
    # No case may be named here, so this is under no person's key: it goes with the row, within a day.
    sealed = rings.row.seal(typed.encode(), f"find/{name}")
    return await insert_once(session, FindRequestRow(id=name, sealed=sealed, made_at=await database_time(session)))


async def kept(session: AsyncSession, rings: Rings, name: str) -> Kept | None:
    """What was typed; None once it was forgotten."""
    row = await session.get(FindRequestRow, name)
    if row is None:
        return None
    reference, kind, normal = json.loads(rings.row.open(row.sealed, f"find/{name}"))
    return Kept(Asked(reference, Identifier(IdentifierKind(kind), normal)), row.made_at)


async def mark_sent(session: AsyncSession, name: str) -> None:
    now = await database_time(session)
    await session.execute(update(FindRequestRow).where(col(FindRequestRow.id) == name).values(sent_at=now))


async def forget(session: AsyncSession, now: datetime) -> None:
    """Requests that nobody will answer any more; for the upkeep."""
    await session.execute(delete(FindRequestRow).where(col(FindRequestRow.made_at) < now - LIFETIME))
