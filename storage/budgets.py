"""Counters in windows: limits that must hold before Temporal is asked, and the tries of an account (design 4.3, 5).

Everything here is one statement or one transaction, so that fifty at once count as fifty. Buckets hold digests
and opaque references only.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.errors import TooMany
from storage.models import BudgetEntryRow, BudgetRow
from storage.once import insert_into, insert_once

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """At most `most` in each window of `length`, counted from midnight UTC of 1 January 1970."""

    bucket: str
    most: int
    length: timedelta

    def window(self, now: datetime) -> tuple[str, datetime]:
        """The name of the window that `now` is in, and its end."""
        seconds = int(self.length.total_seconds())
        number = int(now.timestamp()) // seconds
        return f"{seconds}/{number}", datetime.fromtimestamp((number + 1) * seconds, UTC)


async def take(session: AsyncSession, limits: tuple[Limit, ...], token: str, now: datetime) -> None:
    """Count one for each limit, or none at all. The same token counts once.

    Raises `TooMany` with the time at which the fullest window ends; the caller's transaction must then roll back.
    """
    for limit in limits:
        if not await insert_once(session, BudgetEntryRow(bucket=limit.bucket, token=token, at=now)):
            continue
        window, ends = limit.window(now)
        used = await _add(session, limit.bucket, window, ends)
        if used > limit.most:
            raise TooMany(limit.bucket.split("/")[0], ends)


async def reserve(session: AsyncSession, buckets: list[str], tries: int, most: int, now: datetime) -> bool:
    """Set `tries` aside in every bucket's window of today, or in none. False: one of them is spent."""
    window, ends = Limit("", most, DAY).window(now)
    rows = []
    for bucket in sorted(buckets):  # one order for everybody: no deadlock
        await _add(session, bucket, window, ends, 0)
        row = (
            await session.execute(
                select(BudgetRow)
                .where(col(BudgetRow.bucket) == bucket, col(BudgetRow.window) == window)
                .with_for_update()
            )
        ).scalar_one()
        rows.append(row)
    if any(row.used + row.reserved + tries > most for row in rows):
        return False
    for row in rows:
        row.reserved += tries
    await session.flush()
    return True


async def settle(session: AsyncSession, buckets: list[str], window: str, reserved: int, used: int) -> None:
    """Give a reservation back and count what was used of it."""
    for bucket in sorted(buckets):
        await session.execute(
            update(BudgetRow)
            .where(col(BudgetRow.bucket) == bucket, col(BudgetRow.window) == window)
            .values(reserved=col(BudgetRow.reserved) - reserved, used=col(BudgetRow.used) + used)
        )


async def forget(session: AsyncSession, before: datetime) -> None:
    """Windows that ended before; for the upkeep."""
    await session.execute(delete(BudgetRow).where(col(BudgetRow.ends_at) < before))
    await session.execute(delete(BudgetEntryRow).where(col(BudgetEntryRow.at) < before - DAY))


async def _add(session: AsyncSession, bucket: str, window: str, ends: datetime, amount: int = 1) -> int:
    """Add to the counter; the count afterwards. The row stays locked until the end of the transaction."""
    row = insert_into(session, BudgetRow).values(bucket=bucket, window=window, used=amount, reserved=0, ends_at=ends)
    counted = row.on_conflict_do_update(
        index_elements=["bucket", "window"], set_={"used": col(BudgetRow.used) + amount}
    ).returning(col(BudgetRow.used))
    return int((await session.execute(counted)).scalar_one())
