"""Evidence, promises and the desk: who may decide what, and the clock that both sides see."""

import pytest

from domain import claim_events as events
from domain.case import Party
from domain.claim import Freeze, Reason, State
from domain.claim_deadlines import due_at, waiting_on
from domain.claim_decisions import outcomes_now, plans
from domain.clock import Clock, Pause, PauseReason
from domain.decisions import ALL, KEEP, Doubt, Item, Outcome
from domain.errors import NotAllowedNow
from domain.evidence import Fact, FactKind, Finding, points, score
from tests.claim_story import NIA, THIN, ClaimStory
from tests.people import KIM, LEE, NOON, SAM, days, hours, minutes


def refused(event: events.DecisionRecorded | events.DecisionRefused) -> Doubt | None:
    return event.doubt if isinstance(event, events.DecisionRefused) else None


# ---- evidence ---------------------------------------------------------------------------------------------------


def test_evidence_starts_the_promises() -> None:
    story = ClaimStory().gives_evidence()
    assert (story.state, waiting_on(story.case)) == (State.AWAITING_REVIEW, Party.AGENT)
    assert story.case.first_answer == Clock(NOON, hours(24))
    assert story.case.decision == Clock(NOON, hours(72))
    assert due_at(story.case) == NOON + hours(24)


def test_somebody_who_was_broken_into_is_answered_within_four_hours() -> None:
    story = ClaimStory(Reason.COMPROMISED).gives_evidence()
    assert story.case.first_answer
    assert story.case.decision
    assert story.case.first_answer.due_at == story.case.decision.due_at == NOON + hours(4)


def test_a_score_stays_between_nothing_and_a_hundred_and_each_kind_counts_once() -> None:
    everything = tuple(Fact(kind, Finding.MATCHED) for kind in FactKind)
    nothing = tuple(Fact(kind, Finding.NOT_MATCHED) for kind in FactKind)
    assert (score(everything), score(nothing), score(())) == (100, 0, 0)
    twice = (Fact(FactKind.USERNAME, Finding.MATCHED), Fact(FactKind.USERNAME, Finding.MATCHED))
    assert score(twice) == points(twice[0])


def test_memory_alone_never_reaches_the_line_of_a_single_approval() -> None:
    remembered = (FactKind.USERNAME, FactKind.EMAIL, FactKind.PHONE, FactKind.PASSWORD, FactKind.CREATED)
    story = ClaimStory(facts=tuple(Fact(kind, Finding.MATCHED) for kind in remembered)).gives_evidence()
    assert story.case.score < story.case.policy.single_approval_score


def test_a_previous_password_is_never_enough_alone() -> None:
    assert score((Fact(FactKind.PASSWORD, Finding.MATCHED, 3),)) < ClaimStory().case.policy.single_approval_score / 2


def test_what_nobody_can_tell_weighs_nothing() -> None:
    assert score((Fact(FactKind.FILES, Finding.UNKNOWN, 4), Fact(FactKind.DEVICE, Finding.UNKNOWN))) == 0


def test_files_are_waited_for_until_they_are_scanned() -> None:
    story = ClaimStory().gives_evidence(files=3)
    assert (story.case.files, story.case.files_waiting) == (3, 3)
    before = story.case.version
    assert story.happens(events.FilesScanned(story.now, 2, 1))
    assert (story.case.files, story.case.files_waiting) == (2, 0)
    assert story.case.version > before
    assert not story.happens(events.FilesScanned(story.now, 2, 1))


# ---- the desk at work -------------------------------------------------------------------------------------------


def test_one_agent_takes_a_case_and_the_other_sees_who() -> None:
    story = ClaimStory().gives_evidence()
    story.does(events.Take("sam"))
    with pytest.raises(NotAllowedNow, match="sam"):
        story.does(events.Take("kim"))
    story.does(events.Release("sam"))
    story.does(events.Take("kim"))
    assert story.case.assignee == "kim"
    with pytest.raises(NotAllowedNow):
        story.does(events.Release("sam"))


def test_a_lease_runs_out_by_itself_unless_it_is_used() -> None:
    story = ClaimStory().gives_evidence()
    story.does(events.Take("sam"))
    story.later(minutes(9))
    story.does(events.WriteNote("sam", "note-1"))
    story.later(minutes(9))
    assert story.case.assignee == "sam"
    story.later(minutes(1))
    assert (story.case.assignee, story.kinds[-1]) == ("", "lease_expired")


