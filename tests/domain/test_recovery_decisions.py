"""The codes are used up: the claimant may ask the desk, and an agent allows one more code or stops the case."""

from dataclasses import replace

import pytest

from domain.case import Party
from domain.decisions import Doubt, Outcome, Reason, Verdict, reasons
from domain.errors import NotAllowedNow
from domain.recovery import (
    AskHelp,
    DecisionRecorded,
    DecisionRefused,
    ResendCode,
    State,
    SubmitCode,
    judge,
    waiting_on,
)
from tests.people import ADA, BY_EMAIL, KIM, NOON, SAM, hours, minutes
from tests.story import (
    Story,
    code,
    opens_the_link,
    tries_it_wrong,
    with_a_code,
    with_no_codes_left,
)


def helped() -> Story:
    """Sam allowed one more code, and it is out."""
    story = with_no_codes_left()
    story.hears(SAM.decides(version=story.case.version))
    return story.sends_a_code()


# ---- asking


def test_desk_is_asked_once() -> None:
    story = with_no_codes_left()
    assert waiting_on(story.case) is Party.CLAIMANT
    story.does(AskHelp(ADA.browser))
    assert waiting_on(story.case) is Party.AGENT
    assert story.case.help_asked_at == story.now
    with pytest.raises(NotAllowedNow):
        story.does(AskHelp(ADA.browser))


def test_desk_is_not_asked_while_codes_are_left() -> None:
    with pytest.raises(NotAllowedNow):
        with_a_code().does(AskHelp(ADA.browser))


def test_asking_leaves_the_version_that_agents_see() -> None:
    story = with_no_codes_left()
    version = story.case.version
    story.does(AskHelp(ADA.browser))
    assert story.case.version == version


def test_link_used_meanwhile_is_the_claimants_turn_again() -> None:
    story = with_no_codes_left()
    story.does(AskHelp(ADA.browser))
    opens_the_link(story)
    assert story.state is State.AWAITING_NEW_PASSWORD
    assert waiting_on(story.case) is Party.CLAIMANT


def test_code_that_was_allowed_is_the_claimants_turn_again() -> None:
    story = with_no_codes_left()
    story.does(AskHelp(ADA.browser))
    story.hears(SAM.decides(version=story.case.version))
    story.sends_a_code()
    assert waiting_on(story.case) is Party.CLAIMANT


def test_desk_can_be_asked_again_after_the_allowed_code() -> None:
    story = helped()
    tries_it_wrong(story, 5)
    story.does(AskHelp(ADA.browser))
    assert waiting_on(story.case) is Party.AGENT


# ---- allowing


def test_allowed_code_is_sent_at_once_to_where_the_last_one_went() -> None:
    story = with_no_codes_left()
    event = story.hears(SAM.decides(version=story.case.version))
    assert isinstance(event, DecisionRecorded)
    assert (event.agent, event.outcome) == ("sam", Outcome.ALLOW)
    assert story.case.wanted == BY_EMAIL
    story.sends_a_code()
    assert story.state is State.AWAITING_CODE
    assert story.issue.granted
    assert story.case.codes_left == 0


def test_desk_may_decide_before_it_is_asked() -> None:
    story = with_no_codes_left()
    assert story.case.help_asked_at is None
    story.hears(SAM.decides(version=story.case.version))
    assert story.case.wanted


def test_allowed_code_works_like_any_other() -> None:
    story = helped()
    story.does(SubmitCode(ADA.browser, 6, code(6)), ADA.seen())
    assert story.state is State.AWAITING_NEW_PASSWORD


def test_allowed_code_used_up_comes_back_to_the_desk() -> None:
    story = helped()
    tries_it_wrong(story, 5)
    assert story.state is State.AWAITING_HELP
    story.hears(KIM.decides(version=story.case.version, name="decision-2"))
    assert story.sends_a_code().issue.number == 7


def test_allowed_code_that_ran_out_untouched_may_be_asked_for_once_more() -> None:
    story = helped()
    story.until(story.case.code_until)
    assert story.state is State.AWAITING_RESEND
    story.until(max(story.now, story.case.resend_at or story.now)).does(ResendCode(ADA.browser))
    story.sends_a_code()
    story.until(story.case.code_until)
    assert story.state is State.AWAITING_HELP


def test_allowed_code_that_was_tried_and_ran_out_is_spent() -> None:
    story = helped()
    tries_it_wrong(story, 1)
    story.until(story.case.code_until)
    assert story.state is State.AWAITING_HELP


# ---- stopping


def test_stop_ends_the_case() -> None:
    story = with_no_codes_left()
    story.hears(SAM.decides(Outcome.STOP, version=story.case.version, reason="suspicious"))
    assert story.state is State.STOPPED
    assert story.case.because == "agent"


# ---- refused, and recorded as refused


def refused(story: Story) -> DecisionRefused:
    event = story.events[-1]
    assert isinstance(event, DecisionRefused)
    return event


@pytest.mark.parametrize("doubt", [Doubt.UNPROVEN, Doubt.ROLE, Doubt.OWN_ACCOUNT])
@pytest.mark.parametrize("outcome", Outcome)
def test_doubt_of_the_check_is_recorded_and_nothing_else_happens(doubt: Doubt, outcome: Outcome) -> None:
    story = with_no_codes_left()
    story.hears(SAM.decides(outcome, version=story.case.version), doubt)
    assert (refused(story).doubt, refused(story).agent) == (doubt, "sam")
    assert story.state is State.AWAITING_HELP
    assert story.case.wanted is None


