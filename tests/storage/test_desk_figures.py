"""The figures of the desk and of its messages, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from domain.claim import Reason
from domain.claim_events import MessageSent, PromiseMissed
from domain.claim_events import Promise as Promised
from storage import deliveries, desk_figures
from storage.deliveries import Wanted
from storage.desk_figures import Age, Now, Promise
from storage.engine import Database
from storage.keys import Rings
from storage.models import CaseRow, NoticeRow
from tests.desk_cases import claim_to_review, recovery_begun, reference, story_of, written

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def closed(database: Database, number: int, at: datetime, state: str) -> None:
    mine = col(CaseRow.reference) == reference(number)
    async with database.write() as session:
        await session.execute(update(CaseRow).where(mine).values(closed_at=at, state=state, waiting_on=None))


async def test_what_is_open_now_and_how_old_it_is(database: Database, rings: Rings) -> None:
    await claim_to_review(database, rings, 1, NOW - 2 * DAY)
    await claim_to_review(database, rings, 2, NOW - HOUR)
    await recovery_begun(database, rings, 3, NOW - 20 * DAY)
    await recovery_begun(database, rings, 4, NOW - HOUR)
    await closed(database, 4, NOW, "recovered")
    async with database.read() as session:
        assert await desk_figures.now_open(session, NOW) == Now(3, 2, 1)
        ages = await desk_figures.ages(session, NOW)
    expected = {"under 4 h": (1, 0), "1 to 3 days": (1, 0), "over 14 days": (0, 1)}
    assert ages == [Age(name, *expected.get(name, (0, 0))) for name, _ in desk_figures.AGES]


async def test_days_begin_where_they_are_said_to(database: Database, rings: Rings) -> None:
    begins = [NOW - 2 * DAY, NOW - DAY, NOW]
    for number, at in ((1, NOW - DAY - timedelta(microseconds=1)), (2, NOW - DAY), (3, NOW + HOUR), (4, NOW - 9 * DAY)):
        await recovery_begun(database, rings, number, at)
    await closed(database, 1, NOW - DAY, "expired")
    async with database.read() as session:
        days = await desk_figures.days(session, begins, NOW + DAY)
    assert [(day.opened, day.closed) for day in days] == [(1, 0), (1, 1), (1, 0)]


async def test_promises_are_kept_missed_or_still_running(database: Database, rings: Rings) -> None:
    await claim_to_review(database, rings, 1, NOW)
    await claim_to_review(database, rings, 2, NOW, reason=Reason.COMPROMISED)
    late = story_of(3, NOW)
    opening = late.case
    late.gives_evidence()
    late.happens(PromiseMissed(NOW + DAY, Promised.FIRST_ANSWER))
    await written(database, rings, opening, late.events, NOW)
    kept = story_of(4, NOW)
    opening = kept.case
    kept.gives_evidence()
    kept.happens(MessageSent(NOW + HOUR, "sam", "message/1"))
    case = await written(database, rings, opening, kept.events, NOW)
    async with database.write() as session:
        (await session.get_one(CaseRow, case.reference)).course = "stopped"
    async with database.read() as session:
        found = await desk_figures.claims(session, NOW - DAY)
        nothing = await desk_figures.claims(session, NOW + DAY)
    assert found.promises == (
        Promise("First answer, 24 h", kept=1, missed=1, running=1),
        Promise("Decision, 72 h", kept=0, missed=0, running=3),
        Promise("Compromised, 4 h", kept=0, missed=0, running=1),
    )
    assert (found.approved, found.stopped, found.half) == (1, 1, None)
    assert found.promises[0].share == 0.5
    assert nothing.promises[0].share is None


async def test_half_were_decided_within_a_time_once_there_are_enough(database: Database, rings: Rings) -> None:
    for number in range(desk_figures.LEAST_DECIDED):
        case = await claim_to_review(database, rings, number, NOW)
        async with database.write() as session:
            row = await session.get_one(CaseRow, case.reference)
            row.decided_after = int(((number + 1) * HOUR).total_seconds())
    async with database.read() as session:
        found = await desk_figures.claims(session, NOW - DAY)
    assert found.half is not None
    assert 10 * HOUR <= found.half <= 11 * HOUR
    assert found.most is not None
    assert 18 * HOUR <= found.most <= 20 * HOUR


async def test_recoveries_are_counted_step_by_step(database: Database, rings: Rings) -> None:
    for number in range(4):
        await recovery_begun(database, rings, number, NOW)
    await recovery_begun(database, rings, 9, NOW - 30 * DAY)
    await add(database, 0, "code", NOW)
    await add(database, 0, "code", NOW, name="again")
    await closed(database, 0, NOW, "recovered")
    await closed(database, 1, NOW, "expired")
    async with database.read() as session:
        found = await desk_figures.funnel(session, NOW - DAY)
    assert (found.started, found.sent, found.proved, found.recovered) == (4, 1, 0, 1)
    assert found.ends == {"recovered": 1, "expired": 1}


# ---- messages ------------------------------------------------------------------------------------------------------


async def add(database: Database, number: int, template: str, at: datetime, *, name: str = "", **more: Any) -> None:
    values = {"channel": "email", "state": "handed_over", "attempts": 1, "address": "", "subject": "", **more}
    name = name or f"{template}/{number}/{at:%H%M%S}"
    async with database.write() as session:
        session.add(
            NoticeRow(name=name, case_ref=reference(number), template=template, message_id="", made_at=at, **values)
        )


async def test_channels_and_their_troubles(database: Database, rings: Rings) -> None:
    await recovery_begun(database, rings, 1, NOW)
    quick, slow = timedelta(seconds=2), timedelta(minutes=5)
    await add(database, 1, "code", NOW - 3 * HOUR, handed_over_at=NOW - 3 * HOUR + quick)
    await add(database, 1, "code", NOW - 2 * HOUR, handed_over_at=NOW - 2 * HOUR + slow)
    await add(database, 1, "code", NOW - HOUR, state="failed", error="Undeliverable")
    await add(database, 1, "code", NOW - HOUR, name="w", channel="sms", state="queued", error="Timeout", attempts=3)
    await add(database, 1, "code", NOW - 2 * DAY, state="failed", error="Old")
    async with database.read() as session:
        email, sms = await deliveries.channels(session, NOW)
        troubles = await deliveries.troubles(session, NOW)
    assert (email.made, email.at_once, email.later, email.failed, email.waiting) == (3, 1, 1, 1, 0)
    assert (sms.waiting, sms.oldest_waiting) == (1, NOW - HOUR)
    assert {(one.channel, one.error, one.count, one.waiting) for one in troubles} == {
        ("email", "Undeliverable", 1, 0),
        ("sms", "Timeout", 1, 1),
    }


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_paging_through_messages_of_one_moment_loses_and_repeats_nothing(
    database: Database, rings: Rings, size: int
) -> None:
    await recovery_begun(database, rings, 1, NOW)
    for number in range(5):
        await add(database, 1, "code", NOW - HOUR * (number // 3), name=f"n{number}")
    seen: list[str] = []
    before = None
    while True:
        async with database.read() as session:
            rows = await deliveries.notices(session, Wanted(), before=before, limit=size)
        seen += [row.name for row in rows]
        if len(rows) < size:
            break
        before = (rows[-1].made_at, rows[-1].name)
    assert seen == ["n2", "n1", "n0", "n4", "n3"]


async def test_messages_can_be_narrowed(database: Database, rings: Rings) -> None:
    await recovery_begun(database, rings, 1, NOW)
    await recovery_begun(database, rings, 2, NOW)
    await add(database, 1, "code", NOW, name="a")
    await add(database, 2, "password-changed", NOW, name="b", channel="sms", state="failed")

    async def found(wanted: Wanted) -> list[str]:
        async with database.read() as session:
            return [row.name for row in await deliveries.notices(session, wanted)]

    assert await found(Wanted()) == ["b", "a"]
    assert await found(Wanted(case=reference(1))) == ["a"]
    assert await found(Wanted(channel="sms")) == ["b"]
    assert await found(Wanted(state="failed", template="password-changed")) == ["b"]
    assert await found(Wanted(state="failed", template="code")) == []
