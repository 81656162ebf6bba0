"""The delivery log: one row per message, written before it leaves and again when it was taken.

The row is what makes sending idempotent. Its address is sealed; its error is the class of a failure.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.delivery.channels import Undeliverable
from domain.case import Channel
from storage.engine import Database
from storage.models import NoticeRow
from storage.people import RowKeys

GONE_OUT = frozenset({"handed_over", "delivered", "bounced"})


@dataclass(frozen=True)
class Entry:
    """One message to one contact. `row_key` is the subject under whose key the address is sealed."""

    name: str
    case: str
    template: str
    channel: Channel
    address: str
    row_key: str
    message_id: str


class DeliveryLog:
    def __init__(self, db: Database, row_keys: RowKeys) -> None:
        self._db, self._row_keys = db, row_keys

    async def queue(self, session: AsyncSession, entry: Entry) -> NoticeRow | None:
        """The row, counted as one more attempt; None if the message went out already.

        Raises `Undeliverable` again if it was found to be so before.
        """
        row = await session.get(NoticeRow, entry.name, with_for_update=True)
        if row is None:
            row = await self._new(session, entry)
            session.add(row)
        if row.state in GONE_OUT:
            return None
        if row.state == "failed":
            raise Undeliverable(row.error)
        row.attempts += 1
        await session.flush()
        return row

    async def handed_over(self, name: str, provider_id: str) -> None:
        async with self._db.write() as session:
            values = {
                "state": "handed_over",
                "provider_id": provider_id,
                "error": "",
                "handed_over_at": datetime.now(UTC),
            }
            await session.execute(update(NoticeRow).where(col(NoticeRow.name) == name).values(**values))

    async def not_handed_over(self, name: str, error: str, *, final: bool) -> None:
        async with self._db.write() as session:
            row = await session.get_one(NoticeRow, name, with_for_update=True)
            row.state, row.error = "failed" if final else row.state, error

    async def _new(self, session: AsyncSession, entry: Entry) -> NoticeRow:
        return NoticeRow(
            name=entry.name,
            case_ref=entry.case,
            template=entry.template,
            channel=entry.channel,
            address=await self._row_keys.seal(session, entry.row_key, entry.address),
            subject=entry.row_key,
            message_id=entry.message_id,
            made_at=datetime.now(UTC),
        )
