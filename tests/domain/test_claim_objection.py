"""Whoever reads an older contact may stop the effect, and gains nothing by it (design 7)."""

import pytest

from domain import claim_events as events
from domain.case import Party
from domain.claim import UNDOING, Freeze, State
from domain.claim_commands import objected
from domain.claim_deadlines import waiting_on
from domain.claim_decisions import outcomes_now
from domain.contact_proof import CodeIssued
from domain.decisions import Doubt, Item, Outcome
from domain.errors import CaseError
from tests.claim_story import NIA, ClaimStory
from tests.people import KIM, LEE, SAM, Agent, days, hours
from tests.story import link

MAX = Agent("max", "lead")


def refused(event: events.DecisionRecorded | events.DecisionRefused) -> Doubt | None:
    return event.doubt if isinstance(event, events.DecisionRefused) else None


def contested() -> ClaimStory:
    """Approved by sam, and stopped on the third day."""
    story = ClaimStory().is_approved("c1")
    story.later(days(3))
    return story.owner_objects()


def contested_later() -> ClaimStory:
    """Handed back, and stopped in the probation."""
    story = ClaimStory().is_handed_back("c1")
    story.later(days(2))
    return story.owner_objects()


def test_an_objection_stops_the_effect_and_freezes_the_account() -> None:
    story = contested()
    assert (story.state, story.case.freeze, story.case.hold_until) == (State.CONTESTED, Freeze.WANTED, None)
    assert waiting_on(story.case) is Party.AGENT
    story.later(days(5))
    assert story.state is State.CONTESTED


def test_this_freeze_has_no_end_of_its_own() -> None:
    story = contested().is_frozen()
    assert story.case.frozen_until is None
    assert "freeze_lapsed" not in story.next_events()


def test_an_objection_before_the_hand_back_has_begun_still_stops_it() -> None:
    story = ClaimStory().is_approved("c1")
    story.later(days(7))
    assert story.state is State.HANDING_BACK
    story.owner_objects()
    assert (story.state, story.case.to_do, story.case.begun_at) == (State.CONTESTED, (), None)


def test_once_it_has_begun_an_objection_waits_for_the_probation() -> None:
    story = ClaimStory().is_approved("c1")
    story.later(days(7))
    assert story.happens(events.HandBackBegun(story.now))
    assert not story.happens(events.OwnerObjected(story.now, "received-9", story.now))


def test_a_younger_contact_is_heard_and_stops_nothing() -> None:
    story = ClaimStory().is_approved("c1")
    assert story.happens(events.ObjectionNoted(story.now, "received-9", story.now))
    assert (story.state, story.case.freeze) == (State.COOLING_OFF, Freeze.NONE)


def test_whoever_decided_before_does_not_judge_the_objection() -> None:
    story = contested()
    for outcome in (Outcome.APPROVE, Outcome.DENY, Outcome.STOP):
        assert refused(story.decides(SAM, outcome, plan="c1")) is Doubt.SAME_PERSON
    assert refused(story.decides(KIM, Outcome.STOP)) is None
    assert (story.state, story.case.freeze) == (State.STOPPED, Freeze.ENDING)


def test_anybody_may_ask_the_claimant_what_they_say_to_it() -> None:
    story = contested()
    assert refused(story.decides(SAM, Outcome.ASK, items=(Item.EXPLANATION,))) is None
    story.does(events.Reply(NIA, "message-2"))
    assert story.state is State.CONTESTED


def test_an_unfounded_objection_leads_to_a_second_approval_and_the_whole_hold_again() -> None:
    story = contested().is_frozen()
    story.decides(KIM, Outcome.APPROVE, plan="c1", reason="objection_unfounded")
    assert story.state is State.AWAITING_SECOND_APPROVAL
    assert refused(story.decides(KIM, Outcome.APPROVE)) is Doubt.SAME_PERSON
    story.decides(LEE, Outcome.APPROVE)
    assert (story.state, story.case.hold_until) == (State.COOLING_OFF, story.now + days(7))
    assert story.case.freeze is Freeze.ON


def test_a_claimant_who_says_nothing_for_two_weeks_has_given_up() -> None:
    story = contested()
    story.later(days(14))
    assert (story.state, story.case.because) == (State.STOPPED, "silence")


def test_a_word_of_the_claimant_keeps_it_open() -> None:
    story = contested()
    story.later(days(13))
    story.does(events.Reply(NIA, "message-2"))
    story.later(days(2))
    assert story.state is State.CONTESTED


