"""What agents write, and who reads it: sealed, once, and only what an event names. On both databases."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from domain import claim_events as events
from domain.case import Audience
from domain.decisions import Outcome
from storage import conversation, decided, given, intake_claim, intake_desk, macros, presence, reads, writes
from storage.conversation import Message
from storage.engine import Database, database_time
from storage.keys import Rings
from storage.models import CaseRow, MessageRow, PresenceRow
from storage.people import RowKeys, case_subject
from storage.presence import Present
from tests.claim_story import THIN, ClaimStory
from tests.desk_cases import claim_to_review, written
from tests.people import NOON

BOTH, DESK = Audience.BOTH, Audience.DESK


async def said_in(
    database: Database, rings: Rings, reference: str, audiences: Iterable[Audience] = Audience
) -> list[Message]:
    async with database.read() as session:
        row = await session.get_one(CaseRow, reference)
        entries = await reads.timeline(session, row, set(Audience))
        return await conversation.conversation(session, rings, reference, entries, audiences)


async def writes_text(
    database: Database, rings: Rings, reference: str, text: str, audience: Audience = BOTH, *, token: str = ""
) -> str:
    async with database.write() as session:
        return await intake_desk.write_text(
            session,
            rings,
            reference=reference,
            audience=audience,
            author="sam",
            text=text,
            token=token or text.replace(" ", "-"),
        )


async def happens(database: Database, rings: Rings, reference: str, *happened: events.Event) -> None:
    async with database.write() as session:
        row = await session.get_one(CaseRow, reference)
        await writes.record(session, rings.audit, reference, row.number, happened)


async def test_only_what_an_event_names_was_said(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOON)
    name = await writes_text(database, rings, case.reference, "for the claimant")
    note = await writes_text(database, rings, case.reference, "for us", DESK)
    await writes_text(database, rings, case.reference, "never sent")
    assert await said_in(database, rings, case.reference) == []
    at = NOON + timedelta(minutes=1)
    sent, kept = events.MessageSent(at, "sam", name), events.NoteWritten(at, "sam", note)
    await happens(database, rings, case.reference, sent, kept)
    found = await said_in(database, rings, case.reference)
    assert [(one.author, one.audience, one.text, one.kind) for one in found] == [
        ("sam", BOTH, "for the claimant", "message_sent"),
        ("sam", DESK, "for us", "note_written"),
    ]
    theirs = await said_in(database, rings, case.reference, [Audience.CLAIMANT])
    assert [one.text for one in theirs] == ["for the claimant"]


async def test_the_row_says_who_reads_the_words_of_a_decision(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOON)
    name = await writes_text(database, rings, case.reference, "to the second person", DESK)
    proposal = events.DecisionRecorded(NOON, "d1", Outcome.APPROVE, "evidence_fits", "sam", NOON, name, plan="all")
    await happens(database, rings, case.reference, proposal)
    assert await said_in(database, rings, case.reference, [Audience.CLAIMANT]) == []
    assert [one.text for one in await said_in(database, rings, case.reference)] == ["to the second person"]
    async with database.read() as session:
        (one,) = await decided.decided(session, [case.reference])
        assert (one.id, one.agent, one.outcome, one.text) == ("d1", "sam", "approve", name)
        assert await conversation.text(session, rings, case.reference, name) == "to the second person"
        assert await conversation.text(session, rings, "another", name) is None
        assert await decided.decided(session, []) == []
        waiting = await decided.for_a_second(session)
        assert [row.reference for row in waiting] == [case.reference]


async def test_the_same_text_is_kept_once_even_at_once(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOON)
    names = await asyncio.gather(
        *(writes_text(database, rings, case.reference, f"words {n}", token="one-token") for n in range(5))
    )
    assert len(set(names)) == 1
    async with database.read() as session:
        (row,) = (await session.execute(select(MessageRow))).scalars()
    assert row.sealed
    assert "words" not in row.sealed


async def test_erased_words_leave_that_something_was_said(database: Database, rings: Rings) -> None:
    case = await claim_to_review(database, rings, 1, NOON)
    name = await writes_text(database, rings, case.reference, "gone soon")
    await happens(database, rings, case.reference, events.MessageSent(NOON, "sam", name))
    async with database.write() as session:
        await RowKeys(rings.row).erase(session, case_subject(case.reference))
    assert [one.text for one in await said_in(database, rings, case.reference)] == [None]


async def test_what_was_given_is_listed_without_opening_it(database: Database, rings: Rings) -> None:
    story = ClaimStory(facts=THIN)
    opening = story.case
    story.gives_evidence()
    case = await written(database, rings, opening, story.events, NOON)
    async with database.write() as session:
        for time, texts in (("opening", {"what": "I lost it"}), ("given-1", {"username": "nia", "created": "2018-03"})):
            await intake_claim.save_evidence(session, rings, case.reference, time, texts)
    async with database.read() as session:
        found = await given.given(session, case.reference, ["given-1"])
        assert [(one.evidence, one.kind) for one in found] == [("given-1", "created"), ("given-1", "username")]
        assert await given.given(session, case.reference, []) == []
        assert await given.opened(session, rings, case.reference, "given-1", "username") == "nia"
        assert await given.opened(session, rings, case.reference, "given-2", "username") is None
        assert await given.opening(session, rings, case.reference) == {"what": "I lost it"}
        assert await given.contact(session, rings, case.reference, "nothing") is None


async def test_presence_is_one_row_an_agent_and_runs_out(database: Database) -> None:
    async def here() -> tuple[Present, ...]:
        async with database.read() as session:
            return (await presence.present(session, ["AAAA", "BBBB"])).get("AAAA", ())

    async def seen(agent: str, *, is_writing: bool = False) -> None:
        async with database.write() as session:
            await presence.seen(session, "AAAA", agent, is_writing=is_writing)

    assert await here() == ()
    await asyncio.gather(*(seen("sam") for _ in range(5)), seen("kim", is_writing=True))
    assert await here() == (Present("kim", True), Present("sam", False))
    async with database.write() as session:
        now = await database_time(session)
        await session.execute(update(PresenceRow).values(seen_at=now - presence.LOOKS))
    assert await here() == ()
    await seen("sam", is_writing=True)
    assert await here() == (Present("sam", True),)
    async with database.write() as session:
        await presence.left(session, "AAAA", "sam")
    assert await here() == ()
    async with database.read() as session:
        assert await presence.present(session, []) == {}


@pytest.mark.parametrize("outcomes", [["ask"], ["ask", "deny"], []])
async def test_macros_fit_their_outcome_or_any(database: Database, outcomes: list[str]) -> None:
    async with database.write() as session:
        for name in ("ask", "deny", ""):
            await macros.save(
                session,
                name=f"m-{name}",
                title=name or "any",
                outcome=name,
                reason="",
                language="en",
                text="x",
                agent="lee",
            )
    async with database.read() as session:
        found = {row.outcome for row in await macros.fitting(session, outcomes)}
        assert found == {*outcomes, ""}
        assert len(await macros.every(session)) == 3
    async with database.write() as session:
        await macros.save(
            session, name="m-ask", title="t", outcome="ask", reason="", language="de", text="neu", agent="kim"
        )
        await macros.remove(session, "m-deny")
    async with database.read() as session:
        assert [(row.name, row.text) for row in await macros.every(session)] == [("m-", "x"), ("m-ask", "neu")]