def test_somebody_elses_note_renews_no_lease() -> None:
    story = ClaimStory().gives_evidence()
    story.does(events.Take("sam"))
    story.later(minutes(9))
    story.does(events.WriteNote("kim", "note-1"))
    story.later(minutes(1))
    assert story.case.assignee == ""


def test_the_first_message_keeps_the_first_promise() -> None:
    story = ClaimStory().gives_evidence()
    story.later(hours(2))
    story.does(events.SendMessage("sam", "message-1"))
    assert story.case.first_answer
    assert story.case.first_answer.met_at == NOON + hours(2)
    assert due_at(story.case) == NOON + hours(72)


def test_a_broken_promise_is_said_once() -> None:
    story = ClaimStory().gives_evidence()
    story.later(hours(80))
    missed = [event.promise for event in story.events if isinstance(event, events.PromiseMissed)]
    assert missed == ["first_answer", "decision"]
    assert "promise_missed" not in story.next_events()


def test_a_nudge_is_for_after_the_date_and_brings_a_lead() -> None:
    story = ClaimStory().gives_evidence()
    with pytest.raises(NotAllowedNow):
        story.does(events.Nudge(NIA))
    story.later(hours(24))
    story.does(events.Nudge(NIA))
    assert story.case.with_lead
    with pytest.raises(NotAllowedNow):
        story.does(events.Nudge(NIA))


# ---- asking -----------------------------------------------------------------------------------------------------


def test_a_question_names_its_items_and_stops_the_clock() -> None:
    story = ClaimStory().gives_evidence()
    assert refused(story.decides(SAM, Outcome.ASK)) is Doubt.NO_ITEMS
    assert refused(story.decides(SAM, Outcome.ASK, items=("shoe_size",))) is Doubt.NO_ITEMS
    assert refused(story.decides(SAM, Outcome.ASK, items=(Item.DOCUMENT,))) is None
    assert (story.state, waiting_on(story.case)) == (State.AWAITING_ANSWER, Party.CLAIMANT)
    assert story.case.asked
    assert story.case.asked.due_at == NOON + days(14)
    story.later(days(2))
    story.does(events.Reply(NIA, "message-1"))
    assert story.state is State.AWAITING_REVIEW
    assert story.case.decision
    assert story.case.decision.pauses == (Pause(NOON, PauseReason.WAITING_FOR_CLAIMANT, NOON + days(2)),)
    assert story.case.decision.due_at == NOON + days(2) + hours(72)
    assert story.case.decision.left(story.now) == hours(72)


def test_a_claimant_who_is_asked_is_reminded_twice_and_then_the_claim_runs_out() -> None:
    story = ClaimStory().gives_evidence()
    story.decides(SAM, Outcome.ASK, items=(Item.EXPLANATION,))
    story.later(days(14))
    reminders = [(event.number, event.at) for event in story.events if isinstance(event, events.ReminderDue)]
    assert reminders == [(1, NOON + days(3)), (2, NOON + days(10))]
    assert (story.state, story.case.can_reopen) == (State.EXPIRED, True)


def test_evidence_is_waited_for_with_the_same_reminders() -> None:
    story = ClaimStory().proves_the_contact()
    story.later(days(14))
    assert [kind for kind in story.kinds if kind == "reminder_due"] == ["reminder_due"] * 2
    assert story.state is State.EXPIRED


def test_a_claim_that_ran_out_is_taken_up_again_within_thirty_days() -> None:
    story = ClaimStory().gives_evidence()
    story.decides(SAM, Outcome.ASK, items=(Item.EXPLANATION,))
    story.later(days(14))
    assert not story.case.is_over
    story.later(days(29))
    story.does(events.Reopen(NIA))
    assert story.state is State.AWAITING_REVIEW
    assert story.case.first_answer
    assert story.case.first_answer.due_at == story.now + hours(24)


def test_after_thirty_days_it_cannot_be_taken_up_again() -> None:
    story = ClaimStory().proves_the_contact()
    story.later(days(14))
    story.later(days(30))
    assert (story.kinds[-1], story.case.is_over) == ("reopen_lapsed", True)
    with pytest.raises(NotAllowedNow):
        story.does(events.Reopen(NIA))


# ---- deciding ---------------------------------------------------------------------------------------------------


def test_a_denial_ends_the_claim_with_its_reason() -> None:
    story = ClaimStory(facts=THIN).gives_evidence()
    assert refused(story.decides(SAM, Outcome.DENY, reason="not_enough_evidence")) is None
    assert (story.state, story.case.because) == (State.DENIED, "not_enough_evidence")


