"""Who decided is proved, not claimed: what a stranger, a colleague without the right, or an old signal can do."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from activities.contract import Objection
from activities.decisions import ProvedDecisions, ReceivedObjections
from domain.decisions import Doubt
from domain.policy import CURRENT_POLICY
from storage import intake
from storage.engine import database_time
from storage.identifiers import identify
from storage.intake import Browser
from storage.keys import Ring
from storage.models import AgentRow, CaseRow, MessageRow, ReceivedRow


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@pytest.fixture
async def opened(database, rings):
    async with database.write() as session:
        return await intake.open_recovery(
            session,
            rings,
            identify("ada@example.com", "GB"),
            Browser("ada"),
            key="key",
            policy=CURRENT_POLICY,
            starts_per_network=30,
        )


@pytest.fixture
def signed(database, rings, opened):
    async def sign(agent="sam", rings=rings):
        async with database.write() as session:
            return await intake.receive_decision(
                session,
                rings,
                reference=opened.reference,
                version=1,
                outcome="allow",
                reason="codes_used_up",
                agent=agent,
                key=agent,
            )

    return sign


@pytest.fixture
def check(database, rings):
    async def doubt(decision):
        return (await ProvedDecisions(database, rings).check_decision(decision)).doubt

    return doubt


async def test_a_decision_of_the_desk_is_proved(signed, check):
    assert await check(await signed()) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"proof": ""},
        {"proof": "decision-1:" + "0" * 64},
        {"proof": "unknown:" + "0" * 64},
        {"outcome": "stop"},
        {"case": "AAAABBBBCC"},
        {"version": 2},
        {"agent": "lee"},
        {"id": "decision/another"},
        {"reason": "suspicious"},
    ],
    ids=lambda forged: next(iter(forged)),
)
async def test_a_decision_with_one_word_changed_is_not(signed, check, forged):
    assert await check(dataclasses.replace(await signed(), **forged)) is Doubt.UNPROVEN


async def test_a_decision_made_later_than_it_was_signed_is_not(signed, check):
    decision = await signed()
    assert await check(dataclasses.replace(decision, at=decision.at + timedelta(seconds=1))) is Doubt.UNPROVEN


async def test_a_proof_by_a_key_of_ones_own_is_none(signed, check, rings):
    decision = await signed()
    own = Ring.fresh(rings.decision.current)
    assert await check(dataclasses.replace(decision, proof=own.sign(decision.proved_text()))) is Doubt.UNPROVEN


@pytest.mark.parametrize("agent", ["ina", "max", "nobody"])
async def test_who_may_not_decide_is_refused_although_the_proof_is_right(signed, check, agent):
    assert await check(await signed(agent)) is Doubt.ROLE


async def test_the_role_counts_that_the_agent_has_now(signed, check, database):
    decision = await signed("kim")
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "kim").values(role="auditor"))
    assert await check(decision) is Doubt.ROLE


async def test_nobody_decides_about_an_account_of_their_own(signed, check, database, opened):
    async with database.write() as session:
        await session.execute(update(CaseRow).values(account_ref="acc_of_sam"))
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(own_accounts=["acc_of_sam"]))
    assert await check(await signed("sam")) is Doubt.OWN_ACCOUNT
    assert await check(await signed("kim")) is None


async def test_nobody_decides_about_a_claim_by_a_contact_of_their_own(signed, check, database, opened):
    """The claim is about another account, but the proved contact is one of sam's too."""
    async with database.write() as session:
        row = await session.get_one(CaseRow, opened.reference)
        row.snapshot = {**row.snapshot, "sight": {"accounts": ["acc_of_sam"], "disputed_at": None}}
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(own_accounts=["acc_of_sam"]))
    assert await check(await signed("sam")) is Doubt.OWN_ACCOUNT
    assert await check(await signed("kim")) is None


@pytest.mark.parametrize(
    ("author", "audience", "case", "doubt"),
    [
        ("sam", "claimant", "", None),
        ("sam", "both", "", None),
        ("sam", "desk", "", None),
        ("kim", "claimant", "", Doubt.NO_TEXT),
        ("", "both", "", Doubt.NO_TEXT),
        ("sam", "claimant", "other", Doubt.NO_TEXT),
        (None, "", "", Doubt.NO_TEXT),
    ],
    ids=["own", "for both", "for the desk", "a colleague's", "the claimant's", "of another case", "none"],
)
async def test_the_text_of_a_decision_is_there_and_the_agents_own(
    opened, check, database, rings, author, audience, case, doubt
):
    """Whoever may send signals cannot have a stranger's words shown as a decision. Notes stay at the desk."""
    async with database.write() as session:
        other = await intake.open_recovery(
            session,
            rings,
            identify("olu@example.com", "GB"),
            Browser("olu"),
            key="key",
            policy=CURRENT_POLICY,
            starts_per_network=30,
        )
        about = other.reference if case else opened.reference
        if author is not None:
            at = await database_time(session)
            session.add(
                MessageRow(name="message/1", case_ref=about, audience=audience, author=author, sealed="", at=at)
            )
        decision = await intake.receive_decision(
            session,
            rings,
            reference=opened.reference,
            version=1,
            outcome="stop",
            reason="suspicious",
            agent="sam",
            key="k",
            text="message/1",
        )
    assert await check(decision) is doubt


@pytest.mark.parametrize("forged", [{"text": "message/2"}, {"items": ("username",)}, {"plan": "all"}])
async def test_text_items_and_plan_are_proved_too(signed, check, forged):
    assert await check(dataclasses.replace(await signed(), **forged)) is Doubt.UNPROVEN


async def test_a_younger_contact_may_not_object(database, opened):
    async with database.write() as session:
        now = await database_time(session)
        for name, data in (("old", {}), ("younger", {"may_object": False})):
            row = ReceivedRow(id=name, case_ref=opened.reference, kind="objection", received_at=now, data=data)
            session.add(row)
    objections = ReceivedObjections(database)
    for name, may in (("old", True), ("younger", False)):
        found = await objections.check_objection(Objection(opened.reference, name))
        assert (found.valid, found.may_object) == (True, may)


async def test_an_objection_counts_only_with_its_row_and_for_its_case(database, opened, signed):
    """A signal with a made-up id, and with the id of something else that came in."""
    objections, decision = ReceivedObjections(database), await signed()
    for name in ("objection/made-up", decision.id):
        assert not (await objections.check_objection(Objection(opened.reference, name))).valid
