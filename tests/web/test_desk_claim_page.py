"""The page of a claim for agents: what it is worth, what was said, what the clocks are, and never who it is."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from fastapi import FastAPI

from domain.claim_events import ObjectionNoted, OwnerObjected, StepDelayed
from domain.decisions import ALL, KEEP, Outcome
from storage.engine import Database
from storage.models import NoticeRow
from tests.web import claims
from tests.web.desk import at_the_desk, case_page
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway

DAY = timedelta(days=1)
Way = Callable[[Browser, FakeGateway], Awaitable[str]]


async def _asked(visitor: Browser, gateway: FakeGateway) -> str:
    reference = await claims.sends(visitor, gateway)
    await gateway.judged(reference, Outcome.ASK, items=("devices", "document"))
    return reference


async def _proposed(visitor: Browser, gateway: FakeGateway) -> str:
    reference = await claims.sends(visitor, gateway)
    await gateway.judged(reference, Outcome.APPROVE, plan=ALL)
    return reference


async def _contested(visitor: Browser, gateway: FakeGateway) -> str:
    reference = await claims.approved(visitor, gateway)
    now = gateway._now()
    await gateway.happen(reference, OwnerObjected(now, "objection/1", now))
    return reference


async def _contested_late(visitor: Browser, gateway: FakeGateway) -> str:
    reference = await claims.handed_back(visitor, gateway)
    now = gateway._now()
    await gateway.happen(reference, OwnerObjected(now, "objection/1", now))
    return reference


async def _undone(visitor: Browser, gateway: FakeGateway) -> str:
    reference = await _contested_late(visitor, gateway)
    await gateway.judged(reference, Outcome.UNDO, by="lee")
    return reference


async def _stuck(visitor: Browser, gateway: FakeGateway) -> str:
    gateway.at_work = False
    reference = await claims.approved(visitor, gateway)
    await gateway.clock(reference, 31 * DAY)
    case = gateway._claim(reference)
    await gateway.happen(reference, StepDelayed(gateway._now(), case.to_do[0]))
    return reference


async def _ended(visitor: Browser, gateway: FakeGateway, outcome: Outcome) -> str:
    reference = await claims.sends(visitor, gateway)
    await gateway.judged(reference, outcome)
    return reference


async def _expired(visitor: Browser, gateway: FakeGateway) -> str:
    reference = await claims.proves(visitor, gateway)
    await gateway.clock(reference, 15 * DAY)
    return reference


WAYS: dict[str, tuple[Way, str]] = {
    "awaiting_contact_proof": (lambda v, g: claims.makes_claim(v), "has not proved a contact yet"),
    "awaiting_evidence": (claims.proves, "has not sent any evidence yet"),
    "awaiting_review": (claims.sends, "Propose approval"),
    "awaiting_answer": (_asked, "Asked for devices, a file"),
    "awaiting_second_approval": (_proposed, "Sam proposed to approve it"),
    "contested": (_contested, "Contested"),
    "contested in the probation": (_contested_late, "Propose to let the hand-back stand"),
    "cooling_off": (claims.approved, "Cooling-off until"),
    "handing_back": (_stuck, "The account system does not answer"),
    "probation": (claims.handed_back, "The hand-back stands"),
    "undone": (_undone, "Put the contacts back"),
    "denied": (lambda v, g: _ended(v, g, Outcome.DENY), "The case is closed"),
    "stopped": (lambda v, g: _ended(v, g, Outcome.STOP), "stopped by an agent"),
    "expired": (_expired, "no evidence came"),
}


@pytest.mark.parametrize("name", WAYS)
async def test_every_state_has_its_page(app: FastAPI, ada: Browser, gateway: FakeGateway, name: str) -> None:
    way, says = WAYS[name]
    reference = await way(ada, gateway)
    assert gateway.cases[reference].state == name.partition(" ")[0]
    for agent in ("sam", "kim", "lee", "ina"):
        desk = await at_the_desk(app, agent)
        answer = await desk.get(case_page(reference))
        assert answer.status_code == 200
        assert faults_of(desk.page) == []
        if agent == "lee":
            assert says in desk.said


async def test_the_score_comes_with_its_reasons(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway)
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    score = gateway._claim(reference).score
    assert f"{score} of 100 below 70" in sam.said
    assert "+20 An earlier password fits" in sam.said
    assert "+10 The username fits" in sam.said
    assert "Approval needs a second person" in sam.said


async def test_nothing_that_was_typed_stands_on_it(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway)
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    for planted in ("nia.new", "example.net", "nia-first-2018", "March 2018", "A tablet", "•••", "203.0.113"):
        assert planted not in sam.page
    assert "I lost the phone." in sam.said  # written to the desk itself


async def test_what_is_still_being_typed_is_not_given_yet(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.proves(ada, gateway)
    await ada.post(f"{ada.address.removesuffix('/code')}/evidence", **claims.NIA)
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "given-1" not in sam.page
    answer = await sam.post(f"{sam.address}/reveal", what="username/given-1")
    assert answer.status_code == 422
    assert "nia" not in re.sub("<[^>]+>", " ", sam.page.partition("<main")[2]).split()


async def test_both_sides_count_with_the_same_clock(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await _asked(ada, gateway)
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "First answer Met after" in sam.said
    assert "Decision Stands still at" in sam.said
    assert "waited for the claimant" in sam.said
    await gateway.clock(reference, timedelta(minutes=1))
    await ada.get(f"/case/{reference}")
    await ada.post(f"{ada.address}/reply", message="A Pixel.")
    await sam.get(case_page(reference))
    assert "Paused" in sam.said
    assert "Stands still" not in sam.said


async def test_a_late_promise_says_so_and_a_lead_is_named(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -2 * DAY
    reference = await claims.sends(ada, gateway)
    await gateway.clock(reference, 2 * DAY)
    await ada.get(f"/case/{reference}")
    await ada.post(f"{ada.address}/nudge")
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "With a lead" in sam.said
    assert "Late since" in sam.said
    assert "First answer Missed" in sam.said
    assert "A lead decides this." in sam.said


async def test_contacts_are_named_by_kind_and_age_only(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway, {"username": "olu", "devices": "x"}, contact="olu.new@example.net")
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "Contacts of the account" in sam.page
    assert "Replace the e-mail, since" in sam.said
    assert "Replace every contact by the proved one" in sam.said
    assert "olu@" not in sam.page


async def test_desk_lines_are_marked_and_stay_at_the_desk(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway)
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    await sam.post(f"{sam.address}/take")
    await sam.post(f"{sam.address}/note", text="The bank confirmed it by phone.")
    assert "Sam took the case desk only" in sam.said
    assert "You desk only" in sam.said
    assert "The bank confirmed it by phone." in sam.said
    await ada.get(f"/case/{reference}")
    for hidden in ("bank", "Sam took", "desk only"):
        assert hidden not in ada.page


async def test_the_freeze_can_be_kept_or_ended(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway, claims.PAT, reason="compromised", contact="+44 7700 900003")
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "frozen until" in sam.said
    assert "Keep the account frozen" in sam.said
    assert "End the freeze" in sam.said


async def test_an_objection_without_effect_is_told_to_the_desk(
    app: FastAPI, ada: Browser, gateway: FakeGateway
) -> None:
    reference = await claims.approved(ada, gateway)
    now = gateway._now()
    await gateway.happen(reference, ObjectionNoted(now, "objection/9", now))
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "Owner objected, without effect" in sam.said
    await ada.get(f"/case/{reference}")
    assert "without effect" not in ada.page


async def test_other_cases_come_with_what_was_decided_in_them(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    first = await _ended(ada, gateway, Outcome.DENY)
    second = await claims.sends(ada, gateway)
    sam = await at_the_desk(app)
    await sam.get(case_page(second))
    assert f"{first[:4]}-{first[4:8]}-{first[8:]} Claim" in sam.said
    assert "Sam denied the claim" in sam.said


async def test_the_delivery_log_is_on_it_without_addresses(
    app: FastAPI, ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    reference = await claims.approved(ada, gateway, plan=KEEP)
    async with database.write() as session:
        session.add(
            NoticeRow(
                name=f"{reference}.hold-started.1",
                case_ref=reference,
                template="hold-started",
                channel="email",
                state="bounced",
                attempts=1,
                address="sealed-address",
                subject="account/x",
                message_id="<1@example>",
                made_at=gateway._now(),
            )
        )
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "Cooling-off began e-mail Came back" in sam.said
    assert "sealed-address" not in sam.page
