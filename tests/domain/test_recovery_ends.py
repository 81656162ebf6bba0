"""How a case ends from outside, and that an end is an end."""

from collections.abc import Callable

import pytest

from domain.decisions import Doubt, Outcome
from domain.errors import CaseError, LinkIsOver, NotAllowedNow
from domain.recovery import (
    ENDS,
    AskedBy,
    AskHelp,
    CaseExpired,
    ChooseAccount,
    CodeExpired,
    CodeIssued,
    CodeRefused,
    Command,
    DecisionRecorded,
    DecisionRefused,
    Event,
    GiveContact,
    OwnerObjected,
    PasswordApplied,
    ResendCode,
    SetPassword,
    Standing,
    State,
    SubmitCode,
    SubmitSecondProof,
    Superseded,
    UseLink,
    Withdraw,
    Withdrawn,
    deadlines,
    waiting_on,
)
from tests.people import ADA, BY_EMAIL, NOON, OLU, SAM, hours, seconds
from tests.story import (
    Story,
    code,
    link,
    opened,
    with_a_code,
    with_a_password,
    with_a_proof,
    with_no_codes_left,
    with_the_code_used_up,
)


def awaiting_contact() -> Story:
    return opened(asked_by=AskedBy.USERNAME)


def awaiting_account() -> Story:
    story = with_a_code(accounts=(ADA.account, OLU.account))
    story.does(SubmitCode(ADA.browser, 1, code(1)))
    return story


def awaiting_second_proof() -> Story:
    return with_a_proof(Standing.SECOND_FACTOR)


OPEN: dict[State, Callable[[], Story]] = {
    State.OPENING: opened,
    State.AWAITING_CONTACT: awaiting_contact,
    State.AWAITING_CODE: with_a_code,
    State.AWAITING_RESEND: with_the_code_used_up,
    State.AWAITING_HELP: with_no_codes_left,
    State.AWAITING_ACCOUNT: awaiting_account,
    State.AWAITING_SECOND_PROOF: awaiting_second_proof,
    State.AWAITING_NEW_PASSWORD: with_a_proof,
    State.APPLYING_PASSWORD: with_a_password,
}
WAITING = set(OPEN) - {State.APPLYING_PASSWORD}


def recovered() -> Story:
    story = with_a_password()
    story.happens(PasswordApplied(story.now, 1))
    return story


def expired() -> Story:
    return with_no_codes_left().until(NOON + hours(24))


def withdrawn() -> Story:
    story = with_a_code()
    story.does(Withdraw(ADA.browser))
    return story


def stopped() -> Story:
    story = with_no_codes_left()
    story.hears(SAM.decides(Outcome.STOP, version=story.case.version))
    return story


def referred() -> Story:
    return with_a_proof(Standing.BANNED)


CLOSED: dict[State, Callable[[], Story]] = {
    State.RECOVERED: recovered,
    State.EXPIRED: expired,
    State.WITHDRAWN: withdrawn,
    State.STOPPED: stopped,
    State.REFERRED: referred,
}


@pytest.mark.parametrize("state", State)
def test_example_of_every_state_is_in_that_state(state: State) -> None:
    story = {**OPEN, **CLOSED}[state]()
    assert story.state is state
    assert story.case.is_closed is (state in ENDS)


# ---- from any open state


def objected(at: Story) -> OwnerObjected:
    return OwnerObjected(at.now, "received-1", at.now - seconds(1))


@pytest.mark.parametrize("state", OPEN)
def test_owner_objection_stops_the_case(state: State) -> None:
    story = OPEN[state]()
    assert story.happens(objected(story))
    assert (story.state, story.case.because, story.case.secret) == (State.STOPPED, "objection", "")


@pytest.mark.parametrize("state", OPEN)
def test_success_of_another_case_stops_this_one(state: State) -> None:
    story = OPEN[state]()
    assert story.happens(Superseded(story.now))
    assert (story.state, story.case.because, story.case.secret) == (State.STOPPED, "superseded", "")


@pytest.mark.parametrize("state", sorted(WAITING))
def test_claimant_may_withdraw(state: State) -> None:
    story = OPEN[state]()
    story.does(Withdraw(ADA.browser))
    assert story.state is State.WITHDRAWN


