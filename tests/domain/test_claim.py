"""The beginning of a claim: an objection freezes the account, at most once, and the freeze ends by itself."""

from domain.case import Party
from domain.claim import (
    AccountFrozen,
    CaseOpened,
    Claim,
    Event,
    FreezeLapsed,
    FreezeWithheld,
    State,
    apply,
    deadlines,
    waiting_on,
)
from tests.people import NOON, OLU, REFERENCE, hours


def claim(*events: Event) -> Claim:
    case = Claim(REFERENCE, OLU.account, "received-1")
    for event in events:
        case = apply(case, event)
    return case


def test_objection_opens_a_claim_that_waits_for_the_owner() -> None:
    case = claim(CaseOpened(NOON))
    assert case.state is State.AWAITING_CONTACT_PROOF
    assert (case.number, case.version, case.opened_at) == (1, 1, NOON)
    assert waiting_on(case) is Party.CLAIMANT
    assert waiting_on(claim()) is Party.MACHINE


def test_account_is_frozen_for_three_days() -> None:
    case = claim(CaseOpened(NOON), AccountFrozen(NOON, sessions=2))
    assert case.frozen_until == NOON + hours(72)
    (deadline,) = deadlines(case)
    assert deadline.event == FreezeLapsed(NOON + hours(72))


def test_freeze_ends_by_itself_once() -> None:
    case = claim(CaseOpened(NOON), AccountFrozen(NOON, sessions=2), FreezeLapsed(NOON + hours(72)))
    assert case.freeze_ended_at == NOON + hours(72)
    assert deadlines(case) == ()
    assert apply(case, FreezeLapsed(NOON + hours(73))) is case


def test_account_frozen_lately_is_not_frozen_again() -> None:
    case = claim(CaseOpened(NOON), FreezeWithheld(NOON))
    assert case.withheld
    assert case.frozen_until is None
    assert deadlines(case) == ()


def test_freeze_is_answered_once() -> None:
    frozen = claim(CaseOpened(NOON), AccountFrozen(NOON, sessions=2))
    withheld = claim(CaseOpened(NOON), FreezeWithheld(NOON))
    for case in (frozen, withheld):
        assert apply(case, AccountFrozen(NOON, sessions=2)) is case
        assert apply(case, FreezeWithheld(NOON)) is case


def test_claim_opens_once() -> None:
    case = claim(CaseOpened(NOON))
    assert apply(case, CaseOpened(NOON)) is case


def test_nothing_lapses_without_a_freeze() -> None:
    case = claim(CaseOpened(NOON))
    assert apply(case, FreezeLapsed(NOON)) is case
    assert deadlines(case) == ()


def test_freeze_leaves_the_state_as_it_is() -> None:
    opened, frozen = claim(CaseOpened(NOON)), claim(CaseOpened(NOON), AccountFrozen(NOON + hours(1), sessions=2))
    assert (frozen.state, frozen.since, frozen.version) == (opened.state, opened.since, opened.version)


def test_claim_asks_for_the_freeze_until_it_is_answered() -> None:
    assert not claim().awaits_freeze
    assert claim(CaseOpened(NOON)).awaits_freeze
    frozen = claim(CaseOpened(NOON), AccountFrozen(NOON, sessions=2))
    assert not frozen.awaits_freeze
    assert not frozen.freeze_is_over
    assert apply(frozen, FreezeLapsed(NOON + hours(72))).freeze_is_over
    assert claim(CaseOpened(NOON), FreezeWithheld(NOON)).freeze_is_over
