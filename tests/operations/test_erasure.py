"""People are forgotten when their time has come, or when they ask for it; everything else works on."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select
from sqlmodel import SQLModel, col

from activities.erasure import AT_ONCE, SqlErasure
from development.people import ACCOUNTS
from domain.case import grouped
from domain.policy import CURRENT_POLICY
from domain.recovery import Standing, State
from storage import erasure, folding, reads
from storage.audit import first_break
from storage.engine import Database
from storage.models import (
    AccountContactRow,
    CaseAccessRow,
    CaseEventRow,
    CasePersonRow,
    CaseRow,
    CodeIssueRow,
    NoticeRow,
    RowKeyRow,
    VaultRow,
)
from storage.people import account_subject, case_subject
from tests.house import House, on_sqlite
from tests.operations.front import Operator
from tests.web.desk import at_the_desk
from tests.web.stage import browser
from workflows import CASES

ADA = next(demo.ref for demo in ACCOUNTS if demo.username == "ada")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def rows(database: Database, table: type[SQLModel], reference: str) -> list[SQLModel]:
    async with database.read() as session:
        found = await session.execute(select(table).where(col(table.case_ref) == reference))  # type: ignore[attr-defined]
        return list(found.scalars())


async def row_key(database: Database, subject: str) -> RowKeyRow | None:
    async with database.read() as session:
        return await session.get(RowKeyRow, subject)


async def recovered(house: House) -> str:
    """A case that ended well."""
    opened = await house.prove("ada@example.com")
    await house.set_password(opened, "a-long-enough-one")
    await house.until(opened.reference, State.RECOVERED)
    await house.until_told("password-changed", 2)
    return opened.reference


async def test_closing_a_case_says_when_it_is_erased(house: House) -> None:
    row = await house.row(await recovered(house))
    assert row.closed_at
    assert row.erase_at == row.closed_at + CURRENT_POLICY.personal_data_kept
    assert row.forget_at == row.closed_at + CURRENT_POLICY.record_kept


async def test_nothing_is_erased_before_its_time(house: House) -> None:
    reference = await recovered(house)
    assert await SqlErasure(house.database).erase_people() == 0
    assert await SqlErasure(house.database).erase_records() == 0
    assert await row_key(house.database, case_subject(reference))


async def test_people_of_a_case_are_erased_when_their_time_has_come(house: House, app: FastAPI) -> None:
    reference = await recovered(house)
    await house.change(CaseRow, erase_at=LONG_AGO)
    handle = await house.client.start_workflow("Retention", id="retention", task_queue=CASES)
    assert await handle.result() == 1
    assert await row_key(house.database, case_subject(reference)) is None
    for table in (CasePersonRow, CaseAccessRow, CodeIssueRow, VaultRow):
        assert await rows(house.database, table, reference) == []
    notices = await rows(house.database, NoticeRow, reference)
    assert {(row.address, row.provider_id) for row in notices} == {("", "")}  # type: ignore[attr-defined]
    agent = await at_the_desk(app)
    answer = await agent.get(f"/desk/cases/{grouped(reference)}")
    assert answer.status_code == 200
    assert "ada@example.com" not in answer.text


async def test_the_record_stays_whole_without_the_person(house: House) -> None:
    reference = await recovered(house)
    before = await house.kinds(reference)
    async with house.database.write() as session:
        await erasure.erase_case(session, reference)
        await erasure.erase_case(session, reference)
    assert await house.kinds(reference) == before
    assert first_break(house.rings.audit, await house.events(reference)) is None


async def test_the_record_goes_too_after_years(house: House) -> None:
    reference = await recovered(house)
    await house.change(CaseRow, forget_at=LONG_AGO)
    assert await SqlErasure(house.database).erase_records() == 1
    assert await SqlErasure(house.database).erase_records() == 0
    for table in (CaseEventRow, NoticeRow, *erasure.PARTS):
        assert await rows(house.database, table, reference) == []
    async with house.database.read() as session:
        assert await session.get(CaseRow, reference) is None


@on_sqlite
async def test_more_than_one_portion_is_erased_in_one_night(house: House) -> None:
    async with house.database.write() as session:
        session.add_all(closed_case(number) for number in range(AT_ONCE + 5))
    handle = await house.client.start_workflow("Retention", id="retention", task_queue=CASES)
    assert await handle.result() == AT_ONCE + 5


def closed_case(number: int) -> CaseRow:
    return CaseRow(
        reference=f"{number:010}", kind="recovery", state="expired", opened_at=LONG_AGO, closed_at=LONG_AGO,
        erase_at=LONG_AGO, policy_version="1", opening_key=str(number), opening={}, snapshot={}, number=1,
    )  # fmt: skip


@pytest.mark.parametrize("state", ["code", "resend", "password", "recovered"])
async def test_pages_of_a_case_whose_key_was_destroyed_still_work(house: House, app: FastAPI, state: str) -> None:
    ada = browser(app)
    reference = await ada.ask("ada@example.com")
    message = await house.message(reference)
    if state == "resend":
        for _ in range(5):
            await ada.post(f"/case/{grouped(reference)}/code", code="000000")
            await ada.get(f"/case/{grouped(reference)}")
    if state in {"password", "recovered"}:
        await ada.post(f"/case/{grouped(reference)}/code", code=str(message.code))
    if state == "recovered":
        await ada.post(f"/case/{grouped(reference)}/password", new_password="a-long-enough-one")
    async with house.database.write() as session:
        await session.execute(delete(RowKeyRow).where(col(RowKeyRow.subject) == case_subject(reference)))
    answer = await ada.get(f"/case/{grouped(reference)}")
    assert answer.status_code == 200
    assert "ada@example.com" not in answer.text
    agent = await at_the_desk(app)
    assert (await agent.get(f"/desk/cases/{grouped(reference)}")).status_code == 200
    assert (await agent.get("/desk")).status_code == 200


async def test_an_open_case_lives_on_without_its_person_and_sends_nothing_more(house: House) -> None:
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    async with house.database.write() as session:
        await erasure.erase_case(session, opened.reference)
    await house.skip(opened.reference, timedelta(minutes=1))
    answer = await house.resend(opened)
    assert answer.state == State.AWAITING_CODE
    case = await house.until_case(opened.reference, lambda case: case.issues == 2)
    assert [message.issue for message in house.outbox.codes] == [1]
    assert ADA not in case.accounts
    await house.withdraw(opened)
    assert (await house.case(opened.reference)).state == State.WITHDRAWN


async def test_an_erased_owner_cannot_be_found_or_written_to(house: House) -> None:
    reference = await recovered(house)
    async with house.database.write() as session:
        assert await erasure.erase_account(session, ADA) == [reference]
    assert await row_key(house.database, account_subject(ADA)) is None
    assert await row_key(house.database, case_subject(reference)) is None
    async with house.database.read() as session:
        left = await session.execute(select(AccountContactRow).where(col(AccountContactRow.account_ref) == ADA))
        assert left.scalars().all() == []
    again = await house.open("ada@example.com", browser="ada-phone")
    case = await house.until(again.reference, State.AWAITING_CODE)
    assert ADA not in case.accounts
    assert [message.case for message in house.outbox.codes] == [reference]


async def test_a_case_that_asked_for_an_erased_account_without_proof_is_erased_with_it(house: House) -> None:
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    async with house.database.write() as session:
        assert await erasure.erase_account(session, ADA) == [opened.reference]
    async with house.database.read() as session:
        assert await reads.typed(session, house.rings, opened.reference) is None


async def test_an_owner_whose_key_was_destroyed_is_gone_after_the_proof(house: House) -> None:
    opened = await house.open("ada@example.com")
    message = await house.message(opened.reference)
    async with house.database.write() as session:
        await session.execute(delete(RowKeyRow).where(col(RowKeyRow.subject) == account_subject(ADA)))
    await house.submit(opened, message.code)
    case = await house.until(opened.reference, State.REFERRED)
    assert case.because == Standing.GONE


async def test_a_password_is_not_set_for_an_owner_who_was_erased_in_between(house: House) -> None:
    opened = await house.prove("ada@example.com")
    async with house.database.write() as session:
        await erasure.erase_account(session, ADA)
    await house.set_password(opened, "a-long-enough-one")
    case = await house.until(opened.reference, State.REFERRED, State.AWAITING_NEW_PASSWORD)
    assert case.state is State.REFERRED
    assert folding.next_deadline(case) is None


async def test_other_people_stay_readable(house: House) -> None:
    erased, kept = await recovered(house), (await house.open("vip@example.com", browser="vip-laptop")).reference
    async with house.database.write() as session:
        await erasure.erase_case(session, erased)
    async with house.database.read() as session:
        typed = await reads.typed(session, house.rings, kept)
    assert typed
    assert typed.normal == "vip@example.com"


# ---- the command ----------------------------------------------------------------------------------------------------


async def test_an_operator_erases_a_case(house: House, operator: Operator) -> None:
    reference = await recovered(house)
    outcome = await operator(house, "erase", "--case", grouped(reference).lower(), "--yes")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.output == f"erased; cases: {grouped(reference)}\n"
    assert await row_key(house.database, case_subject(reference)) is None


@on_sqlite
async def test_an_operator_erases_an_account_with_its_cases(house: House, operator: Operator) -> None:
    reference = await recovered(house)
    outcome = await operator(house, "erase", "--account", ADA, "--yes")
    assert outcome.output == f"erased; cases: {grouped(reference)}\n"
    assert await row_key(house.database, account_subject(ADA)) is None


@on_sqlite
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--case", "7F3K-Q2M9-XA"], "there is no case 7F3KQ2M9XA"),
        (["--case", "nonsense"], "nonsense is no reference"),
        (["--account", "acc_nobody"], "there is no account acc_nobody and no case about it"),
        ([], "either --case or --account"),
        (["--case", "7F3K-Q2M9-XA", "--account", "acc_nobody"], "either --case or --account"),
    ],
)
async def test_what_cannot_be_erased(house: House, operator: Operator, words: list[str], says: str) -> None:
    outcome = await operator(house, "erase", "--yes", *words)
    assert outcome.exit_code == 1
    assert outcome.output == f"{says}\n"


@on_sqlite
async def test_without_a_yes_nothing_is_erased(house: House, operator: Operator) -> None:
    reference = await recovered(house)
    outcome = await operator(house, "erase", "--case", reference)
    assert outcome.exit_code == 1
    assert await row_key(house.database, case_subject(reference))
