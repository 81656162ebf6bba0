"""An account is handed back step by step, each recorded with its result; then comes the probation (design 7)."""

import pytest

from domain import claim_events as events
from domain.case import Party
from domain.claim import HAND_BACK, Freeze, Reason, State
from domain.claim_deadlines import waiting_on
from domain.claim_events import Step
from domain.contact_proof import CodeIssued
from domain.decisions import ALL, KEEP
from domain.errors import LinkIsOver, NotAllowedNow, TooSoon
from tests.claim_story import NIA, REACHED_AT, ClaimStory
from tests.people import BY_SMS, days, hours, minutes, seconds
from tests.story import link


def with_link_used() -> ClaimStory:
    story = ClaimStory().is_handed_back("c1")
    assert story.case.issue
    story.does(events.UseLink("new-browser", link(story.case.issue.number)))
    return story


def test_steps_are_taken_in_order_and_reported() -> None:
    story = ClaimStory().is_handed_back("c1")
    assert [done.step for done in story.case.done] == list(HAND_BACK)
    assert story.state is State.PROBATION
    assert story.case.probation_until == story.now + days(7)


def test_a_step_out_of_turn_means_nothing() -> None:
    story = ClaimStory().is_approved("c1")
    story.later(days(7))
    assert story.happens(events.HandBackBegun(story.now))
    assert waiting_on(story.case) is Party.MACHINE
    assert not story.happens(events.StepDone(story.now, Step.END_SESSIONS))
    assert story.happens(events.StepDone(story.now, Step.LIFT_FREEZE))
    assert not story.happens(events.StepDone(story.now, Step.LIFT_FREEZE))


def test_a_step_that_takes_long_is_seen_and_goes_on() -> None:
    story = ClaimStory().is_approved("c1")
    story.later(days(7))
    story.happens(events.HandBackBegun(story.now))
    assert story.happens(events.StepDelayed(story.now, Step.LIFT_FREEZE))
    assert story.case.is_delayed
    assert not story.happens(events.StepDelayed(story.now, Step.LIFT_FREEZE))
    assert story.happens(events.StepDone(story.now, Step.LIFT_FREEZE))
    assert not story.case.is_delayed


def test_a_freeze_of_this_claim_is_lifted_with_the_first_step() -> None:
    story = ClaimStory(Reason.COMPROMISED, objection="received-1").opens().is_frozen()
    story.is_handed_back("c1")
    assert story.case.freeze is Freeze.OVER


def test_the_link_goes_to_the_proved_contact_and_nowhere_else() -> None:
    story = ClaimStory().is_handed_back("c1")
    assert story.case.issue
    assert story.case.issue.to == REACHED_AT
    story.later(minutes(5))
    story.does(events.ResendCode(NIA, BY_SMS))
    assert story.case.issue
    assert (story.case.issue.number, story.case.issue.to) == (3, REACHED_AT)


def test_the_link_works_for_a_week_and_another_one_may_be_asked_for() -> None:
    story = ClaimStory().is_handed_back(ALL)
    assert story.case.issue
    first = story.case.issue.number
    with pytest.raises(TooSoon):
        story.does(events.ResendCode(NIA))
    story.later(days(7))
    with pytest.raises(LinkIsOver):
        story.does(events.UseLink(NIA, link(first)))
    story.does(events.ResendCode(NIA))
    story.does(events.UseLink(NIA, link(first + 1)))
    assert story.case.link_used_at == story.now


def test_whoever_posts_the_link_holds_the_case_and_sets_the_password() -> None:
    story = with_link_used()
    assert story.case.holder == "new-browser"
    story.does(events.SetPassword("new-browser", "vault-1"))
    assert story.case.secret == "vault-1"
    assert story.happens(events.PasswordApplied(story.now, 2))
    assert (story.case.secret, story.case.password_set_at) == ("", story.now)


def test_without_the_link_nobody_sets_a_password() -> None:
    story = ClaimStory().is_handed_back("c1")
    with pytest.raises(NotAllowedNow):
        story.does(events.SetPassword(NIA, "vault-1"))


def test_the_link_works_once() -> None:
    story = with_link_used()
    assert story.case.issue
    with pytest.raises(LinkIsOver):
        story.does(events.UseLink("eve", link(story.case.issue.number)))


def test_the_time_to_set_a_password_is_fifteen_minutes() -> None:
    story = with_link_used()
    story.later(minutes(15))
    assert story.kinds[-1] == "proof_lapsed"
    with pytest.raises(NotAllowedNow):
        story.does(events.SetPassword("new-browser", "vault-1"))
    story.does(events.ResendCode("new-browser"))


def test_a_lost_password_may_be_typed_again() -> None:
    story = with_link_used()
    story.does(events.SetPassword("new-browser", "vault-1"))
    story.now += minutes(20)
    assert story.happens(events.PasswordLost(story.now))
    story.does(events.SetPassword("new-browser", "vault-2"))
    assert story.case.secret == "vault-2"


def test_no_more_links_once_the_password_is_set() -> None:
    story = with_link_used()
    story.does(events.SetPassword("new-browser", "vault-1"))
    story.happens(events.PasswordApplied(story.now, 2))
    story.later(seconds(600))
    with pytest.raises(NotAllowedNow):
        story.does(events.ResendCode("new-browser"))


def test_the_probation_ends_well_by_itself() -> None:
    story = ClaimStory().is_handed_back("c1")
    story.later(days(7))
    assert (story.state, story.kinds[-1], story.case.is_over) == (State.RECOVERED, "probation_ended", True)


def test_it_lasts_longer_when_everything_was_replaced() -> None:
    story = ClaimStory().is_handed_back(ALL)
    assert story.case.probation_until == story.now + days(30)


def test_the_clock_waits_while_a_password_is_applied() -> None:
    story = with_link_used()
    story.until(story.case.probation_until - minutes(1) if story.case.probation_until else None)
    story.happens(events.LinkUsed(story.now, 99, NIA))
    again = with_link_used()
    again.does(events.SetPassword("new-browser", "vault-1"))
    again.later(days(8))
    assert again.state is State.PROBATION


def test_a_contact_that_stays_is_held_for_a_day() -> None:
    story = ClaimStory(proved="c1").is_approved(KEEP)
    story.later(hours(24))
    assert story.state is State.HANDING_BACK


def test_the_code_of_the_hand_back_is_number_two() -> None:
    story = ClaimStory().is_handed_back("c1")
    assert [event.issue for event in story.events if isinstance(event, CodeIssued)] == [1, 2]


@pytest.mark.parametrize("because", ["barred", "superseded"])
def test_a_password_that_the_account_does_not_take_is_given_back(because: str) -> None:
    story = with_link_used()
    story.does(events.SetPassword("new-browser", "vault-1"))
    assert story.happens(events.PasswordRefused(story.now, because))
    assert (story.case.secret, story.case.link_used_at, story.case.password_set_at) == ("", None, None)
