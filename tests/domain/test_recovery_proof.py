"""After a contact was proved: which account, a second proof, and what is said only now."""

import pytest

from domain.errors import NotAllowedNow
from domain.recovery import (
    AccountChosen,
    ChooseAccount,
    CodeAccepted,
    CodeIssued,
    ProofLapsed,
    ResendCode,
    SecondProofAccepted,
    SecondProofRefused,
    SetPassword,
    Standing,
    State,
    SubmitCode,
    SubmitSecondProof,
)
from tests.people import ADA, NOON, OLU, hours, minutes, seconds
from tests.story import Story, code, link, opens_the_link, with_a_code, with_a_proof, with_no_codes_left

AGAIN = ResendCode(ADA.browser)
AFTER_A_LOOK = [
    (Standing.ACTIVE, State.AWAITING_NEW_PASSWORD),
    (Standing.SECOND_FACTOR, State.AWAITING_SECOND_PROOF),
    (Standing.BANNED, State.REFERRED),
    (Standing.FROZEN, State.REFERRED),
    (Standing.BEING_DELETED, State.REFERRED),
    (Standing.GONE, State.REFERRED),
]


def with_two_accounts() -> Story:
    """Ada and Olu share a contact, and it was proved."""
    story = with_a_code(accounts=(ADA.account, OLU.account))
    story.does(SubmitCode(ADA.browser, 1, code(1)))
    return story


def test_table_names_every_standing() -> None:
    assert {standing for standing, _ in AFTER_A_LOOK} == set(Standing)


@pytest.mark.parametrize(("standing", "state"), AFTER_A_LOOK)
def test_standing_decides_what_comes_after_the_proof(standing: Standing, state: State) -> None:
    story = with_a_proof(standing)
    assert story.state is state
    assert story.case.sight == ADA.seen(standing)
    assert story.case.because == (standing.value if state is State.REFERRED else "")


@pytest.mark.parametrize(("standing", "state"), AFTER_A_LOOK)
def test_standing_of_the_chosen_account_decides_too(standing: Standing, state: State) -> None:
    story = with_two_accounts()
    story.does(ChooseAccount(ADA.browser, OLU.account), OLU.seen(standing))
    assert story.state is state
    assert story.case.account == OLU.account


def test_ban_is_told_with_its_end() -> None:
    story = with_a_code()
    story.does(SubmitCode(ADA.browser, 1, code(1)), ADA.seen(Standing.BANNED, NOON + hours(48)))
    assert story.case.sight is not None
    assert story.case.sight.until == NOON + hours(48)


# ---- several accounts on one contact


def test_several_accounts_are_offered_after_the_proof_only() -> None:
    story = with_two_accounts()
    assert story.state is State.AWAITING_ACCOUNT
    assert story.case.accounts == (ADA.account, OLU.account)
    assert story.case.account == ""


def test_account_of_somebody_else_is_no_choice() -> None:
    story = with_two_accounts()
    with pytest.raises(NotAllowedNow):
        story.does(ChooseAccount(ADA.browser, "acc_eve"))
    assert story.state is State.AWAITING_ACCOUNT


def test_account_is_chosen_once() -> None:
    story = with_two_accounts()
    story.does(ChooseAccount(ADA.browser, ADA.account), ADA.seen())
    with pytest.raises(NotAllowedNow):
        story.does(ChooseAccount(ADA.browser, OLU.account))
    assert not story.happens(AccountChosen(story.now, OLU.seen()))


def test_password_waits_for_the_choice() -> None:
    with pytest.raises(NotAllowedNow):
        with_two_accounts().does(SetPassword(ADA.browser, "vault-1"))


# ---- the second proof


def test_second_proof_opens_the_way_to_the_password() -> None:
    story = with_a_proof(Standing.SECOND_FACTOR)
    story.proves(right=True)
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_password_waits_for_the_second_proof() -> None:
    with pytest.raises(NotAllowedNow):
        with_a_proof(Standing.SECOND_FACTOR).does(SetPassword(ADA.browser, "vault-1"))


def test_second_proof_may_be_wrong_twice() -> None:
    story = with_a_proof(Standing.SECOND_FACTOR)
    story.proves(right=False)
    story.proves(right=False)
    assert story.state is State.AWAITING_SECOND_PROOF
    story.proves(right=True)
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_third_wrong_second_proof_refers_the_case() -> None:
    story = with_a_proof(Standing.SECOND_FACTOR)
    for _ in range(3):
        story.proves(right=False)
    assert story.state is State.REFERRED
    assert story.case.because == "second_proof"


