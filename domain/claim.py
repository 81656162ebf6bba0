"""A claim, pure: where no code can help, people decide, and nothing they decide is lost (design 7).

`apply` folds what happened. Beside this file: what may happen to it (`claim_events.py`), when the clock acts
(`claim_deadlines.py`), what a command makes happen (`claim_commands.py`), and an agent's decision
(`claim_decisions.py`). Effects follow from the state: `freeze`, `to_do`, `proof.wanted` and `secret` ask for one each.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from domain import claim_events as events
from domain.case import Answer
from domain.claim_events import ContactSight, Event, Promise, Stage, Step, Survey
from domain.clock import Clock, PauseReason
from domain.contact_proof import (
    CodeExpired,
    CodeIssued,
    CodeRefused,
    CodeRequested,
    ContactGiven,
    CooldownEnded,
    Destination,
    Issue,
)
from domain.decisions import ALL, KEEP, Outcome
from domain.evidence import Fact
from domain.policy import CURRENT_POLICY, Policy


class State(StrEnum):
    """Named after what is missing; end states are participles."""

    OPENING = "opening"
    AWAITING_CONTACT_PROOF = "awaiting_contact_proof"
    AWAITING_EVIDENCE = "awaiting_evidence"
    AWAITING_REVIEW = "awaiting_review"
    AWAITING_ANSWER = "awaiting_answer"
    AWAITING_SECOND_APPROVAL = "awaiting_second_approval"
    CONTESTED = "contested"
    COOLING_OFF = "cooling_off"
    HANDING_BACK = "handing_back"
    PROBATION = "probation"
    RECOVERED = "recovered"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    STOPPED = "stopped"
    UNDONE = "undone"


ENDS = frozenset({State.RECOVERED, State.DENIED, State.WITHDRAWN, State.EXPIRED, State.STOPPED, State.UNDONE})
AT_THE_DESK = frozenset({State.AWAITING_REVIEW, State.AWAITING_SECOND_APPROVAL, State.CONTESTED})
"""Where an agent has to decide something."""
BEFORE_THE_EFFECT = frozenset(
    {
        State.AWAITING_EVIDENCE,
        State.AWAITING_REVIEW,
        State.AWAITING_ANSWER,
        State.AWAITING_SECOND_APPROVAL,
        State.CONTESTED,
        State.COOLING_OFF,
    }
)
"""A contact is proved, and nothing was changed yet, or what was changed is disputed."""
TALKING = BEFORE_THE_EFFECT | {State.PROBATION}
"""Where claimant and desk may write to each other."""


class Reason(StrEnum):
    """What happened, in the claimant's words."""

    CONTACT = "contact"
    COMPROMISED = "compromised"
    DELETED = "deleted"
    OTHER = "other"


class Freeze(StrEnum):
    """Whether the account is held shut because of this claim."""

    NONE = "none"
    WANTED = "wanted"
    ON = "on"
    WITHHELD = "withheld"
    ENDING = "ending"
    OVER = "over"


HAND_BACK = (Step.LIFT_FREEZE, Step.CHANGE_CONTACTS, Step.END_SESSIONS, Step.SEND_LINK)
UNDOING = (Step.RESTORE_CONTACTS, Step.END_SESSIONS, Step.RESTORE_FREEZE)


@dataclass(frozen=True)
class ContactProof:
    """How far the proof of a contact is: what is wanted, the newest code, and whether another may be asked for."""

    wanted: Destination | None = None
    issue: Issue | None = None
    issues: int = 0
    resend_open: bool = False
    code_is_over: bool = False
    """It ran out or its tries are used up; the link that came with it goes on until its own time."""


@dataclass(frozen=True)
class Asked:
    """What an agent asked the claimant for, and until when the case waits."""

    items: tuple[str, ...]
    text: str
    due_at: datetime
    back_to: State = State.AWAITING_REVIEW


@dataclass(frozen=True)
class Proposal:
    """A first approval: it changes nothing until a second person agrees."""

    id: str
    agent: str
    plan: str
    at: datetime
    back_to: State = State.AWAITING_REVIEW


@dataclass(frozen=True)
class Done:
    """One step of a hand-back or of its undoing, with what the account system answered."""

    step: Step
    at: datetime
    result: str
    count: int = 0


