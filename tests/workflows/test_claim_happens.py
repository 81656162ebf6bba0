"""A claim from its first form to the account in the hands of its owner, through people, days and workers."""

from datetime import timedelta

import pytest

from domain.claim import Freeze, Reason, State
from domain.decisions import ALL, Outcome
from tests.claim_house import ClaimHouse
from tests.house import on_sqlite

NEW = "nia at last 2026"


@pytest.fixture
def claims(house) -> ClaimHouse:
    return ClaimHouse(house)


async def test_nia_who_has_no_contact_gets_the_account_back_through_two_agents(house, claims):
    opened = await claims.in_review()
    case = await claims.case(opened)
    assert (case.state, bool(case.account)) == (State.AWAITING_REVIEW, True)
    await claims.decides(opened, "sam", Outcome.APPROVE, plan=ALL)
    assert (await claims.case(opened)).state == State.AWAITING_SECOND_APPROVAL
    await claims.decides(opened, "kim", Outcome.APPROVE)
    held = await claims.until(opened, State.COOLING_OFF)
    assert held.hold_until - held.since == timedelta(days=30)
    await claims.skip(opened, timedelta(days=30))
    done = await claims.until(opened, State.PROBATION)
    assert [step.step for step in done.done] == ["lift_freeze", "change_contacts", "end_sessions", "send_link"]
    assert await claims.contacts("nia") == ["nia.new@example.org"]
    link = await house.message(opened.reference, 2)
    assert link.code is None
    browser = await claims.uses_link(opened, link.link)
    await claims.sets_password(browser, NEW)
    assert await house.password_fits("nia", NEW)
    assert await house.vault() == []
    await claims.skip(opened, timedelta(days=30))
    await house.handle(opened.reference, "claim").result()
    assert (await claims.case(opened)).state == State.RECOVERED


@on_sqlite
async def test_the_claimant_hears_of_every_turn(house, claims):
    opened = await claims.in_review()
    await house.until_told("claim-received")
    await claims.approved(opened)
    assert await house.until_told("claim-approved") == ["nia.new@example.org"]


async def test_the_old_contact_hears_of_it_three_times_and_stops_it(house, claims):
    """Eve knows a lot about Olu, and wants the mailbox replaced."""
    texts = {"username": "olu", "email": "olu@example.com"}
    opened = await claims.in_review("eve@example.net", texts=texts, browser="eve-laptop")
    plan = (await claims.contact_ids("olu"))["olu@example.com"]
    held = await claims.approved(opened, plan)
    length = held.hold_until - held.since
    assert length == timedelta(days=7)
    contacts = ["+447700900002", "olu@example.com", "olu@work.example.com"]
    assert await house.until_told("hold-started", times=3) == contacts
    await claims.skip(opened, length / 2)
    assert await house.until_told("hold-middle", times=3) == contacts
    await claims.skip(opened, length * 0.4)
    assert await house.until_told("hold-ending", times=3) == contacts
    await claims.objects(opened, "hold-ending")
    case = await claims.until_case(opened, lambda case: case.frozen_at)
    assert (case.state, case.frozen_until) == (State.CONTESTED, None)
    assert await claims.contacts("olu") == sorted(contacts, key=lambda one: (one.startswith("+"), one))
    assert (await claims.account("olu")).frozen_at is not None
    await claims.decides(opened, "kim", Outcome.STOP)
    assert (await claims.case(opened)).state in {State.CONTESTED, State.STOPPED}


async def test_a_hand_back_is_stopped_in_the_probation_and_rolled_back_by_a_second_agent(house, claims):
    texts = {"username": "olu", "email": "olu@example.com"}
    opened = await claims.in_review("eve@example.net", texts=texts, browser="eve-laptop")
    before = await claims.contacts("olu")
    plan = (await claims.contact_ids("olu"))["olu@example.com"]
    await claims.handed_back(opened, plan)
    assert "eve@example.net" in await claims.contacts("olu")
    assert "olu@example.com" not in await claims.contacts("olu")
    assert "olu@example.com" in await house.until_told("handed-back", times=3)
    await claims.objects(opened, "handed-back")
    await claims.until_case(opened, lambda case: case.frozen_at)
    await claims.decides(opened, "lee", Outcome.UNDO)
    undone = await claims.until(opened, State.UNDONE)
    assert [step.step for step in undone.done][-3:] == ["restore_contacts", "end_sessions", "restore_freeze"]
    assert sorted(await claims.contacts("olu")) == sorted(before)
    assert (await claims.account("olu")).frozen_at is None
    await house.handle(opened.reference, "claim").result()


async def test_who_was_broken_into_and_proves_a_contact_freezes_the_account_at_once(house, claims):
    opened = await claims.opens("ada@example.com", reason=Reason.COMPROMISED, browser="ada-phone")
    await claims.proves(opened)
    case = await claims.until_case(opened, lambda case: case.frozen_at)
    assert case.state is State.AWAITING_EVIDENCE
    assert (await claims.account("ada")).frozen_at is not None
    await claims.decides(opened, "sam", Outcome.KEEP_FREEZE)
    await claims.until_case(opened, lambda case: case.keeps_freeze and case.freeze is Freeze.ON)
    assert (await claims.account("ada")).frozen_until is None
    await claims.skip(opened, timedelta(hours=72))
    assert (await claims.account("ada")).frozen_at is not None


@on_sqlite
async def test_a_claim_that_names_nobody_goes_the_same_way_until_a_person_looks(house, claims):
    opened = await claims.in_review(texts={"username": "nobody-at-all"})
    case = await claims.case(opened)
    assert (case.state, case.score) == (State.AWAITING_REVIEW, 0)
    await claims.decides(opened, "sam", Outcome.DENY, reason="no_such_account")
    assert (await claims.until(opened, State.DENIED)).because == "no_such_account"
    await house.handle(opened.reference, "claim").result()


@on_sqlite
async def test_evidence_that_is_never_given_is_reminded_of_and_ends_the_claim(house, claims):
    opened = await claims.opens()
    await claims.proves(opened)
    await claims.skip(opened, timedelta(days=10))
    await house.until_told("claim-reminder", times=2)
    await claims.skip(opened, timedelta(days=4))
    assert (await claims.until(opened, State.EXPIRED)).can_reopen
    await claims.skip(opened, timedelta(days=30))
    await house.handle(opened.reference, "claim").result()
    assert await claims.last_event(opened) == "reopen_lapsed"


async def test_a_recovery_by_the_contact_that_would_be_replaced_counts_as_an_objection(house, claims):
    """Whoever still reads the mailbox need not find the notice: to use it is enough."""
    texts = {"username": "ada", "email": "ada@example.com"}
    opened = await claims.in_review("eve@example.net", texts=texts, browser="eve-laptop")
    plan = (await claims.contact_ids("ada"))["ada@example.com"]
    await claims.approved(opened, plan)
    recovered = await house.prove("ada@example.com")
    await house.set_password(recovered, NEW)
    case = await claims.until(opened, State.CONTESTED)
    assert case.begun_at is None
    assert "ada@example.com" in await claims.contacts("ada")
