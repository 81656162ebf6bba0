"""Every activity may run more than once with the same argument. The second time changes nothing more.

A kill between an effect and its record, a lost answer, a time limit: Temporal runs the activity again. Here each one
runs twice, and every row of every table is compared.
"""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, col
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.accounts.sql import SqlAccounts
from activities.codes import DerivedCodes
from activities.contract import (
    CodeToSend,
    CodeWanted,
    Freeze,
    FreezeResult,
    Look,
    NewPassword,
    Objection,
    Orphans,
    PasswordResult,
    Proof,
    RecoveryRecord,
)
from activities.decisions import ProvedDecisions, ReceivedObjections
from activities.records import SqlRecords
from activities.upkeep import SqlUpkeep
from development.people import ACCOUNTS
from domain.case import Channel
from domain.contact_proof import IDENTIFIER, CodeIssued, Destination
from domain.decisions import Doubt
from domain.policy import CURRENT_POLICY
from domain.recovery import CaseOpened, Sight, Standing
from storage import directory, intake, vault
from storage.engine import database_time
from storage.identifiers import identify
from storage.intake import Browser
from storage.models import (
    AccountGateRow,
    AccountPasswordRow,
    AccountRecoveryCodeRow,
    AccountRow,
    AccountSessionRow,
    AgentRow,
    CaseRow,
    CodeIssueRow,
    ReceivedRow,
)
from tests.house import NearHashers, Outbox
from tests.people import NOON

REFS = {account.username: account.ref for account in ACCOUNTS}
BY_EMAIL = Destination(Channel.EMAIL, IDENTIFIER)
NEW = "a new and long password"
ENVIRONMENT = ActivityEnvironment()


async def everything(database):
    """Every row of every table."""
    async with database.read() as session:
        return {
            table.name: sorted(repr(tuple(row)) for row in await session.execute(select(table)))
            for table in SQLModel.metadata.sorted_tables
        }


async def twice(database, activity, *arguments):
    """What it answers, having run twice; nothing may differ after the second time."""
    first = await ENVIRONMENT.run(activity, *arguments)
    after_first = await everything(database)
    second = await ENVIRONMENT.run(activity, *arguments)
    after_second = await everything(database)
    assert second == first
    changed = {table for table, rows in after_second.items() if rows != after_first[table]}
    assert changed == set()
    return first


@pytest.fixture
def start(database, rings):
    async def started(typed="ada@example.com", key="form"):
        async with database.write() as session:
            opened = await intake.open_recovery(
                session,
                rings,
                identify(typed, "GB"),
                Browser("ada-laptop"),
                key=key,
                policy=CURRENT_POLICY,
                starts_per_network=1000,
            )
        return opened.reference

    return started


@pytest.fixture
def outbox(database, rings):
    return Outbox(database, rings)


@pytest.fixture
def codes(database, rings, outbox):
    return DerivedCodes(database, rings, outbox)


@pytest.fixture
def accounts(database, rings):
    return SqlAccounts(database, rings, NearHashers())


@pytest.fixture
def seal(database, rings):
    async def sealed(reference, purpose, secret, token="update-1"):
        async with database.write() as session:
            return await intake.seal_secret(session, rings, reference, purpose, secret, token=token)

    return sealed


# ---- codes ---------------------------------------------------------------------------------------------------------


async def test_a_code_is_issued_once(database, codes, start):
    made = await twice(database, codes.issue_code, CodeWanted(await start(), 1, BY_EMAIL, CURRENT_POLICY))
    assert made.accounts == (REFS["ada"],)
    assert len({made.digest, made.link_digest}) == 2


async def test_a_decoy_code_is_issued_once(database, codes, start):
    """Its digest has a random part, which must not be drawn again."""
    reference = await start("nobody@example.com")
    made = await twice(database, codes.issue_code, CodeWanted(reference, 1, BY_EMAIL, CURRENT_POLICY))
    assert made.accounts[0].startswith("acc_")
    assert made.accounts[0] not in REFS.values()


async def test_a_code_is_issued_once_even_when_asked_at_the_same_moment(database, codes, start):
    """A local try that ran out of time may still be at work when the regular one begins."""
    wanted = CodeWanted(await start(), 1, BY_EMAIL, CURRENT_POLICY)

    async def issue():
        while True:
            try:
                return await ENVIRONMENT.run(codes.issue_code, wanted)
            except IntegrityError:
                continue  # Temporal tries again

    made = await asyncio.gather(*(issue() for _ in range(5)))
    assert len(set(made)) == 1