@dataclass(frozen=True)
class Claim:
    """Somebody says: this account is mine, and no code can prove it."""

    reference: str
    reason: Reason = Reason.COMPROMISED
    holder: str = ""
    """Digest of the case secret of the one browser that may act."""
    policy: Policy = CURRENT_POLICY
    account: str = ""
    """Opaque; known from the start if an objection opened the claim, else once the evidence names it."""
    objection: str = ""
    """Id of the `received` row of the objection that opened the claim, if one did."""
    to: Destination | None = None
    """The contact that was typed into the first form; None for a claim that an objection opened."""
    number: int = 0
    version: int = 0
    state: State = State.OPENING
    since: datetime | None = None
    opened_at: datetime | None = None
    proof: ContactProof = ContactProof()
    contact: Destination | None = None
    """The proved contact."""
    sight: ContactSight | None = None
    survey: Survey | None = None
    evidence: str = ""
    facts: tuple[Fact, ...] = ()
    score: int = 0
    files: int = 0
    files_waiting: int = 0
    first_answer: Clock | None = None
    decision: Clock | None = None
    reminders: int = 0
    spoke_at: datetime | None = None
    """When the claimant did something last."""
    asked: Asked | None = None
    with_lead: bool = False
    assignee: str = ""
    lease_until: datetime | None = None
    proposal: Proposal | None = None
    deciders: tuple[str, ...] = ()
    """Who proposed and who approved; after an objection somebody else decides."""
    plan: str = ""
    hold_until: datetime | None = None
    told: tuple[Stage, ...] = ()
    begun_at: datetime | None = None
    to_do: tuple[Step, ...] = ()
    done: tuple[Done, ...] = ()
    is_delayed: bool = False
    undoing: bool = False
    link_used_at: datetime | None = None
    secret: str = ""
    password_set_at: datetime | None = None
    probation_until: datetime | None = None
    contested_in: State | None = None
    """Where the objection met the claim: before the effect or in the probation."""
    freeze: Freeze = Freeze.NONE
    frozen_at: datetime | None = None
    frozen_until: datetime | None = None
    """When the freeze lapses by itself; None for one that an agent keeps or an objection made."""
    keeps_freeze: bool = False
    """An agent has decided that the freeze does not lapse by itself."""
    because: str = ""
    can_reopen: bool = False
    decided: tuple[str, ...] = ()
    kind: Literal["claim"] = "claim"

    @property
    def is_closed(self) -> bool:
        return self.state in ENDS

    @property
    def is_over(self) -> bool:
        """Closed for good: nothing more to do, and it cannot be taken up again."""
        return self.is_closed and not self.can_reopen and not self.to_do and self.freeze is not Freeze.ENDING

    @property
    def issue(self) -> Issue | None:
        return self.proof.issue

    @property
    def tries_left(self) -> int:
        return self.policy.tries_per_code - self.issue.wrong if self.issue else 0

    @property
    def code_until(self) -> datetime | None:
        return self.issue.at + self.policy.code_lifetime if self.issue else None

    @property
    def link_until(self) -> datetime | None:
        """Until when the newest mailed link works: that of a hand-back lives longer than that of a proof."""
        if self.issue is None:
            return None
        lives = self.policy.password_link_lifetime if self.begun_at else self.policy.link_lifetime
        return self.issue.at + lives

    @property
    def resend_at(self) -> datetime | None:
        return self.issue.at + self.policy.cooldown(self.issue.number) if self.issue else None

    @property
    def password_until(self) -> datetime | None:
        """Until when the password may be set, once the link was used."""
        return self.link_used_at + self.policy.proof_window if self.link_used_at else None

    @property
    def disputed_at(self) -> datetime | None:
        """A contact that is younger than this may be the thief's: it is told, and cannot object."""
        seen = self.survey or self.sight
        return (seen.disputed_at if seen else None) or self.opened_at

    @property
    def needs_freeze(self) -> bool:
        """Whether a freeze has no end of its own: an agent keeps it, or it stops what was objected to."""
        return self.keeps_freeze or self.contested_in is not None

    @property
    def is_risky(self) -> bool:
        """Whether everything is replaced."""
        return self.plan == ALL

    @property
    def reopen_until(self) -> datetime | None:
        return self.since + self.policy.reopen_within if self.since and self.can_reopen else None


