"""When the clock acts: deadlines, their order, and that none of them is ever without effect."""

from dataclasses import replace
from datetime import datetime

import pytest

from domain.case import Deadline, Party, earliest
from domain.policy import Policy
from domain.recovery import (
    AskedBy,
    CaseExpired,
    CodeExpired,
    CooldownEnded,
    ProofLapsed,
    Recovery,
    ResendCode,
    Standing,
    State,
    apply,
    caught_up,
    deadlines,
    due,
    waiting_on,
)
from tests.people import ADA, NOON, REFERENCE, SAM, hours, minutes, seconds
from tests.story import (
    Story,
    opened,
    with_a_code,
    with_a_password,
    with_a_proof,
    with_no_codes_left,
    with_the_code_used_up,
)


def clock(story: Story) -> dict[str, datetime]:
    return {deadline.event.kind: deadline.at for deadline in deadlines(story.case)}


def test_case_that_is_not_open_yet_has_no_deadline() -> None:
    assert deadlines(Recovery(REFERENCE, AskedBy.EMAIL, ADA.browser)) == ()


def test_deadlines_of_a_code() -> None:
    assert clock(with_a_code()) == {
        "cooldown_ended": NOON + seconds(60),
        "code_expired": NOON + minutes(10),
        "case_expired": NOON + hours(24),
    }


def test_deadlines_without_a_code() -> None:
    assert clock(opened()) == {"case_expired": NOON + hours(24)}
    assert clock(opened(asked_by=AskedBy.USERNAME)) == {"case_expired": NOON + hours(24)}


def test_deadlines_of_a_used_up_code() -> None:
    assert clock(with_the_code_used_up()) == {
        "cooldown_ended": NOON + seconds(60),
        "case_expired": NOON + hours(24),
    }


def test_desk_has_until_the_case_ends() -> None:
    assert set(clock(with_no_codes_left())) == {"case_expired"}


@pytest.mark.parametrize("standing", [Standing.ACTIVE, Standing.SECOND_FACTOR])
def test_deadlines_of_a_proof(standing: Standing) -> None:
    assert clock(with_a_proof(standing)) == {
        "proof_lapsed": NOON + minutes(15),
        "case_expired": NOON + hours(24),
    }


def test_password_that_is_applied_has_no_deadline() -> None:
    assert deadlines(with_a_password().case) == ()


def test_deadline_and_its_event_agree_on_the_time() -> None:
    for story in (with_a_code(), with_the_code_used_up(), with_a_proof(), with_no_codes_left()):
        assert all(deadline.at == deadline.event.at for deadline in deadlines(story.case))


def test_every_deadline_changes_the_case() -> None:
    for story in (opened(), with_a_code(), with_the_code_used_up(), with_a_proof(), with_no_codes_left()):
        for deadline in deadlines(story.case):
            assert apply(story.case, deadline.event) is not story.case


def test_nothing_is_due_before_its_time() -> None:
    case = with_a_code().case
    assert due(case, NOON + seconds(59)) is None
    assert due(case, NOON + seconds(60)) == CooldownEnded(NOON + seconds(60), 1)


def test_clock_brings_the_earliest_first() -> None:
    case = with_a_code().case
    assert due(case, NOON + hours(30)) == CooldownEnded(NOON + seconds(60), 1)
    case = apply(case, CooldownEnded(NOON + seconds(60), 1))
    assert due(case, NOON + hours(30)) == CodeExpired(NOON + minutes(10), 1)


def test_of_equal_deadlines_the_first_named_acts() -> None:
    first, second = Deadline(NOON, "first"), Deadline(NOON, "second")
    assert earliest([first, second]) is first
    assert earliest([]) is None


def test_worker_that_slept_for_a_day_finds_what_the_clock_brought() -> None:
    case = with_a_code().case
    late = caught_up(case, NOON + hours(30))
    assert late.state is State.EXPIRED
    assert late.number == case.number + 3


def test_events_of_the_clock_carry_the_promised_time() -> None:
    story = with_a_code()
    story.now += hours(30)
    story.catches_up()
    assert [event.at for event in story.events[2:]] == [NOON + seconds(60), NOON + minutes(10), NOON + hours(24)]


def test_catching_up_twice_changes_nothing_more() -> None:
    case = caught_up(with_a_code().case, NOON + minutes(12))
    assert caught_up(case, NOON + minutes(12)) is case


def test_clock_of_the_proof_needs_a_proof() -> None:
    story = with_a_code()
    assert not story.happens(ProofLapsed(story.now))


def test_case_keeps_the_policy_it_was_opened_under() -> None:
    policy = replace(Policy(), code_lifetime=minutes(1), cooldowns=(seconds(5),), case_lifetime=minutes(3))
    story = with_a_code(policy)
    assert clock(story) == {
        "cooldown_ended": NOON + seconds(5),
        "code_expired": NOON + minutes(1),
        "case_expired": NOON + minutes(3),
    }
    assert story.later(minutes(3)).events[-1] == CaseExpired(NOON + minutes(3))


def test_whose_turn_it_is() -> None:
    assert waiting_on(opened().case) is Party.MACHINE
    assert waiting_on(with_a_code().case) is Party.CLAIMANT
    assert waiting_on(with_the_code_used_up().case) is Party.CLAIMANT
    assert waiting_on(with_no_codes_left().case) is Party.CLAIMANT
    assert waiting_on(with_a_proof().case) is Party.CLAIMANT
    assert waiting_on(with_a_password().case) is Party.MACHINE


def test_case_may_end_while_an_allowed_code_is_being_made() -> None:
    story = with_no_codes_left()
    story.hears(SAM.decides(version=story.case.version))
    story.until(NOON + hours(24))
    assert story.state is State.EXPIRED


def test_code_asked_for_in_the_last_minute_ends_with_the_case() -> None:
    story = with_a_code().until(NOON + hours(24) - minutes(1))
    story.does(ResendCode(ADA.browser))
    story.sends_a_code()
    assert story.until(NOON + hours(24)).state is State.EXPIRED
    assert story.settled[-1] == (2, 0)
