"""The record of a claim: the row is the fold of its events, whatever agents and owners do in between."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from domain import claim_events
from domain.claim import State
from domain.claim_events import ReplySent, SetPassword, Take, UseLink
from domain.decisions import ALL, Doubt, Outcome
from storage import audit, budgets, folding, intake, reads, writes
from storage.budgets import DAY, Limit
from storage.models import BudgetRow, CaseAccessRow, CodeIssueRow, ReceivedRow, VaultRow
from tests.claim_story import ACCOUNT, NIA, ClaimStory
from tests.people import KIM, LEE, NOON, REFERENCE, SAM
from tests.story import link


@pytest.fixture
def record(database, rings):
    """Write a story down: all of it, or what was not recorded yet."""

    async def recorded(story, after=None):
        async with database.write() as session:
            row = await reads.case_row(session, REFERENCE)
            if row is None:
                row = intake.opening_row(ClaimStory(story.case.reason).case, "key-of-the-form", NOON)
                session.add(row)
                await session.flush()
            first = row.number if after is None else after
            await writes.record(session, rings.audit, REFERENCE, first, story.events[first:])
        async with database.read() as session:
            return await reads.case_row(session, REFERENCE)

    return recorded


@pytest.mark.parametrize(
    "tell",
    [
        lambda story: story.proves_the_contact(),
        lambda story: story.gives_evidence(files=2),
        lambda story: story.is_proposed(ALL),
        lambda story: story.is_approved(),
        lambda story: story.is_handed_back(),
        lambda story: story.is_handed_back().owner_objects().is_frozen(),
    ],
    ids=["proved", "given", "proposed", "approved", "handed back", "contested"],
)
async def test_the_row_is_the_fold(record, database, rings, tell):
    story = tell(ClaimStory().opens())
    row = await record(story)
    assert row.snapshot == folding.dump_case(story.case)
    assert (row.state, row.number) == (story.state, story.case.number)
    assert (row.waiting_on, row.due_at) == (folding.waiting_on(story.case), folding.due_at(story.case))
    assert row.closed_at is None
    async with database.read() as session:
        events = await reads.event_rows(session, REFERENCE)
    assert [event.kind for event in events] == story.kinds
    assert audit.first_break(rings.audit, events) is None


async def test_recording_it_piece_by_piece_is_the_same(record, database):
    story = ClaimStory().opens()
    for _ in range(2):
        await record(story)
    story.gives_evidence()
    await record(story)
    story.is_handed_back()
    row = await record(story)
    assert row.snapshot == folding.dump_case(story.case)
    assert await record(story, after=3) == row  # and once more from the middle


async def test_the_account_is_known_once_the_evidence_names_it(record):
    story = ClaimStory().opens().proves_the_contact()
    assert (await record(story)).account_ref == ""
    story.gives_evidence()
    row = await record(story)
    assert (row.account_ref, row.channel) == (ACCOUNT, "email")


async def test_who_has_taken_it_and_until_when(record):
    story = ClaimStory().gives_evidence()
    story.does(Take("sam"))
    row = await record(story)
    assert (row.assignee, row.lease_until) == ("sam", story.now + story.case.policy.lease)
    story.later(story.case.policy.lease)
    row = await record(story)
    assert (row.assignee, row.lease_until) == (None, None)


async def test_what_was_escalated_comes_first(record):
    story = ClaimStory().gives_evidence()
    assert (await record(story)).priority == 0
    story.decides(SAM, Outcome.ESCALATE)
    assert (await record(story)).priority == 1


async def test_what_became_of_the_promises_stands_beside_the_claim(record):
    story = ClaimStory().opens()
    row = await record(story)
    assert (row.answered, row.decided, row.decided_after, row.course) == ("", "", None, "")
    story.gives_evidence()
    row = await record(story)
    assert (row.answered, row.decided, row.course) == ("running", "running", "")
    story.later(timedelta(hours=30))
    row = await record(story)
    assert (row.answered, row.decided) == ("missed", "running")
    story.is_approved()
    row = await record(story)
    assert (row.answered, row.decided, row.course) == ("missed", "kept", "approved")
    assert row.decided_after == int((story.case.decision.met_at - story.case.decision.started_at).total_seconds())
    story.owner_objects()
    row = await record(story)
    assert (row.answered, row.decided, row.decided_after, row.course) == ("running", "running", None, "stopped")


async def test_a_claim_that_is_taken_up_again_is_open_again(record):
    """What was to be erased is not, until it ends anew."""
    story = ClaimStory().proves_the_contact()
    story.later(timedelta(days=14))
    assert story.state is State.EXPIRED
    row = await record(story)
    assert row.erase_at == row.closed_at + story.case.policy.personal_data_kept
    story.does(claim_events.Reopen(NIA))
    row = await record(story)
    assert (row.closed_at, row.erase_at, row.forget_at, row.state) == (None, None, None, "awaiting_evidence")


# ---- what never happened ---------------------------------------------------------------------------------------------


async def test_what_never_happened_gives_way(record, database, rings):
    """A worker recorded that sam took the claim, and was gone before the history had it; kim came first."""
    story = ClaimStory().gives_evidence()
    told = len(story.events)
    await record(story)
    lost, kept = again(story), again(story)
    lost.does(Take("sam"))
    lost.decides(SAM, Outcome.ESCALATE)
    await record(lost)
    kept.does(Take("kim"))
    row = await record(kept, after=told)
    assert row.snapshot == folding.dump_case(kept.case)
    assert (row.assignee, row.priority, row.number) == ("kim", 0, told + 1)
    async with database.read() as session:
        events = await reads.event_rows(session, REFERENCE)
    assert [event.kind for event in events] == kept.kinds
    assert audit.first_break(rings.audit, events) is None


async def test_an_approval_that_never_happened_gives_way(record):
    story = ClaimStory().gives_evidence()
    told = len(story.events)
    lost, kept = again(story), again(story)
    await record(lost.is_approved())
    kept.decides(LEE, Outcome.DENY)
    row = await record(kept, after=told)
    assert (row.state, row.number) == ("denied", told + 1)
    assert row.closed_at == kept.case.since


def again(story):
    """The same story so far, going on by itself."""
    other = ClaimStory(story.case.reason)
    other.case, other.now, other.events = story.case, story.now, list(story.events)
    other.survey, other.facts = story.survey, story.facts
    return other


# ---- what belongs to an event ----------------------------------------------------------------------------------------


async def test_a_proof_hands_the_claim_over(record, database, rings):
    story = ClaimStory().opens()
    await record(story)
    async with database.write() as session:
        for digest, pending in ((NIA, True), ("another-browser", False)):
            row = CaseAccessRow(digest=digest, case_ref=REFERENCE, made_at=NOON, pending=pending)
            session.add(row)
    await record(story.proves_the_contact())
    async with database.read() as session:
        mine, other = [await session.get_one(CaseAccessRow, digest) for digest in (NIA, "another-browser")]
    assert (mine.pending, mine.revoked_at) == (False, None)
    assert other.revoked_at == NOON


async def reserved(database, *, tries=5):
    """The tries of the claim's first code, set aside for whoever reads the contact."""
    bucket = "tries/contact/some-digest"
    async with database.write() as session:
        await budgets.reserve(session, [bucket], tries, 20, NOON)
        session.add(
            CodeIssueRow(
                case_ref=REFERENCE,
                issue=1,
                accounts=[],
                keys="k/k",
                digest="d",
                link_digest="l",
                buckets=[bucket],
                window=NOON.date(),
                reserved=tries,
            )
        )


