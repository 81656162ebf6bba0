"""Four eyes as protocol: a first approval is a proposal, and a hold stands between the second one and its effect."""

from dataclasses import replace

import pytest

from domain import claim_events as events
from domain.case import Party
from domain.claim import Reason, State, needs_second_approval
from domain.claim_deadlines import hold_notices, waiting_on
from domain.decisions import ALL, KEEP, Doubt, Outcome
from domain.errors import NotAllowedNow
from domain.evidence import Fact, FactKind, Finding
from tests.claim_story import NIA, THIN, ClaimStory
from tests.people import KIM, LEE, NOON, SAM, days, hours

STRONGER = (Fact(FactKind.PROVED_CONTACT, Finding.MATCHED), Fact(FactKind.RECOVERY_CODE, Finding.MATCHED))


def refused(event: events.DecisionRecorded | events.DecisionRefused) -> Doubt | None:
    return event.doubt if isinstance(event, events.DecisionRefused) else None


@pytest.mark.parametrize(
    ("story", "plan"),
    [
        (ClaimStory(facts=THIN), "c1"),
        (ClaimStory(facts=STRONGER, high_value=True), "c1"),
        (ClaimStory(facts=STRONGER), ALL),
    ],
    ids=["thin evidence", "a high-value account", "everything replaced"],
)
def test_some_approvals_need_a_second_person(story: ClaimStory, plan: str) -> None:
    story.is_proposed(plan)
    assert story.state is State.AWAITING_SECOND_APPROVAL
    assert waiting_on(story.case) is Party.AGENT
    assert story.case.hold_until is None


def test_strong_evidence_and_a_contact_that_stays_need_one() -> None:
    story = ClaimStory(facts=STRONGER, proved="c1").is_proposed(KEEP)
    assert story.state is State.COOLING_OFF


def test_whoever_proposed_cannot_approve() -> None:
    story = ClaimStory(facts=THIN).gives_evidence()
    story.decides(KIM, Outcome.APPROVE, plan="c1")
    for outcome in (Outcome.APPROVE, Outcome.DENY):
        assert refused(story.decides(KIM, outcome)) is Doubt.SAME_PERSON
    assert refused(story.decides(LEE, Outcome.APPROVE)) is None
    assert story.case.deciders == ("kim", "lee")


def test_an_agent_proposes_and_cannot_be_the_second_person() -> None:
    story = ClaimStory(facts=THIN).gives_evidence()
    story.decides(KIM, Outcome.APPROVE, plan="c1")
    assert refused(story.decides(SAM, Outcome.APPROVE)) is Doubt.ROLE


def test_the_second_person_agrees_to_the_plan_that_was_proposed() -> None:
    story = ClaimStory(facts=THIN).is_proposed("c2")
    assert refused(story.decides(KIM, Outcome.APPROVE, plan=ALL)) is None
    assert story.case.plan == "c2"


def test_the_second_person_may_send_it_back() -> None:
    story = ClaimStory(facts=THIN).is_proposed()
    assert refused(story.decides(KIM, Outcome.DENY)) is None
    assert (story.state, story.case.proposal) == (State.AWAITING_REVIEW, None)


def test_no_answer_within_a_day_goes_to_a_lead() -> None:
    story = ClaimStory(facts=THIN).is_proposed()
    story.later(hours(24))
    assert "approval_lapsed" in story.kinds
    assert (story.state, story.case.with_lead) == (State.AWAITING_REVIEW, True)
    assert refused(story.decides(KIM, Outcome.APPROVE, plan="c1")) is Doubt.ROLE


def test_an_approval_in_time_counts_although_no_worker_was_there() -> None:
    story = ClaimStory(facts=THIN).is_proposed()
    version, sent_at = story.case.version, story.now + hours(23)
    story.now += hours(30)
    assert refused(story.decides(KIM, Outcome.APPROVE, version=version, received_at=sent_at)) is None


@pytest.mark.parametrize(
    ("story", "plan", "length"),
    [
        (ClaimStory(proved="c1"), KEEP, hours(24)),
        (ClaimStory(), "c1", days(7)),
        (ClaimStory(), ALL, days(30)),
        (ClaimStory(contacts=()), ALL, days(30)),
    ],
    ids=["contact kept", "one replaced", "everything replaced", "there was none"],
)
def test_the_hold_is_as_long_as_the_change_is_risky(story: ClaimStory, plan: str, length: object) -> None:
    story.is_approved(plan)
    assert story.state is State.COOLING_OFF
    assert story.case.hold_until == story.now + length  # type: ignore[operator]
    assert waiting_on(story.case) is Party.CLOCK


@pytest.mark.parametrize(("known", "length"), [(True, hours(24)), (False, hours(72))])
def test_an_unknown_device_adds_two_days_where_devices_are_known(known: bool, length: object) -> None:
    story = ClaimStory(proved="c1")
    story.survey = replace(story.survey, knows_devices=True, device_is_known=known)
    story.is_approved(KEEP)
    assert story.case.hold_until == story.now + length  # type: ignore[operator]


def test_older_contacts_hear_of_a_hold_at_its_start_its_middle_and_its_end() -> None:
    story = ClaimStory().is_approved("c1")
    middle, ending = hold_notices(story.case)
    assert (middle[1], ending[1]) == (NOON + days(3.5), NOON + days(7) - days(0.7))
    story.later(days(7))
    told = [(event.stage, event.at) for event in story.events if isinstance(event, events.HoldNoticeDue)]
    assert told == [middle, ending]
    assert story.state is State.HANDING_BACK


def test_the_promise_of_a_decision_is_kept_by_the_approval() -> None:
    story = ClaimStory().is_approved("c1")
    assert story.case.decision
    assert story.case.decision.met_at == NOON
    story.later(days(6))
    assert "promise_missed" not in story.kinds


def test_a_claimant_may_withdraw_during_the_hold_and_not_after() -> None:
    story = ClaimStory().is_handed_back("c1")
    with pytest.raises(NotAllowedNow):
        story.does(events.Withdraw(NIA))
    held = ClaimStory().is_approved("c1")
    held.does(events.Withdraw(NIA))
    assert held.state is State.WITHDRAWN


def test_an_agent_may_stop_a_hold() -> None:
    story = ClaimStory().is_approved("c1")
    assert refused(story.decides(KIM, Outcome.STOP, reason="suspicious")) is None
    assert (story.state, story.case.because) == (State.STOPPED, "agent")


def test_after_an_objection_one_person_is_never_enough() -> None:
    story = ClaimStory(Reason.CONTACT, facts=STRONGER).is_approved("c1")
    assert not needs_second_approval(story.case, "c1")
    story.owner_objects()
    assert needs_second_approval(story.case, "c1")
