"""A claim begins with a contact at which its claimant can be reached, whoever they are."""

import pytest

from domain import claim_events as events
from domain.case import Party
from domain.claim import Freeze, Reason, State
from domain.claim_commands import decide
from domain.claim_deadlines import waiting_on
from domain.claim_events import ContactSight
from domain.contact_proof import CodeRefused
from domain.errors import CodeIsOver, LinkIsOver, NotAllowedNow, NotYours, TooSoon, UseTheNewest
from tests.claim_story import ACCOUNT, NIA, REACHED_AT, ClaimStory
from tests.people import BY_SMS, NOON, days, hours, minutes, seconds
from tests.story import WRONG, code, link


def test_the_first_code_goes_to_what_was_typed() -> None:
    story = ClaimStory().opens()
    assert (story.state, story.kinds) == (State.AWAITING_CONTACT_PROOF, ["case_opened", "code_issued"])
    assert story.case.issue
    assert story.case.issue.to == REACHED_AT
    assert waiting_on(story.case) is Party.CLAIMANT


def test_a_claim_that_an_objection_opened_asks_for_a_contact_first() -> None:
    story = ClaimStory(Reason.COMPROMISED, objection="received-1").opens()
    assert (story.case.issue, story.case.account, story.case.freeze) == (None, ACCOUNT, Freeze.WANTED)
    story.does(events.GiveContact(NIA, BY_SMS))
    assert story.case.issue
    assert story.case.issue.to == BY_SMS


def test_a_contact_is_named_once_and_another_one_waits_for_the_cooldown() -> None:
    story = ClaimStory(Reason.COMPROMISED, objection="received-1").opens()
    story.does(events.GiveContact(NIA, BY_SMS))
    with pytest.raises(NotAllowedNow):
        story.does(events.GiveContact(NIA, REACHED_AT))
    with pytest.raises(TooSoon):
        story.does(events.ResendCode(NIA, REACHED_AT))


def test_the_right_code_proves_the_contact() -> None:
    story = ClaimStory().proves_the_contact()
    assert (story.state, story.case.contact) == (State.AWAITING_EVIDENCE, REACHED_AT)
    assert story.case.issue
    assert (story.case.issue.digest, story.case.issue.link_digest) == ("", "")


def test_the_link_proves_it_for_the_browser_that_posts_it() -> None:
    story = ClaimStory().opens()
    story.does(events.UseLink("another-browser", link(1)))
    assert (story.state, story.case.holder) == (State.AWAITING_EVIDENCE, "another-browser")


def test_the_fifth_wrong_code_ends_the_code_and_not_its_link() -> None:
    story = ClaimStory().opens()
    for _ in range(5):
        story.does(events.SubmitCode(NIA, 1, WRONG))
    with pytest.raises(CodeIsOver):
        story.does(events.SubmitCode(NIA, 1, code(1)))
    story.does(events.UseLink(NIA, link(1)))
    assert story.state is State.AWAITING_EVIDENCE


def test_a_code_runs_out_and_its_link_a_little_later() -> None:
    story = ClaimStory().opens()
    story.later(minutes(10))
    assert story.kinds[-1] == "code_expired"
    with pytest.raises(CodeIsOver):
        story.does(events.SubmitCode(NIA, 1, code(1)))
    story.later(minutes(20))
    with pytest.raises(LinkIsOver):
        story.does(events.UseLink(NIA, link(1)))


def test_a_wrong_code_that_comes_after_its_end_is_not_counted() -> None:
    story = ClaimStory().opens()
    story.later(minutes(10))
    assert not story.happens(CodeRefused(story.now, 1))


def test_another_code_is_for_after_the_cooldown_and_kills_the_first() -> None:
    story = ClaimStory().opens()
    with pytest.raises(TooSoon):
        story.does(events.ResendCode(NIA))
    story.later(seconds(60))
    story.does(events.ResendCode(NIA, BY_SMS))
    assert story.case.issue
    assert (story.case.issue.number, story.case.issue.to) == (2, BY_SMS)
    with pytest.raises(UseTheNewest):
        story.does(events.SubmitCode(NIA, 1, code(1)))
    with pytest.raises(LinkIsOver):
        story.does(events.UseLink(NIA, link(1)))


def test_only_the_holder_acts() -> None:
    story = ClaimStory().opens()
    for command in (events.SubmitCode("eve", 1, code(1)), events.Withdraw("eve"), events.ResendCode("eve")):
        with pytest.raises(NotYours):
            decide(story.case, command, story.now)


def test_a_one_time_link_makes_another_browser_the_holder_once_a_contact_is_proved() -> None:
    story = ClaimStory().opens()
    with pytest.raises(NotAllowedNow):
        story.does(events.Enter("phone-of-nia"))
    story.proves_the_contact()
    story.does(events.Enter("phone-of-nia"))
    assert story.case.holder == "phone-of-nia"
    with pytest.raises(NotYours):
        story.does(events.Withdraw(NIA))


def test_who_was_broken_into_and_proves_a_current_contact_freezes_at_once() -> None:
    story = ClaimStory(Reason.COMPROMISED).proves_the_contact(ACCOUNT)
    assert (story.case.freeze, story.case.account) == (Freeze.WANTED, ACCOUNT)
    story.is_frozen()
    assert story.case.frozen_until == story.now + hours(72)


@pytest.mark.parametrize(
    ("reason", "accounts"),
    [(Reason.COMPROMISED, ()), (Reason.COMPROMISED, ("acc_a", "acc_b")), (Reason.CONTACT, (ACCOUNT,))],
)
def test_nobody_else_freezes_anything(reason: Reason, accounts: tuple[str, ...]) -> None:
    story = ClaimStory(reason).proves_the_contact(*accounts)
    assert story.case.freeze is Freeze.NONE


def test_a_contact_that_was_taken_off_dates_the_dispute() -> None:
    story = ClaimStory(Reason.COMPROMISED).proves_the_contact(ACCOUNT, disputed_at=NOON - days(2))
    assert story.case.disputed_at == NOON - days(2)
    assert ClaimStory().proves_the_contact().case.disputed_at == NOON


def test_a_freeze_lapses_after_three_days_once() -> None:
    story = ClaimStory(Reason.COMPROMISED, objection="received-1").opens().is_frozen()
    story.later(hours(72))
    assert (story.kinds[-1], story.case.freeze) == ("freeze_lapsed", Freeze.ENDING)
    assert story.happens(events.FreezeEnded(story.now))
    assert story.case.freeze is Freeze.OVER
    assert not story.happens(events.FreezeLapsed(story.now))
    assert not story.happens(events.FreezeEnded(story.now))


def test_a_freeze_that_was_withheld_is_over() -> None:
    story = ClaimStory(Reason.COMPROMISED, objection="received-1").opens()
    assert story.happens(events.FreezeWithheld(story.now))
    assert story.case.freeze is Freeze.WITHHELD
    assert not story.happens(events.AccountFrozen(story.now, 1))


def test_a_claim_without_a_proved_contact_ends_after_two_weeks_for_good() -> None:
    story = ClaimStory().opens()
    story.later(days(14))
    assert (story.state, story.case.can_reopen, story.case.is_over) == (State.EXPIRED, False, True)


def test_a_sight_is_kept_with_the_proof() -> None:
    story = ClaimStory(Reason.COMPROMISED).proves_the_contact(ACCOUNT)
    assert story.case.sight == ContactSight((ACCOUNT,), None)