def answer(case: Claim, event: Event) -> Answer:
    return Answer(event.kind, case.state, case.number, case.tries_left)


# ---- what follows -------------------------------------------------------------------------------------------


def apply(case: Claim, event: Event) -> Claim:
    """The claim after the event; the very same object if the event means nothing to it now."""
    if case.is_closed:
        return _after_the_end(case, event)
    for rule in (_proving, _telling, _at_the_desk, _deciding, _holding, _handing_back, _freezing, _ending):
        after = rule(case, event)
        if after is not case:
            return after
    return case


def _proving(case: Claim, event: Event) -> Claim:
    """Towards a proved contact."""
    proof = case.proof
    match case.state, event:
        case State.OPENING, events.CaseOpened() if case.number == 0:
            wants_freeze = Freeze.WANTED if case.objection else Freeze.NONE
            opened = replace(case, opened_at=event.at, spoke_at=event.at, freeze=wants_freeze)
            return _moved(_wanting(opened, case.to), State.AWAITING_CONTACT_PROOF, event.at)
        case State.AWAITING_CONTACT_PROOF, ContactGiven() if proof.wanted is None and proof.issue is None:
            return _noted(_wanting(case, event.to))
        case state, CodeRequested() if may_resend(case) and proof.issue:
            open_again = replace(proof, wanted=event.to or proof.issue.to, resend_open=False)
            return _noted(replace(case, proof=open_again)) if state else case
        case _, CodeIssued() if proof.wanted and event.issue == proof.issues + 1:
            return _issued(case, event)
        case State.AWAITING_CONTACT_PROOF, CodeRefused() if is_alive(case) and _is_newest(case, event.issue):
            return _refused(case)
        case State.AWAITING_CONTACT_PROOF, CodeExpired() if _is_newest(case, event.issue) and is_alive(case):
            return _noted(_without_code(case))
        case _, CooldownEnded() if _is_newest(case, event.issue) and not proof.resend_open:
            return _noted(replace(case, proof=replace(proof, resend_open=True)))
        case State.AWAITING_CONTACT_PROOF, events.ContactProved() if _is_newest(case, event.issue) and proof.issue:
            return _proved(case, event, proof.issue.to)
        case _:
            return case


def _wanting(case: Claim, to: Destination | None) -> Claim:
    return replace(case, proof=replace(case.proof, wanted=to)) if to else case


def _issued(case: Claim, event: CodeIssued) -> Claim:
    assert case.proof.wanted
    issue = Issue(event.issue, event.at, case.proof.wanted, event.keys, event.digest, event.link_digest)
    issued = replace(case, proof=ContactProof(issue=issue, issues=event.issue))
    if issued.to_do and issued.to_do[0] is Step.SEND_LINK:
        return _stepped(issued, events.StepDone(event.at, Step.SEND_LINK, "sent", 1))
    return _noted(issued)


def _is_newest(case: Claim, issue: int) -> bool:
    return case.issue is not None and case.issue.number == issue


def is_alive(case: Claim) -> bool:
    """Whether the newest code may still be typed."""
    return case.issue is not None and not case.proof.code_is_over


def may_resend(case: Claim) -> bool:
    """While a contact is to be proved, and after a hand-back until the password is set."""
    wants_link = case.state is State.PROBATION and case.password_set_at is None and not case.secret
    return case.proof.wanted is None and (case.state is State.AWAITING_CONTACT_PROOF or wants_link)


def _refused(case: Claim) -> Claim:
    assert case.issue
    counted = replace(case, proof=replace(case.proof, issue=replace(case.issue, wrong=case.issue.wrong + 1)))
    return _noted(counted if counted.tries_left > 0 else _without_code(counted))


def _without_code(case: Claim) -> Claim:
    return replace(case, proof=replace(case.proof, code_is_over=True))


def spent_tries(before: Claim, after: Claim) -> tuple[int, int] | None:
    """`(issue, wrong tries)` when `after` no longer takes the code that `before` took: its reservation ends."""
    if before.state is not State.AWAITING_CONTACT_PROOF or before.issue is None or not is_alive(before):
        return None
    same = after.issue and after.issue.number == before.issue.number
    if same and is_alive(after) and after.state is State.AWAITING_CONTACT_PROOF:
        return None
    return before.issue.number, after.issue.wrong if same and after.issue else before.issue.wrong


