"""Agents decide by signal: with a proof, in their role, about what they saw. Kept while nobody works, counted once."""

import dataclasses
from datetime import timedelta

import pytest
from sqlmodel import col

from domain.decisions import Decision
from domain.recovery import State
from storage.models import AgentRow
from tests.house import on_sqlite, with_policy


async def refusal(house, opened, decision):
    """Send it; the doubt that the case records."""
    before = len(await house.events(opened.reference))
    await house.gateway.decide(decision)
    await house.until_case(opened.reference, lambda case: case.number > before)
    event = (await house.events(opened.reference))[-1]
    assert event.kind == "decision_refused"
    return event.data["doubt"]


async def lives_on(house, opened):
    """The case still takes the decision that is due."""
    await house.gateway.decide(await house.sign(opened, agent="kim"))
    await house.until(opened.reference, State.AWAITING_CODE)


async def test_allow_sends_one_more_code(house):
    opened = await house.out_of_codes()
    decision = await house.sign(opened)
    await house.gateway.decide(decision)
    case = await house.until(opened.reference, State.AWAITING_CODE)
    assert (case.issues, case.codes_left) == (2, 0)
    recorded = next(event for event in await house.events(opened.reference) if event.kind == "decision_recorded")
    assert (recorded.data["agent"], recorded.data["outcome"]) == ("sam", "allow")
    message = await house.message(opened.reference, 2)
    assert (await house.submit(opened, message.code)).state == State.AWAITING_NEW_PASSWORD


@on_sqlite
async def test_stop_ends_the_case(house):
    opened = await house.out_of_codes()
    await house.gateway.decide(await house.sign(opened, "stop"))
    case = await house.until(opened.reference, State.STOPPED)
    assert case.because == "agent"
    assert await house.handle(opened.reference).result() == State.STOPPED


async def test_decided_while_nobody_works_it_is_applied_once(house):
    opened = await house.out_of_codes()
    decision = await house.sign(opened)
    await house.stop_worker()
    await house.gateway.decide(decision)
    await house.gateway.decide(decision)
    await house.start_worker()
    await house.until(opened.reference, State.AWAITING_CODE)
    await house.idle(opened.reference)
    kinds = await house.kinds(opened.reference)
    assert (kinds.count("decision_recorded"), kinds.count("decision_refused")) == (1, 0)
    assert (await house.case(opened.reference)).issues == 2


@on_sqlite
async def test_the_same_decision_twice_counts_once(house):
    opened = await house.out_of_codes()
    decision = await house.sign(opened)
    await house.gateway.decide(decision)
    await house.until(opened.reference, State.AWAITING_CODE)
    await house.gateway.decide(decision)
    await house.idle(opened.reference)
    kinds = await house.kinds(opened.reference)
    assert (kinds.count("decision_recorded"), kinds.count("code_issued")) == (1, 2)


@on_sqlite
@pytest.mark.parametrize(
    "forged",
    [
        {"proof": ""},
        {"proof": "decision-1:" + 64 * "0"},
        {"agent": "kim"},
        {"outcome": "stop"},
        {"version": 99},
        {"reason": "suspicious"},
    ],
    ids="-".join,
)
async def test_without_its_proof_a_decision_is_refused(house, forged):
    opened = await house.out_of_codes()
    decision = dataclasses.replace(await house.sign(opened), **forged)
    assert await refusal(house, opened, decision) == "unproven"
    await lives_on(house, opened)


@on_sqlite
@pytest.mark.parametrize("agent", ["ina", "max", "eve"])
async def test_who_may_not_decide_is_refused(house, agent):
    opened = await house.out_of_codes()
    assert await refusal(house, opened, await house.sign(opened, agent=agent)) == "role"
    await lives_on(house, opened)


@on_sqlite
async def test_who_has_left_decides_nothing(house):
    opened = await house.out_of_codes()
    decision = await house.sign(opened)
    await house.change(AgentRow, col(AgentRow.name) == "sam", is_active=False)
    assert await refusal(house, opened, decision) == "role"
    await lives_on(house, opened)


@on_sqlite
async def test_a_decision_about_what_has_changed_is_refused(house):
    opened = await house.out_of_codes()
    version = (await house.case(opened.reference)).version
    assert await refusal(house, opened, await house.sign(opened, version=version - 1)) == "stale"
    await lives_on(house, opened)


@on_sqlite
async def test_a_decision_about_another_case_is_refused(house):
    first, second = await house.out_of_codes(), await house.out_of_codes("olu@example.com")
    decision = await house.sign(first)
    handle = house.handle(second.reference)
    before = len(await house.events(second.reference))
    await handle.signal("decision_made", decision)
    await house.until_case(second.reference, lambda case: case.number > before)
    refused = (await house.events(second.reference))[-1]
    assert (refused.kind, refused.data["doubt"]) == ("decision_refused", "unproven")
    assert (await house.case(first.reference)).state == State.AWAITING_HELP
    await lives_on(house, second)


@on_sqlite
async def test_nobody_decides_about_their_own_account(house):
    opened = await house.out_of_codes()
    own = (await house.case(opened.reference)).account
    await house.change(AgentRow, col(AgentRow.name) == "sam", own_accounts=[own])
    assert await refusal(house, opened, await house.sign(opened)) == "own_account"
    await lives_on(house, opened)


@on_sqlite
async def test_allow_means_nothing_while_codes_are_left(house):
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    assert await refusal(house, opened, await house.sign(opened)) == "not_now"
    assert (await house.submit(opened, (await house.message(opened.reference)).code)).event == "code_accepted"


@on_sqlite
async def test_a_signal_without_sense_changes_nothing(house):
    opened = await house.out_of_codes()
    for nonsense in ({"case": 3}, "words", None):
        await house.handle(opened.reference).signal("decision_made", nonsense)
    await house.handle(opened.reference).signal("no_such_signal", "words")
    await lives_on(house, opened)


@on_sqlite
async def test_an_allowed_code_that_ran_out_untouched_can_be_asked_for_again(house):
    opened = await house.out_of_codes()
    await house.gateway.decide(await house.sign(opened))
    await house.message(opened.reference, 2)
    await house.skip(opened.reference, timedelta(minutes=10))
    await house.until(opened.reference, State.AWAITING_RESEND)
    await house.resend(opened)
    assert (await house.message(opened.reference, 3)).code is not None


@on_sqlite
async def test_signed_elsewhere_counts_like_the_desk(house):
    """`reinstate decision sign` makes no row: any client may send what it prints."""
    opened = await house.out_of_codes()
    case = await house.case(opened.reference)
    unsigned = Decision(opened.reference, case.version, "by-hand-1", "allow", "codes_used_up", "lee", case.since, "")
    proof = house.rings.decision.sign(unsigned.proved_text())
    await house.gateway.decide(dataclasses.replace(unsigned, proof=proof))
    assert (await house.until(opened.reference, State.AWAITING_CODE)).issues == 2


@on_sqlite
async def test_help_runs_out_with_the_case(house):
    opened = await house.open("ada@example.com", policy=with_policy(codes_per_case=1))
    await house.use_up(opened)
    await house.ask_help(opened)
    decision = await house.sign(opened)
    await house.skip(opened.reference, timedelta(hours=24))
    assert (await house.until(opened.reference, State.EXPIRED)).is_closed
    with pytest.raises(Exception, match=opened.reference):
        await house.gateway.decide(decision)