async def test_a_code_is_sent_once(database, codes, outbox, start):
    reference = await start()
    made = await ENVIRONMENT.run(codes.issue_code, CodeWanted(reference, 1, BY_EMAIL, CURRENT_POLICY))
    send = CodeToSend(reference, 1, BY_EMAIL, made.keys, NOON, CURRENT_POLICY)
    await twice(database, codes.send_code, send)
    assert len(outbox.mail.taken) == 1
    assert outbox.codes[0] == outbox.codes[1]


async def test_a_text_message_is_counted_once(database, codes, outbox, start):
    reference = await start("+44 7700 900003")
    to = Destination(Channel.SMS, IDENTIFIER)
    made = await ENVIRONMENT.run(codes.issue_code, CodeWanted(reference, 1, to, CURRENT_POLICY))
    await twice(database, codes.send_code, CodeToSend(reference, 1, to, made.keys, NOON, CURRENT_POLICY))
    assert len(outbox.text.taken) == 1


async def test_a_code_that_was_never_issued_is_not_sent(codes, outbox, start):
    send = CodeToSend(await start(), 7, BY_EMAIL, "k/k", NOON, CURRENT_POLICY)
    with pytest.raises(ApplicationError, match="no such issue") as refused:
        await ENVIRONMENT.run(codes.send_code, send)
    assert refused.value.non_retryable
    assert outbox.is_empty


async def test_no_tries_are_set_aside_for_a_code_that_failed(database, codes, start, monkeypatch):
    """All or nothing: a crash in the middle leaves no reservation that nobody gives back."""
    wanted = CodeWanted(await start(), 1, BY_EMAIL, CURRENT_POLICY)
    before = await everything(database)

    async def fails(*_):
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(codes, "_is_silent", fails)
        with pytest.raises(RuntimeError):
            await ENVIRONMENT.run(codes.issue_code, wanted)
    assert await everything(database) == before


# ---- accounts --------------------------------------------------------------------------------------------------------


async def test_looking_at_accounts_keeps_their_names_once(database, accounts, start):
    look = Look(await start(), (REFS["ada"], REFS["ben"], REFS["olu"], "acc_nobody"))
    seen = await twice(database, accounts.look_at_accounts, look)
    assert [sight.standing for sight in seen] == [
        Standing.ACTIVE,
        Standing.BANNED,
        Standing.SECOND_FACTOR,
        Standing.GONE,
    ]


@pytest.mark.parametrize(("code", "fits"), [("OLUA-0001", True), ("olua 0001", True), ("OLUA-9999", False)])
async def test_a_saved_code_is_burnt_once(database, accounts, start, seal, code, fits):
    reference = await start("olu@example.com")
    proof = Proof(reference, REFS["olu"], await seal(reference, "second-proof", code), 10)
    assert await twice(database, accounts.check_recovery_code, proof) is fits


async def test_a_burnt_code_stays_burnt_for_other_attempts(database, accounts, start, seal):
    reference, other = await start("olu@example.com"), await start("olu@example.com", key="other")
    first = Proof(reference, REFS["olu"], await seal(reference, "second-proof", "OLUA-0001"), 10)
    assert await ENVIRONMENT.run(accounts.check_recovery_code, first)
    for case, token in ((reference, "update-2"), (other, "update-3")):
        again = Proof(case, REFS["olu"], await seal(case, "second-proof", "OLUA-0001", token), 10)
        assert not await ENVIRONMENT.run(accounts.check_recovery_code, again)
    async with database.read() as session:
        used = select(AccountRecoveryCodeRow).where(col(AccountRecoveryCodeRow.used_by) != "")
        assert len((await session.execute(used)).scalars().all()) == 1


async def sign_in(database, rings, username, times=2):
    async with database.write() as session:
        now = await database_time(session)
        for _ in range(times):
            await directory.open_session(session, rings, REFS[username], device="Firefox", now=now)


@pytest.fixture
async def new_password(database, rings, start, seal):
    """Ada's new password waits in the vault; she is signed in twice."""
    reference = await start()
    await sign_in(database, rings, "ada")
    async with database.read() as session:
        opened_at = await database_time(session)
    return NewPassword(reference, REFS["ada"], await seal(reference, "password", NEW), opened_at)


async def test_a_password_is_set_once(database, accounts, new_password):
    result = await twice(database, accounts.apply_password, new_password)
    assert (result.result, result.sessions) == ("applied", 2)
    async with database.read() as session:
        hashed = await directory.current_hash(session, REFS["ada"])
    assert directory.fits(hashed, NEW)