def _proved(case: Claim, event: events.ContactProved, contact: Destination) -> Claim:
    assert case.issue
    used = replace(case.issue, digest="", link_digest="")
    proved = replace(
        case,
        proof=replace(case.proof, issue=used, wanted=None),
        contact=contact,
        holder=event.holder,
        sight=event.sight,
        spoke_at=event.at,
        reminders=0,
    )
    lately = event.sight.accounts
    if case.reason is Reason.COMPROMISED and len(lately) == 1 and case.freeze is Freeze.NONE:
        proved = replace(proved, account=lately[0], freeze=Freeze.WANTED)
    return _moved(proved, State.AWAITING_EVIDENCE, event.at)


def _telling(case: Claim, event: Event) -> Claim:
    """What the claimant tells us."""
    match case.state, event:
        case State.AWAITING_EVIDENCE, events.EvidenceGiven():
            return _moved(_started(_weighed(case, event), event.at), State.AWAITING_REVIEW, event.at)
        case ((State.AWAITING_ANSWER | State.AWAITING_REVIEW | State.CONTESTED), events.EvidenceGiven()):
            return _answered(_weighed(case, event), event.at)
        case state, events.ReplySent() if state in TALKING:
            files = case.files + event.files
            waiting = case.files_waiting + event.files
            return _answered(replace(case, files=files, files_waiting=waiting), event.at)
        case _, events.FilesScanned() if case.files_waiting:
            waiting = max(case.files_waiting - event.clean - event.refused, 0)
            return _changed(replace(case, files_waiting=waiting, files=case.files - event.refused))
        case _, events.Nudged() if case.state in AT_THE_DESK:
            return _noted(replace(case, with_lead=True, spoke_at=event.at))
        case _, events.HolderMoved() if case.contact:
            return _noted(replace(case, holder=event.holder))
        case _, events.ReminderDue() if event.number == case.reminders + 1:
            return _noted(replace(case, reminders=event.number))
        case _:
            return case


def _weighed(case: Claim, event: events.EvidenceGiven) -> Claim:
    return replace(
        case,
        account=event.survey.account or case.account,
        survey=event.survey,
        evidence=event.evidence,
        facts=event.facts,
        score=event.score,
        files=case.files + event.files,
        files_waiting=case.files_waiting + event.files,
    )


def _started(case: Claim, at: datetime) -> Claim:
    """The promises begin when there is something to look at."""
    policy, hurry = case.policy, case.reason is Reason.COMPROMISED
    first = policy.compromised_within if hurry else policy.first_answer_within
    whole = policy.compromised_within if hurry else policy.decision_within
    return replace(case, first_answer=Clock(at, first), decision=Clock(at, whole), spoke_at=at, reminders=0)


def _answered(case: Claim, at: datetime) -> Claim:
    """Something new from the claimant: whoever decides has to have seen it, and the clock runs again."""
    spoken = replace(case, spoke_at=at, reminders=0)
    if case.state is not State.AWAITING_ANSWER or case.asked is None:
        return _changed(spoken)
    resumed = replace(spoken, asked=None, decision=case.decision.resumed(at) if case.decision else None)
    return _moved(resumed, case.asked.back_to, at)


def _at_the_desk(case: Claim, event: Event) -> Claim:
    """What agents do besides deciding. Whatever they do renews their lease."""
    match event:
        case events.Taken() if case.state in AT_THE_DESK and not case.undoing:
            return _noted(replace(case, assignee=event.agent, lease_until=event.until))
        case events.Released() | events.LeaseExpired() if case.assignee == event.agent:
            return _noted(replace(case, assignee="", lease_until=None))
        case events.NoteWritten() | events.Revealed():
            return _noted(_renewed(case, event.agent, event.at))
        case events.MessageSent() if case.state in TALKING:
            return _noted(_renewed(_first_answered(case, event.at), event.agent, event.at))
        case events.PromiseMissed():
            return _missed(case, event)
        case _:
            return case


def _renewed(case: Claim, agent: str, at: datetime) -> Claim:
    return replace(case, lease_until=at + case.policy.lease) if case.assignee == agent else case


def _first_answered(case: Claim, at: datetime) -> Claim:
    return replace(case, first_answer=case.first_answer.met(at)) if case.first_answer else case


