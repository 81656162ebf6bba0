"""Personal data at rest: sealed under the person's own key, gone for good when that key is; secrets for single use."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from storage import intake, reads, vault
from storage.identifiers import identify
from storage.intake import Browser
from storage.keys import Ring, Unreadable
from storage.models import RowKeyRow, VaultRow
from storage.people import RowKeys, account_subject, case_subject
from tests.house import with_policy
from tests.people import NOON


@pytest.fixture
async def reference(database, rings):
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
    return opened.reference


async def test_what_is_sealed_opens_again(database, rings):
    keys = RowKeys(rings.row)
    async with database.write() as session:
        sealed = await keys.seal(session, "case/1", "ada@example.com")
        again = await keys.seal(session, "case/1", "ada@example.com")
    assert "ada" not in sealed
    assert sealed != again
    async with database.read() as session:
        assert await keys.open(session, "case/1", sealed) == "ada@example.com"


async def test_one_persons_key_opens_nothing_of_another(database, rings):
    keys = RowKeys(rings.row)
    async with database.write() as session:
        sealed = await keys.seal(session, "case/1", "ada@example.com")
        await keys.seal(session, "case/2", "eve@example.net")
        with pytest.raises(Unreadable):
            await keys.open(session, "case/2", sealed)


async def test_an_erased_person_cannot_be_read_any_more(database, rings, reference):
    async with database.write() as session:
        await RowKeys(rings.row).erase(session, case_subject(reference))
    async with database.read() as session:
        assert await reads.typed(session, rings, reference) is None


async def test_erasing_one_person_leaves_the_others(database, rings):
    keys = RowKeys(rings.row)
    async with database.write() as session:
        ada = await keys.seal(session, account_subject("acc_ada"), "ada@example.com")
        olu = await keys.seal(session, account_subject("acc_olu"), "olu@example.com")
        await keys.erase(session, account_subject("acc_ada"))
    async with database.read() as session:
        with pytest.raises(Unreadable):
            await keys.open(session, account_subject("acc_ada"), ada)
        assert await keys.open(session, account_subject("acc_olu"), olu) == "olu@example.com"


async def test_a_copied_key_opens_nothing_elsewhere(database, rings):
    """The wrapped key is bound to its person: moving the row to another name is of no use."""
    keys = RowKeys(rings.row)
    async with database.write() as session:
        sealed = await keys.seal(session, "case/1", "ada@example.com")
        wrapped = (await session.get(RowKeyRow, "case/1")).wrapped
        session.add(RowKeyRow(subject="case/2", wrapped=wrapped))
        await session.flush()
        with pytest.raises(Unreadable):
            await keys.open(session, "case/2", sealed)


async def test_ten_at_once_make_one_key(database, rings):
    keys = RowKeys(rings.row)

    async def seal():
        async with database.write() as session:
            return await keys.seal(session, "account/acc_new", "words")

    sealed = await asyncio.gather(*(seal() for _ in range(10)))
    async with database.read() as session:
        assert {await keys.open(session, "account/acc_new", one) for one in sealed} == {"words"}


# ---- the vault -----------------------------------------------------------------------------------------------------


@pytest.fixture
def put(database, rings, reference):
    async def kept(name="password/1", purpose="password", secret="a new password", now=NOON):
        async with database.write() as session:
            await vault.put(session, rings.row, name=name, reference=reference, purpose=purpose, secret=secret, now=now)

    return kept


@pytest.fixture
def look(database, rings, reference):
    async def found(name="password/1", purpose="password", ring=None, case=reference):
        async with database.read() as session:
            return await vault.look(session, ring or rings.row, name=name, reference=case, purpose=purpose)

    return found


async def test_a_secret_is_found_until_it_is_dropped(database, put, look):
    await put()
    assert await look() == "a new password"
    async with database.write() as session:
        await vault.drop(session, "password/1")
    assert await look() is None


async def test_the_first_secret_of_a_name_stays(put, look):
    await put()
    await put(secret="another one")
    assert await look() == "a new password"


@pytest.mark.parametrize("other", [{"purpose": "second-proof"}, {"case": "ANOTHERONE"}])
async def test_a_secret_is_bound_to_case_and_purpose(put, look, other):
    await put()
    with pytest.raises(Unreadable, match="not sealed with this key for this purpose"):
        await look(**other)


async def test_a_rotated_key_still_opens_it(put, look, rings):
    await put()
    assert await look(ring=Ring({**Ring.fresh("newer").keys, **rings.row.keys})) == "a new password"


async def test_what_nobody_fetched_in_a_day_is_forgotten(database, put, look):
    await put(now=NOON)
    await put(name="password/2", now=NOON + timedelta(hours=1))
    async with database.write() as session:
        await vault.forget(session, NOON + timedelta(hours=24, seconds=1))
    assert await look() is None
    assert await look("password/2") == "a new password"
    async with database.read() as session:
        assert (await session.execute(select(func.count()).select_from(VaultRow))).scalar_one() == 1