async def test_a_password_is_set_once_even_when_applied_at_the_same_moment(database, accounts, new_password):
    async def apply():
        while True:
            try:
                return await ENVIRONMENT.run(accounts.apply_password, new_password)
            except IntegrityError:
                continue  # Temporal tries again

    results = await asyncio.gather(*(apply() for _ in range(5)))
    assert {(result.result, result.sessions) for result in results} == {("applied", 2)}
    async with database.read() as session:
        mine = select(AccountPasswordRow).where(col(AccountPasswordRow.set_by) == new_password.case)
        assert len((await session.execute(mine)).scalars().all()) == 1


async def test_a_kill_after_the_password_was_set_loses_nothing(database, accounts, new_password):
    """Set, but not yet recorded: somebody signs in with it, the vault is emptied, and the activity runs again."""
    await ENVIRONMENT.run(accounts.apply_password, new_password)
    async with database.write() as session:
        await vault.drop(session, new_password.secret)
    result = await ENVIRONMENT.run(accounts.apply_password, new_password)
    assert (result.result, result.sessions) == ("applied", 2)
    async with database.read() as session:
        assert directory.fits(await directory.current_hash(session, REFS["ada"]), NEW)


async def test_a_lost_password_changes_nothing(database, accounts, new_password):
    async with database.write() as session:
        await vault.drop(session, new_password.secret)
    assert await twice(database, accounts.apply_password, new_password) == PasswordResult("lost")
    async with database.read() as session:
        assert directory.fits(await directory.current_hash(session, REFS["ada"]), "ada-current-2025")


async def test_a_password_of_another_case_is_in_the_way(database, accounts, new_password, start, seal):
    other = await start(key="other")
    quicker = NewPassword(other, REFS["ada"], await seal(other, "password", NEW, "update-2"), new_password.opened_at)
    await ENVIRONMENT.run(accounts.apply_password, quicker)
    result = await twice(database, accounts.apply_password, new_password)
    assert result == PasswordResult("superseded")


async def test_an_objection_is_in_the_way(database, accounts, new_password):
    async with database.write() as session:
        now = await database_time(session)
        row = ReceivedRow(id="objection/1", case_ref=new_password.case, kind="objection", received_at=now, data={})
        session.add(row)
    result = await twice(database, accounts.apply_password, new_password)
    assert (result.result, result.received) == ("objected", "objection/1")


@pytest.mark.parametrize("standing", ["banned", "being_deleted"])
async def test_a_barred_account_keeps_its_password(database, accounts, new_password, standing):
    async with database.write() as session:
        mine = update(AccountRow).where(col(AccountRow.ref) == REFS["ada"])
        await session.execute(mine.values(standing=standing))
    result = await twice(database, accounts.apply_password, new_password)
    assert (result.result, result.sight) == ("barred", Sight(REFS["ada"], Standing(standing)))


async def test_others_attempts_are_named_for_superseding(database, accounts, new_password, start):
    other = await start(key="other")
    async with database.write() as session:
        await session.execute(update(CaseRow).values(account_ref=REFS["ada"]))
    result = await twice(database, accounts.apply_password, new_password)
    assert result.superseded == (f"recovery/{other[:4]}-{other[4:8]}-{other[8:]}",)


# ---- freezing --------------------------------------------------------------------------------------------------------


FREEZE = Freeze("CLAIM00001", REFS["ada"], "objection/1", CURRENT_POLICY)


async def test_an_account_is_frozen_once(database, rings, accounts):
    await sign_in(database, rings, "ada")
    assert await twice(database, accounts.freeze_account, FREEZE) == FreezeResult(frozen=True, sessions=2)
    async with database.read() as session:
        row = await session.get(AccountRow, REFS["ada"])
        assert directory.bar(row, await database_time(session)) == ("frozen", row.frozen_until)
        assert row.frozen_until - row.frozen_at == timedelta(hours=72)


async def test_a_second_claim_freezes_nothing_within_thirty_days(database, accounts):
    await ENVIRONMENT.run(accounts.freeze_account, FREEZE)
    other = Freeze("CLAIM00002", REFS["ada"], "objection/2", CURRENT_POLICY)
    assert await twice(database, accounts.freeze_account, other) == FreezeResult(frozen=False)
    async with database.write() as session:
        long_ago = await database_time(session) - timedelta(days=31)
        await session.execute(update(AccountGateRow).values(frozen_by_objection_at=long_ago))
    assert (await ENVIRONMENT.run(accounts.freeze_account, other)).frozen


async def test_a_freeze_ends_once_and_only_its_own(database, accounts):
    await ENVIRONMENT.run(accounts.freeze_account, FREEZE)
    await twice(database, accounts.end_freeze, Freeze("CLAIM00002", REFS["ada"], "objection/2", CURRENT_POLICY))
    async with database.read() as session:
        assert (await session.get(AccountRow, REFS["ada"])).frozen_at
    await twice(database, accounts.end_freeze, FREEZE)
    async with database.read() as session:
        assert (await session.get(AccountRow, REFS["ada"])).frozen_at is None


