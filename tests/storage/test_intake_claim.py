"""Opening a claim and keeping what is given: once for each form, sealed, and the same for everybody."""

import asyncio
from collections.abc import Mapping

import pytest
from sqlalchemy import func, select

from domain.claim import Claim, Reason
from domain.errors import TooMany
from domain.policy import CURRENT_POLICY
from storage import claim_reads, intake_claim, reads, vault
from storage.engine import Database
from storage.identifiers import Identifier, identify_contact
from storage.intake import Browser, Opened
from storage.intake_claim import CODE_PURPOSE, PASSWORD_PURPOSE, Told, next_evidence
from storage.keys import Rings
from storage.models import CaseRow, VaultRow

ADA = Browser("browser-of-ada-00", "203.0.113.7/32", "Firefox on Linux")
EMAIL = identify_contact("nia.new@example.net", "GB")


async def opens(
    database: Database,
    rings: Rings,
    *,
    browser: Browser = ADA,
    contact: Identifier = EMAIL,
    reason: Reason = Reason.CONTACT,
    texts: Mapping[str, str] | None = None,
    key: str = "k",
    starts: int = 30,
) -> Opened:
    async with database.write() as session:
        told = Told(reason, contact, texts or {})
        return await intake_claim.open_claim(
            session, rings, told, browser, key=key, policy=CURRENT_POLICY, starts_per_network=starts
        )


async def cases(database: Database) -> int:
    async with database.read() as session:
        return int((await session.execute(select(func.count()).select_from(CaseRow))).scalar_one())


async def test_the_opening_row_names_nobody(database: Database, rings: Rings) -> None:
    opened = await opens(database, rings, texts={"what": "I lost it"})
    async with database.read() as session:
        row = await session.get_one(CaseRow, opened.reference)
        typed = await reads.typed(session, rings, opened.reference, "contact/opening")
        access, by = await reads.access(session, rings, opened.reference, opened.secret)
        device = await reads.device(session, rings, opened.reference)
    assert (row.kind, row.reason, row.account_ref, row.state) == ("claim", "contact", "", "opening")
    assert "nia.new" not in f"{row.opening}{row.snapshot}"
    assert typed == EMAIL
    assert isinstance(opened.case, Claim)
    assert (access, by, device) == ("holds", opened.case.holder, "Firefox on Linux")


async def test_the_same_form_ten_times_at_once_is_one_claim(database: Database, rings: Rings) -> None:
    found = await asyncio.gather(*(opens(database, rings) for _ in range(10)))
    assert len({(opened.reference, opened.secret) for opened in found}) == 1
    assert [opened.is_new for opened in found].count(True) == 1
    assert await cases(database) == 1


async def test_another_reason_contact_browser_or_key_is_another_claim(database: Database, rings: Rings) -> None:
    other = identify_contact("+44 7700 900077", "GB")
    references = {
        (await opens(database, rings)).reference,
        (await opens(database, rings, reason=Reason.DELETED)).reference,
        (await opens(database, rings, contact=other)).reference,
        (await opens(database, rings, browser=Browser("browser-of-eve-00"))).reference,
        (await opens(database, rings, key="other")).reference,
    }
    assert len(references) == 5


async def test_what_is_refused_leaves_nothing(database: Database, rings: Rings) -> None:
    await opens(database, rings, starts=1)
    with pytest.raises(TooMany):
        await opens(database, rings, key="second", starts=1)
    assert await cases(database) == 1


async def test_evidence_is_replaced_taken_out_and_kept_by_time(database: Database, rings: Rings) -> None:
    reference = (await opens(database, rings)).reference
    for texts in ({"username": "nia", "devices": "A tablet"}, {"username": "nia2", "devices": ""}):
        async with database.write() as session:
            await intake_claim.save_evidence(session, rings, reference, "given-1", texts)
    async with database.read() as session:
        assert await claim_reads.texts(session, rings, reference, "given-1") == {"username": "nia2"}
        assert await claim_reads.texts(session, rings, reference, "given-2") == {}
        assert await intake_claim.has_texts(session, reference, "given-1")
        assert not await intake_claim.has_texts(session, reference, "given-2")
        assert await claim_reads.kinds(session, reference) == {"given-1": frozenset({"username"})}


async def test_secrets_are_in_the_vault_under_names_that_say_what_they_are(database: Database, rings: Rings) -> None:
    reference = (await opens(database, rings)).reference
    secrets = {(PASSWORD_PURPOSE, "password_1"): "one", (PASSWORD_PURPOSE, "password_2"): "", (CODE_PURPOSE, "c"): "X"}
    for one in ("first", "second"):
        async with database.write() as session:
            typed = {**secrets, (PASSWORD_PURPOSE, "password_1"): one}
            await intake_claim.save_secrets(session, rings, reference, "given-1", typed)
    async with database.read() as session:
        names = await intake_claim.secrets_of(session, reference, "given-1")
        (password,) = names[PASSWORD_PURPOSE]
        opened = await vault.look(session, rings.row, name=password, reference=reference, purpose=PASSWORD_PURPOSE)
        assert await intake_claim.secrets_of(session, reference, "given-10") == {}
    assert opened == "second"
    assert {name.partition("/")[0] for found in names.values() for name in found} == set(names)
    async with database.write() as session:
        await intake_claim.forget_secrets(session, reference, "given-1")
    async with database.read() as session:
        assert (await session.execute(select(VaultRow))).first() is None


def test_each_time_has_its_name() -> None:
    names = [next_evidence(Claim("R", evidence=given)) for given in ("", "given-1", "given-9", "of another client")]
    assert names == ["given-1", "given-2", "given-10", "given-1"]
