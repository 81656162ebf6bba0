"""The record of a case: once, in order, chained; the row is the same fold that everybody else makes."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from domain.case import Audience
from domain.decisions import Doubt
from domain.recovery import (
    CaseExpired,
    CaseOpened,
    CodeAccepted,
    CodeExpired,
    CodeIssued,
    CodeRefused,
    DecisionRefused,
    PasswordApplied,
    PasswordSubmitted,
    Sight,
    Standing,
    State,
)
from storage import audit, budgets, folding, intake, reads, writes
from storage.budgets import DAY, Limit
from storage.identifiers import identify
from storage.intake import Browser
from storage.models import BudgetRow, CaseEventRow, CodeIssueRow, VaultRow
from tests.house import with_policy
from tests.people import ADA, NOON, minutes

OPENED = CaseOpened(NOON)
ISSUED = CodeIssued(NOON, 1, (ADA.account,), "k/k", "digest-of-the-code", "digest-of-the-link")


@pytest.fixture
async def opened(database, rings):
    async with database.write() as session:
        return await intake.open_recovery(
            session,
            rings,
            identify("ada@example.com", "GB"),
            Browser("ada-laptop", "192.0.2.1/32"),
            key="form",
            policy=with_policy(),
            starts_per_network=1000,
        )


@pytest.fixture
def record(database, rings, opened):
    async def recorded(after, *events):
        async with database.write() as session:
            await writes.record(session, rings.audit, opened.reference, after, events)

    return recorded


@pytest.fixture
def row(database, opened):
    async def found():
        async with database.read() as session:
            return await reads.case_row(session, opened.reference)

    return found


@pytest.fixture
def events(database, opened):
    async def found():
        async with database.read() as session:
            return list(await reads.event_rows(session, opened.reference))

    return found


async def test_events_are_numbered_and_folded(record, row, events):
    await record(0, OPENED, ISSUED)
    assert [(event.number, event.kind) for event in await events()] == [(1, "case_opened"), (2, "code_issued")]
    found = await row()
    assert (found.state, found.number, found.waiting_on, found.channel) == ("awaiting_code", 2, "claimant", "email")
    assert found.account_ref == ADA.account
    assert found.due_at == NOON + timedelta(seconds=60)
    assert found.closed_at is None


async def test_recording_again_changes_nothing(record, row, events):
    await record(0, OPENED, ISSUED)
    before = [event.hash for event in await events()]
    snapshot = (await row()).snapshot
    await record(0, OPENED, ISSUED)
    await record(1, ISSUED)
    assert [event.hash for event in await events()] == before
    assert (await row()).snapshot == snapshot


async def test_a_second_try_adds_only_what_is_new(record, events):
    await record(0, OPENED)
    await record(0, OPENED, ISSUED)
    assert [event.number for event in await events()] == [1, 2]


async def test_twenty_tries_at_once_record_it_once(record, events):
    await asyncio.gather(*(record(0, OPENED, ISSUED) for _ in range(20)))
    assert [event.number for event in await events()] == [1, 2]


async def test_a_gap_is_loud(record, events):
    await record(0, OPENED)
    with pytest.raises(writes.Gap, match="2 was expected"):
        await record(2, CodeRefused(NOON, 1))
    assert len(await events()) == 1


async def test_what_never_happened_gives_way(record, row, events, rings):
    """A try was recorded by a worker that died before its history had it; then the code ran out."""
    refused, later = CodeRefused(NOON + minutes(1), 1), CodeRefused(NOON + minutes(2), 1)
    await record(0, OPENED, ISSUED)
    await record(2, refused, later)
    await record(2, CodeExpired(NOON + minutes(10), 1))
    assert [event.kind for event in await events()] == ["case_opened", "code_issued", "code_expired"]
    assert audit.first_break(rings.audit, await events()) is None
    found = await row()
    assert (found.state, found.number) == ("awaiting_resend", 3)
    assert folding.load_case(found.kind, found.snapshot).issue.wrong == 0


async def test_the_same_event_at_another_moment_is_another(record, row, events):
    """The task was done again a little later: deadlines follow the moment that the workflow knows."""
    await record(0, OPENED, ISSUED)
    await record(2, CodeExpired(NOON + minutes(10), 1))
    await record(2, CodeExpired(NOON + minutes(11), 1))
    assert [event.at for event in await events()][2:] == [NOON + minutes(11)]
    assert folding.load_case("recovery", (await row()).snapshot).since == NOON + minutes(11)


async def test_a_late_try_with_earlier_events_takes_nothing_back(record, events):
    """An activity that was thought dead comes back with what is recorded already."""
    await record(0, OPENED, ISSUED)
    await record(2, CodeRefused(NOON + minutes(1), 1))
    await record(3, CodeRefused(NOON + minutes(2), 1))
    await record(0, OPENED)
    await record(0, OPENED, ISSUED)
    await record(2, CodeRefused(NOON + minutes(1), 1))
    assert [event.number for event in await events()] == [1, 2, 3, 4]


async def test_digests_stay_in_the_workflow(record, row, events):
    await record(0, OPENED, ISSUED)
    kept = str((await row()).snapshot) + str([event.data for event in await events()])
    assert "digest-of-the-code" not in kept
    assert "digest-of-the-link" not in kept


async def test_the_end_closes_the_row(record, row):
    await record(0, OPENED, ISSUED, CaseExpired(NOON + timedelta(hours=24)))
    found = await row()
    assert (found.state, found.closed_at, found.due_at) == ("expired", NOON + timedelta(hours=24), None)
    assert found.waiting_on is None


async def test_a_proof_hands_the_case_over(database, rings, opened, record):
    """The browser that proved the contact holds it; the others are told that it moved."""
    async with database.write() as session:
        secret, digest = await intake.browser_for_link(session, rings, opened.reference, Browser("phone"), key="form")
    seen = Sight(ADA.account, Standing.ACTIVE)
    await record(0, OPENED, ISSUED, CodeAccepted(NOON, 1, "link", digest, seen))
    async with database.read() as session:
        assert (await reads.access(session, rings, opened.reference, secret))[0] is reads.Access.HOLDS
        assert (await reads.access(session, rings, opened.reference, opened.secret))[0] is reads.Access.MOVED


async def test_tries_come_back_with_the_event_that_ends_the_code(database, opened, record):
    bucket = f"tries/{ADA.account}"
    async with database.write() as session:
        await budgets.reserve(session, [bucket], 5, 20, NOON)
        session.add(
            CodeIssueRow(
                case_ref=opened.reference,
                issue=1,
                accounts=[ADA.account],
                keys="k/k",
                digest="",
                link_digest="",
                buckets=[bucket],
                window=NOON.date(),
                reserved=5,
            )
        )
    refused = CodeRefused(NOON + minutes(1), 1)
    await record(0, OPENED, ISSUED, refused, refused)
    window = Limit("", 0, DAY).window(NOON)[0]

    async def tries():
        async with database.read() as session:
            row = await session.get(BudgetRow, (bucket, window))
            return row.used, row.reserved

    assert await tries() == (0, 5)
    accepted = CodeAccepted(NOON + minutes(2), 1, "code", ADA.browser, Sight(ADA.account, Standing.ACTIVE))
    await record(4, accepted)
    assert await tries() == (2, 0)
    await record(4, accepted)
    assert await tries() == (2, 0)


async def test_the_vault_is_emptied_with_the_event_that_applied_it(database, rings, opened, record):
    async with database.write() as session:
        name = await intake.seal_secret(session, rings, opened.reference, "password", "new", token="update-1")
    seen = Sight(ADA.account, Standing.ACTIVE)
    submitted = PasswordSubmitted(NOON, name)
    await record(0, OPENED, ISSUED, CodeAccepted(NOON, 1, "code", ADA.browser, seen), submitted)
    async with database.read() as session:
        assert await session.get(VaultRow, name)
    await record(4, PasswordApplied(NOON, 3))
    async with database.read() as session:
        assert await session.get(VaultRow, name) is None


# ---- the chain ------------------------------------------------------------------------------------------------


@pytest.fixture
async def chained(record):
    refusals = [CodeRefused(NOON + minutes(number), 1) for number in range(3)]
    await record(0, OPENED, ISSUED)
    await record(2, *refusals)
    await record(5, DecisionRefused(NOON, "decision-1", Doubt.ROLE, "ina"))


async def test_the_chain_is_whole(chained, events, rings):
    rows = await events()
    assert len(rows) == 6
    assert rows[0].previous_hash == audit.FIRST
    assert [row.previous_hash for row in rows[1:]] == [row.hash for row in rows[:-1]]
    assert audit.first_break(rings.audit, rows) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"kind": "code_accepted"},
        {"at": NOON + minutes(1)},
        {"actor": "owner"},
        {"audience": Audience.DESK.value},
        {"data": {"issue": 2}},
    ],
    ids="-".join,
)
async def test_a_changed_event_breaks_it(chained, database, events, rings, forged):
    async with database.write() as session:
        await session.execute(update(CaseEventRow).where(col(CaseEventRow.number) == 3).values(**forged))
    assert audit.first_break(rings.audit, await events()) == 3


async def test_a_missing_event_breaks_it(chained, events, rings):
    rows = await events()
    assert audit.first_break(rings.audit, rows[:2] + rows[3:]) == 4
    assert audit.first_break(rings.audit, rows[1:]) == 2


async def test_events_in_another_order_break_it(chained, events, rings):
    rows = await events()
    assert audit.first_break(rings.audit, [rows[0], rows[1], rows[3], rows[2]]) == 4


async def test_who_has_no_key_cannot_write_a_chain(chained, events, rings):
    """Somebody who can write to the table makes it all new: the key is missing."""
    rows, previous = await events(), audit.FIRST
    for row in rows:
        row.previous_hash = previous
        row.hash = previous = audit.chained(rings.digest, row, previous)
    assert audit.first_break(rings.audit, rows) == 1


# ---- what reads make of it --------------------------------------------------------------------------------------


async def test_each_audience_reads_its_own_timeline(chained, database, row):
    found = await row()
    async with database.read() as session:
        claimant = await reads.timeline(session, found, [Audience.CLAIMANT])
        desk = await reads.timeline(session, found, [Audience.DESK])
    assert [entry.number for entry in claimant] == [1, 2, 3, 4, 5]
    assert [entry.number for entry in desk] == [1, 2, 3, 4, 5, 6]
    assert [entry.after.tries_left for entry in claimant] == [0, 5, 4, 3, 2]
    assert desk[-1].after.state is State.AWAITING_CODE


async def test_the_row_is_the_fold_of_its_events(chained, events, row):
    found = await row()
    case = folding.load_case(found.kind, found.opening)
    for event in await events():
        case = folding.apply(case, folding.load_event(found.kind, event.kind, event.at, event.data))
    assert folding.dump_case(case) == found.snapshot
