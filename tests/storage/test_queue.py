"""The desk's list in SQL: pages lose nothing and repeat nothing, views show what they say, counting ends somewhere."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from domain.case import Kind
from domain.claim import Reason
from domain.claim_events import Taken
from storage import queue, writes
from storage.engine import Database
from storage.keys import Rings
from storage.models import CaseRow
from storage.queue import Filters, Position, View
from tests.desk_cases import claim_to_review, recovery_begun, reference, story_of, written

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=10)


async def pages(database: Database, filters: Filters, size: int) -> list[list[str]]:
    """All pages from the first to the last."""
    found, after = [], None
    while True:
        async with database.read() as session:
            page = await queue.page_of(session, filters, "sam", NOW, after=after, size=size)
        found.append([entry.reference for entry in page.entries])
        after = page.later
        if after is None:
            return found


async def backwards(database: Database, filters: Filters, size: int) -> list[list[str]]:
    """From the last page to the first, with the links of the pages themselves."""
    after, before, found = None, None, []
    while True:
        async with database.read() as session:
            page = await queue.page_of(session, filters, "sam", NOW, after=after, size=size)
        if page.later is None:
            break
        after = page.later
    while True:
        found.append([entry.reference for entry in page.entries])
        before = page.earlier
        if before is None:
            return found
        async with database.read() as session:
            page = await queue.page_of(session, filters, "sam", NOW, before=before, size=size)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
async def test_paging_through_equal_due_times_loses_and_repeats_nothing(
    database: Database, rings: Rings, size: int
) -> None:
    for number in range(7):
        await claim_to_review(database, rings, number, NOW - timedelta(hours=1 if number < 5 else 2))
    expected = [reference(number) for number in (5, 6, 0, 1, 2, 3, 4)]
    found = await pages(database, Filters(), size)
    assert [one for page in found for one in page] == expected
    assert all(len(page) == size for page in found[:-1])
    there_and_back = [one for page in reversed(await backwards(database, Filters(), size)) for one in page]
    assert there_and_back == expected


async def test_a_page_stays_where_it_is_while_cases_before_it_come_and_go(database: Database, rings: Rings) -> None:
    for number in range(4):
        await claim_to_review(database, rings, number, NOW - timedelta(minutes=10 - number))
    async with database.read() as session:
        first = await queue.page_of(session, Filters(), "sam", NOW, size=2)
    await claim_to_review(database, rings, 9, NOW - timedelta(days=2))
    async with database.write() as session:
        gone = update(CaseRow).where(col(CaseRow.reference) == reference(0)).values(closed_at=NOW)
        await session.execute(gone)
    async with database.read() as session:
        second = await queue.page_of(session, Filters(), "sam", NOW, after=first.later, size=2)
    assert [entry.reference for entry in second.entries] == [reference(2), reference(3)]
    assert second.earlier == second.entries[0].position
    assert second.later is None


async def test_each_view_shows_what_it_says(database: Database, rings: Rings) -> None:
    await claim_to_review(database, rings, 1, NOW - timedelta(days=4))
    await claim_to_review(database, rings, 2, NOW - timedelta(hours=23, minutes=30))
    await claim_to_review(database, rings, 3, NOW, reason=Reason.COMPROMISED)
    await recovery_begun(database, rings, 4, NOW)
    taken = story_of(5, NOW - timedelta(minutes=5))
    opening = taken.case
    taken.gives_evidence()
    taken.happens(Taken(NOW, "sam", NOW + timedelta(minutes=10)))
    await written(database, rings, opening, taken.events, NOW)
    async with database.write() as session:
        await session.execute(update(CaseRow).where(col(CaseRow.reference) == reference(1)).values(priority=1))

    async def shown(filters: Filters, agent: str = "sam", at: datetime = NOW) -> list[int]:
        async with database.read() as session:
            page = await queue.page_of(session, filters, agent, at)
        return [int(entry.reference, 32) for entry in page.entries]

    assert await shown(Filters()) == [1, 2, 3, 5]
    assert await shown(Filters(View.LATE)) == [1]
    assert await shown(Filters(View.SOON)) == [2]
    assert await shown(Filters(View.MINE)) == [5]
    assert await shown(Filters(View.MINE), "kim") == []
    assert await shown(Filters(View.MINE), at=NOW + timedelta(minutes=11)) == []
    assert await shown(Filters(View.FREE)) == [1, 2, 3]
    assert await shown(Filters(View.FREE), at=NOW + timedelta(minutes=11)) == [1, 2, 3, 5]
    assert await shown(Filters(View.ESCALATED)) == [1]
    assert sorted(await shown(Filters(View.ALL))) == [1, 2, 3, 4, 5]
    assert await shown(Filters(View.ALL, Kind.RECOVERY)) == [4]
    assert await shown(Filters(View.ALL, Kind.CLAIM, reason=Reason.COMPROMISED)) == [3]
    assert await shown(Filters(View.ALL, Kind.RECOVERY, "opening")) == [4]
    assert await shown(Filters(View.ALL, Kind.RECOVERY, "awaiting_code")) == []


async def test_closed_cases_are_in_no_view(database: Database, rings: Rings) -> None:
    story = story_of(1, LONG_AGO)
    opening = story.case
    story.gives_evidence()
    await written(database, rings, opening, story.events, LONG_AGO)
    async with database.write() as session:
        await session.execute(update(CaseRow).values(closed_at=NOW))
    async with database.read() as session:
        for view in View:
            assert (await queue.page_of(session, Filters(view), "sam", NOW)).entries == ()


async def test_counts_agree_with_lists_and_end_somewhere(
    database: Database, rings: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_COUNTED", 3)
    for number in range(6):
        await claim_to_review(database, rings, number, NOW)
    await recovery_begun(database, rings, 7, NOW)
    asked = [Filters(), Filters(View.ALL, Kind.RECOVERY), Filters(View.MINE), Filters(View.LATE)]
    async with database.read() as session:
        counts = await queue.counts(session, asked, "sam", NOW)
    assert counts == {asked[0]: 4, asked[1]: 1, asked[2]: 0, asked[3]: 0}


async def test_a_case_without_a_clock_stands_where_it_was_opened(database: Database, rings: Rings) -> None:
    await recovery_begun(database, rings, 1, NOW)
    async with database.write() as session:
        await session.execute(update(CaseRow).values(due_at=None))
    async with database.read() as session:
        page = await queue.page_of(session, Filters(View.ALL), "sam", NOW)
    assert page.entries[0].order_at == NOW
    assert page.entries[0].due_at is None


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-",
        "20261123T120000.000000-",
        "20261123T120000.000000-7F3KQ2M9X",
        "20261123T120000.000000-7F3KQ2M9XI",
        "20261123T250000.000000-7F3KQ2M9XA",
        "tomorrow-7F3KQ2M9XA",
        "' OR 1=1-7F3KQ2M9XA",
    ],
)
def test_a_position_that_nobody_wrote_is_none(typed: str) -> None:
    assert Position.parse(typed) is None


def test_a_position_survives_its_way_through_an_address() -> None:
    position = Position(NOW + timedelta(microseconds=1), "7F3KQ2M9XA")
    assert Position.parse(position.text()) == position


async def test_taking_and_giving_back_moves_a_case_between_views(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOW)
    taken = Taken(NOW, "kim", NOW + timedelta(minutes=10))
    async with database.write() as session:
        await writes.record(session, rings.audit, case.reference, case.number, (taken,))
    async with database.read() as session:
        assert (await queue.page_of(session, Filters(View.FREE), "sam", NOW)).entries == ()
        (entry,) = (await queue.page_of(session, Filters(View.MINE), "kim", NOW)).entries
    assert entry.holder(NOW) == "kim"
    assert entry.holder(NOW + timedelta(minutes=10)) == ""


async def test_a_score_stands_only_where_something_was_weighed(database: Database, rings: Rings) -> None:
    await claim_to_review(database, rings, 1, NOW)
    await recovery_begun(database, rings, 2, NOW)
    story = story_of(3, NOW)
    opening = story.case
    story.opens()
    await written(database, rings, opening, story.events, NOW)
    async with database.read() as session:
        page = await queue.page_of(session, Filters(View.ALL), "sam", NOW)
    scores = {int(entry.reference, 32): entry.score for entry in page.entries}
    assert scores == {1: 5, 2: None, 3: None}