def test_wrong_second_proofs_are_counted_over_the_whole_case() -> None:
    story = with_a_proof(Standing.SECOND_FACTOR)
    story.proves(right=False)
    story.proves(right=False)
    story.until(story.case.proof_until)
    assert story.state is State.AWAITING_RESEND
    story.does(AGAIN)
    story.sends_a_code().does(SubmitCode(ADA.browser, 2, code(2)), ADA.seen(Standing.SECOND_FACTOR))
    story.proves(right=False)
    assert story.state is State.REFERRED


def test_wrong_second_proof_buys_no_time() -> None:
    story = with_a_proof(Standing.SECOND_FACTOR)
    before = story.case.proof_until
    story.later(minutes(5)).proves(right=False)
    assert story.case.proof_until == before


def test_second_proof_means_nothing_elsewhere() -> None:
    story = with_a_proof()
    with pytest.raises(NotAllowedNow):
        story.does(SubmitSecondProof(ADA.browser, "vault-2"))
    assert not story.happens(SecondProofAccepted(story.now))
    assert not story.happens(SecondProofRefused(story.now))


# ---- a proof is fresh for fifteen minutes


@pytest.mark.parametrize("standing", [Standing.ACTIVE, Standing.SECOND_FACTOR])
def test_proof_lapses_after_fifteen_minutes(standing: Standing) -> None:
    story = with_a_proof(standing).later(minutes(15) - seconds(1))
    assert story.kinds()[-1] == "code_accepted"
    story.later(seconds(1))
    assert ProofLapsed(NOON + minutes(15)) in story.events
    assert story.state is State.AWAITING_RESEND
    assert story.case.sight is None


def test_cooldown_that_ended_meanwhile_is_told_when_the_proof_lapses() -> None:
    story = with_a_proof().later(minutes(15))
    assert story.kinds()[-2:] == ["proof_lapsed", "cooldown_ended"]
    assert story.case.resend_open


def test_choice_of_an_account_lapses_too() -> None:
    story = with_two_accounts().later(minutes(15))
    assert story.state is State.AWAITING_RESEND


def test_each_step_has_its_own_fifteen_minutes() -> None:
    story = with_two_accounts().later(minutes(14))
    story.does(ChooseAccount(ADA.browser, ADA.account), ADA.seen(Standing.SECOND_FACTOR))
    story.later(minutes(14)).proves(right=True)
    story.later(minutes(14))
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_password_after_the_proof_lapsed_is_refused() -> None:
    story = with_a_proof()
    story.now += minutes(15)
    with pytest.raises(NotAllowedNow):
        story.does(SetPassword(ADA.browser, "vault-1"))


def test_lapsed_proof_asks_for_another_code() -> None:
    story = with_a_proof().later(minutes(15))
    story.does(AGAIN)
    story.sends_a_code().does(SubmitCode(ADA.browser, 2, code(2)), ADA.seen())
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_lapsed_proof_of_the_last_code_leaves_only_the_desk() -> None:
    story = with_no_codes_left()
    opens_the_link(story)
    story.later(minutes(15))
    assert story.state is State.AWAITING_HELP


# ---- a code that is being made while the contact is proved


def asking_for_another() -> Story:
    """Another code was asked for, and is not made yet; the old one is still good."""
    story = with_a_code().later(seconds(60))
    story.does(AGAIN)
    return story


def test_proof_ends_the_wish_for_another_code() -> None:
    story = asking_for_another()
    story.does(SubmitCode(ADA.browser, 1, code(1)), ADA.seen())
    assert story.state is State.AWAITING_NEW_PASSWORD
    assert story.case.wanted is None


def test_code_that_comes_after_the_proof_takes_nothing_back() -> None:
    story = asking_for_another()
    opens_the_link(story)
    story.happens(CodeIssued(story.now, 2, story.accounts, "k1/k1", code(2), link(2)))
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_code_that_comes_while_a_password_is_applied_takes_nothing_back() -> None:
    story = asking_for_another()
    opens_the_link(story)
    story.does(SetPassword(ADA.browser, "vault-1"))
    story.happens(CodeIssued(story.now, 2, story.accounts, "k1/k1", code(2), link(2)))
    assert story.state is State.APPLYING_PASSWORD


def test_second_acceptance_of_one_code_means_nothing() -> None:
    story = with_a_proof()
    assert not story.happens(CodeAccepted(story.now, 1, "code", ADA.browser, ADA.seen()))
