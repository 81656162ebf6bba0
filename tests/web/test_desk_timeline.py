"""Every event has a line that an agent understands, and every clock says what it will do."""

from datetime import timedelta
from typing import get_args

import pytest

from activities.delivery.render import MAIL
from domain import claim, recovery
from domain.case import Audience, Channel
from domain.claim import Claim
from domain.decisions import Doubt, Outcome
from domain.recovery import Sight, Standing
from storage import folding
from storage.folding import AnyEvent, Case
from storage.reads import Entry
from tests.people import ADA, BY_SMS, NOON, REFERENCE
from tests.story import opened, with_a_code
from web import words
from web.desk.timeline import coming, line_of, reason_words

NAMES = {"sam": "Sam Okafor"}
LATER = NOON + timedelta(hours=2)

SAYS: list[tuple[AnyEvent, str]] = [
    (recovery.CaseOpened(NOON), "Claimant opened the case"),
    (recovery.ContactGiven(NOON, BY_SMS), "Claimant said where to send the code, by text message"),
    (recovery.CodeRequested(NOON), "Claimant asked for a new code"),
    (recovery.CodeRequested(NOON, BY_SMS), "Claimant asked for a new code, by text message"),
    (recovery.CodeIssued(NOON, 1, (), "k/k"), "Machine made a code, number 1, by e-mail"),
    (recovery.CodeRefused(NOON, 1), "Claimant entered a code that is not correct, try 0 of 5"),
    (recovery.CodeExpired(NOON, 1), "Clock ended the code: its time was over"),
    (recovery.CooldownEnded(NOON, 1), "Clock made a new code possible"),
    (recovery.CodeAccepted(NOON, 1, "link", "holder"), "Claimant proved a contact, with the link"),
    (
        recovery.CodeAccepted(NOON, 1, "code", "holder", Sight("acc_ada", Standing.BANNED)),
        "Claimant proved a contact, with the code, the account is banned",
    ),
    (recovery.AccountChosen(NOON, Sight("acc_ada", Standing.ACTIVE)), "Claimant chose an account"),
    (recovery.SecondProofAccepted(NOON), "Claimant gave a second proof"),
    (recovery.SecondProofRefused(NOON), "Claimant gave a second proof that is not correct"),
    (recovery.ProofLapsed(NOON), "Clock ended the proof: the time for the next step was over"),
    (recovery.PasswordSubmitted(NOON, "vault-1"), "Claimant sent a new password"),
    (recovery.PasswordApplied(NOON, 0), "Machine set the new password and ended all sessions, nobody was signed in"),
    (recovery.PasswordApplied(NOON, 1), "Machine set the new password and ended all sessions, one session ended"),
    (recovery.PasswordApplied(NOON, 3), "Machine set the new password and ended all sessions, 3 sessions ended"),
    (recovery.PasswordLost(NOON), "Machine could not set the password; nothing changed"),
    (
        recovery.AccountBarred(NOON, Sight("acc_ada", Standing.FROZEN)),
        "Machine found that the account cannot be recovered this way now, the account is frozen",
    ),
    (recovery.HelpAsked(NOON), "Claimant asked the desk for help"),
    (
        recovery.DecisionRecorded(NOON, "d", Outcome.ALLOW, "delivery_problem", "sam", NOON),
        "Sam Okafor allowed one more code, messages did not arrive",
    ),
    (
        recovery.DecisionRecorded(LATER, "d", Outcome.STOP, "house rule 7", "jo", NOON),
        "jo stopped the case, house rule 7, came in at 12:00",
    ),
    (
        recovery.DecisionRefused(NOON, "d", Doubt.ROLE, "sam"),
        "Sam Okafor sent a decision that was refused, the role of this agent does not allow it",
    ),
    (
        recovery.DecisionRefused(NOON, "d", Doubt.UNPROVEN, "sam"),
        "Somebody sent a decision as “sam” that was refused, it carried no valid proof of who decided",
    ),
    (recovery.OwnerObjected(NOON, "o", NOON), "Owner said “this was not me”"),
    (recovery.Superseded(NOON), "Machine stopped the case: another case of the account was quicker"),
    (recovery.Withdrawn(NOON), "Claimant withdrew the case"),
    (recovery.CaseExpired(NOON), "Clock closed the case: its time was over"),
    (claim.CaseOpened(NOON), "Owner opened the claim with “this was not me”"),
    (claim.AccountFrozen(NOON, 2), "Machine froze the account and ended all sessions, 2 sessions ended"),
    (claim.FreezeWithheld(NOON), "Machine did not freeze the account: it was frozen this way not long ago"),
    (claim.FreezeLapsed(NOON), "Clock ended the freeze: its time was over"),
]


def a_claim() -> Claim:
    return Claim(REFERENCE, ADA.account, "objection/1")


@pytest.mark.parametrize(("event", "says"), SAYS)
def test_a_line_says_who_did_what(event: AnyEvent, says: str) -> None:
    is_claim = isinstance(event, get_args(claim.Event))
    case: Case = a_claim() if is_claim else with_a_code().case
    line = line_of(Entry(1, event, event.actor, Audience.BOTH, case), NAMES)
    since = f"came in at {line.since:%H:%M}" if line.since else ""
    assert ", ".join(part for part in (f"{line.who} {line.what}", line.more, since) if part) == says


def test_every_event_has_a_line_here() -> None:
    told = {type(event) for event, _ in SAYS}
    assert told == {*get_args(recovery.Event), *get_args(claim.Event)}


def test_reason_codes_of_other_clients_are_shown_as_they_are_but_short() -> None:
    assert reason_words("x" * 200) == "x" * 60


def test_what_comes_is_told_soonest_first() -> None:
    soon = coming(with_a_code().case)
    assert [one.what for one in soon] == ["A new code can be asked for", "The code stops working", "The case closes"]
    assert soon == sorted(soon, key=lambda one: one.at)
    assert [one.what for one in coming(opened().case)] == ["The case closes"]


def test_every_clock_has_words() -> None:
    brought = {"code_expired", "cooldown_ended", "proof_lapsed", "case_expired", "freeze_lapsed"}
    assert set(words.COMING) == brought
    clocks = {kind for kind in (*words.RECOVERY_EVENTS, *words.CLAIM_EVENTS) if kind in brought}
    assert clocks == brought
    frozen = folding.apply(folding.apply(a_claim(), claim.CaseOpened(NOON)), claim.AccountFrozen(NOON, 0))
    assert [one.what for one in coming(frozen)] == ["The freeze ends, unless an agent keeps it"]


def test_every_notice_and_every_state_of_one_has_words() -> None:
    assert set(words.NOTICES) == {folder.name for folder in MAIL.iterdir() if folder.is_dir()}
    assert set(words.NOTICE_STATES) == {"queued", "handed_over", "delivered", "bounced", "failed"}
    assert set(words.CHANNELS) == set(Channel)
