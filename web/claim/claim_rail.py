"""Where a claim stands: what was done, what is now, what comes after. One line for what matters to the claimant."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain import claim_events as events
from domain.claim import Claim, State, hold_length, probation_length
from domain.claim_events import Promise, Step
from domain.contact_proof import CodeIssued
from domain.decisions import Outcome
from storage.folding import AnyEvent
from storage.reads import Entry
from web.times import span
from web.words import REASONS_TO_CLAIMANT, STEPS_TO_CLAIMANT

At = Literal["done", "now", "later", "bad"]


@dataclass(frozen=True)
class Stop:
    """One line. `when` instead of a moment: "Now", "If approved"."""

    at: At
    what: str
    more: str = ""
    moment: datetime | None = None
    when: str = ""


def rail_of(case: Claim, entries: Iterable[Entry]) -> list[Stop]:
    past = [stop for entry in entries if isinstance(entry.after, Claim) for stop in _past(entry.event, entry.after)]
    return [*past, *_present(case), *_future(case)]


def _past(event: AnyEvent, after: Claim) -> Iterator[Stop]:
    match event:
        case events.CaseOpened():
            yield Stop("done", "You told us what happened", moment=event.at)
        case events.ContactProved():
            yield Stop("done", "Your contact is proved", moment=event.at)
        case events.AccountFrozen():
            yield Stop("done", "The account is frozen", "Nobody can sign in.", event.at)
        case events.FreezeWithheld():
            yield Stop("done", "The account is not frozen once more", "It was frozen this way lately.", event.at)
        case events.FreezeEnded():
            yield Stop("done", "The freeze has ended", moment=event.at)
        case events.EvidenceGiven():
            yield Stop("done", "You sent what you know", moment=event.at)
        case events.ReplySent() if after.since == event.at:
            yield Stop("done", "You answered", moment=event.at)
        case events.Nudged():
            yield Stop("done", "You nudged us", "A lead looks at your claim now.", event.at)
        case events.PromiseMissed():
            what = "an answer" if event.promise is Promise.FIRST_ANSWER else "a decision"
            yield Stop("bad", f"We did not keep our date for {what}", moment=event.at)
        case events.DecisionRecorded():
            yield from _decision(event, after)
        case _:
            yield from _later_past(event, after)


def _decision(event: events.DecisionRecorded, after: Claim) -> Iterator[Stop]:
    match event.outcome:
        case Outcome.ASK:
            yield Stop("done", "We asked you for more", "Our clock stands still until you answer.", event.at)
        case Outcome.APPROVE if after.state is State.AWAITING_SECOND_APPROVAL:
            yield Stop("done", "An agent has looked at it", "A second person looks too, before anything.", event.at)
        case Outcome.APPROVE if after.state in {State.COOLING_OFF, State.PROBATION}:
            yield Stop("done", "Your claim is approved", moment=event.at)
        case Outcome.DENY if after.state is State.DENIED:
            yield Stop("bad", "Your claim is denied", moment=event.at)
        case Outcome.STOP:
            yield Stop("bad", "Your claim is stopped", moment=event.at)
        case Outcome.ESCALATE:
            yield Stop("done", "A lead looks at it", moment=event.at)
        case Outcome.UNDO:
            yield Stop("bad", "The hand-back is being undone", _because(event.reason), event.at)


def _because(reason: str) -> str:
    words = {item.value: text for item, text in REASONS_TO_CLAIMANT.items()}.get(reason, "")
    return f"Because {words}." if words else ""


def _later_past(event: AnyEvent, after: Claim) -> Iterator[Stop]:
    match event:
        case events.HoldEnded():
            yield Stop("done", "The cooling-off is over", "Nobody objected.", event.at)
        case events.OwnerObjected() if after.state is State.CONTESTED:
            yield Stop("bad", "Somebody objected", "They read an older contact of the account.", event.at)
        case CodeIssued() if after.state is State.PROBATION and after.since == event.at:
            yield Stop("done", STEPS_TO_CLAIMANT[Step.SEND_LINK], "Only to the contact that you proved.", event.at)
        case events.StepDone():
            yield Stop("done", STEPS_TO_CLAIMANT[event.step], _result(event), event.at)
        case events.PasswordApplied():
            yield Stop("done", "New password set", _sessions(event.sessions), event.at)
        case events.ProbationEnded():
            yield Stop("done", "The probation is over", moment=event.at)
        case events.Reopened():
            yield Stop("done", "You took the claim up again", moment=event.at)
        case events.Withdrawn():
            yield Stop("done", "You withdrew the claim", moment=event.at)
        case events.CaseExpired():
            yield Stop("done", "The claim was closed: we heard nothing", moment=event.at)
        case events.ContestLapsed():
            yield Stop("bad", "The claim was stopped: we heard nothing", moment=event.at)
        case _:
            return


_RESULTS: dict[tuple[Step, str], str] = {
    (Step.LIFT_FREEZE, "not_frozen"): "It was not frozen.",
    (Step.LIFT_FREEZE, "kept"): "Not lifted: another case holds the account shut, and is heard first.",
    (Step.CHANGE_CONTACTS, "kept"): "The contacts stay as they are.",
    (Step.RESTORE_FREEZE, "not_frozen"): "It is not frozen.",
    (Step.RESTORE_FREEZE, "frozen"): "It is frozen, as before.",
    (Step.RESTORE_FREEZE, "kept"): "It stays frozen because of another case.",
}


def _result(event: events.StepDone) -> str:
    """What the account system answered, in words; nothing where the step itself says it."""
    if event.step is Step.END_SESSIONS:
        return _sessions(event.count)
    if event.result == "no_account":
        return "The account no longer exists."
    return _RESULTS.get((event.step, event.result), "")


def _sessions(count: int) -> str:
    if not count:
        return "Nobody was signed in."
    return "One session was ended." if count == 1 else f"{count} sessions were ended."


def _present(case: Claim) -> Iterator[Stop]:
    if case.is_closed:
        return
    words: dict[State, tuple[str, str]] = {
        State.AWAITING_EVIDENCE: ("You say what you know", "Then an agent looks at it."),
        State.AWAITING_REVIEW: ("In review", "A lead decides." if case.with_lead else "An agent reads what you sent."),
        State.AWAITING_ANSWER: ("We wait for your answer", "Our clock stands still."),
        State.AWAITING_SECOND_APPROVAL: ("A second person looks at it", "Two people agree, or nothing happens."),
        State.CONTESTED: ("In review again", "Another agent looks at your claim and at the objection."),
        State.COOLING_OFF: ("Cooling-off", "The older contacts of the account are told, and can object."),
        State.HANDING_BACK: ("We hand the account back", "Step by step; each one is tried until it is done."),
        State.PROBATION: ("Probation", "An older contact of the account can still stop it."),
    }
    if case.undoing:
        yield Stop("now", "The hand-back is being undone", when="Now")
    elif case.state in words:
        what, more = words[case.state]
        yield Stop("now", what, more, when="Now")


def _future(case: Claim) -> Iterator[Stop]:
    early = {State.AWAITING_CONTACT_PROOF, State.AWAITING_EVIDENCE}
    reviewing = {State.AWAITING_REVIEW, State.AWAITING_ANSWER, State.AWAITING_SECOND_APPROVAL, State.CONTESTED}
    if case.is_closed or case.undoing:
        return
    if case.state in early:
        yield Stop("later", "An agent looks at it", "Or two, where much is at stake.", when="Then")
    if case.state in early | reviewing and not _was_handed_back(case):
        yield Stop("later", "Cooling-off", _cooling_off(case), when="If approved")
    if case.state in early | reviewing | {State.COOLING_OFF} and not _was_handed_back(case):
        yield Stop("later", "You set a new password", "With a link that goes only to the contact you proved.",
                   moment=case.hold_until, when="After that")  # fmt: skip
    for step in case.to_do if case.state is State.HANDING_BACK else ():
        yield Stop("later", STEPS_TO_CLAIMANT[step], when="Next")
    if case.state in early | reviewing:
        yield Stop("later", "You get the reason in words", "And how to go on from there.", when="If not approved")
    if case.state in {State.COOLING_OFF, State.HANDING_BACK}:
        length = span(probation_length(case))
        yield Stop("later", f"Probation, {length}", "In that time an older contact can still stop it.", when="Then")
    if case.state is State.PROBATION:
        yield Stop("later", "The account is yours for good", moment=case.probation_until)


def _cooling_off(case: Claim) -> str:
    policy = case.policy
    shortest, longest = span(policy.hold_contact_kept), span(policy.hold_all_replaced)
    length = span(hold_length(case)) if case.plan else f"from {shortest} to {longest}"
    return f"It lasts {length}: we tell every older contact, and whoever owns the account can stop it. It protects you."


def _was_handed_back(case: Claim) -> bool:
    return case.contested_in is State.PROBATION or case.begun_at is not None
