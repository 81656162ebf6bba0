"""The new password: while it is applied the clock waits, and only three things may come of it."""

import pytest

from domain.case import Party
from domain.errors import NotAllowedNow, NotYours
from domain.recovery import (
    AccountBarred,
    CaseExpired,
    Command,
    PasswordApplied,
    PasswordLost,
    ResendCode,
    SetPassword,
    Standing,
    State,
    SubmitCode,
    Withdraw,
    Withdrawn,
    deadlines,
    due,
    waiting_on,
)
from tests.people import ADA, EVE, NOON, hours, minutes
from tests.story import code, with_a_code, with_a_password, with_a_proof


def test_password_goes_to_the_machine() -> None:
    story = with_a_password()
    assert story.state is State.APPLYING_PASSWORD
    assert story.case.secret == "vault-1"
    assert waiting_on(story.case) is Party.MACHINE


def test_applied_password_ends_the_case_well() -> None:
    story = with_a_password()
    story.happens(PasswordApplied(story.now, sessions=3))
    assert story.state is State.RECOVERED
    assert story.case.secret == ""
    assert story.case.account == ADA.account


def test_lost_password_is_asked_for_again_with_a_fresh_window() -> None:
    story = with_a_password().later(minutes(40))
    story.happens(PasswordLost(story.now))
    assert story.state is State.AWAITING_NEW_PASSWORD
    assert story.case.secret == ""
    assert story.case.proof_until == story.now + minutes(15)
    story.does(SetPassword(ADA.browser, "vault-2"))
    assert story.case.secret == "vault-2"


@pytest.mark.parametrize("standing", [Standing.BANNED, Standing.FROZEN, Standing.BEING_DELETED, Standing.GONE])
def test_account_barred_meanwhile_refers_the_case(standing: Standing) -> None:
    story = with_a_password()
    story.happens(AccountBarred(story.now, ADA.seen(standing)))
    assert story.state is State.REFERRED
    assert story.case.because == standing.value
    assert story.case.secret == ""


def test_clock_waits_while_a_password_is_applied() -> None:
    story = with_a_password()
    assert deadlines(story.case) == ()
    assert due(story.case, NOON + hours(100)) is None
    assert not story.happens(CaseExpired(NOON + hours(24)))
    assert story.later(hours(25)).state is State.APPLYING_PASSWORD
    story.happens(PasswordApplied(story.now, sessions=0))
    assert story.state is State.RECOVERED


def test_password_lost_after_the_last_hour_ends_the_case() -> None:
    story = with_a_password().later(hours(25))
    story.happens(PasswordLost(story.now))
    story.catches_up()
    assert story.state is State.EXPIRED
    assert story.events[-1] == CaseExpired(NOON + hours(24))


@pytest.mark.parametrize(
    "command",
    [
        Withdraw(ADA.browser),
        SetPassword(ADA.browser, "vault-2"),
        ResendCode(ADA.browser),
        SubmitCode(ADA.browser, 1, code(1)),
    ],
    ids=lambda command: command.kind,
)
def test_nobody_interferes_while_a_password_is_applied(command: Command) -> None:
    story = with_a_password()
    with pytest.raises(NotAllowedNow):
        story.does(command)


def test_withdrawing_means_nothing_while_a_password_is_applied() -> None:
    story = with_a_password()
    assert not story.happens(Withdrawn(story.now))


def test_eve_sets_no_password() -> None:
    with pytest.raises(NotYours):
        with_a_proof().does(SetPassword(EVE.browser, "vault-1"))


def test_password_without_a_proof_is_refused() -> None:
    with pytest.raises(NotAllowedNow):
        with_a_code().does(SetPassword(ADA.browser, "vault-1"))


def test_results_without_a_password_mean_nothing() -> None:
    story = with_a_proof()
    assert not story.happens(PasswordApplied(story.now, 0))
    assert not story.happens(PasswordLost(story.now))
    assert not story.happens(AccountBarred(story.now, ADA.seen(Standing.BANNED)))