@pytest.mark.parametrize(
    ("outcome", "reason", "doubt"),
    [
        ("allow", "", Doubt.UNKNOWN_OUTCOME),
        ("marry", "", Doubt.UNKNOWN_OUTCOME),
        (Outcome.DENY, "evidence_fits", Doubt.UNKNOWN_REASON),
        (Outcome.UNDO, "", Doubt.NOT_NOW),
        (Outcome.KEEP_FREEZE, "", Doubt.NOT_NOW),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_doubt(outcome: str, reason: str, doubt: Doubt) -> None:
    story = ClaimStory().gives_evidence()
    assert refused(story.decides(SAM, outcome, reason=reason)) is doubt
    assert (story.state, story.kinds[-1]) == (State.AWAITING_REVIEW, "decision_refused")


def test_a_decision_about_what_has_changed_since_is_refused() -> None:
    story = ClaimStory().gives_evidence()
    seen = story.case.version
    story.does(events.Reply(NIA, "message-1"))
    assert refused(story.decides(SAM, Outcome.DENY, version=seen)) is Doubt.STALE


def test_notes_and_leases_make_no_decision_stale() -> None:
    story = ClaimStory().gives_evidence()
    seen = story.case.version
    story.does(events.Take("sam"))
    story.does(events.WriteNote("kim", "note-1"))
    story.does(events.Reveal("kim", "contact"))
    assert refused(story.decides(SAM, Outcome.DENY, version=seen)) is None


def test_the_same_signal_twice_is_one_decision() -> None:
    story = ClaimStory().gives_evidence()
    story.decides(SAM, Outcome.ESCALATE, name="decision-x")
    count = len(story.events)
    story.decides(SAM, Outcome.ESCALATE, name="decision-x")
    assert len(story.events) == count


def test_forged_decisions_are_noted_and_change_nothing() -> None:
    story = ClaimStory().gives_evidence()
    assert refused(story.decides(SAM, Outcome.APPROVE, plan="c1", doubt=Doubt.UNPROVEN)) is Doubt.UNPROVEN
    assert story.state is State.AWAITING_REVIEW


def test_what_was_escalated_is_for_a_lead() -> None:
    story = ClaimStory().gives_evidence()
    story.decides(SAM, Outcome.ESCALATE)
    assert story.case.with_lead
    for agent in (SAM, KIM):
        assert refused(story.decides(agent, Outcome.DENY)) is Doubt.ROLE
    assert refused(story.decides(LEE, Outcome.DENY)) is None


def test_a_decision_in_time_counts_although_no_worker_was_there() -> None:
    story = ClaimStory().gives_evidence()
    sent_at, version = story.now, story.case.version
    story.now += hours(80)  # nobody folds what the clock brings
    assert refused(story.decides(SAM, Outcome.DENY, version=version, received_at=sent_at)) is None


def test_plans_are_about_the_contacts_of_the_account() -> None:
    assert plans(ClaimStory().case) == ()
    assert plans(ClaimStory().gives_evidence().case) == ("c1", "c2", ALL)
    assert plans(ClaimStory(proved="c1").gives_evidence().case) == (KEEP,)
    assert plans(ClaimStory(contacts=()).gives_evidence().case) == (ALL,)


def test_an_approval_without_a_plan_is_refused() -> None:
    story = ClaimStory().gives_evidence()
    for plan in ("", KEEP, "c9"):
        assert refused(story.decides(SAM, Outcome.APPROVE, plan=plan)) is Doubt.NO_PLAN


def test_an_automatic_freeze_is_kept_or_lifted_by_an_agent() -> None:
    story = ClaimStory(Reason.COMPROMISED, objection="received-1").opens().is_frozen()
    assert {Outcome.KEEP_FREEZE, Outcome.LIFT_FREEZE} <= outcomes_now(story.case)
    assert refused(story.decides(SAM, Outcome.KEEP_FREEZE)) is None
    assert (story.case.freeze, story.case.needs_freeze) == (Freeze.WANTED, True)
    story.is_frozen()
    story.later(hours(73))
    assert (story.case.freeze, story.case.frozen_until) == (Freeze.ON, None)
    assert refused(story.decides(SAM, Outcome.LIFT_FREEZE)) is None
    assert story.case.freeze is Freeze.ENDING


def test_nothing_is_decided_about_a_closed_claim() -> None:
    story = ClaimStory().gives_evidence()
    story.does(events.Withdraw(NIA))
    assert outcomes_now(story.case) == frozenset()
    assert refused(story.decides(SAM, Outcome.DENY)) is Doubt.NOT_NOW
