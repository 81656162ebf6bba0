"""One browser holds a case. The mailed link moves it to whoever can read the mail."""

import pytest

from domain.errors import NotYours
from domain.recovery import (
    AskedBy,
    AskHelp,
    ChooseAccount,
    Command,
    GiveContact,
    ResendCode,
    SetPassword,
    State,
    SubmitCode,
    SubmitSecondProof,
    Withdraw,
)
from tests.people import ADA, BY_EMAIL, EVE, minutes
from tests.story import WRONG, code, opened, opens_the_link, with_a_code, with_a_password, with_a_proof

BY_EVE: list[Command] = [
    GiveContact(EVE.browser, BY_EMAIL),
    SubmitCode(EVE.browser, 1, code(1)),
    SubmitCode(EVE.browser, 1, WRONG),
    ResendCode(EVE.browser),
    ChooseAccount(EVE.browser, ADA.account),
    SubmitSecondProof(EVE.browser, "vault-1"),
    SetPassword(EVE.browser, "vault-1"),
    AskHelp(EVE.browser),
    Withdraw(EVE.browser),
]


@pytest.mark.parametrize("command", BY_EVE, ids=lambda command: command.kind)
def test_eve_may_do_nothing_in_adas_case(command: Command) -> None:
    for story in (opened(asked_by=AskedBy.USERNAME), with_a_code(), with_a_proof(), with_a_password()):
        number = story.case.number
        with pytest.raises(NotYours):
            story.does(command)
        assert story.case.number == number


def test_eve_hears_that_it_is_not_hers_even_when_it_is_over() -> None:
    story = with_a_code()
    story.does(Withdraw(ADA.browser))
    with pytest.raises(NotYours):
        story.does(Withdraw(EVE.browser))


def test_link_moves_the_case_to_the_browser_that_posts_it() -> None:
    story = opened(started_by=EVE).sends_a_code()  # Eve typed Ada's address
    opens_the_link(story, ADA)
    assert story.case.holder == ADA.browser
    with pytest.raises(NotYours):
        story.does(SetPassword(EVE.browser, "vault-1"))
    story.does(SetPassword(ADA.browser, "vault-1"))
    assert story.state is State.APPLYING_PASSWORD


def test_code_does_not_move_the_case() -> None:
    story = with_a_code()
    with pytest.raises(NotYours):
        story.does(SubmitCode(EVE.browser, 1, code(1)))
    assert story.case.holder == ADA.browser


def test_case_stays_with_whoever_used_the_link_after_the_proof_lapsed() -> None:
    story = with_a_code()
    opens_the_link(story, EVE)  # Eve reads the mail, so for this case she is its claimant
    story.later(minutes(15))
    assert story.state is State.AWAITING_RESEND
    with pytest.raises(NotYours):
        story.does(ResendCode(ADA.browser))
    story.does(ResendCode(EVE.browser))
