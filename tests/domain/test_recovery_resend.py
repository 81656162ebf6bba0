"""Another code: sixty seconds, two minutes, five, five; five codes a case, then the desk."""

import pytest

from domain.errors import NoCodesLeft, NotAllowedNow, TooSoon
from domain.recovery import CodeRequested, CooldownEnded, Recovery, ResendCode, State, deadlines, due
from tests.people import ADA, BY_EMAIL, BY_SMS, NOON, minutes, seconds
from tests.story import tries_it_wrong, with_a_code, with_a_proof, with_no_codes_left, with_the_code_used_up

AGAIN = ResendCode(ADA.browser)


def moments(case: Recovery, kind: str) -> list[object]:
    return [deadline.at for deadline in deadlines(case) if deadline.event.kind == kind]


def test_cooldowns_grow_and_then_stay() -> None:
    story, waits = with_a_code(), []
    while story.case.resend_at:
        waits.append((story.case.resend_at - story.issue.at).total_seconds())
        story.until(story.case.resend_at).does(AGAIN)
        story.sends_a_code()
    assert waits == [60, 120, 300, 300]
    assert story.case.issues == 5


def test_asking_within_the_cooldown_is_too_soon() -> None:
    story = with_a_code().later(seconds(59))
    with pytest.raises(TooSoon, match=r"2026-11-23T12:01:00\+00:00"):
        story.does(AGAIN)
    assert story.kinds() == ["case_opened", "code_issued"]


def test_asking_at_the_end_of_the_cooldown_is_in_time() -> None:
    story = with_a_code().later(seconds(60))
    assert story.does(AGAIN) == CodeRequested(story.now)


def test_end_of_the_cooldown_is_an_event_of_its_own() -> None:
    story = with_a_code().later(seconds(60))
    assert story.events[-1] == CooldownEnded(NOON + seconds(60), 1)
    assert story.state is State.AWAITING_CODE
    assert story.case.resend_open


def test_cooldown_runs_on_after_the_fifth_wrong_try() -> None:
    story = with_the_code_used_up()
    assert story.state is State.AWAITING_RESEND
    with pytest.raises(TooSoon):
        story.does(AGAIN)
    story.later(seconds(60))
    assert story.case.resend_open
    story.does(AGAIN)
    assert story.sends_a_code().state is State.AWAITING_CODE


def test_cooldown_ends_once_per_code() -> None:
    story = with_a_code().later(seconds(60))
    assert not moments(story.case, "cooldown_ended")
    assert not story.happens(CooldownEnded(story.now, 1))
    story.does(AGAIN)
    story.sends_a_code()
    assert moments(story.case, "cooldown_ended") == [story.now + seconds(120)]


def test_new_code_goes_where_the_last_one_went() -> None:
    story = with_a_code().later(seconds(60))
    story.does(AGAIN)
    assert story.sends_a_code().issue.to == BY_EMAIL


def test_new_code_goes_to_the_other_channel_when_asked() -> None:
    story = with_a_code().later(seconds(60))
    story.does(ResendCode(ADA.browser, BY_SMS))
    assert story.sends_a_code().issue.to == BY_SMS


def test_old_code_stays_good_until_the_new_one_exists() -> None:
    story = with_a_code().later(seconds(60))
    story.does(AGAIN)
    assert story.state is State.AWAITING_CODE
    assert story.issue.number == 1


def test_new_code_is_asked_for_after_the_code_ran_out() -> None:
    story = with_a_code().later(minutes(10))
    assert story.state is State.AWAITING_RESEND
    story.does(AGAIN)
    assert story.sends_a_code().case.code_until == story.now + minutes(10)


def test_no_more_codes_after_the_fifth() -> None:
    story = with_a_code()
    for _ in range(4):
        story.until(story.case.resend_at).does(AGAIN)
        story.sends_a_code()
    assert story.case.codes_left == 0
    with pytest.raises(NoCodesLeft):
        story.later(seconds(300)).does(AGAIN)
    assert not moments(story.case, "cooldown_ended")


def test_last_code_used_up_leaves_only_the_desk() -> None:
    story = with_no_codes_left()
    assert story.state is State.AWAITING_HELP
    assert story.case.resend_at is None
    with pytest.raises(NotAllowedNow):
        story.later(seconds(300)).does(AGAIN)


def test_last_code_run_out_leaves_only_the_desk() -> None:
    story = with_a_code()
    for _ in range(4):
        story.until(story.case.resend_at).does(AGAIN)
        story.sends_a_code()
    story.until(story.case.code_until)
    assert story.state is State.AWAITING_HELP


def test_nobody_asks_for_a_code_after_the_proof() -> None:
    with pytest.raises(NotAllowedNow):
        with_a_proof().later(minutes(5)).does(AGAIN)


def test_asking_twice_before_the_code_exists_makes_one_code() -> None:
    story = with_a_code().later(seconds(60))
    story.does(AGAIN)
    story.does(ResendCode(ADA.browser, BY_SMS))
    story.sends_a_code()
    assert story.case.issues == 2
    assert story.issue.to == BY_SMS
    assert story.case.wanted is None


def test_asking_for_a_code_brings_no_second_end_of_the_cooldown() -> None:
    story = with_a_code().later(seconds(60))
    story.does(AGAIN)
    assert due(story.case, story.now) is None


def test_wrong_tries_do_not_lengthen_the_cooldown() -> None:
    story = with_a_code()
    before = story.case.resend_at
    tries_it_wrong(story, 5)
    assert story.case.resend_at == before
