"""Every event has a line that an agent understands, and every clock says what it will do."""

from datetime import timedelta
from typing import get_args

import pytest

from activities.delivery.render import MAIL
from domain import claim_events, contact_proof, recovery
from domain.case import Audience, Channel, Party
from domain.claim import Claim
from domain.claim_events import Promise, Stage, Step, Survey
from domain.decisions import ALL, Doubt, Outcome
from domain.recovery import Sight, Standing
from storage.folding import AnyEvent, Case
from storage.reads import Entry
from tests.claim_story import THIN, ClaimStory
from tests.people import BY_EMAIL, BY_SMS, NOON
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
]


OF_CLAIMS: list[tuple[AnyEvent, str]] = [
    (claim_events.CaseOpened(NOON), "Owner opened the claim with “this was not me”"),
    (contact_proof.ContactGiven(NOON, BY_SMS), "Claimant said where to send the code, by text message"),
    (contact_proof.CodeRequested(NOON), "Claimant asked for a new code"),
    (contact_proof.CodeIssued(NOON, 1, (), "k/k"), "Machine made a code, number 1, by e-mail"),
    (contact_proof.CodeRefused(NOON, 1), "Claimant entered a code that is not correct, try 0 of 5"),
    (contact_proof.CodeExpired(NOON, 1), "Clock ended the code: its time was over"),
    (contact_proof.CooldownEnded(NOON, 1), "Clock made a new code possible"),
    (claim_events.ContactProved(NOON, 1, "link", "holder"), "Claimant proved a contact, with the link"),
    (claim_events.AccountFrozen(NOON, 2), "Machine froze the account and ended all sessions, 2 sessions ended"),
    (claim_events.FreezeWithheld(NOON), "Machine did not freeze the account: it was frozen this way not long ago"),
    (claim_events.FreezeLapsed(NOON), "Clock ended the freeze: its time was over"),
    (claim_events.FreezeEnded(NOON), "Machine let the account go"),
    (
        claim_events.EvidenceGiven(NOON, "given-1", Survey("acc"), score=40, files=2),
        "Claimant gave evidence, score 40, 2 files",
    ),
    (claim_events.EvidenceGiven(NOON, "given-1", Survey("acc")), "Claimant gave evidence, score 0"),
    (claim_events.FilesScanned(NOON, 1, 1), "Machine scanned the files, 1 clean, 1 refused"),
    (claim_events.ReplySent(NOON, "message/1", 1), "Claimant wrote to the desk, with one file"),
    (claim_events.ReplySent(NOON, "message/1"), "Claimant wrote to the desk"),
    (claim_events.Nudged(NOON), "Claimant asked where the answer is"),
    (claim_events.HolderMoved(NOON, "holder"), "Claimant continued in another browser"),
    (claim_events.ReminderDue(NOON, 2), "Clock reminded the claimant, number 2"),
    (claim_events.PromiseMissed(NOON, Promise.FIRST_ANSWER), "Clock noted a broken promise, the first answer"),
    (claim_events.PromiseMissed(NOON, Promise.DECISION), "Clock noted a broken promise, the decision"),
    (claim_events.Taken(NOON, "sam", LATER), "Sam Okafor took the case"),
    (claim_events.Released(NOON, "sam"), "Sam Okafor gave the case back"),
    (
        claim_events.LeaseExpired(NOON, "sam"),
        "Clock gave the case back: nobody worked on it, Sam Okafor had it",
    ),
    (claim_events.NoteWritten(NOON, "sam", "message/1"), "Sam Okafor wrote a note for the desk"),
    (claim_events.MessageSent(NOON, "jo", "message/1"), "jo wrote to the claimant"),
    (claim_events.Revealed(NOON, "sam", "username/given-1"), "Sam Okafor looked at something hidden, username"),
    (claim_events.Revealed(NOON, "sam", "contact"), "Sam Okafor looked at something hidden, proved contact"),
    (claim_events.Revealed(NOON, "sam", "file/0a0a"), "Sam Okafor looked at something hidden, a file"),
    (
        claim_events.DecisionRecorded(LATER, "d", Outcome.ASK, "more_needed", "sam", NOON, items=("devices", "other")),
        "Sam Okafor asked the claimant for more, more is needed to decide, devices, other, came in at 12:00",
    ),
    (
        claim_events.DecisionRefused(NOON, "d", Doubt.SAME_PERSON, "sam"),
        f"Sam Okafor sent a decision that was refused, {words.DOUBTS[Doubt.SAME_PERSON]}",
    ),
    (
        claim_events.ApprovalLapsed(NOON),
        "Clock passed the case to a lead: nobody gave the second approval in time",
    ),
    (
        claim_events.HoldNoticeDue(NOON, Stage.MIDDLE),
        "Clock told the owner again: half of the cooling-off is over",
    ),
    (claim_events.HoldNoticeDue(NOON, Stage.ENDING), "Clock told the owner again: the cooling-off ends soon"),
    (claim_events.HoldEnded(NOON), "Clock ended the cooling-off: nobody objected"),
    (claim_events.HandBackBegun(NOON), "Machine began the hand-back"),
    (
        claim_events.StepDone(NOON, Step.CHANGE_CONTACTS, "replaced", 1),
        "Machine changed the contacts, replaced, 1 contact",
    ),
    (claim_events.StepDone(NOON, Step.END_SESSIONS, "ended", 2), "Machine ended all sessions, ended, 2 sessions"),
    (claim_events.StepDone(NOON, Step.LIFT_FREEZE, "not_frozen"), "Machine found no freeze to lift"),
    (claim_events.StepDelayed(NOON, Step.END_SESSIONS), "Machine waits for the account system, end all sessions"),
    (claim_events.OwnerObjected(LATER, "o", NOON), "Owner objected, came in at 12:00"),
    (
        claim_events.ObjectionNoted(NOON, "o", NOON),
        "Owner objected, without effect, the contact is younger than what is disputed, or it was too late",
    ),
    (claim_events.ContestLapsed(NOON), "Clock ended the wait: the claimant said nothing after the objection"),
    (claim_events.LinkUsed(NOON, 2, "holder"), "Claimant used the link to set a password"),
    (claim_events.ProofLapsed(NOON), "Clock ended the link: the time to set a password was over"),
    (claim_events.PasswordSubmitted(NOON, "vault-1"), "Claimant sent a new password"),
    (
        claim_events.PasswordApplied(NOON, 1),
        "Machine set the new password and ended all sessions, one session ended",
    ),
    (claim_events.PasswordLost(NOON), "Machine could not set the password; nothing changed"),
    (
        claim_events.PasswordRefused(NOON, "barred"),
        "Machine did not take the password, the account takes none now",
    ),
    (claim_events.ProbationEnded(NOON), "Clock ended the probation"),
    (claim_events.Withdrawn(NOON), "Claimant withdrew the claim"),
    (claim_events.CaseExpired(NOON), "Clock closed the claim: its time was over"),
    (claim_events.Reopened(NOON), "Claimant took the claim up again"),
    (claim_events.ReopenLapsed(NOON), "Clock closed the claim for good"),
]


