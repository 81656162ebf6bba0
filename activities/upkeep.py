"""What a Schedule does: find what was written but never reached Temporal (design 4.3)."""

from datetime import timedelta

from sqlalchemy import select
from sqlmodel import col
from temporalio import activity

from activities.contract import Orphans, StartCase, TellCase, Upkeep
from domain.case import Kind
from domain.claim import Claim
from domain.recovery import Recovery
from storage import access_links, budgets, finding, folding, presence, vault
from storage.engine import Database, database_time
from storage.models import CaseRow, ReceivedRow

GRACE = timedelta(seconds=20)
"""Younger rows are most likely on their way."""
AT_ONCE = 50


class SqlUpkeep(Upkeep):
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def find_orphans(self) -> Orphans:
        """Opening rows that no workflow has begun, and signals that Temporal never accepted; oldest first."""
        async with self._database.read() as session:
            before = await database_time(session) - GRACE
            cases = await session.execute(
                select(CaseRow)
                .where(col(CaseRow.started_at).is_(None), col(CaseRow.number) == 0, col(CaseRow.opened_at) < before)
                .order_by(col(CaseRow.opened_at))
                .limit(AT_ONCE)
            )
            told = await session.execute(
                select(ReceivedRow, col(CaseRow.kind))
                .join(CaseRow, col(CaseRow.reference) == col(ReceivedRow.case_ref))
                .where(
                    col(ReceivedRow.delivered_at).is_(None),
                    col(ReceivedRow.answered_at).is_(None),
                    col(ReceivedRow.received_at) < before,
                )
                .order_by(col(ReceivedRow.received_at))
                .limit(AT_ONCE)
            )
            return Orphans(
                cases=tuple(_start(row) for row in cases.scalars()),
                signals=tuple(TellCase(row.id, row.case_ref, row.kind, row.data, kind) for row, kind in told.all()),
            )

    @activity.defn
    async def mark_reached(self, reached: Orphans) -> None:
        """They reached Temporal, or there is nobody left to reach."""
        async with self._database.write() as session:
            now = await database_time(session)
            for case in reached.cases:
                row = await session.get(CaseRow, case.reference)
                if row is not None:
                    row.started_at = now
            for signal in reached.signals:
                received = await session.get(ReceivedRow, signal.received)
                if received is not None:
                    received.delivered_at = now

    @activity.defn
    async def forget_what_is_over(self) -> None:
        """Secrets that nobody fetched, windows of budgets that ended, one-time links, requests for the way back, who
        looked at a case."""
        async with self._database.write() as session:
            now = await database_time(session)
            await vault.forget(session, now)
            await budgets.forget(session, now - budgets.DAY)
            await access_links.forget(session, now)
            await finding.forget(session, now)
            await presence.forget(session, now)


def _start(row: CaseRow) -> StartCase:
    case = folding.load_case(row.kind, row.opening)
    if row.kind == Kind.RECOVERY and isinstance(case, Recovery):
        return StartCase(row.reference, recovery=case)
    return StartCase(row.reference, claim=case if isinstance(case, Claim) else None)
