"""Deciding about claims: one form for every outcome, judged at once, with words that reach the right people only."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import select, update
from sqlmodel import col

from domain.claim_events import DecisionRefused, NoteWritten, OwnerObjected, ReplySent
from domain.decisions import ALL, KEEP, Doubt, Outcome
from storage import intake
from storage.engine import Database
from storage.keys import Rings
from storage.models import AgentRow, CaseRow, MessageRow, ReceivedRow
from tests.web import claims
from tests.web.desk import at_the_desk, case_page
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway, hidden
from web.desk.forms import LONGEST_TEXT
from web.gateway import CaseIsClosed, Unavailable

PAT_PHONE = "+44 7700 900003"


@dataclass
class Desk:
    """An agent with a claim open."""

    agent: Browser
    reference: str
    gateway: FakeGateway

    async def opens(self) -> "Desk":
        await self.agent.get(case_page(self.reference))
        return self

    async def decides(self, outcome: str, **fields: str) -> Response:
        answer = await self.agent.post(f"{case_page(self.reference)}/decision", outcome=outcome, **fields)
        assert faults_of(self.agent.page) == []
        return answer

    @property
    def hidden(self) -> dict[str, Any]:
        return hidden(self.agent.page, f"{case_page(self.reference)}/decision")

    async def previews(self, outcome: str, **fields: str) -> Response:
        """The same form, sent elsewhere by another of its buttons."""
        sent = {**self.hidden, "do": "preview", "outcome": outcome, **fields}
        answer = await self.agent.post(f"{case_page(self.reference)}/preview", **sent)
        assert faults_of(self.agent.page) == []
        return answer

    async def heard(self) -> None:
        await self.gateway.hear_decision()
        await self.opens()

    @property
    def state(self) -> str:
        return str(self.gateway.cases[self.reference].state)


async def desk_of(app: FastAPI, gateway: FakeGateway, reference: str, name: str = "sam") -> Desk:
    return await Desk(await at_the_desk(app, name), reference, gateway).opens()


@pytest.fixture
async def reference(ada: Browser, gateway: FakeGateway) -> str:
    return await claims.sends(ada, gateway)


@pytest.fixture
async def sam(app: FastAPI, gateway: FakeGateway, reference: str) -> Desk:
    return await desk_of(app, gateway, reference)


async def texts(database: Database) -> list[MessageRow]:
    async with database.read() as session:
        return list((await session.execute(select(MessageRow))).scalars())


async def received(database: Database) -> list[ReceivedRow]:
    async with database.read() as session:
        found = await session.execute(select(ReceivedRow).where(col(ReceivedRow.kind) == "decision"))
        return list(found.scalars())


async def test_nia_gets_through_two_agents(
    app: FastAPI, gateway: FakeGateway, reference: str, sam: Desk, rings: Rings, ada: Browser
) -> None:
    await sam.decides("approve", reason_approve="evidence_fits", text="The old phone bill fits.")
    (decision,) = gateway.decided
    assert rings.decision.is_signed(decision.proved_text(), decision.proof)
    assert decision.plan == ALL
    assert "Sam approved the hand-back at" in sam.agent.said
    assert "Sent, not yet answered" in sam.agent.said
    await sam.heard()
    assert "The decision was taken" in sam.agent.said
    assert "Sam proposed to approve the hand-back" in sam.agent.said
    assert sam.state == "awaiting_second_approval"
    kim = await desk_of(app, gateway, reference, "kim")
    assert "The old phone bill fits." in kim.agent.said
    await kim.decides("approve", reason_approve="evidence_fits", text="Welcome back.")
    await kim.heard()
    assert sam.state == "cooling_off"
    assert "Kim gave the second approval" in kim.agent.said
    await ada.get(f"/case/{reference}")
    assert "phone bill" not in ada.page


async def test_who_proposed_does_not_approve(app: FastAPI, gateway: FakeGateway, reference: str, sam: Desk) -> None:
    kim = await desk_of(app, gateway, reference, "kim")
    await gateway.judged(reference, Outcome.APPROVE, by="kim", plan=ALL)
    await kim.opens()
    assert "You proposed it, so somebody else decides" in kim.agent.said
    for outcome in ("approve", "deny"):
        answer = await kim.decides(outcome, reason="evidence_fits" if outcome == "approve" else "suspicious")
        assert answer.status_code == 403
        assert "took part in it" in kim.agent.said
    assert gateway.decided == []


async def test_agents_do_not_give_the_second_approval(
    app: FastAPI, gateway: FakeGateway, reference: str, sam: Desk
) -> None:
    await gateway.judged(reference, Outcome.APPROVE, by="kim", plan=ALL)
    await sam.opens()
    assert "Approvers and leads give the second approval" in sam.agent.said
    assert (await sam.decides("approve", reason="evidence_fits")).status_code == 403
    assert gateway.decided == []


async def test_the_workflow_refuses_what_the_web_was_made_to_send(
    app: FastAPI, gateway: FakeGateway, reference: str, sam: Desk, database: Database, rings: Rings
) -> None:
    await gateway.judged(reference, Outcome.APPROVE, by="kim", plan=ALL)
    async with database.write() as session:
        decision = await intake.receive_decision(
            session,
            rings,
            reference=reference,
            version=gateway._claim(reference).version,
            outcome="approve",
            reason="evidence_fits",
            agent="kim",
            key="forced",
        )
    gateway.decided.append(decision)
    await sam.heard()
    assert sam.state == "awaiting_second_approval"
    assert "The last decision was refused" in sam.agent.said
    assert "because this agent took part in it" in sam.agent.said


async def test_a_lead_decides_what_was_escalated(app: FastAPI, gateway: FakeGateway, reference: str, sam: Desk) -> None:
    await sam.decides("escalate", reason_escalate="hard_case", text="The devices are odd.")
    await sam.heard()
    assert "With a lead" in sam.agent.said
    assert (await sam.decides("deny", reason="suspicious")).status_code == 403
    lee = await desk_of(app, gateway, reference, "lee")
    assert "The devices are odd." in lee.agent.said
    await lee.decides("deny", reason_deny="evidence_does_not_fit", text="Nothing fits.")
    await lee.heard()
    assert sam.state == "denied"


async def test_words_to_the_lead_and_to_who_proposed_stay_at_the_desk(
    app: FastAPI, gateway: FakeGateway, reference: str, sam: Desk, ada: Browser, database: Database
) -> None:
    await sam.decides("approve", reason_approve="evidence_fits", text="first secret")
    await sam.heard()
    kim = await desk_of(app, gateway, reference, "kim")
    await kim.decides("deny", reason_deny="not_enough_evidence", text="second secret")
    await kim.heard()
    assert "Kim sent the proposal back" in kim.agent.said
    await sam.opens()
    await sam.decides("escalate", reason_escalate="hard_case", text="third secret")
    await sam.heard()
    assert [row.audience for row in await texts(database)] == ["desk"] * 3
    await ada.get(f"/case/{reference}")
    assert "secret" not in ada.page
    for word in ("first secret", "second secret", "third secret"):
        assert word in sam.agent.said


async def test_the_claimant_reads_what_was_written_to_them(
    gateway: FakeGateway, reference: str, sam: Desk, ada: Browser
) -> None:
    form = {"items": ["devices", "document"], "text": "A photo of a bill, perhaps?", "outcome": "ask"}
    sent = {**sam.hidden, **form}
    answer = await sam.agent.client.post(f"{case_page(reference)}/decision", data=sent)
    assert answer.status_code == 303
    (decision,) = gateway.decided
    assert decision.items == ("devices", "document")
    await sam.heard()
    assert "Sam asked the claimant for more, more is needed to decide, devices, a file" in sam.agent.said
    await ada.get(f"/case/{reference}")
    assert "A photo of a bill, perhaps?" in ada.said


async def test_each_outcome_wants_what_belongs_to_it(sam: Desk, gateway: FakeGateway) -> None:
    for outcome, fields, says in (
        ("", {}, "Choose what to decide"),
        ("approve", {"reason_approve": ""}, "Choose a reason"),
        ("deny", {"reason_deny": "evidence_fits"}, "Choose a reason"),
        ("ask", {}, "Choose at least one thing to ask for"),
        ("ask", {"items": "everything"}, "Choose at least one thing to ask for"),
        ("approve", {"reason": "evidence_fits", "plan": "c99"}, "Choose what becomes of the contacts"),
        ("deny", {"reason": "suspicious", "text": "x" * (LONGEST_TEXT + 1)}, "That is too long"),
    ):
        answer = await sam.decides(outcome, **fields)
        assert answer.status_code == 422, (outcome, fields)
        assert says in sam.agent.said
        assert sam.agent.title.startswith("Error: ")
    assert gateway.decided == []


async def test_nothing_is_lost_of_a_refused_form(sam: Desk) -> None:
    await sam.decides("deny", reason_deny="", text="Long and careful words")
    page = sam.agent.page
    assert ">\nLong and careful words</textarea>" in page
    assert 'value="deny" checked' in page
    await sam.decides("deny", reason_deny="suspicious", items="devices", version="0", text="Long and careful words")
    assert "Long and careful words" in sam.agent.page
    assert '<option value="suspicious" selected>' in sam.agent.page


async def test_a_stale_page_shows_what_changed_and_keeps_what_was_typed(
    reference: str, sam: Desk, gateway: FakeGateway, database: Database
) -> None:
    await gateway.happen(reference, ReplySent(gateway._now(), "message/none", 0))
    answer = await sam.decides("deny", reason_deny="suspicious", text="Typed before")
    assert answer.status_code == 409
    assert "Your decision was not taken: the case had moved on" in sam.agent.said
    assert "What has happened since you opened the page" in sam.agent.said
    assert "Claimant wrote to the desk" in sam.agent.said.partition("Sent")[0]
    assert "Typed before" in sam.agent.page
    assert await received(database) == []
    assert await texts(database) == []
    # The page that came back is up to date, so the same words may be sent again.
    await sam.decides("deny", reason_deny="suspicious", text="Typed before")
    assert len(gateway.decided) == 1


async def test_a_note_makes_no_decision_stale(reference: str, sam: Desk, gateway: FakeGateway) -> None:
    await gateway.happen(reference, NoteWritten(gateway._now(), "kim", "message/none"))
    await sam.decides("deny", reason_deny="suspicious")
    assert len(gateway.decided) == 1


async def test_it_is_kept_while_temporal_is_away_and_is_one_decision(
    sam: Desk, gateway: FakeGateway, database: Database
) -> None:
    gateway.trouble = Unavailable("away")
    page = sam.agent.page
    await sam.decides("deny", reason_deny="suspicious", text="Once")
    assert "It is kept, and it is delivered as soon as Temporal is back" in sam.agent.said
    gateway.trouble = None
    sam.agent.page = page
    await sam.decides("deny", reason_deny="suspicious", text="Once")
    (row,) = await received(database)
    assert row.delivered_at is not None
    assert len(await texts(database)) == 1
    await sam.heard()
    await sam.gateway.hear_decision()  # the signal came twice
    assert sam.state == "denied"


async def test_a_claim_that_has_just_closed_says_so(sam: Desk, gateway: FakeGateway) -> None:
    gateway.trouble = CaseIsClosed("closed")
    answer = await sam.decides("deny", reason_deny="suspicious")
    assert answer.status_code == 409
    assert "The case was closed in this moment" in sam.agent.said


async def test_contested_claims_are_for_another_agent(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.approved(ada, gateway)
    now = gateway._now()
    await gateway.happen(reference, OwnerObjected(now, "objection/1", now))
    kim, lee = await desk_of(app, gateway, reference, "kim"), await desk_of(app, gateway, reference, "lee")
    assert "You took part in what was objected to" in kim.agent.said
    assert (await kim.decides("stop", reason="owner_objected")).status_code == 403
    await lee.decides("stop", reason_stop="owner_objected")
    await lee.heard()
    assert lee.state == "stopped"


async def test_a_hand_back_is_rolled_back_by_somebody_else(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.handed_back(ada, gateway)
    now = gateway._now()
    await gateway.happen(reference, OwnerObjected(now, "objection/1", now))
    lee = await desk_of(app, gateway, reference, "lee")
    assert "Roll the hand-back back" in lee.agent.said
    await lee.decides("undo", reason_undo="owner_objected")
    await lee.heard()
    assert lee.state == "undone"
    assert "Put the contacts back" in lee.agent.said


async def test_a_freeze_is_kept_or_ended_by_decision(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway, claims.PAT, reason="compromised", contact=PAT_PHONE)
    sam = await desk_of(app, gateway, reference)
    await sam.decides("keep_freeze")
    await sam.heard()
    assert "until an agent ends it" in sam.agent.said
    await sam.decides("lift_freeze", reason_lift_freeze="danger_is_over")
    await sam.heard()
    assert "no longer frozen by this claim" in sam.agent.said


async def test_the_contacts_are_chosen_by_kind_and_age(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway, {"username": "olu"}, contact="olu.new@example.net")
    sam = await desk_of(app, gateway, reference)
    (first, *_) = gateway._claim(reference).survey.contacts  # type: ignore[union-attr]
    assert (await sam.decides("approve", reason="evidence_fits")).status_code == 422
    await sam.decides("approve", reason="evidence_fits", plan=first.id)
    assert gateway.decided[0].plan == first.id


async def test_another_account_has_no_hand_back(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway, claims.PAT, contact=PAT_PHONE)
    sam = await desk_of(app, gateway, reference)
    assert "Keep the contacts as they are" in sam.agent.said
    assert (await sam.decides("approve", reason="evidence_fits", plan=ALL)).status_code == 422
    await sam.decides("approve", reason="evidence_fits")
    assert gateway.decided[0].plan == KEEP


# ---- before it is sent ----


async def test_a_preview_tells_whom_what_and_writes_nothing(
    sam: Desk, gateway: FakeGateway, reference: str, database: Database
) -> None:
    told = len(gateway.told)
    answer = await sam.previews("approve", reason_approve="evidence_fits", text="Only for Kim")
    assert answer.status_code == 200
    assert "Nobody outside the desk is told yet" in sam.agent.said
    assert "Cooling-off until" in sam.agent.said
    assert "What you wrote stays at the desk" in sam.agent.said
    assert ">\nOnly for Kim</textarea>" in sam.agent.page
    assert (len(gateway.told), gateway.decided, await received(database), await texts(database)) == (told, [], [], [])


async def test_the_preview_of_a_denial_is_what_the_claimant_reads(sam: Desk, reference: str) -> None:
    await sam.previews("deny", reason_deny="not_enough_evidence", text="Come back with <more>")
    said = sam.agent.said.partition("What it does")[2]
    assert "To the claimant, at the proved contact Claim ended" in said
    assert "is not enough to tell that the account is yours" in said
    assert "Come back with <more>" in said
    assert "&lt;more&gt;" in sam.agent.page
    await sam.decides("deny", reason_deny="not_enough_evidence", text="Come back with <more>")
    assert len(sam.gateway.decided) == 1


async def test_the_preview_of_a_question_names_what_is_asked(sam: Desk, reference: str) -> None:
    await sam.previews("ask", items="passwords")
    assert "Asked for: earlier passwords" in sam.agent.said


async def test_a_preview_is_refused_like_the_decision(sam: Desk, reference: str) -> None:
    assert (await sam.previews("deny")).status_code == 422
    assert "Choose a reason" in sam.agent.said


async def test_owners_are_counted_in_the_preview_and_not_named(
    app: FastAPI, ada: Browser, gateway: FakeGateway
) -> None:
    reference = await claims.sends(ada, gateway, {"username": "olu"}, contact="olu.new@example.net")
    sam = await desk_of(app, gateway, reference)
    await sam.previews("approve", reason_approve="evidence_fits", plan=ALL)
    assert "contacts of the account Cooling-off began" in sam.agent.said
    assert "olu@" not in sam.agent.page


async def test_a_forged_decision_is_shown_as_one(sam: Desk, reference: str, gateway: FakeGateway) -> None:
    refused = DecisionRefused(gateway._now(), "decision/forged", Doubt.UNPROVEN, "<b>kim</b>")
    await gateway.happen(reference, refused)
    await sam.opens()
    assert "Somebody sent a decision as" in sam.agent.said
    assert "<b>kim" not in sam.agent.page
    await sam.decides("deny", reason_deny="suspicious")
    assert len(gateway.decided) == 1


async def test_recoveries_have_no_preview(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await ada.ask("ada@example.com")
    sam = await desk_of(app, gateway, reference)
    assert (await sam.previews("stop", reason="suspicious")).status_code == 409
    assert gateway.decided == []


async def test_a_new_role_counts_at_once(sam: Desk, gateway: FakeGateway, database: Database) -> None:
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(role="admin"))
    assert (await sam.decides("deny", reason="suspicious")).status_code == 403
    assert gateway.decided == []


async def test_the_role_is_read_again_by_the_case(
    sam: Desk, gateway: FakeGateway, reference: str, database: Database
) -> None:
    await sam.decides("deny", reason_deny="suspicious")
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(role="auditor"))
    await sam.heard()
    assert sam.state == "awaiting_review"
    assert "the role of this agent does not allow it" in sam.agent.said


async def test_the_own_account_is_refused_by_the_case_too(
    sam: Desk, gateway: FakeGateway, reference: str, database: Database
) -> None:
    await sam.decides("deny", reason_deny="suspicious")
    async with database.write() as session:
        row = await session.get_one(CaseRow, reference)
        await session.execute(
            update(AgentRow).where(col(AgentRow.name) == "sam").values(own_accounts=[row.account_ref])
        )
    await sam.heard()
    assert "agents do not decide about their own accounts" in sam.agent.said


async def test_late_because_nobody_worked_is_not_late(sam: Desk, gateway: FakeGateway) -> None:
    await sam.decides("deny", reason_deny="suspicious")
    gateway.later = timedelta(days=2)
    await sam.heard()
    assert sam.state == "denied"
    assert "came in at" in sam.agent.said
