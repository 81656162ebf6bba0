"""Codes and links: five tries, ten minutes, thirty for the link; a stale form costs no try."""

import pytest

from domain.errors import CodeIsOver, LinkIsOver, NotAllowedNow, UseTheNewest
from domain.recovery import CodeAccepted, CodeExpired, CodeRefused, ResendCode, State, SubmitCode, UseLink
from tests.people import ADA, NOON, minutes, seconds
from tests.story import (
    WRONG,
    code,
    link,
    opens_the_link,
    tries_it_wrong,
    with_a_code,
    with_a_proof,
    with_no_codes_left,
    with_the_code_used_up,
)


def submit(issue: int = 1, digest: str = code(1)) -> SubmitCode:
    return SubmitCode(ADA.browser, issue, digest)


def test_right_code_proves_the_contact() -> None:
    story = with_a_code()
    assert story.does(submit(), ADA.seen()) == CodeAccepted(NOON, 1, "code", ADA.browser, ADA.seen())
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_wrong_code_is_counted() -> None:
    story = with_a_code()
    assert story.does(submit(digest=WRONG)) == CodeRefused(NOON, 1)
    assert story.state is State.AWAITING_CODE
    assert story.case.tries_left == 4


def test_right_code_still_counts_after_four_wrong_ones() -> None:
    story = with_a_code()
    tries_it_wrong(story, 4)
    assert story.state is State.AWAITING_CODE
    story.does(submit(), ADA.seen())
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_fifth_wrong_code_is_the_last() -> None:
    story = with_a_code()
    tries_it_wrong(story, 5)
    assert story.state is State.AWAITING_RESEND
    assert story.case.tries_left == 0


def test_right_code_after_the_fifth_wrong_one_is_over() -> None:
    with pytest.raises(CodeIsOver):
        with_the_code_used_up().does(submit())


def test_accepted_code_is_used_up() -> None:
    story = with_a_proof()
    assert (story.issue.digest, story.issue.link_digest) == ("", "")
    with pytest.raises(NotAllowedNow):
        story.does(submit())


def test_form_of_an_older_message_is_refused_uncounted() -> None:
    story = with_a_code()
    story.until(story.case.resend_at).does(ResendCode(ADA.browser))
    story.sends_a_code()
    number = story.case.number
    with pytest.raises(UseTheNewest):
        story.does(submit(1, WRONG))
    with pytest.raises(UseTheNewest):
        story.does(submit(1, code(1)))
    assert story.case.number == number
    assert story.case.tries_left == 5


def test_new_code_kills_the_old_one_and_its_link() -> None:
    story = with_a_code()
    story.until(story.case.resend_at).does(ResendCode(ADA.browser))
    story.sends_a_code()
    with pytest.raises(LinkIsOver):
        story.does(UseLink(ADA.browser, link(1)))
    assert story.does(submit(2, code(1))) == CodeRefused(story.now, 2)
    story.does(submit(2, code(2)), ADA.seen())
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_new_code_has_all_its_tries() -> None:
    story = with_a_code()
    tries_it_wrong(story, 3)
    story.until(story.case.resend_at).does(ResendCode(ADA.browser))
    assert story.sends_a_code().case.tries_left == 5


def test_code_works_until_its_last_second() -> None:
    story = with_a_code().later(minutes(10) - seconds(1))
    story.does(submit(), ADA.seen())
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_code_is_over_at_ten_minutes_sharp() -> None:
    story = with_a_code().later(minutes(10))
    assert story.state is State.AWAITING_RESEND
    assert story.events[-1] == CodeExpired(NOON + minutes(10), 1)
    with pytest.raises(CodeIsOver):
        story.does(submit())


def test_code_that_comes_late_is_judged_after_the_clock() -> None:
    story = with_a_code()
    story.now += minutes(10)  # nobody was there to act at the moment itself
    with pytest.raises(CodeIsOver):
        story.does(submit())


def test_expiry_of_an_older_code_means_nothing() -> None:
    story = with_a_code()
    story.until(story.case.resend_at).does(ResendCode(ADA.browser))
    story.sends_a_code()
    assert not story.happens(CodeExpired(NOON + minutes(10), 1))
    assert not story.happens(CodeRefused(NOON, 1))


# ---- the link


def test_link_proves_the_contact_without_a_try() -> None:
    story = with_a_code()
    event = opens_the_link(story)
    assert isinstance(event, CodeAccepted)
    assert event.via == "link"
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_link_outlives_its_code() -> None:
    story = with_a_code().later(minutes(30) - seconds(1))
    assert story.state is State.AWAITING_RESEND
    opens_the_link(story)
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_link_is_over_at_thirty_minutes_sharp() -> None:
    story = with_a_code().later(minutes(30))
    with pytest.raises(LinkIsOver):
        opens_the_link(story)


def test_link_works_when_the_tries_are_used_up() -> None:
    story = with_the_code_used_up()
    opens_the_link(story)
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_link_works_while_only_the_desk_could_allow_a_code() -> None:
    story = with_no_codes_left()
    assert story.state is State.AWAITING_HELP
    opens_the_link(story)
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_link_works_once() -> None:
    story = with_a_code()
    opens_the_link(story)
    with pytest.raises(LinkIsOver):
        story.does(UseLink(ADA.browser, link(1)))
    story.until(story.case.proof_until)
    assert story.state is State.AWAITING_RESEND
    with pytest.raises(LinkIsOver):
        story.does(UseLink(ADA.browser, link(1)))


@pytest.mark.parametrize("digest", ["", link(2), code(1)])
def test_link_that_was_never_sent_is_over(digest: str) -> None:
    with pytest.raises(LinkIsOver):
        with_a_code().does(UseLink(ADA.browser, digest))


def test_spent_link_does_not_match_the_empty_digest() -> None:
    story = with_a_proof()
    story.until(story.case.proof_until)
    assert story.issue.link_digest == ""
    with pytest.raises(LinkIsOver):
        story.does(UseLink(ADA.browser, ""))


# ---- tries that were reserved


def test_reservation_ends_with_the_wrong_tries() -> None:
    assert with_the_code_used_up().settled == [(1, 5)]


def test_reservation_ends_when_the_code_runs_out() -> None:
    story = with_a_code()
    tries_it_wrong(story, 2)
    assert story.settled == []
    story.later(minutes(10))
    assert story.settled == [(1, 2)]


def test_reservation_ends_with_the_right_code() -> None:
    story = with_a_code()
    tries_it_wrong(story, 1)
    story.does(submit(), ADA.seen())
    assert story.settled == [(1, 1)]


def test_reservation_of_the_old_code_ends_with_the_new_one() -> None:
    story = with_a_code()
    tries_it_wrong(story, 3)
    story.until(story.case.resend_at).does(ResendCode(ADA.browser))
    assert story.settled == []
    story.sends_a_code()
    assert story.settled == [(1, 3)]
