"""The second person: what waits, for whom, and why not for somebody."""

import re
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlmodel import col

from domain.case import grouped
from domain.claim_events import OwnerObjected
from domain.decisions import ALL, Outcome
from storage import desk
from storage.engine import Database
from storage.models import AgentRow, AgentSessionRow
from tests.web import claims
from tests.web.desk import at_the_desk, case_page
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway, hidden


@pytest.fixture
async def reference(ada: Browser, gateway: FakeGateway) -> str:
    """Sam proposes, with words for the second person, through the page."""
    return await claims.sends(ada, gateway)


async def proposed(app: FastAPI, gateway: FakeGateway, reference: str, name: str = "sam") -> Browser:
    agent = await at_the_desk(app, name)
    await agent.get(case_page(reference))
    fields = {"outcome": "approve", "reason_approve": "evidence_fits", "text": "Tablet and month fit."}
    await agent.post(f"{case_page(reference)}/decision", **fields)
    await gateway.hear_decision()
    return agent


async def test_a_proposal_is_answered_right_there(app: FastAPI, gateway: FakeGateway, reference: str) -> None:
    await proposed(app, gateway, reference)
    kim = await at_the_desk(app, "kim")
    await kim.get("/desk/approvals")
    assert faults_of(kim.page) == []
    assert kim.title == "Approvals: 1 waits for a second person"
    for said in (
        "Proposed Approve , by Sam",
        "The evidence fits the account",
        "“Tablet and month fit.”",
        "The score is",
        "Every contact is replaced.",
        "Cooling-off 30 days",
        "goes to a lead in 24 hours",
        "+20 an earlier password fits",
    ):
        assert said in kim.said
    answer = await kim.post(f"{case_page(reference)}/decision")
    assert answer.status_code == 200
    assert kim.address == "/desk/approvals"
    assert faults_of(kim.page) == []
    assert "Sent, not yet answered" in kim.said
    assert "The case has not answered yet" in kim.said
    assert "Approve the hand-back" not in kim.said
    (_, second) = gateway.decided
    assert (second.agent, second.outcome, second.reason, second.plan) == ("kim", "approve", "evidence_fits", ALL)
    await gateway.hear_decision()
    assert str(gateway.cases[reference].state) == "cooling_off"
    await kim.get(f"/desk/approvals?sent={grouped(reference)}")
    assert "The decision was taken" in kim.said
    assert "Nothing waits for you" in kim.said
    assert faults_of(kim.page) == []


async def test_the_list_asks_whether_it_is_still_true_and_that_is_no_work(
    app: FastAPI, gateway: FakeGateway, reference: str
) -> None:
    await proposed(app, gateway, reference)
    kim = await at_the_desk(app, "kim")
    await kim.get("/desk/approvals")
    (again,) = re.findall(r'hx-get="(/desk/approvals[^"]*)"', kim.page)
    again = again.replace("&amp;", "&")
    assert (await kim.get(again)).status_code == 204
    await kim.get("/desk/approvals")
    await kim.post(f"{case_page(reference)}/decision")
    await gateway.hear_decision()
    assert (await kim.get(again)).status_code == 200
    assert "Nothing waits for you" in kim.said


async def test_an_answer_that_the_case_refused_is_told_with_why(
    app: FastAPI, gateway: FakeGateway, reference: str
) -> None:
    await proposed(app, gateway, reference)
    kim, lee = await at_the_desk(app, "kim"), await at_the_desk(app, "lee")
    for second in (kim, lee):
        await second.get("/desk/approvals")
    for second in (kim, lee):  # neither knows of the other: both are on their way
        await second.post(f"{case_page(reference)}/decision")
    await gateway.hear_decision()
    gateway.decided.pop()
    await gateway.hear_decision()
    await kim.get(f"/desk/approvals?sent={grouped(reference)}")
    assert "The last decision was refused" in kim.said
    await lee.get(f"/desk/approvals?sent={grouped(reference)}")
    assert "The decision was taken" in lee.said
    await kim.get("/desk/approvals")
    assert "Nothing waits for you" in kim.said


