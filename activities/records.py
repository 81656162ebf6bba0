"""The projection: events into SQL, once and in order."""

from temporalio import activity

from activities.contract import ClaimRecord, Records, RecoveryRecord
from storage import writes
from storage.engine import Database
from storage.keys import Rings


class SqlRecords(Records):
    def __init__(self, database: Database, rings: Rings) -> None:
        self._database, self._rings = database, rings

    @activity.defn
    async def record_recovery(self, record: RecoveryRecord) -> None:
        async with self._database.write() as session:
            await writes.record(session, self._rings.audit, record.case, record.after, record.events)

    @activity.defn
    async def record_claim(self, record: ClaimRecord) -> None:
        async with self._database.write() as session:
            await writes.record(session, self._rings.audit, record.case, record.after, record.events)