def a_claim() -> Claim:
    """A claim that an objection opened, with a code on its way."""
    story = ClaimStory(objection="objection/1").opens()
    story.does(claim_events.GiveContact(story.case.holder, BY_EMAIL))
    return story.case


@pytest.mark.parametrize(("event", "says"), SAYS)
def test_a_line_says_who_did_what(event: AnyEvent, says: str) -> None:
    assert spoken(event, with_a_code().case) == says


@pytest.mark.parametrize(("event", "says"), OF_CLAIMS)
def test_a_line_of_a_claim_says_who_did_what(event: AnyEvent, says: str) -> None:
    assert spoken(event, a_claim()) == says


def spoken(event: AnyEvent, case: Case) -> str:
    line = line_of(Entry(1, event, event.actor, event.audience, case), NAMES)
    assert line.for_desk == (event.audience is Audience.DESK)
    since = f"came in at {line.since:%H:%M}" if line.since else ""
    return ", ".join(part for part in (f"{line.who} {line.what}", line.more, since) if part)


def test_every_event_has_a_line_here() -> None:
    assert {type(event) for event, _ in SAYS} == set(get_args(recovery.Event))
    assert {type(event) for event, _ in OF_CLAIMS} == set(get_args(claim_events.Event))


def test_an_approval_says_which_of_the_two_it_was() -> None:
    story = ClaimStory(facts=THIN).gives_evidence()
    said = []
    for name, outcome, plan in (("sam", Outcome.APPROVE, ALL), ("kim", Outcome.APPROVE, ALL)):
        event = claim_events.DecisionRecorded(NOON, name, outcome, "evidence_fits", name, NOON, plan=plan)
        assert story.happens(event)
        said.append(spoken(event, story.case))
    why = "the evidence fits the account, replace every contact by the proved one"
    assert said == [
        f"Sam Okafor proposed to approve the hand-back, {why}",
        f"kim gave the second approval, {why}",
    ]


def test_a_proposal_that_is_sent_back_is_no_denial() -> None:
    story = ClaimStory(facts=THIN).gives_evidence()
    proposal = claim_events.DecisionRecorded(NOON, "1", Outcome.APPROVE, "evidence_fits", "sam", NOON, plan=ALL)
    back = claim_events.DecisionRecorded(NOON, "2", Outcome.DENY, "suspicious", "kim", NOON)
    assert story.happens(proposal)
    assert story.happens(back)
    assert spoken(back, story.case) == "kim sent the proposal back, it looks like somebody else"


def test_reason_codes_of_other_clients_are_shown_as_they_are_but_short() -> None:
    assert reason_words("x" * 200) == "x" * 60


def test_what_comes_is_told_soonest_first() -> None:
    soon = coming(with_a_code().case)
    assert [one.what for one in soon] == ["A new code can be asked for", "The code stops working", "The case closes"]
    assert soon == sorted(soon, key=lambda one: one.at)
    assert [one.what for one in coming(opened().case)] == ["The case closes"]


def test_every_clock_has_words() -> None:
    clocks = {
        event.__dataclass_fields__["kind"].default
        for event in (*get_args(recovery.Event), *get_args(claim_events.Event))
        if event.actor is Party.CLOCK
    }
    assert set(words.COMING) == clocks


def test_what_comes_in_a_claim_names_the_promise() -> None:
    story = ClaimStory().gives_evidence()
    assert [one.what for one in coming(story.case)] == [
        "The first answer is due; after that the claimant may ask for a lead",
        "The decision is due; after that the claimant may ask for a lead",
    ]


def test_every_notice_and_every_state_of_one_has_words() -> None:
    assert set(words.NOTICES) == {folder.name for folder in MAIL.iterdir() if folder.is_dir()}
    assert set(words.NOTICE_STATES) == {"queued", "handed_over", "delivered", "bounced", "failed"}
    assert set(words.CHANNELS) == set(Channel)
