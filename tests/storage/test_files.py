"""Files of a case on both databases: sealed, unreadable until clean, empty once refused, gone with their person."""

import asyncio

import pytest
from sqlalchemy import select, text

from storage import erasure, files
from storage.engine import Database
from storage.files import File
from storage.keys import Rings
from storage.models import EvidenceFileRow
from storage.people import RowKeys, case_subject
from storage.uploads import RULES, Refused, Upload
from tests.activities.post_office import House, a_case, house
from tests.people import REFERENCE

PICTURE = Upload("image/png", b"the pixels of a letter from the bank")
LETTER = Upload("application/pdf", b"%PDF-1.7 a letter from the bank")
OTHER = "9V2CH4TBPZ"


@pytest.fixture
async def home(database: Database, rings: Rings) -> House:
    return await house(database, rings)


async def keep(home: House, *uploads: Upload, key: str = "", reference: str = REFERENCE) -> int:
    async with home.db.write() as session:
        return await files.keep(session, home.rings, reference, uploads, key=key)


async def names(home: House) -> list[str]:
    async with home.db.read() as session:
        return [file.name for file in await files.listed(session, REFERENCE)]


async def read(home: House, name: str, reference: str = REFERENCE) -> File | None:
    async with home.db.read() as session:
        return await files.read(session, home.rings, reference, name)


async def test_a_file_is_read_once_it_is_clean_and_not_before(home: House) -> None:
    assert await keep(home, PICTURE) == 1
    (name,) = await names(home)
    assert await read(home, name) is None
    async with home.db.write() as session:
        await files.release(session, name)
    assert await read(home, name) == File("image/png", PICTURE.content)


async def test_what_is_in_it_lies_sealed_in_the_table(home: House) -> None:
    await keep(home, PICTURE)
    async with home.db.read() as session:
        (kept,) = (await session.execute(text("SELECT content FROM evidence_file"))).scalars()
    assert b"pixels" not in bytes(kept)


async def test_it_opens_under_no_other_name_and_for_no_other_case(home: House) -> None:
    other = a_case()
    other.reference, other.opening_key = OTHER, "another"
    async with home.db.write() as session:
        session.add(other)
    await keep(home, PICTURE)
    (name,) = await names(home)
    async with home.db.write() as session:
        await files.release(session, name)
    assert await read(home, name, OTHER) is None
    assert await read(home, "nonsense") is None
    await keep(home, LETTER)
    async with home.db.write() as session:
        letter = (await session.execute(select(EvidenceFileRow).where(EvidenceFileRow.state == "waiting"))).scalar_one()
        picture = await session.get_one(EvidenceFileRow, name)
        picture.content = letter.content
    assert await read(home, name) is None


async def test_the_same_form_sent_twice_keeps_its_files_once(home: House) -> None:
    for _ in range(2):
        assert await keep(home, PICTURE, LETTER, key="update-1") == 2
    assert len(await names(home)) == 2
    assert await keep(home, PICTURE, LETTER, key="update-2") == 2
    assert len(await names(home)) == 4


async def test_the_same_form_twice_at_the_same_moment_keeps_them_once(home: House) -> None:
    await asyncio.gather(*(keep(home, PICTURE, key="update-1") for _ in range(4)))
    assert len(await names(home)) == 1


async def test_a_case_has_so_many_files_and_no_more(home: House) -> None:
    for number in range(RULES.per_case // 5):
        await keep(home, *[PICTURE] * 5, key=f"update-{number}")
    for key in ("one-more", ""):
        with pytest.raises(Refused):
            await keep(home, PICTURE, key=key)
    assert await keep(home, *[PICTURE] * 5, key="update-0") == 5  # sent again, it is none more
    assert len(await names(home)) == RULES.per_case


async def test_of_two_forms_at_once_the_second_finds_the_case_full(home: House) -> None:
    for number in range(3):
        await keep(home, *[PICTURE] * 5, key=f"update-{number}")
    both = [keep(home, *[PICTURE] * 5, key=key) for key in ("first", "second")]
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Refused", "int"]
    assert len(await names(home)) == RULES.per_case


async def test_a_refused_file_is_empty_at_once_and_stays_refused(home: House) -> None:
    await keep(home, LETTER)
    (name,) = await names(home)
    async with home.db.write() as session:
        await files.refuse(session, name, "infected")
        await files.release(session, name)
    async with home.db.read() as session:
        row = await session.get_one(EvidenceFileRow, name)
        (listed,) = await files.listed(session, REFERENCE)
    assert (row.content, row.state, row.refusal) == (None, "refused", "infected")
    assert row.scanned_at
    assert (listed.media_type, listed.size, listed.state) == ("application/pdf", len(LETTER.content), "refused")
    assert await read(home, name) is None


async def test_nobody_reads_a_file_whose_person_was_erased(home: House) -> None:
    await keep(home, PICTURE)
    (name,) = await names(home)
    async with home.db.write() as session:
        await files.release(session, name)
        await RowKeys(home.rings.row).erase(session, case_subject(REFERENCE))
    assert await read(home, name) is None


async def test_erasing_a_case_empties_its_files(home: House) -> None:
    await keep(home, PICTURE, LETTER)
    async with home.db.write() as session:
        await erasure.erase_case(session, REFERENCE)
        contents = (await session.execute(select(EvidenceFileRow.content))).scalars().all()
    assert contents == [None, None]
    async with home.db.write() as session:
        await erasure.forget_case(session, REFERENCE)
    assert await names(home) == []


async def test_nothing_kept_is_no_write(home: House) -> None:
    assert await keep(home) == 0
    assert await names(home) == []