def _missed(case: Claim, event: events.PromiseMissed) -> Claim:
    name = "first_answer" if event.promise is Promise.FIRST_ANSWER else "decision"
    clock: Clock | None = getattr(case, name)
    if clock is None or clock.missed_at or clock.met_at:
        return case
    return _noted(replace(case, **{name: clock.missed(event.at)}))  # type: ignore[arg-type]


def _deciding(case: Claim, event: Event) -> Claim:
    match event:
        case events.DecisionRefused() if event.id not in case.decided:
            return _noted(_dealt_with(case, event.id))
        case events.DecisionRecorded() if event.id not in case.decided:
            return _decided(_first_answered(_dealt_with(case, event.id), event.at), event)
        case events.ApprovalLapsed() if case.proposal:
            back = case.proposal.back_to
            return _moved(replace(case, proposal=None, with_lead=True), back, event.at)
        case _:
            return case


def _decided(case: Claim, event: events.DecisionRecorded) -> Claim:
    """The claim after a decision that `claim_decisions.judge` has let through."""
    match event.outcome:
        case Outcome.APPROVE:
            return _approved(case, event)
        case Outcome.DENY if case.proposal:
            return _moved(replace(case, proposal=None), case.proposal.back_to, event.at)
        case Outcome.DENY:
            return _closed(case, State.DENIED, event.at, event.reason)
        case Outcome.ASK:
            until = event.at + case.policy.claim_wait
            asked = Asked(event.items, event.text, until, case.state)
            paused = case.decision.paused(event.at, PauseReason.WAITING_FOR_CLAIMANT) if case.decision else None
            waiting = replace(case, asked=asked, decision=paused, reminders=0, assignee="", lease_until=None)
            return _moved(waiting, State.AWAITING_ANSWER, event.at)
        case Outcome.ESCALATE:
            return _changed(replace(case, with_lead=True, assignee="", lease_until=None))
        case Outcome.STOP:
            return _closed(case, State.STOPPED, event.at, "agent")
        case Outcome.UNDO:
            return _changed(replace(case, undoing=True, to_do=UNDOING, assignee="", lease_until=None))
        case Outcome.KEEP_FREEZE:
            # Once more, without an end: the account system keeps its own time.
            return _changed(replace(case, freeze=Freeze.WANTED, frozen_until=None, keeps_freeze=True))
        case Outcome.LIFT_FREEZE:
            return _changed(replace(case, freeze=Freeze.ENDING))
        case _:
            return case


def _approved(case: Claim, event: events.DecisionRecorded) -> Claim:
    by = (*case.deciders, event.agent)
    if case.proposal is None and needs_second_approval(case, event.plan):
        proposal = Proposal(event.id, event.agent, event.plan, event.at, case.state)
        free = replace(case, proposal=proposal, deciders=by, assignee="", lease_until=None)
        return _moved(free, State.AWAITING_SECOND_APPROVAL, event.at)
    plan = case.proposal.plan if case.proposal else event.plan
    met = case.decision.met(event.at) if case.decision else None
    agreed = replace(
        case, proposal=None, deciders=by, plan=plan, decision=met, assignee="", lease_until=None, with_lead=False
    )
    if case.contested_in is State.PROBATION:
        lasts = probation_length(agreed)
        released = replace(agreed, contested_in=None, probation_until=event.at + lasts, freeze=_thawing(agreed))
        return _moved(released, State.PROBATION, event.at)
    held = replace(agreed, contested_in=None, hold_until=event.at + hold_length(agreed), told=())
    return _moved(held, State.COOLING_OFF, event.at)


def needs_second_approval(case: Claim, plan: str) -> bool:
    """Thin evidence, a high-value account, everything replaced, or an objection: one person is not enough."""
    thin = case.score < case.policy.single_approval_score
    return thin or plan == ALL or case.contested_in is not None or bool(case.survey and case.survey.high_value)


def hold_length(case: Claim) -> timedelta:
    """How long the approval waits for an objection (design 5, cooling-off)."""
    policy, survey = case.policy, case.survey
    if case.plan == ALL:
        return policy.hold_all_replaced
    if case.plan != KEEP:
        return policy.hold_one_replaced
    unknown = survey is not None and survey.knows_devices and not survey.device_is_known
    return policy.hold_contact_kept + (policy.hold_unknown_device if unknown else timedelta(0))