async def test_a_proposal_is_sent_back_with_a_reason(app: FastAPI, gateway: FakeGateway, reference: str) -> None:
    await proposed(app, gateway, reference)
    kim = await at_the_desk(app, "kim")
    await kim.get("/desk/approvals")
    back = {**hidden(kim.page, f"{case_page(reference)}/decision"), "outcome": "deny"}
    answer = await kim.post(f"{case_page(reference)}/decision", **{**back, "reason": ""})
    assert answer.status_code == 422
    assert "Choose a reason" in kim.said
    assert faults_of(kim.page) == []
    await kim.get("/desk/approvals")
    back = {**hidden(kim.page, f"{case_page(reference)}/decision"), "outcome": "deny"}
    await kim.post(f"{case_page(reference)}/decision", **{**back, "reason": "not_enough_evidence", "text": "Ask more"})
    await gateway.hear_decision()
    assert str(gateway.cases[reference].state) == "awaiting_review"


async def test_my_own_proposal_is_shown_and_not_mine_to_answer(
    app: FastAPI, gateway: FakeGateway, reference: str
) -> None:
    kim = await proposed(app, gateway, reference, "kim")
    await kim.get("/desk/approvals")
    assert "Nothing waits for you" in kim.said
    assert "You proposed it, so somebody else decides." in kim.said
    assert "Approve, by you" in kim.said
    assert "/decision" not in kim.page
    assert faults_of(kim.page) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [("sam", "Approvers and leads give the second approval."), ("ina", "You can read this case.")],
)
async def test_others_see_why_it_is_not_for_them(
    app: FastAPI, gateway: FakeGateway, reference: str, name: str, why: str
) -> None:
    await proposed(app, gateway, reference, "kim")
    agent = await at_the_desk(app, name)
    await agent.get("/desk/approvals")
    assert why in agent.said
    assert "/decision" not in agent.page


async def test_the_own_account_is_for_somebody_else(
    app: FastAPI, gateway: FakeGateway, reference: str, database: Database
) -> None:
    await proposed(app, gateway, reference)
    async with database.write() as session:
        account = claims.ACCOUNT["nia"]
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "kim").values(own_accounts=[account]))
    kim = await at_the_desk(app, "kim")
    await kim.get("/desk/approvals")
    assert "an account of your own" in kim.said
    assert "/decision" not in kim.page


async def test_contested_claims_need_somebody_who_took_no_part(
    app: FastAPI, ada: Browser, gateway: FakeGateway
) -> None:
    reference = await claims.approved(ada, gateway)
    now = gateway._now()
    await gateway.happen(reference, OwnerObjected(now, "objection/1", now))
    kim, lee = await at_the_desk(app, "kim"), await at_the_desk(app, "lee")
    for agent, says in ((kim, "You took part in what was objected to"), (lee, "the cooling-off")):
        await agent.get("/desk/approvals")
        assert faults_of(agent.page) == []
        assert grouped(reference) in agent.said
        assert says in agent.said


async def test_what_nobody_answers_goes_to_a_lead(app: FastAPI, gateway: FakeGateway, reference: str) -> None:
    await proposed(app, gateway, reference)
    await gateway.clock(reference, timedelta(hours=25))
    kim = await at_the_desk(app, "kim")
    await kim.get("/desk/approvals")
    assert "Nothing waits for you" in kim.said
    case = gateway._claim(reference)
    assert (str(case.state), case.with_lead) == ("awaiting_review", True)


async def test_a_page_that_is_out_of_date_shows_the_case(app: FastAPI, gateway: FakeGateway, reference: str) -> None:
    await proposed(app, gateway, reference)
    kim = await at_the_desk(app, "kim")
    await kim.get("/desk/approvals")
    await gateway.judged(reference, Outcome.DENY, by="lee", reason=None)
    answer = await kim.post(f"{case_page(reference)}/decision")
    assert answer.status_code in {409, 422}
    assert "Lee sent the proposal back" in kim.said
    assert len(gateway.decided) == 1


async def test_the_password_is_asked_there_too(
    app: FastAPI, gateway: FakeGateway, reference: str, database: Database
) -> None:
    await proposed(app, gateway, reference)
    kim = await at_the_desk(app, "kim")
    async with database.write() as session:
        rows = update(AgentSessionRow).where(col(AgentSessionRow.agent) == "kim")
        await session.execute(rows.values(proved_at=gateway._now() - desk.PROOF))
    await kim.get("/desk/approvals")
    assert "Your password, once more" in kim.said
    assert faults_of(kim.page) == []
    assert (await kim.post(f"{case_page(reference)}/decision")).status_code == 422
    assert "Type your password once more" in kim.said


async def test_an_empty_list_says_so(app: FastAPI) -> None:
    kim = await at_the_desk(app, "kim")
    await kim.get("/desk/approvals")
    assert "Nothing waits for you" in kim.said
    assert faults_of(kim.page) == []
