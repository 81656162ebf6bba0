"""A claim told as a story: what nia does, what the desk decides, what the clock and the account system bring.

Pure: the account system's answers are given by whoever tells the story.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from domain import claim_events as events
from domain.case import Answer
from domain.claim import HAND_BACK, Claim, Reason, State, answer, apply
from domain.claim_commands import decide
from domain.claim_deadlines import deadlines, due
from domain.claim_decisions import judge
from domain.claim_events import Command, ContactSeen, ContactSight, Event, Step, Survey
from domain.contact_proof import CodeIssued
from domain.decisions import ALL, KEEP, Decision, Doubt, Outcome, Verdict, reasons
from domain.evidence import Fact, FactKind, Finding, score
from domain.policy import CURRENT_POLICY, Policy
from tests.people import BY_EMAIL, KIM, NOON, REFERENCE, SAM, Agent
from tests.story import code, link

NIA = "browser-of-nia"
REACHED_AT = BY_EMAIL
ACCOUNT = "acc_nia"
OLD_EMAIL = ContactSeen("c1", "email", NOON - timedelta(days=900))
OLD_PHONE = ContactSeen("c2", "sms", NOON - timedelta(days=700))
STRONG = (
    Fact(FactKind.FORMER_CONTACT, Finding.MATCHED),
    Fact(FactKind.USERNAME, Finding.MATCHED),
    Fact(FactKind.PASSWORD, Finding.MATCHED, 2),
    Fact(FactKind.DEVICE, Finding.MATCHED),
)
"""Possession and memory: 75 points."""
THIN = (Fact(FactKind.USERNAME, Finding.MATCHED), Fact(FactKind.EMAIL, Finding.NOT_MATCHED))


class ClaimStory:
    """`case` is the claim now, `now` the time of the story, `events` all that happened."""

    def __init__(
        self,
        reason: Reason = Reason.CONTACT,
        *,
        policy: Policy = CURRENT_POLICY,
        objection: str = "",
        contacts: Iterable[ContactSeen] = (OLD_EMAIL, OLD_PHONE),
        high_value: bool = False,
        proved: str = "",
        facts: tuple[Fact, ...] = STRONG,
    ) -> None:
        to = None if objection else REACHED_AT
        account = ACCOUNT if objection else ""
        self.case = Claim(REFERENCE, reason, NIA, policy, account, objection, to)
        self.survey = Survey(ACCOUNT, high_value, tuple(contacts), proved)
        self.facts = facts
        self.now, self.events, self._decisions = NOON, list[Event](), 0

    # ---- anything

    @property
    def state(self) -> State:
        return self.case.state

    def happens(self, event: Event) -> bool:
        """Whether it meant something."""
        after = apply(self.case, event)
        if after is self.case:
            return False
        self.case = after
        self.events.append(event)
        return True

    def does(self, command: Command) -> Answer:
        self.catches_up()
        event = decide(self.case, command, self.now)
        if isinstance(event, events.EvidenceGiven):
            event = replace(event, survey=self.survey, facts=self.facts, score=score(self.facts))
        assert self.happens(event)
        self._sends_what_is_wanted()
        return answer(self.case, event)

    def later(self, passed: timedelta) -> None:
        self.now += passed
        self.catches_up()

    def catches_up(self) -> None:
        while event := due(self.case, self.now):
            assert self.happens(event)

    def until(self, moment: datetime | None) -> None:
        assert moment is not None
        self.later(moment - self.now)

    def _sends_what_is_wanted(self) -> None:
        if self.case.proof.wanted and not self.case.is_closed:
            number = self.case.proof.issues + 1
            assert self.happens(CodeIssued(self.now, number, (), "k1/k1", code(number), link(number)))

    # ---- the way of a claim

    def opens(self) -> "ClaimStory":
        assert self.happens(events.CaseOpened(self.now))
        self._sends_what_is_wanted()
        return self

    def proves_the_contact(self, *accounts: str, disputed_at: datetime | None = None) -> "ClaimStory":
        if self.case.number == 0:
            self.opens()
        if self.case.issue is None:
            self.does(events.GiveContact(NIA, REACHED_AT))
        assert self.case.issue
        number = self.case.issue.number
        event = decide(self.case, events.SubmitCode(NIA, number, code(number)), self.now)
        assert isinstance(event, events.ContactProved)
        assert self.happens(replace(event, sight=ContactSight(accounts, disputed_at)))
        return self

    def gives_evidence(self, files: int = 0) -> "ClaimStory":
        if self.case.contact is None:
            self.proves_the_contact()
        self.does(events.GiveEvidence(NIA, "evidence-1", files=files))
        return self

    def decides(
        self,
        agent: Agent,
        outcome: Outcome | str,
        *,
        plan: str = "",
        items: tuple[str, ...] = (),
        reason: str = "",
        version: int | None = None,
        received_at: datetime | None = None,
        doubt: Doubt | None = None,
        name: str = "",
    ) -> events.DecisionRecorded | events.DecisionRefused:
        """The agent's signal arrives; what the claim makes of it."""
        self._decisions += 1
        usual = reasons("claim", Outcome(outcome))[:1] if outcome in set(Outcome) else ()
        decision = Decision(
            REFERENCE,
            self.case.version if version is None else version,
            name or f"decision-{self._decisions}",
            outcome,
            reason or (usual[0] if usual else ""),
            agent.name,
            self.now,
            "test:proof",
            items=items,
            plan=plan,
        )
        verdict = Verdict(received_at or self.now, doubt, agent.role)
        event = judge(self.case, decision, verdict, self.now)
        self.happens(event)
        return event

    def is_proposed(self, plan: str = "c1") -> "ClaimStory":
        if self.case.survey is None:
            self.gives_evidence()
        assert isinstance(self.decides(SAM, Outcome.APPROVE, plan=plan), events.DecisionRecorded)
        return self

    def is_approved(self, plan: str = "c1") -> "ClaimStory":
        """By sam, and by kim where two are needed."""
        self.is_proposed(plan)
        if self.state is State.AWAITING_SECOND_APPROVAL:
            assert isinstance(self.decides(KIM, Outcome.APPROVE), events.DecisionRecorded)
        return self

    def is_handed_back(self, plan: str = "c1") -> "ClaimStory":
        self.is_approved(plan)
        self.until(self.case.hold_until)
        assert self.happens(events.HandBackBegun(self.now))
        for step in HAND_BACK[:-1]:
            assert self.happens(events.StepDone(self.now, step, "done", 1))
        self._sends_what_is_wanted()
        return self

    def is_rolled_back(self) -> "ClaimStory":
        for step in (Step.RESTORE_CONTACTS, Step.END_SESSIONS, Step.RESTORE_FREEZE):
            assert self.happens(events.StepDone(self.now, step, "done", 1))
        return self

    def owner_objects(self, name: str = "received-9") -> "ClaimStory":
        self.catches_up()
        assert self.happens(events.OwnerObjected(self.now, name, self.now))
        return self

    def is_frozen(self) -> "ClaimStory":
        assert self.happens(events.AccountFrozen(self.now, 1))
        return self

    # ---- what is seen

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def next_events(self) -> set[str]:
        return {deadline.event.kind for deadline in deadlines(self.case)}


__all__ = ["ACCOUNT", "ALL", "KEEP", "NIA", "OLD_EMAIL", "OLD_PHONE", "REACHED_AT", "STRONG", "THIN", "ClaimStory"]
