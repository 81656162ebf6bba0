"""Deciding: judged at once, kept whatever happens, answered by the case, and done by the person who is signed in."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import select, update
from sqlmodel import col

from development.people import DESK_PASSWORD
from domain import recovery
from domain.decisions import Doubt
from domain.policy import CURRENT_POLICY
from storage import desk
from storage.engine import Database
from storage.keys import Rings
from storage.models import AgentRow, AgentSessionRow, CaseRow, ReceivedRow
from tests.web.desk import asks_for_help, at_the_desk
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from web.gateway import CaseIsClosed, StillWorking, Unavailable
from web.services import Services


@pytest.fixture
def services(services: Services) -> Services:
    return replace(services, policy=replace(CURRENT_POLICY, codes_per_case=1))


@dataclass
class Desk:
    """Sam with a case in front of him that asks for help."""

    sam: Browser
    address: str

    @property
    def reference(self) -> str:
        return self.address.rpartition("/")[2].replace("-", "")

    async def decides(self, outcome: str = "allow", reason: str = "codes_used_up", **fields: str) -> Response:
        answer = await self.sam.post(f"{self.address}/decision", outcome=outcome, reason=reason, **fields)
        assert faults_of(self.sam.page) == []
        return answer


@pytest.fixture
async def at_desk(app: FastAPI, ada: Browser) -> Desk:
    address = await asks_for_help(ada)
    sam = await at_the_desk(app)
    await sam.get(address)
    return Desk(sam, address)


async def received(database: Database) -> list[ReceivedRow]:
    async with database.read() as session:
        return list((await session.execute(select(ReceivedRow))).scalars())


async def test_allow_is_sent_with_a_proof_and_shown_until_the_case_answers(
    at_desk: Desk, gateway: FakeGateway, rings: Rings, ada: Browser
) -> None:
    await at_desk.decides("allow", "delivery_problem")
    (decision,) = gateway.decided
    assert (decision.agent, decision.outcome, decision.reason) == ("sam", "allow", "delivery_problem")
    assert rings.decision.is_signed(decision.proved_text(), decision.proof)
    assert "Sam allowed one more code at" in at_desk.sam.said
    assert "The case has not answered yet" in at_desk.sam.said
    assert "/decision" not in at_desk.sam.page
    await gateway.hear_decision()
    await at_desk.sam.get(at_desk.address)
    assert "Sam allowed one more code, messages did not arrive" in at_desk.sam.said
    assert "has not answered" not in at_desk.sam.said
    assert "Machine made a code, number 2" in at_desk.sam.said


async def test_stop_ends_the_case_and_the_claimant_reads_why(at_desk: Desk, gateway: FakeGateway, ada: Browser) -> None:
    await at_desk.decides("stop", "suspicious")
    await gateway.hear_decision()
    await at_desk.sam.get(at_desk.address)
    assert "Sam stopped the case" in at_desk.sam.said
    assert "The case is closed" in at_desk.sam.said
    await ada.get(f"/case/{at_desk.reference}")
    assert "it was not clear that the account is yours" in ada.said


async def test_a_case_that_goes_on_by_itself_can_only_be_stopped(
    app: FastAPI, ada: Browser, gateway: FakeGateway
) -> None:
    reference = await ada.ask("ada@example.com")
    sam = await at_the_desk(app)
    await sam.get(f"/desk/cases/{reference}")
    address = sam.page.partition('action="/desk/cases/')[2].partition('/decision"')[0]
    assert 'value="stop"' in sam.page
    assert 'value="allow"' not in sam.page
    desk_of_sam = Desk(sam, f"/desk/cases/{address}")
    answer = await desk_of_sam.decides("allow")
    assert answer.status_code == 409
    await desk_of_sam.decides("stop", "suspicious")
    await gateway.hear_decision()
    await ada.get(f"/case/{reference}")
    assert "This case was stopped" in ada.said


async def test_it_is_kept_while_temporal_is_away(at_desk: Desk, gateway: FakeGateway, database: Database) -> None:
    gateway.trouble = Unavailable("away")
    answer = await at_desk.decides()
    assert answer.status_code == 200
    assert "It is kept, and it is delivered as soon as Temporal is back" in at_desk.sam.said
    (row,) = await received(database)
    assert row.delivered_at is None
    assert row.data["outcome"] == "allow"


@pytest.mark.parametrize("trouble", [StillWorking("slow"), Unavailable("away")])
async def test_the_same_form_again_is_the_same_decision(
    at_desk: Desk, gateway: FakeGateway, database: Database, trouble: Exception
) -> None:
    gateway.trouble = trouble
    page = at_desk.sam.page
    await at_desk.decides()
    gateway.trouble = None
    at_desk.sam.page = page
    await at_desk.decides()
    first, second = gateway.decided
    assert first == second
    (row,) = await received(database)
    assert row.delivered_at is not None


async def test_the_same_form_again_after_the_answer_is_no_error(at_desk: Desk, gateway: FakeGateway) -> None:
    page = at_desk.sam.page
    await at_desk.decides()
    await gateway.hear_decision()
    at_desk.sam.page = page
    assert (await at_desk.decides()).status_code == 200


async def test_a_case_that_has_just_closed_says_so(at_desk: Desk, gateway: FakeGateway) -> None:
    gateway.trouble = CaseIsClosed("closed")
    answer = await at_desk.decides()
    assert answer.status_code == 409
    assert "The case was closed in this moment" in at_desk.sam.said


async def test_a_page_that_is_out_of_date_shows_what_has_happened(
    at_desk: Desk, gateway: FakeGateway, database: Database
) -> None:
    await gateway.happen(at_desk.reference, recovery.Withdrawn(datetime.now(UTC)))
    answer = await at_desk.decides()
    assert answer.status_code == 409
    assert "Your decision was not taken" in at_desk.sam.said
    said = at_desk.sam.said.partition("What has happened since you opened the page")[2]
    assert "Claimant withdrew the case" in said.partition("The case is closed")[0]
    assert "asked the desk" not in said.partition("The case is closed")[0]
    assert await received(database) == []
    assert gateway.decided == []


@pytest.mark.parametrize("version", ["0", "99", "", "x", "-1", "9" * 40, "²"])
async def test_a_decision_about_another_state_is_stale(at_desk: Desk, gateway: FakeGateway, version: str) -> None:
    assert (await at_desk.decides(version=version)).status_code == 409
    assert gateway.decided == []


async def test_a_reason_is_needed_and_the_choice_is_kept(at_desk: Desk, gateway: FakeGateway) -> None:
    answer = await at_desk.decides(reason="")
    assert answer.status_code == 422
    assert at_desk.sam.title.startswith("Error: ")
    assert "Choose a reason" in at_desk.sam.said
    assert (await at_desk.decides(reason="because")).status_code == 422
    assert gateway.decided == []


@pytest.mark.parametrize("outcome", ["", "approve", "recovered"])
async def test_there_are_two_outcomes(at_desk: Desk, gateway: FakeGateway, outcome: str) -> None:
    assert (await at_desk.decides(outcome)).status_code == 422
    assert gateway.decided == []


async def test_auditors_and_admins_read_only(app: FastAPI, at_desk: Desk, gateway: FakeGateway) -> None:
    for name in ("ina", "max"):
        agent = await at_the_desk(app, name)
        await agent.get(at_desk.address)
        answer = await agent.post(
            f"{at_desk.address}/decision", outcome="allow", reason="codes_used_up", version="7", key="k"
        )
        assert answer.status_code == 403
    assert gateway.decided == []


async def test_a_role_that_was_taken_away_is_gone_with_the_next_click(
    at_desk: Desk, gateway: FakeGateway, database: Database
) -> None:
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(role="auditor"))
    assert (await at_desk.decides()).status_code == 403
    assert gateway.decided == []


async def test_nobody_decides_about_an_account_of_their_own(
    at_desk: Desk, gateway: FakeGateway, database: Database
) -> None:
    async with database.write() as session:
        row = await session.get(CaseRow, at_desk.reference)
        assert row is not None
        await session.execute(
            update(AgentRow).where(col(AgentRow.name) == "sam").values(own_accounts=[row.account_ref])
        )
    assert (await at_desk.decides()).status_code == 403
    assert gateway.decided == []


async def test_claimants_and_strangers_decide_nothing(at_desk: Desk, ada: Browser, gateway: FakeGateway) -> None:
    answer = await ada.client.post(
        f"{at_desk.address}/decision", data={"outcome": "allow", "reason": "codes_used_up", "version": "7"}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/desk/sign-in")
    assert gateway.decided == []


async def test_the_password_is_asked_again_when_it_was_typed_long_ago(
    at_desk: Desk, gateway: FakeGateway, database: Database
) -> None:
    async with database.write() as session:
        await session.execute(update(AgentSessionRow).values(proved_at=datetime.now(UTC) - desk.PROOF))
    assert (await at_desk.decides()).status_code == 422
    assert "Type your password once more" in at_desk.sam.said
    assert (await at_desk.decides(password="wrong")).status_code == 422
    assert "The password is not correct" in at_desk.sam.said
    assert gateway.decided == []
    await at_desk.decides(password=DESK_PASSWORD)
    assert len(gateway.decided) == 1
    async with database.read() as session:
        (proved_at,) = (await session.execute(select(col(AgentSessionRow.proved_at)))).scalars()
    assert datetime.now(UTC) - proved_at < timedelta(minutes=1)


async def test_many_wrong_passwords_at_the_decision_are_too_many(
    at_desk: Desk, gateway: FakeGateway, database: Database
) -> None:
    async with database.write() as session:
        await session.execute(update(AgentSessionRow).values(proved_at=datetime.now(UTC) - desk.PROOF))
    for _ in range(desk.SIGN_INS):
        assert (await at_desk.decides(password="wrong")).status_code == 422
    answer = await at_desk.decides(password=DESK_PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert gateway.decided == []


async def test_a_forged_decision_is_shown_as_one(at_desk: Desk, gateway: FakeGateway) -> None:
    refused = recovery.DecisionRefused(datetime.now(UTC), "decision/forged", Doubt.UNPROVEN, "<b>sam</b>")
    await gateway.happen(at_desk.reference, refused)
    await at_desk.sam.get(at_desk.address)
    said = "Somebody sent a decision as “<b>sam</b>” that was refused, it carried no valid proof of who decided"
    assert said in at_desk.sam.said.replace("&lt;", "<")
    assert "<b>sam" not in at_desk.sam.page
    assert "The last decision was refused" in at_desk.sam.said
    # The case still waits, and Sam may decide.
    await at_desk.decides()
    assert len(gateway.decided) == 1


async def test_htmx_gets_the_page_with_what_became_of_it(at_desk: Desk) -> None:
    at_desk.sam.client.headers["HX-Request"] = "true"
    await at_desk.decides()
    assert "The case has not answered yet" in at_desk.sam.said
