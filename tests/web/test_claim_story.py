"""A claim from the first page to the last, as its claimant sees it."""

import re
from datetime import timedelta

from domain.case import grouped
from domain.claim import State
from domain.decisions import Outcome
from tests.web.claims import NIA, approved, handed_back, makes_claim, proves, sends
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from tests.web.test_after_the_proof import GOOD


async def test_a_claim_begins_with_what_happened_and_where_to_answer(ada: Browser, gateway: FakeGateway) -> None:
    await ada.get("/claim")
    assert ada.title == "What happened to your account?"
    await ada.get("/claim?reason=contact")
    assert ada.title == "Where can we answer you?"
    answer = await ada.post("/claim", follow=False, contact="nia.new@example.net", what="I lost the phone.")
    assert answer.status_code == 303
    await ada.get(answer.headers["Location"])
    assert ada.title == "Enter the code"
    assert "n•••@example.net" in ada.said


async def test_what_is_known_is_checked_before_it_is_sent(ada: Browser, gateway: FakeGateway) -> None:
    reference = await proves(ada, gateway)
    assert ada.title == "What do you still know about the account?"
    page = ada.address
    await ada.post(f"{page}/evidence", **NIA)
    assert ada.title == "Check your answers"
    assert "1 given, not shown again" in ada.said
    assert "March 2018" in ada.said
    assert "nia-first-2018" not in ada.page
    assert gateway.cases[reference].state is State.AWAITING_EVIDENCE
    await ada.post(f"{page}/evidence")
    assert ada.title == "Your claim was sent"
    case = gateway.cases[reference]
    assert case.state is State.AWAITING_REVIEW
    assert case.score == 40  # type: ignore[union-attr] # username, password and month
    await ada.get(page)
    assert ada.title == "Your claim is in review"
    assert faults_of(ada.page) == []


async def test_nia_gets_the_account_back(ada: Browser, gateway: FakeGateway) -> None:
    gateway.later = -timedelta(days=31)
    reference = await handed_back(ada, gateway)
    page = ada.address
    assert ada.title == "Use the link that we sent"
    assert "n•••@example.net" in ada.said
    await ada.get(gateway.link(reference))
    assert ada.title == "Go on in this browser?"
    await ada.post(gateway.link(reference))
    assert ada.title == "Choose a new password"
    assert "nia" in ada.said
    await ada.post(f"{page}/password", new_password=GOOD)
    assert ada.title == "You can sign in again"
    await gateway.clock(reference, timedelta(days=31))
    await ada.get(page)
    assert ada.title == "The account is yours"
    assert faults_of(ada.page) == []


async def test_while_it_cools_off_the_page_says_what_happens_when(ada: Browser, gateway: FakeGateway) -> None:
    await approved(ada, gateway)
    assert ada.title == "Your claim is approved"
    assert "unless somebody objects" in ada.said
    assert "tell them again on" in ada.said
    assert faults_of(ada.page) == []


async def test_a_question_is_answered_by_a_message(ada: Browser, gateway: FakeGateway) -> None:
    reference = await sends(ada, gateway)
    page = ada.address
    await gateway.judged(reference, Outcome.ASK, items=("created", "document"))
    await ada.get(page)
    assert ada.title == "We need something from you"
    assert "The month in which the account was opened" in ada.said
    await ada.post(f"{page}/reply", message="It was March 2018.")
    assert ada.title == "Your claim is in review"
    assert "It was March 2018." in ada.said
    assert faults_of(ada.page) == []


async def test_a_claim_for_nobody_looks_the_same(ada: Browser, eve: Browser, gateway: FakeGateway) -> None:
    await makes_claim(ada, contact="ada@example.com")
    await makes_claim(eve, contact="one@example.com")
    known, unknown = (plain(visitor, masked) for visitor, masked in ((ada, "a•••"), (eve, "o•••")))
    assert "•••" not in known
    assert known == unknown


def plain(visitor: Browser, masked: str) -> str:
    """The page without what differs for everybody: the contact, the reference, the time."""
    reference = grouped(visitor.reference)
    text = visitor.said.replace(reference, "").replace(masked, "").replace("ada@", "").replace("one@", "")
    return re.sub(r"\d", "", text)
