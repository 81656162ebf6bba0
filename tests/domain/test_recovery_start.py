"""A case begins: what was typed decides where the first code goes."""

import pytest

from domain.case import Channel, Party
from domain.errors import NotAllowedNow
from domain.recovery import (
    IDENTIFIER,
    AskedBy,
    AskHelp,
    CaseOpened,
    ChooseAccount,
    CodeIssued,
    Destination,
    GiveContact,
    ResendCode,
    SetPassword,
    State,
    SubmitCode,
    SubmitSecondProof,
    Withdraw,
    apply,
    waiting_on,
)
from tests.people import ADA, BY_SMS, NOON
from tests.story import code, opened, with_a_code


@pytest.mark.parametrize(("asked_by", "channel"), [(AskedBy.EMAIL, Channel.EMAIL), (AskedBy.PHONE, Channel.SMS)])
def test_code_goes_to_the_contact_that_was_typed(asked_by: AskedBy, channel: Channel) -> None:
    story = opened(asked_by=asked_by)
    assert story.state is State.OPENING
    assert story.case.wanted == Destination(channel, IDENTIFIER)
    assert waiting_on(story.case) is Party.MACHINE
    story.sends_a_code()
    assert story.state is State.AWAITING_CODE
    assert story.case.wanted is None
    assert story.issue.to == Destination(channel, IDENTIFIER)


def test_username_alone_sends_nothing() -> None:
    story = opened(asked_by=AskedBy.USERNAME)
    assert story.state is State.AWAITING_CONTACT
    assert story.case.wanted is None
    assert not story.happens(CodeIssued(story.now, 1, (), "k1/k1"))


def test_contact_typed_after_a_username_gets_the_code() -> None:
    story = opened(asked_by=AskedBy.USERNAME)
    story.does(GiveContact(ADA.browser, BY_SMS))
    assert story.state is State.AWAITING_CONTACT
    story.sends_a_code()
    assert story.state is State.AWAITING_CODE
    assert story.issue.to == BY_SMS


def test_second_contact_is_refused_while_the_first_code_is_being_made() -> None:
    story = opened(asked_by=AskedBy.USERNAME)
    story.does(GiveContact(ADA.browser, BY_SMS))
    with pytest.raises(NotAllowedNow):
        story.does(GiveContact(ADA.browser, BY_SMS))


def test_case_opens_once() -> None:
    story = opened()
    assert not story.happens(CaseOpened(NOON))
    assert story.case.number == 1


def test_code_with_a_number_out_of_turn_is_ignored() -> None:
    story = opened()
    assert not story.happens(CodeIssued(NOON, 2, (ADA.account,), "k1/k1", code(2)))
    story.sends_a_code()
    assert not story.happens(CodeIssued(NOON, 1, (ADA.account,), "k1/k1", code(1)))


def test_case_knows_its_account_only_when_there_is_one() -> None:
    assert opened().case.account == ""
    assert with_a_code().case.account == ADA.account
    assert with_a_code(accounts=("acc_1", "acc_2")).case.account == ""


@pytest.mark.parametrize(
    "command",
    [
        SubmitCode(ADA.browser, 1, code(1)),
        ResendCode(ADA.browser),
        ChooseAccount(ADA.browser, ADA.account),
        SubmitSecondProof(ADA.browser, "vault-1"),
        SetPassword(ADA.browser, "vault-1"),
        AskHelp(ADA.browser),
    ],
    ids=lambda command: command.kind,
)
@pytest.mark.parametrize("asked_by", [AskedBy.EMAIL, AskedBy.USERNAME])
def test_nothing_but_leaving_makes_sense_before_a_code(asked_by: AskedBy, command: object) -> None:
    story = opened(asked_by=asked_by)
    with pytest.raises(NotAllowedNow):
        story.does(command)  # type: ignore[arg-type]
    story.does(Withdraw(ADA.browser))
    assert story.state is State.WITHDRAWN


def test_version_is_the_number_of_the_event_that_brought_the_state() -> None:
    story = opened()
    assert (story.case.number, story.case.version) == (1, 1)
    story.sends_a_code()
    assert (story.case.number, story.case.version) == (2, 2)


def test_noted_event_moves_no_deadline() -> None:
    story = with_a_code()
    since, version = story.case.since, story.case.version
    story.until(story.case.resend_at)
    assert story.case.number == version + 1
    assert (story.case.since, story.case.version) == (since, version)


def test_apply_returns_the_very_same_case_for_what_means_nothing() -> None:
    story = with_a_code()
    assert apply(story.case, CaseOpened(NOON)) is story.case
