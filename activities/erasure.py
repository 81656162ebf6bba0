"""What a daily Schedule erases: first the people of closed cases, years later the records (design 5, retention)."""

import structlog
from sqlmodel import col
from temporalio import activity

from activities.contract import Erasure
from domain.policy import CURRENT_POLICY
from storage import erasure
from storage.engine import Database, database_time
from storage.models import CaseRow

AT_ONCE = 100
"""Cases in one transaction: short enough that nobody waits for it."""

log = structlog.get_logger()


class SqlErasure(Erasure):
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn
    async def erase_people(self) -> int:
        async with self._database.write() as session:
            now = await database_time(session)
            found = await erasure.due(session, col(CaseRow.erase_at), now, AT_ONCE)
            for reference in found:
                await erasure.erase_case(session, reference)
            await erasure.forget_sign_ins(session, now - CURRENT_POLICY.personal_data_kept)
        log.info("people of closed cases erased", cases=len(found))
        return len(found)

    @activity.defn
    async def erase_records(self) -> int:
        async with self._database.write() as session:
            now = await database_time(session)
            found = await erasure.due(session, col(CaseRow.forget_at), now, AT_ONCE)
            for reference in found:
                await erasure.forget_case(session, reference)
        log.info("records of closed cases erased", cases=len(found))
        return len(found)