async def test_freezing_nobody_changes_no_account(database, accounts):
    await twice(database, accounts.freeze_account, Freeze("CLAIM00001", "acc_nobody", "objection/1", CURRENT_POLICY))
    async with database.read() as session:
        frozen = select(AccountRow).where(col(AccountRow.frozen_at).is_not(None))
        assert (await session.execute(frozen)).first() is None


# ---- records, decisions, upkeep --------------------------------------------------------------------------------------


async def test_events_are_recorded_once(database, rings, start):
    issued = CodeIssued(NOON, 1, (REFS["ada"],), "k/k", "d", "l")
    record = RecoveryRecord(await start(), 0, (CaseOpened(NOON), issued))
    await twice(database, SqlRecords(database, rings).record_recovery, record)


async def test_checking_a_decision_writes_nothing(database, rings, start):
    reference = await start()
    async with database.write() as session:
        decision = await intake.receive_decision(
            session,
            rings,
            reference=reference,
            version=1,
            outcome="allow",
            reason="codes_used_up",
            agent="sam",
            key="f",
        )
    before = await everything(database)
    verdict = await twice(database, ProvedDecisions(database, rings).check_decision, decision)
    assert (verdict.doubt, verdict.received_at) == (None, decision.at)
    assert await everything(database) == before


@pytest.mark.parametrize("own", ["first", "second"])
async def test_nobody_decides_about_one_of_several_accounts_that_is_their_own(database, rings, start, own):
    """A contact of two accounts: nobody has chosen yet, and one of them is the agent's."""
    reference = await start()
    issued = CodeIssued(NOON, 1, ("acc_first", "acc_second"), "k/k", "d", "l")
    await SqlRecords(database, rings).record_recovery(RecoveryRecord(reference, 0, (CaseOpened(NOON), issued)))
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(own_accounts=[f"acc_{own}"]))
        decision = await intake.receive_decision(
            session, rings, reference=reference, version=1, outcome="stop", reason="suspicious", agent="sam", key="f"
        )
    verdict = await ENVIRONMENT.run(ProvedDecisions(database, rings).check_decision, decision)
    assert verdict.doubt is Doubt.OWN_ACCOUNT


async def test_an_objection_counts_only_with_its_row(database, start):
    reference, other = await start(), await start(key="other")
    async with database.write() as session:
        session.add(ReceivedRow(id="objection/1", case_ref=reference, kind="objection", received_at=NOON, data={}))
        session.add(ReceivedRow(id="decision/1", case_ref=reference, kind="decision", received_at=NOON, data={}))
    check = ReceivedObjections(database).check_objection
    assert (await twice(database, check, Objection(reference, "objection/1"))).valid
    for case, received in ((other, "objection/1"), (reference, "decision/1"), (reference, "made-up")):
        assert not (await ENVIRONMENT.run(check, Objection(case, received))).valid


async def test_orphans_are_found_until_they_were_reached(database, start):
    upkeep, reference = SqlUpkeep(database), await start()
    assert await ENVIRONMENT.run(upkeep.find_orphans) == Orphans((), ())
    async with database.write() as session:
        long_ago = await database_time(session) - timedelta(minutes=1)
        await session.execute(update(CaseRow).values(opened_at=long_ago))
        session.add(
            ReceivedRow(id="objection/1", case_ref=reference, kind="objection", received_at=long_ago, data={"a": 1})
        )
    found = await twice(database, upkeep.find_orphans)
    assert [case.reference for case in found.cases] == [reference]
    assert [signal.received for signal in found.signals] == ["objection/1"]
    await ENVIRONMENT.run(upkeep.mark_reached, found)
    assert await ENVIRONMENT.run(upkeep.find_orphans) == Orphans((), ())


async def test_what_is_over_is_forgotten_and_nothing_else(database, rings, start, seal):
    reference = await start()
    await seal(reference, "password", NEW)
    before = await everything(database)
    await twice(database, SqlUpkeep(database).forget_what_is_over)
    assert await everything(database) == before


async def test_an_account_without_sessions_has_none_to_end(database, accounts, start, seal):
    reference = await start("+44 7700 900003")
    new = NewPassword(reference, REFS["pat"], await seal(reference, "password", NEW), NOON)
    assert (await ENVIRONMENT.run(accounts.apply_password, new)).sessions == 0
    async with database.read() as session:
        ended = select(AccountSessionRow).where(col(AccountSessionRow.ended_by) == reference)
        assert (await session.execute(ended)).first() is None
        assert (await session.execute(select(CodeIssueRow))).first() is None