def probation_length(case: Claim) -> timedelta:
    return case.policy.probation_all_replaced if case.is_risky else case.policy.probation


def _thawing(case: Claim) -> Freeze:
    return Freeze.ENDING if case.freeze in {Freeze.ON, Freeze.WANTED} else case.freeze


def _holding(case: Claim, event: Event) -> Claim:
    match case.state, event:
        case State.COOLING_OFF, events.HoldNoticeDue() if event.stage not in case.told:
            return _noted(replace(case, told=(*case.told, event.stage)))
        case State.COOLING_OFF, events.HoldEnded():
            return _moved(replace(case, to_do=HAND_BACK), State.HANDING_BACK, event.at)
        case ((State.AWAITING_SECOND_APPROVAL | State.COOLING_OFF), events.OwnerObjected()):
            return _contested(case, event, case.contested_in or State.COOLING_OFF)
        case State.HANDING_BACK, events.OwnerObjected() if case.begun_at is None:
            return _contested(replace(case, to_do=()), event, State.COOLING_OFF)
        case State.PROBATION, events.OwnerObjected():
            return _contested(case, event, State.PROBATION)
        case _, events.ObjectionNoted():
            return _changed(case)
        case ((State.CONTESTED | State.AWAITING_ANSWER), events.ContestLapsed()) if case.contested_in:
            return _given_up(case, event.at)
        case _:
            return case


def _given_up(case: Claim, at: datetime) -> Claim:
    """The claimant was silent after an objection: what was not done yet is not done, what was done is undone."""
    if case.contested_in is not State.PROBATION:
        return _closed(case, State.STOPPED, at, "silence")
    undoing = replace(case, undoing=True, to_do=UNDOING, because="silence", asked=None)
    return _moved(undoing, State.CONTESTED, at)


def _contested(case: Claim, event: events.OwnerObjected, where: State) -> Claim:
    """The effect is stopped, the account shut, and another agent looks; both clocks begin anew."""
    frozen = Freeze.WANTED if case.account and case.freeze is not Freeze.ON else case.freeze
    stopped = replace(
        case,
        contested_in=where,
        freeze=frozen,
        frozen_until=None,
        proposal=None,
        asked=None,
        hold_until=None,
        probation_until=None,
        assignee="",
        lease_until=None,
        secret="",
        link_used_at=None,
        proof=replace(case.proof, wanted=None),
    )
    spoke = case.spoke_at
    return _moved(replace(_started(stopped, event.at), spoke_at=spoke), State.CONTESTED, event.at)


def _handing_back(case: Claim, event: Event) -> Claim:
    match case.state, event:
        case State.HANDING_BACK, events.HandBackBegun() if case.begun_at is None:
            return _noted(replace(case, begun_at=event.at))
        case _, events.StepDone() if case.to_do and case.to_do[0] is event.step:
            return _stepped(case, event)
        case _, events.StepDelayed() if case.to_do and not case.is_delayed:
            return _noted(replace(case, is_delayed=True))
        case State.PROBATION, events.LinkUsed() if _is_newest(case, event.issue) and case.issue:
            used = replace(case.issue, digest="", link_digest="")
            proved = replace(case, holder=event.holder, link_used_at=event.at, spoke_at=event.at)
            return _changed(replace(proved, proof=replace(case.proof, issue=used)))
        case State.PROBATION, events.ProofLapsed() if case.link_used_at and not case.secret:
            return _noted(replace(case, link_used_at=None))
        case State.PROBATION, events.PasswordSubmitted() if case.link_used_at and not case.secret:
            return _noted(replace(case, secret=event.secret))
        case _, events.PasswordApplied() if case.secret:
            return _noted(replace(case, secret="", link_used_at=None, password_set_at=event.at))
        case _, events.PasswordRefused() if case.secret:
            return _noted(replace(case, secret="", link_used_at=None))
        case _, events.PasswordLost() if case.secret:
            return _noted(replace(case, secret="", link_used_at=event.at))
        case State.PROBATION, events.ProbationEnded():
            return _closed(case, State.RECOVERED, event.at, "")
        case _:
            return case


