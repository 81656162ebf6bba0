"""A recovery as it unfolds, without Temporal: the rules, a clock that is moved by hand, and the parts of the machine.

A `Story` does what the workflow does and nothing more: it lets the clock act first, asks `decide`, folds the event,
and answers what the state asks for (a code, a look at the account). Every event stays in `events`.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self

from domain.case import Deadline, earliest
from domain.decisions import Decision, Doubt, Verdict
from domain.policy import CURRENT_POLICY, Policy
from domain.recovery import (
    AccountChosen,
    AskedBy,
    CaseOpened,
    CodeAccepted,
    CodeIssued,
    Command,
    Event,
    Issue,
    Recovery,
    ResendCode,
    SecondProofAccepted,
    SetPassword,
    Sight,
    Standing,
    State,
    SubmitCode,
    SubmitSecondProof,
    UseLink,
    apply,
    deadlines,
    decide,
    due,
    judge,
    spent_tries,
)
from tests.people import ADA, NOON, REFERENCE, Person

WRONG = "digest-of-a-wrong-code"


def code(issue: int) -> str:
    """Stands for the keyed digest of code number `issue`."""
    return f"digest-of-code-{issue}"


def link(issue: int) -> str:
    """Stands for the keyed digest of link number `issue`."""
    return f"digest-of-link-{issue}"


class Story:
    """One case, the time it is, and everything that happened so far."""

    def __init__(
        self,
        policy: Policy = CURRENT_POLICY,
        asked_by: AskedBy = AskedBy.EMAIL,
        *,
        accounts: tuple[str, ...] = (ADA.account,),
        started_by: Person = ADA,
    ) -> None:
        self.case = Recovery(REFERENCE, asked_by, started_by.browser, policy)
        self.now = NOON
        self.accounts = accounts
        self.events: list[Event] = []
        self.settled: list[tuple[int, int]] = []

    # ---- what happens

    def happens(self, event: Event) -> bool:
        """Fold the event; whether it meant anything."""
        before, self.case = self.case, apply(self.case, event)
        if self.case is before:
            return False
        self.events.append(event)
        if spent := spent_tries(before, self.case):
            self.settled.append(spent)
        return True

    def catches_up(self, until: datetime | None = None) -> None:
        """The clock acts, as far as it has come, or until a moment before that."""
        while event := due(self.case, until or self.now):
            assert self.happens(event), f"the clock brought {event}, and nothing changed"

    def later(self, by: timedelta) -> Self:
        """Time passes, and the clock acts."""
        self.now += by
        self.catches_up()
        return self

    def until(self, moment: datetime | None) -> Self:
        """Time passes until the moment, which must lie ahead."""
        assert moment is not None
        assert moment >= self.now
        return self.later(moment - self.now)

    def does(self, command: Command, sight: Sight | None = None) -> Event:
        """Somebody acts. `sight` is what the machine finds when it looks at the account after a proof."""
        event = decide(self.case, command, self.now)
        self.catches_up()
        if sight and isinstance(event, CodeAccepted | AccountChosen):
            event = replace(event, sight=sight)
        assert self.happens(event)
        return event

    def proves(self, right: bool, by: Person = ADA) -> Event:
        """A saved recovery code is given; whether it is right, only the account system knows."""
        event = decide(self.case, SubmitSecondProof(by.browser, "vault-2"), self.now)
        self.catches_up()
        event = SecondProofAccepted(self.now) if right else event
        assert self.happens(event)
        return event

    def hears(self, decision: Decision, doubt: Doubt | None = None, received: datetime | None = None) -> Event:
        """The signal of an agent is handled. It came in when `received` says; `doubt` is what its check found."""
        received = received or self.now
        self.catches_up(received)
        event = judge(self.case, decision, Verdict(received, doubt), self.now)
        self.happens(event)
        return event

    def sends_a_code(self) -> Self:
        """The machine makes the code that is wanted."""
        number = self.case.issues + 1
        assert self.happens(CodeIssued(self.now, number, self.accounts, "k1/k1", code(number), link(number)))
        return self

    # ---- how far it has come

    @property
    def state(self) -> State:
        return self.case.state

    @property
    def issue(self) -> Issue:
        assert self.case.issue is not None
        return self.case.issue

    @property
    def next_deadline(self) -> Deadline | None:
        return earliest(deadlines(self.case))

    def kinds(self) -> list[str]:
        """What happened, in order, by kind."""
        return [event.kind for event in self.events]


def opened(
    policy: Policy = CURRENT_POLICY,
    asked_by: AskedBy = AskedBy.EMAIL,
    *,
    accounts: tuple[str, ...] = (ADA.account,),
    started_by: Person = ADA,
) -> Story:
    """Somebody has typed something into the one box."""
    story = Story(policy, asked_by, accounts=accounts, started_by=started_by)
    story.happens(CaseOpened(story.now))
    return story


def with_a_code(policy: Policy = CURRENT_POLICY, *, accounts: tuple[str, ...] = (ADA.account,)) -> Story:
    """The first code is out."""
    return opened(policy, accounts=accounts).sends_a_code()


def with_the_code_used_up(policy: Policy = CURRENT_POLICY) -> Story:
    """Every try of the first code was wrong."""
    story = with_a_code(policy)
    tries_it_wrong(story, policy.tries_per_code)
    return story


def with_no_codes_left(policy: Policy = CURRENT_POLICY) -> Story:
    """All codes of the case are spent: only an agent can allow one more."""
    story = with_a_code(policy)
    while story.case.codes_left > 0:
        story.until(story.case.resend_at)
        story.does(ResendCode(ADA.browser))
        story.sends_a_code()
    tries_it_wrong(story, policy.tries_per_code)
    return story


def with_a_proof(standing: Standing = Standing.ACTIVE, policy: Policy = CURRENT_POLICY) -> Story:
    """The first code was right."""
    story = with_a_code(policy)
    story.does(SubmitCode(ADA.browser, 1, code(1)), ADA.seen(standing))
    return story


def with_a_password(policy: Policy = CURRENT_POLICY) -> Story:
    """A new password was given, and is being applied."""
    story = with_a_proof(policy=policy)
    story.does(SetPassword(ADA.browser, "vault-1"))
    return story


def tries_it_wrong(story: Story, times: int, by: Person = ADA) -> None:
    for _ in range(times):
        story.does(SubmitCode(by.browser, story.issue.number, WRONG))


def opens_the_link(story: Story, by: Person = ADA, sight: Sight | None = None) -> Event:
    return story.does(UseLink(by.browser, story.issue.link_digest), sight or ADA.seen())