def test_decision_about_an_older_state_is_stale() -> None:
    story = with_no_codes_left()
    seen = story.case.version
    story.hears(SAM.decides(version=seen))
    story.sends_a_code()
    tries_it_wrong(story, 5)
    story.hears(KIM.decides(version=seen, name="decision-2"))
    assert refused(story).doubt is Doubt.STALE
    assert story.state is State.AWAITING_HELP


def test_decision_from_the_future_is_stale() -> None:
    story = with_no_codes_left()
    story.hears(SAM.decides(version=story.case.version + 1))
    assert refused(story).doubt is Doubt.STALE


def test_unknown_outcome_is_refused() -> None:
    story = with_no_codes_left()
    story.hears(SAM.decides("approve", version=story.case.version))
    assert refused(story).doubt is Doubt.UNKNOWN_OUTCOME


def test_reason_that_nobody_could_read_is_refused() -> None:
    story = with_no_codes_left()
    event = story.hears(SAM.decides(version=story.case.version, reason="because"))
    assert isinstance(event, DecisionRefused)
    assert story.case.wanted is None


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in reasons("recovery", Outcome.ALLOW)])
def test_reasons_of_claims_are_none_of_a_recovery(reason: Reason) -> None:
    story = with_no_codes_left()
    assert isinstance(story.hears(SAM.decides(version=story.case.version, reason=reason)), DecisionRefused)


@pytest.mark.parametrize("reason", reasons("recovery", Outcome.ALLOW))
def test_every_reason_code_is_taken(reason: Reason) -> None:
    story = with_no_codes_left()
    event = story.hears(SAM.decides(version=story.case.version, reason=reason))
    assert isinstance(event, DecisionRecorded)
    assert event.reason == reason


def test_closed_case_hears_no_decision() -> None:
    story = with_no_codes_left()
    story.hears(SAM.decides(Outcome.STOP, version=story.case.version))
    number = story.case.number
    event = story.hears(KIM.decides(version=story.case.version, name="decision-2"))
    assert isinstance(event, DecisionRefused)
    assert event.doubt is Doubt.NOT_NOW
    assert story.case.number == number


def test_refused_decision_moves_no_deadline() -> None:
    story = with_a_code()
    before = story.next_deadline
    story.later(minutes(0.5)).hears(SAM.decides(version=1), Doubt.UNPROVEN)
    assert story.next_deadline == before


# ---- the same signal again, and two agents at once


def test_decision_sent_again_counts_once_before_the_code_is_made() -> None:
    story = with_no_codes_left()
    decision = SAM.decides(version=story.case.version)
    story.hears(decision)
    story.hears(decision)
    assert story.case.allowed == 1
    assert story.kinds().count("decision_recorded") == 1


def test_decision_sent_again_counts_once_after_the_code_was_made() -> None:
    story = with_no_codes_left()
    decision = SAM.decides(version=story.case.version)
    story.hears(decision)
    story.sends_a_code()
    number = story.case.number
    story.hears(decision)
    assert story.case.number == number


def test_refused_decision_sent_again_is_recorded_once() -> None:
    story = with_no_codes_left()
    for _ in range(3):
        story.hears(SAM.decides(version=0))
    assert story.kinds().count("decision_refused") == 1


def test_forged_signal_does_not_use_up_the_id_of_a_real_one() -> None:
    story = with_no_codes_left()
    decision = SAM.decides(version=story.case.version)
    story.hears(replace(decision, proof="test:forged"), Doubt.UNPROVEN)
    story.hears(decision)
    assert story.case.allowed == 1
    assert story.case.wanted


@pytest.mark.parametrize("name", ["nul\x00", "line\nbreak", "x" * 10_000, "é"])
def test_names_in_a_forged_signal_are_not_kept_as_they_come(name: str) -> None:
    story = with_no_codes_left()
    forged = replace(SAM.decides(version=story.case.version), id=name, agent=name)
    story.hears(forged, Doubt.UNPROVEN)
    event = refused(story)
    assert name not in {event.id, event.agent}
    assert len(event.id + event.agent) < 100


def test_two_agents_at_once_allow_one_code() -> None:
    story = with_no_codes_left()
    seen = story.case.version
    story.hears(SAM.decides(version=seen))
    story.hears(KIM.decides(version=seen, name="decision-2"))
    assert isinstance(story.events[-1], DecisionRefused)
    assert story.case.allowed == 1


def test_ids_of_decisions_are_kept_in_bounds() -> None:
    story = with_no_codes_left()
    for number in range(50):
        story.hears(SAM.decides(version=0, name=f"decision-{number}"))
    assert len(story.case.decided) == 20
    assert story.case.decided[-1] == "decision-49"


# ---- judged by when it was received


def test_decision_received_in_time_counts_when_it_is_handled_late() -> None:
    story = with_no_codes_left()
    received = story.now
    story.later(hours(3))
    event = story.hears(SAM.decides(version=story.case.version), received=received)
    assert isinstance(event, DecisionRecorded)
    assert event.received_at == received
    assert story.case.wanted


def test_stop_received_in_the_last_hour_counts_when_it_is_handled_after_it() -> None:
    story = with_no_codes_left()
    decision = SAM.decides(Outcome.STOP, version=story.case.version)
    story.now = NOON + hours(25)  # every worker was down
    story.hears(decision, received=NOON + hours(23.5))
    assert story.state is State.STOPPED


def test_decision_received_after_the_case_ended_is_too_late() -> None:
    story = with_no_codes_left()
    late = Verdict(NOON + hours(24.5))
    event = judge(story.case, SAM.decides(version=story.case.version), late, NOON + hours(25))
    assert isinstance(event, DecisionRefused)
    assert event.doubt is Doubt.NOT_NOW
