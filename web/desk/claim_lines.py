"""What stands in the timeline of a claim beside who did it; `timeline.py` puts the line together."""

from collections.abc import Mapping

from domain import claim_events
from domain.claim import Claim, State
from domain.claim_events import Event, Promise, Stage, Step
from domain.contact_proof import CodeIssued
from domain.decisions import Item, Outcome
from storage.folding import AnyEvent
from web import words as common
from web.desk import choices, claim_view, words


def what(event: AnyEvent, case: Claim) -> str:
    """What happened, where one word for every event of its kind would say too little; empty where it does not."""
    match event:
        case claim_events.CaseOpened() if case.objection:
            return "opened the claim with “this was not me”"
        case CodeIssued() if case.begun_at:
            return "made a link to set a password"
        case claim_events.StepDone(step=Step.LIFT_FREEZE, result="not_frozen"):
            return "found no freeze to lift"
        case claim_events.StepDone(step=step):
            return words.STEPS_DONE[step]
        case claim_events.HoldNoticeDue(stage=stage):
            when = "half of the cooling-off is over" if stage is Stage.MIDDLE else "the cooling-off ends soon"
            return f"told the owner again: {when}"
        case _:
            return ""


def decided(event: claim_events.DecisionRecorded, case: Claim) -> str:
    """What a decision did; `case` is the claim after it."""
    match event.outcome:
        case Outcome.APPROVE if case.state is State.AWAITING_SECOND_APPROVAL:
            return "proposed to approve the hand-back"
        case Outcome.APPROVE if case.state is State.PROBATION:
            return "let the hand-back stand"
        case Outcome.APPROVE if len(case.deciders) > 1:
            return "gave the second approval"
        case Outcome.DENY if not case.is_closed:
            return "sent the proposal back"
        case Outcome.STOP:
            return "stopped the claim"
        case outcome:
            return common.OUTCOMES[outcome]


def details(event: claim_events.DecisionRecorded, case: Claim) -> list[str]:
    """What was decided in particular: the contacts, the things asked for."""
    found = []
    if event.plan and event.outcome is Outcome.APPROVE:
        plan = choices.plan_words(case, event.plan)
        found.append(plan[:1].lower() + plan[1:])
    if event.items:
        found.append(items_words(event.items))
    return found


def items_words(items: tuple[str, ...]) -> str:
    """`earlier passwords, devices`; a name that another client has sent stands as it is."""
    known = [words.ITEMS[Item(item)] if item in set(Item) else item[:40] for item in items]
    return ", ".join(word[:1].lower() + word[1:] for word in known)


def more(event: AnyEvent, names: Mapping[str, str]) -> str:
    """What helps to understand it."""
    match event:
        case claim_events.ContactProved(via=via):
            return f"with the {via}"
        case claim_events.EvidenceGiven() | claim_events.ReplySent() | claim_events.FilesScanned():
            return _given(event)
        case claim_events.PromiseMissed(promise=promise):
            return "the first answer" if promise is Promise.FIRST_ANSWER else "the decision"
        case claim_events.LeaseExpired(agent=agent):
            return f"{names.get(agent, agent)} had it"
        case claim_events.Revealed(what=what):
            return revealed_words(what)
        case claim_events.StepDone(step=Step.LIFT_FREEZE, result="not_frozen"):
            return ""
        case claim_events.StepDone(step=step, result=result, count=count) if result:
            return claim_view.result_words(step, result, count)
        case claim_events.StepDelayed(step=step):
            return words.STEPS[step][:1].lower() + words.STEPS[step][1:]
        case claim_events.ObjectionNoted():
            return "the contact is younger than what is disputed, or it was too late"
        case claim_events.PasswordRefused(because=because):
            return words.NOT_TAKEN.get(because, because.replace("_", " "))
        case claim_events.ReminderDue(number=number):
            return f"number {number}"
        case _:
            return ""


def _given(event: Event) -> str:
    match event:
        case claim_events.EvidenceGiven(score=score, files=files):
            return f"score {score}" + (f", {_files(files)}" if files else "")
        case claim_events.ReplySent(files=files):
            return f"with {_files(files)}" if files else ""
        case claim_events.FilesScanned(clean=clean, refused=refused):
            return f"{clean} clean, {refused} refused"
        case _:
            return ""


def _files(count: int) -> str:
    return "one file" if count == 1 else f"{count} files"


def revealed_words(what: str) -> str:
    """What was looked at: `e-mail`, `proved contact`, `a file`."""
    kind = what.partition("/")[0]
    if kind == "file":
        return "a file"
    said = words.GIVEN.get(kind, kind)
    return said[:1].lower() + said[1:]


def coming(event: AnyEvent) -> str:
    """What the clock will do when this event comes."""
    if isinstance(event, claim_events.PromiseMissed):
        which = "first answer" if event.promise is Promise.FIRST_ANSWER else "decision"
        return f"The {which} is due; after that the claimant may ask for a lead"
    return common.COMING[event.kind]