def test_when_a_contested_claim_ends_the_account_opens_again() -> None:
    story = contested().is_frozen()
    story.decides(KIM, Outcome.STOP)
    assert (story.case.freeze, story.case.is_over) == (Freeze.ENDING, False)
    assert story.happens(events.FreezeEnded(story.now))
    assert story.case.is_over


def test_an_objection_in_the_probation_freezes_and_leads_to_another_agent() -> None:
    story = contested_later()
    assert (story.state, story.case.contested_in, story.case.freeze) == (
        State.CONTESTED,
        State.PROBATION,
        Freeze.WANTED,
    )
    assert Outcome.UNDO in outcomes_now(story.case)
    assert Outcome.STOP not in outcomes_now(story.case)


def test_a_second_agent_rolls_it_back_step_by_step() -> None:
    story = contested_later().is_frozen()
    assert refused(story.decides(SAM, Outcome.UNDO)) is Doubt.SAME_PERSON
    assert refused(story.decides(KIM, Outcome.UNDO)) is None
    assert (story.case.undoing, story.case.to_do, waiting_on(story.case)) == (True, UNDOING, Party.MACHINE)
    story.is_rolled_back()
    assert (story.state, story.case.freeze, story.case.is_over) == (State.UNDONE, Freeze.OVER, True)
    assert [done.step for done in story.case.done[-3:]] == list(UNDOING)


def test_nothing_more_is_decided_while_it_is_rolled_back() -> None:
    story = contested_later()
    story.decides(KIM, Outcome.UNDO)
    assert outcomes_now(story.case) == frozenset()
    story.later(days(20))
    assert story.state is State.CONTESTED


def test_silence_in_a_contested_probation_rolls_it_back_too() -> None:
    story = contested_later()
    story.later(days(14))
    assert story.case.undoing
    story.is_rolled_back()
    assert (story.state, story.case.because) == (State.UNDONE, "silence")


def test_an_unfounded_objection_in_the_probation_begins_it_anew() -> None:
    story = contested_later().is_frozen()
    story.decides(KIM, Outcome.APPROVE, plan="keep", reason="objection_unfounded")
    story.decides(LEE, Outcome.APPROVE)
    assert (story.state, story.case.probation_until) == (State.PROBATION, story.now + days(7))
    assert story.case.freeze is Freeze.ENDING


def test_the_link_of_the_hand_back_is_dead_while_it_is_disputed() -> None:
    story = contested_later()
    assert story.case.issue
    for command in (events.UseLink(NIA, link(story.case.issue.number)), events.ResendCode(NIA)):
        with pytest.raises(CaseError):
            story.does(command)


def test_an_objection_gives_nothing_to_whoever_pressed_it() -> None:
    """No code, no link, no contact, no password: only the account shut and somebody else's look."""
    before = ClaimStory().is_approved("c1")
    after = ClaimStory().is_approved("c1").owner_objects()
    assert not any(isinstance(event, CodeIssued) for event in after.events[len(before.events) :])
    assert after.case.holder == before.case.holder
    assert after.case.contact == before.case.contact
    assert after.case.to_do == ()


def test_both_clocks_begin_anew_for_the_agent_who_looks_again() -> None:
    story = contested()
    assert story.case.first_answer
    assert story.case.first_answer.due_at == story.now + hours(24)


def test_who_is_asked_about_an_objection_and_says_nothing_has_given_up_too() -> None:
    story = contested()
    story.decides(KIM, Outcome.ASK, items=(Item.EXPLANATION,))
    story.later(days(14))
    assert (story.state, story.case.because) == (State.STOPPED, "silence")
    later = contested_later()
    later.decides(KIM, Outcome.ASK, items=(Item.EXPLANATION,))
    later.later(days(14))
    assert (later.state, later.case.undoing) == (State.CONTESTED, True)


def test_what_was_handed_back_is_never_just_stopped() -> None:
    """It is kept or rolled back: a claim that simply ended would leave the account with whoever has it now."""
    for asked in (False, True):
        story = contested_later()
        if asked:
            story.decides(KIM, Outcome.ASK, items=(Item.EXPLANATION,))
        else:
            story.decides(KIM, Outcome.APPROVE, plan="keep", reason="objection_unfounded")
        assert Outcome.STOP not in outcomes_now(story.case)
        with pytest.raises(CaseError):
            story.does(events.Withdraw(NIA))


def test_where_nothing_is_approved_an_objection_is_for_the_desk_to_see() -> None:
    story = ClaimStory().gives_evidence()
    event = objected(story.case, "received-9", story.now, story.now, may_object=True)
    assert isinstance(event, events.ObjectionNoted)
    seen = story.case.version
    assert story.happens(event)
    assert refused(story.decides(SAM, Outcome.DENY, version=seen)) is Doubt.STALE