async def tries(database):
    window, _ = Limit("", 0, DAY).window(NOON)
    async with database.read() as session:
        row = await session.get_one(BudgetRow, ("tries/contact/some-digest", window))
    return row.used, row.reserved


@pytest.mark.parametrize(
    ("ends", "used"),
    [
        (lambda story: story.proves_the_contact(), 1),
        (lambda story: story.later(story.case.policy.code_lifetime), 1),
        (lambda story: story.does(claim_events.Withdraw(NIA)), 1),
    ],
    ids=["proved", "expired", "withdrawn"],
)
async def test_tries_come_back_with_the_event_that_ends_the_code(record, database, ends, used):
    story = ClaimStory().opens()
    await record(story)
    await reserved(database)
    story.does(claim_events.SubmitCode(NIA, 1, "wrong"))
    await record(story)
    assert await tries(database) == (0, 5)  # while it can still be typed
    ends(story)
    await record(story)
    assert await tries(database) == (used, 0)
    await record(story, after=0)
    assert await tries(database) == (used, 0)


async def test_a_new_code_ends_the_one_before(record, database):
    story = ClaimStory().opens()
    await record(story)
    await reserved(database)
    story.later(story.case.policy.cooldown(1))
    story.does(claim_events.ResendCode(NIA))
    await record(story)
    assert await tries(database) == (0, 0)


async def came_in(database, name, kind):
    async with database.write() as session:
        session.add(ReceivedRow(id=name, case_ref=REFERENCE, kind=kind, received_at=NOON, data={}))


async def is_answered(database, name):
    async with database.read() as session:
        row = await session.get_one(ReceivedRow, name)
    return row.answered_at is not None and row.delivered_at is not None


@pytest.mark.parametrize("effect", ["stops", "noted"])
async def test_an_objection_is_answered_by_its_event(record, database, effect):
    story = ClaimStory().is_approved()
    await record(story)
    await came_in(database, "received-9", "objection")
    if effect == "stops":
        story.owner_objects("received-9")
    else:
        assert story.happens(claim_events.ObjectionNoted(story.now, "received-9", story.now))
    await record(story)
    assert await is_answered(database, "received-9")


@pytest.mark.parametrize(("doubt", "answered"), [(None, True), (Doubt.ROLE, True), (Doubt.UNPROVEN, False)])
async def test_a_decision_is_answered_unless_it_was_forged(record, database, doubt, answered):
    story = ClaimStory().gives_evidence()
    await record(story)
    await came_in(database, "decision-9", "decision")
    story.decides(KIM, Outcome.DENY, name="decision-9", doubt=doubt)
    await record(story)
    assert await is_answered(database, "decision-9") is answered


@pytest.mark.parametrize("how", ["applied", "objected"])
async def test_the_vault_is_emptied_with_the_event_that_needs_it_no_more(record, database, rings, how):
    story = ClaimStory().is_handed_back()
    issue = story.case.issue
    assert issue
    story.does(UseLink(NIA, link(issue.number)))
    await record(story)
    async with database.write() as session:
        secret = await intake.seal_secret(session, rings, REFERENCE, "password", "a new password", token="t")
    story.does(SetPassword(NIA, secret))
    await record(story)
    assert await secrets(database) == [secret]
    if how == "applied":
        assert story.happens(claim_events.PasswordApplied(story.now, 1))
    else:
        story.owner_objects()
    await record(story)
    assert await secrets(database) == []


async def secrets(database):
    async with database.read() as session:
        return list((await session.execute(select(col(VaultRow.name)))).scalars())


async def test_a_reply_is_for_both_sides(record, database):
    story = ClaimStory().gives_evidence()
    assert story.happens(ReplySent(story.now, "message/1"))
    row = await record(story)
    async with database.read() as session:
        assert (await reads.event_rows(session, REFERENCE))[-1].audience == "both"
    assert row.waiting_on == "agent"
