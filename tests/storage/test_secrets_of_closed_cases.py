"""A secret that arrived too late for its case is not kept for a day."""

from datetime import timedelta

from storage import intake, vault
from storage.engine import database_time
from storage.identifiers import identify
from storage.intake import Browser
from storage.models import CaseRow, VaultRow
from tests.house import with_policy


async def test_what_is_left_when_its_case_is_closed_is_forgotten(database, rings):
    async with database.write() as session:
        opened = await intake.open_recovery(
            session,
            rings,
            identify("ada@example.com", "GB"),
            Browser("ada-laptop"),
            key="form",
            policy=with_policy(),
            starts_per_network=1000,
        )
        now = await database_time(session)
        name = await intake.seal_secret(session, rings, opened.reference, "password", "a new password", token="t")
    async with database.write() as session:
        await vault.forget(session, now)
        assert await session.get(VaultRow, name)
        (await session.get_one(CaseRow, opened.reference)).closed_at = now - timedelta(seconds=1)
    async with database.write() as session:
        await vault.forget(session, now)
        assert await session.get(VaultRow, name) is None