def _stepped(case: Claim, event: events.StepDone) -> Claim:
    done = (*case.done, Done(event.step, event.at, event.result, event.count))
    after = replace(case, done=done, to_do=case.to_do[1:], is_delayed=False)
    if event.step in {Step.LIFT_FREEZE, Step.RESTORE_FREEZE} and after.freeze is not Freeze.NONE:
        after = replace(after, freeze=Freeze.OVER, frozen_until=None)
    if after.to_do and after.to_do[0] is Step.SEND_LINK:
        after = _wanting(after, case.contact)
    if after.to_do:
        return _noted(after)
    if case.undoing:
        return _moved(replace(after, because=case.because or "undone"), State.UNDONE, event.at)
    return _moved(replace(after, probation_until=event.at + probation_length(case)), State.PROBATION, event.at)


def _freezing(case: Claim, event: Event) -> Claim:
    match event:
        case events.AccountFrozen() if case.freeze is Freeze.WANTED:
            until = None if case.needs_freeze else event.at + case.policy.freeze_lifetime
            return _noted(replace(case, freeze=Freeze.ON, frozen_at=event.at, frozen_until=until))
        case events.FreezeWithheld() if case.freeze is Freeze.WANTED:
            return _noted(replace(case, freeze=Freeze.WITHHELD))
        case events.FreezeLapsed() if case.freeze is Freeze.ON and case.frozen_until:
            return _noted(replace(case, freeze=Freeze.ENDING))
        case events.FreezeEnded() if case.freeze is Freeze.ENDING:
            return _noted(replace(case, freeze=Freeze.OVER, frozen_until=None))
        case _:
            return case


def _ending(case: Claim, event: Event) -> Claim:
    match event:
        case events.Withdrawn() if may_withdraw(case):
            return _closed(case, State.WITHDRAWN, event.at, "")
        case events.CaseExpired():
            again = case.state in {State.AWAITING_EVIDENCE, State.AWAITING_ANSWER}
            return replace(_closed(case, State.EXPIRED, event.at, str(case.state)), can_reopen=again)
        case _:
            return case


def may_withdraw(case: Claim) -> bool:
    """Until something was changed at the account; what was changed is for the desk to undo."""
    return not case.is_closed and case.begun_at is None and case.state is not State.HANDING_BACK


def _closed(case: Claim, state: State, at: datetime, because: str) -> Claim:
    ended = replace(
        case,
        because=because,
        freeze=_thawing(case),
        frozen_until=None,
        proposal=None,
        assignee="",
        lease_until=None,
        secret="",
        decision=case.decision.met(at) if case.decision else None,
        first_answer=case.first_answer.met(at) if case.first_answer else None,
        proof=replace(case.proof, wanted=None),
    )
    return _moved(ended, state, at)


def _after_the_end(case: Claim, event: Event) -> Claim:
    """What may still happen to a closed claim: its freeze ends, it is taken up again, or that is over too."""
    match event:
        case events.FreezeEnded() if case.freeze is Freeze.ENDING:
            return _noted(replace(case, freeze=Freeze.OVER))
        case events.Reopened() if case.can_reopen:
            back = State.AWAITING_REVIEW if case.evidence else State.AWAITING_EVIDENCE
            again = replace(case, can_reopen=False, because="", asked=None, reminders=0)
            again = _started(again, event.at) if case.evidence else replace(again, spoke_at=event.at)
            return _moved(again, back, event.at)
        case events.ReopenLapsed() if case.can_reopen:
            return _noted(replace(case, can_reopen=False))
        case events.NoteWritten() | events.Revealed():
            return _noted(case)
        case events.HolderMoved() if case.contact:
            return _noted(replace(case, holder=event.holder))
        case events.DecisionRefused() if event.id not in case.decided:
            return _noted(_dealt_with(case, event.id))
        case _:
            return case


def _moved(case: Claim, state: State, at: datetime) -> Claim:
    number = case.number + 1
    return replace(case, number=number, version=number, state=state, since=at)


def _changed(case: Claim) -> Claim:
    """The same state, but whoever decides has to have seen this."""
    return replace(case, number=case.number + 1, version=case.number + 1)


def _noted(case: Claim) -> Claim:
    """Counted; a decision made before it stands."""
    return replace(case, number=case.number + 1)


def _dealt_with(case: Claim, decision: str) -> Claim:
    # Twenty ids are enough to recognise a signal that was sent again; the list must not grow without end.
    return replace(case, decided=(*case.decided, decision)[-20:])