@pytest.mark.parametrize("state", sorted(WAITING))
def test_case_ends_by_itself_after_a_day(state: State) -> None:
    story = OPEN[state]().until(NOON + hours(24))
    assert story.state is State.EXPIRED
    assert story.events[-1] == CaseExpired(NOON + hours(24))


@pytest.mark.parametrize("state", sorted(set(OPEN) - {State.AWAITING_HELP}))
def test_desk_allows_a_code_only_where_all_are_used_up(state: State) -> None:
    story = OPEN[state]()
    event = story.hears(SAM.decides(Outcome.ALLOW, version=story.case.version))
    assert isinstance(event, DecisionRefused)
    assert event.doubt is Doubt.NOT_NOW
    assert story.state is state


@pytest.mark.parametrize("state", sorted(set(OPEN) - {State.APPLYING_PASSWORD}))
def test_desk_stops_any_case_whose_effect_has_not_begun(state: State) -> None:
    story = OPEN[state]()
    event = story.hears(SAM.decides(Outcome.STOP, version=story.case.version))
    assert isinstance(event, DecisionRecorded)
    assert story.state is State.STOPPED


def test_desk_is_too_late_for_a_password_that_is_being_applied() -> None:
    story = OPEN[State.APPLYING_PASSWORD]()
    event = story.hears(SAM.decides(Outcome.STOP, version=story.case.version))
    assert isinstance(event, DecisionRefused)
    assert event.doubt is Doubt.NOT_NOW


def test_case_lives_a_second_less_than_a_day() -> None:
    story = with_no_codes_left().until(NOON + hours(24) - seconds(1))
    assert story.state is State.AWAITING_HELP


# ---- an end is an end

COMMANDS: list[Command] = [
    GiveContact(ADA.browser, BY_EMAIL),
    SubmitCode(ADA.browser, 1, code(1)),
    ResendCode(ADA.browser),
    ChooseAccount(ADA.browser, ADA.account),
    SubmitSecondProof(ADA.browser, "vault-1"),
    SetPassword(ADA.browser, "vault-1"),
    AskHelp(ADA.browser),
    Withdraw(ADA.browser),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.kind)
@pytest.mark.parametrize("state", CLOSED)
def test_closed_case_refuses_every_command(state: State, command: Command) -> None:
    with pytest.raises(NotAllowedNow):
        CLOSED[state]().does(command)


@pytest.mark.parametrize("state", CLOSED)
def test_link_of_a_closed_case_is_over(state: State) -> None:
    story = CLOSED[state]()
    with pytest.raises(LinkIsOver):
        story.does(UseLink(ADA.browser, link(story.issue.number)))


@pytest.mark.parametrize("state", CLOSED)
def test_closed_case_ignores_every_event(state: State) -> None:
    story = CLOSED[state]()
    late: list[Event] = [
        CodeIssued(story.now, story.case.issues + 1, (), "k1/k1", code(9)),
        CodeRefused(story.now, story.issue.number),
        CodeExpired(story.now, story.issue.number),
        PasswordApplied(story.now, 1),
        objected(story),
        Superseded(story.now),
        Withdrawn(story.now),
        CaseExpired(story.now),
    ]
    before = story.case
    for event in late:
        story.happens(event)
    assert story.case is before


@pytest.mark.parametrize("state", CLOSED)
def test_closed_case_waits_for_nobody_and_nothing(state: State) -> None:
    story = CLOSED[state]()
    assert waiting_on(story.case) is None
    assert deadlines(story.case) == ()


@pytest.mark.parametrize("state", OPEN)
def test_open_case_waits_for_somebody(state: State) -> None:
    assert waiting_on(OPEN[state]().case) is not None


@pytest.mark.parametrize("state", OPEN)
def test_reservations_are_settled_whatever_ends_the_case(state: State) -> None:
    story = OPEN[state]()
    story.happens(Superseded(story.now))
    assert [issue for issue, _ in story.settled] == list(range(1, story.case.issues + 1))


@pytest.mark.parametrize("state", State)
def test_command_that_is_refused_changes_nothing(state: State) -> None:
    story = {**OPEN, **CLOSED}[state]()
    before, number = story.case, story.case.number
    for command in (*COMMANDS, UseLink(ADA.browser, "never-sent")):
        try:
            story.does(command)
        except CaseError:
            assert story.case is before
        else:
            assert story.case.number == number + 1
            story.case = before
