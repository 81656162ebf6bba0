"""What a claimant wrote, gave and sent is gone with the claimant; the record of what happened stays for its years."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from activities.upkeep import SqlUpkeep
from storage import access_links, erasure, files, finding, intake_claim, presence
from storage.engine import Database, database_time
from storage.finding import Asked
from storage.identifiers import identify
from storage.keys import Rings
from storage.models import (
    AccessLinkRow,
    CaseRow,
    EvidenceFileRow,
    EvidenceItemRow,
    EvidenceWeighedRow,
    FindRequestRow,
    HandBackRow,
    MessageRow,
    PresenceRow,
)
from storage.people import RowKeys, case_subject
from storage.uploads import Upload
from tests.activities.post_office import House, house
from tests.people import NOON, REFERENCE

LETTER = "I have had this account since 2018"
LONG_AGO = NOON - timedelta(days=9000)


@pytest.fixture
async def home(database: Database, rings: Rings) -> House:
    """With a closed case that has something in every table of claims."""
    built = await house(database, rings)
    async with built.db.write() as session:
        (await session.get_one(CaseRow, REFERENCE)).closed_at = NOON
        sealed = await built.row_keys.seal(session, case_subject(REFERENCE), LETTER)
        session.add(MessageRow(name="text-1", case_ref=REFERENCE, audience="both", sealed=sealed, at=NOON))
        weighed = EvidenceWeighedRow(case_ref=REFERENCE, evidence="given-1", survey={}, facts=[], at=NOON)
        session.add(weighed)
        session.add(HandBackRow(case_ref=REFERENCE, account_ref="acc_nia", before={}, steps={}, begun_at=NOON))
        await intake_claim.save_evidence(session, rings, REFERENCE, "given-1", {"what": LETTER})
        await files.keep(session, rings, REFERENCE, [Upload("image/png", LETTER.encode())])
        await access_links.make(session, rings, "message-1", REFERENCE, at=await database_time(session))
        await presence.seen(session, REFERENCE, "sam")
    return built


OURS = (
    AccessLinkRow,
    EvidenceFileRow,
    EvidenceItemRow,
    EvidenceWeighedRow,
    HandBackRow,
    MessageRow,
    PresenceRow,
)


async def count(home: House, table: type[SQLModel]) -> int:
    async with home.db.read() as session:
        return int((await session.execute(select(func.count()).select_from(table))).scalar_one())


async def test_what_is_personal_goes_first(home: House) -> None:
    async with home.db.write() as session:
        for _ in range(2):
            await erasure.erase_case(session, REFERENCE)
    async with home.db.read() as session:
        message = await session.get_one(MessageRow, "text-1")
        (file,) = (await session.execute(select(EvidenceFileRow))).scalars()
    assert (message.sealed, message.at) == ("", NOON)
    assert (file.content, file.media_type) == (None, "image/png")
    assert {table.__name__: await count(home, table) for table in OURS} == {
        "AccessLinkRow": 0, "EvidenceFileRow": 1, "EvidenceItemRow": 0, "EvidenceWeighedRow": 1, "HandBackRow": 1,
        "MessageRow": 1, "PresenceRow": 1,
    }  # fmt: skip


async def test_a_backup_from_before_is_unreadable_once_the_key_is_gone(home: House) -> None:
    async with home.db.read() as session:
        before = await session.get_one(MessageRow, "text-1")
        (item,) = (await session.execute(select(EvidenceItemRow))).scalars()
        (file,) = (await session.execute(select(EvidenceFileRow))).scalars()
    async with home.db.write() as session:
        await RowKeys(home.rings.row).erase(session, case_subject(REFERENCE))
    async with home.db.read() as session:
        keys = RowKeys(home.rings.row)
        for sealed in (before.sealed, item.sealed):
            assert await keys.read(session, case_subject(REFERENCE), sealed) is None
        assert await files.unscanned(session, home.rings, file.name) is None


async def test_with_the_record_everything_goes(home: House) -> None:
    async with home.db.write() as session:
        await erasure.forget_case(session, REFERENCE)
    assert {table.__name__: await count(home, table) for table in OURS} == {table.__name__: 0 for table in OURS}
    assert await count(home, CaseRow) == 0


def test_no_table_about_a_case_is_forgotten_about() -> None:
    """Every table that names a case is among the parts that go with it."""
    naming = {name for name, table in SQLModel.metadata.tables.items() if "case_ref" in table.columns}
    parts = {str(part.__tablename__) for part in erasure.PARTS}
    assert naming - parts == {"account_gate"}  # about an account; the case that holds it is only named


async def test_what_is_over_is_forgotten_and_what_is_not_is_kept(home: House) -> None:
    asked = Asked(REFERENCE, identify("nia.new@example.org", "GB"))
    async with home.db.write() as session:
        for name in ("old", "new"):
            await finding.ask(session, home.rings, name, asked)
        (await session.get_one(FindRequestRow, "old")).made_at = LONG_AGO
        await access_links.make(session, home.rings, "message-of-long-ago", REFERENCE, at=LONG_AGO)
        await presence.seen(session, REFERENCE, "kim")
        (await session.get_one(PresenceRow, (REFERENCE, "kim"))).seen_at = LONG_AGO
    for _ in range(2):
        await SqlUpkeep(home.db).forget_what_is_over()
    async with home.db.read() as session:
        assert (await session.execute(select(col(FindRequestRow.id)))).scalars().all() == ["new"]
        assert (await session.execute(select(col(PresenceRow.agent)))).scalars().all() == ["sam"]
    assert await count(home, AccessLinkRow) == 1
