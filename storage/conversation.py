"""What was said in a case: the texts that its events name. A text that no event names was never said."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain import claim_events
from domain.case import Audience, Party
from storage.keys import Rings
from storage.models import MessageRow
from storage.people import RowKeys, case_subject
from storage.reads import Entry


@dataclass(frozen=True)
class Message:
    """Something that was said. `text` is None once it was erased.

    `number` and `kind` are those of the event that names it; `author` is an agent's name, empty for the claimant.
    `files` is how many came with it.
    """

    number: int
    kind: str
    at: datetime
    author: str
    audience: Audience
    text: str | None
    files: int = 0

    @property
    def sender(self) -> Party:
        return Party.AGENT if self.author else Party.CLAIMANT


async def conversation(
    session: AsyncSession, rings: Rings, reference: str, entries: Iterable[Entry], audiences: Iterable[Audience]
) -> list[Message]:
    """What these audiences may read of it, oldest first. `entries`: the events of the case, from `reads.timeline`."""
    named = {name: entry for entry in entries if (name := text_of(entry))}
    rows = await session.execute(
        select(MessageRow).where(col(MessageRow.case_ref) == reference, col(MessageRow.name).in_(list(named)))
    )
    found = {row.name: row for row in rows.scalars()}
    shown, keys, subject = {*audiences, Audience.BOTH}, RowKeys(rings.row), case_subject(reference)
    said = []
    for name, entry in named.items():
        row = found.get(name)
        if row is not None and row.audience in shown:
            text = await keys.read(session, subject, row.sealed)
            said.append(_message(entry, row, text))
    return said


async def text(session: AsyncSession, rings: Rings, reference: str, name: str) -> str | None:
    """One text that an event of this case names; None if there is none, or it was erased."""
    row = await session.get(MessageRow, name) if name else None
    if row is None or row.case_ref != reference:
        return None
    return await RowKeys(rings.row).read(session, case_subject(reference), row.sealed)


def text_of(entry: Entry) -> str:
    """The name of the text that this event is about; empty if there is none."""
    match entry.event:
        case (
            claim_events.NoteWritten(text=text)
            | claim_events.MessageSent(text=text)
            | claim_events.ReplySent(text=text)
            | claim_events.DecisionRecorded(text=text)
        ):
            return text
        case _:
            return ""


def _message(entry: Entry, row: MessageRow, text: str | None) -> Message:
    event = entry.event
    files = event.files if isinstance(event, claim_events.ReplySent) else 0
    return Message(entry.number, event.kind, event.at, row.author, Audience(row.audience), text, files)
