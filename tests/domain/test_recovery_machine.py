"""Whatever Ada, Eve, the clock, the agents and the machine do, in whatever order: what must always hold."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.case import Party
from domain.decisions import Doubt, Outcome
from domain.errors import REFUSALS
from domain.policy import Policy
from domain.recovery import (
    LINKABLE,
    PROVED,
    AccountBarred,
    AskedBy,
    AskHelp,
    CaseOpened,
    ChooseAccount,
    Command,
    Destination,
    GiveContact,
    OwnerObjected,
    PasswordApplied,
    PasswordLost,
    ResendCode,
    SetPassword,
    Standing,
    State,
    SubmitCode,
    Superseded,
    UseLink,
    Withdraw,
    apply,
    deadlines,
    waiting_on,
)
from tests.people import ADA, BY_EMAIL, BY_SMS, EVE, KIM, NOON, OLU, SAM
from tests.story import WRONG, Story, code, link

POLICIES = [
    Policy(),
    # Small numbers reach the ends of every counter; the last one ends the case before its code.
    replace(Policy(), tries_per_code=2, codes_per_case=2, second_proof_tries=2),
    replace(Policy(), tries_per_code=1, codes_per_case=1, case_lifetime=timedelta(minutes=7)),
]
BROWSERS = st.sampled_from([ADA.browser] * 9 + [EVE.browser])
STANDINGS = st.sampled_from([Standing.ACTIVE, Standing.ACTIVE, Standing.SECOND_FACTOR, Standing.BANNED, Standing.GONE])
BARRED = st.sampled_from([Standing.BANNED, Standing.FROZEN, Standing.BEING_DELETED])
JUMPS = st.sampled_from([1, 59, 60, 60, 120, 120, 300, 300, 600, 899, 900, 1800, 7200])
"""Seconds; the cooldowns and lifetimes of the policies, and moments just before them."""


AT_ANY_TIME: list[Command] = [
    GiveContact(ADA.browser, BY_SMS),
    SubmitCode(ADA.browser, 1, code(1)),
    UseLink(EVE.browser, link(1)),
    ResendCode(ADA.browser),
    ChooseAccount(ADA.browser, ADA.account),
    SetPassword(ADA.browser, "vault-1"),
    AskHelp(ADA.browser),
    Withdraw(EVE.browser),
]


class AnyRecovery(RuleBasedStateMachine):
    """The rules are the moves; the invariants below are what is promised."""

    story: Story

    @initialize(
        policy=st.sampled_from(POLICIES),
        asked_by=st.sampled_from(AskedBy),
        accounts=st.integers(min_value=1, max_value=2),
        may_end=st.sampled_from([False, False, False, True]),
        promptly=st.booleans(),
    )
    def ada_starts(self, policy: Policy, asked_by: AskedBy, accounts: int, may_end: bool, promptly: bool) -> None:
        """`may_end`: somebody may end it from outside, which would otherwise cut most stories short.

        `promptly`: a code is made in the same turn that asks for it, as the workflow does.
        """
        self.may_end, self.promptly = may_end, promptly
        self.story = Story(policy, asked_by, accounts=(ADA.account, OLU.account)[:accounts])
        self.story.happens(CaseOpened(NOON))
        self.seen = self.story.case
        self.makes_the_code_promptly()

    def makes_the_code_promptly(self) -> None:
        if self.promptly and self.story.case.wanted and not self.story.case.is_closed:
            self.story.sends_a_code()

    def tries(self, command: Command, standing: Standing = Standing.ACTIVE) -> None:
        """Somebody asks; a refusal is fine, but it must be one of ours and change nothing."""
        account = ADA.account if len(self.story.accounts) == 1 else ""
        chosen = command.account if isinstance(command, ChooseAccount) else account
        sight = replace(ADA.seen(standing), account=chosen) if chosen else None
        before = self.story.case
        try:
            self.story.does(command, sight)
        except REFUSALS:
            assert self.story.case is before
        self.makes_the_code_promptly()

    # ---- the machine

    @precondition(lambda self: self.story.case.wanted and not self.story.case.is_closed)
    @rule()
    def machine_makes_the_code(self) -> None:
        self.story.catches_up()
        if self.story.case.wanted and not self.story.case.is_closed:
            self.story.sends_a_code()

    @precondition(lambda self: self.story.state is State.APPLYING_PASSWORD)
    @rule(result=st.sampled_from(["applied", "lost", "barred"]), standing=BARRED)
    def machine_applies_the_password(self, result: str, standing: Standing) -> None:
        now = self.story.now
        barred = AccountBarred(now, ADA.seen(standing))
        event = {"applied": PasswordApplied(now, 2), "lost": PasswordLost(now), "barred": barred}[result]
        assert self.story.happens(event)

    @precondition(lambda self: self.may_end)
    @rule()
    def another_case_was_quicker(self) -> None:
        self.story.happens(Superseded(self.story.now))

    # ---- people

    @precondition(lambda self: self.story.state is State.AWAITING_CODE)
    @rule(by=BROWSERS, right=st.booleans(), back=st.integers(min_value=0, max_value=1), standing=STANDINGS)
    def somebody_types_a_code(self, by: str, right: bool, back: int, standing: Standing) -> None:
        issue = max(self.story.case.issues - back, 0)
        self.tries(SubmitCode(by, issue, code(issue) if right else WRONG), standing)

    @precondition(lambda self: self.story.state in LINKABLE)
    @rule(by=BROWSERS, back=st.integers(min_value=0, max_value=1), standing=STANDINGS)
    def somebody_opens_a_link(self, by: str, back: int, standing: Standing) -> None:
        self.tries(UseLink(by, link(self.story.case.issues - back)), standing)

    @precondition(lambda self: self.story.state in {State.AWAITING_CODE, State.AWAITING_RESEND})
    @rule(by=BROWSERS, to=st.sampled_from([None, BY_EMAIL, BY_SMS]))
    def somebody_asks_for_a_code(self, by: str, to: Destination | None) -> None:
        self.tries(ResendCode(by, to))

    @precondition(lambda self: self.story.state is State.AWAITING_CONTACT)
    @rule(by=BROWSERS)
    def somebody_gives_a_contact(self, by: str) -> None:
        self.tries(GiveContact(by, BY_SMS))

    @precondition(lambda self: self.story.state is State.AWAITING_ACCOUNT)
    @rule(by=BROWSERS, account=st.sampled_from([ADA.account, OLU.account, EVE.account]), standing=STANDINGS)
    def somebody_chooses_an_account(self, by: str, account: str, standing: Standing) -> None:
        self.tries(ChooseAccount(by, account), standing)

    @precondition(lambda self: self.story.state is State.AWAITING_SECOND_PROOF)
    @rule(right=st.booleans())
    def somebody_gives_a_second_proof(self, right: bool) -> None:
        self.story.catches_up()
        if self.story.state is State.AWAITING_SECOND_PROOF and self.story.case.holder == ADA.browser:
            self.story.proves(right)

    @precondition(lambda self: self.story.state is State.AWAITING_NEW_PASSWORD)
    @rule(by=BROWSERS)
    def somebody_sets_a_password(self, by: str) -> None:
        self.tries(SetPassword(by, "vault-1"))

    @precondition(lambda self: self.story.state is State.AWAITING_HELP)
    @rule(by=BROWSERS)
    def somebody_asks_the_desk(self, by: str) -> None:
        self.tries(AskHelp(by))

    @precondition(lambda self: self.may_end)
    @rule(command=st.sampled_from(AT_ANY_TIME))
    def somebody_sends_a_form_that_is_not_on_the_page(self, command: Command) -> None:
        self.tries(command)

    @precondition(lambda self: self.may_end)
    @rule()
    def ada_withdraws(self) -> None:
        self.tries(Withdraw(ADA.browser))

    @precondition(lambda self: self.may_end)
    @rule()
    def olu_objects(self) -> None:
        self.story.happens(OwnerObjected(self.story.now, "received-1", self.story.now))

    # ---- the desk

    @precondition(lambda self: self.may_end or self.story.state is State.AWAITING_HELP)
    @rule(
        agent=st.sampled_from([SAM, KIM]),
        outcome=st.sampled_from([Outcome.ALLOW, Outcome.ALLOW, Outcome.STOP, "approve"]),
        behind=st.integers(min_value=0, max_value=2),
        doubt=st.sampled_from([None, None, None, Doubt.UNPROVEN, Doubt.ROLE]),
        name=st.sampled_from(["decision-1", "decision-2", "decision-3"]),
    )
    def agent_decides(self, agent, outcome, behind, doubt, name) -> None:  # type: ignore[no-untyped-def]
        self.story.catches_up()
        allowed = self.story.case.allowed
        version = self.story.case.version - behind
        event = self.story.hears(agent.decides(outcome, version=version, name=name), doubt)
        if self.story.case.allowed > allowed:
            assert event.kind == "decision_recorded"
            assert (outcome, behind, doubt) == (Outcome.ALLOW, 0, None)
        self.makes_the_code_promptly()

    # ---- the clock

    @rule(by=JUMPS)
    def time_passes(self, by: int) -> None:
        self.story.later(timedelta(seconds=by))
        for deadline in deadlines(self.story.case):
            assert deadline.at > self.story.now

    @precondition(lambda self: self.may_end)
    @rule()
    def a_day_passes(self) -> None:
        self.story.later(timedelta(hours=25))

    @rule(by=JUMPS)
    def time_passes_while_nobody_is_there_to_act(self, by: int) -> None:
        self.story.now += timedelta(seconds=by)

    # ---- what must always hold

    @invariant()
    def number_counts_the_events(self) -> None:
        assert self.story.case.number == len(self.story.events)
        assert 0 < self.story.case.version <= self.story.case.number

    @invariant()
    def what_happened_explains_the_case(self) -> None:
        first = Story(self.story.case.policy, self.story.case.asked_by).case
        again = first
        for event in self.story.events:
            again = apply(again, event)
        assert again == self.story.case

    @invariant()
    def closed_case_never_changes(self) -> None:
        if self.seen.is_closed:
            assert self.story.case is self.seen
        self.seen = self.story.case

    @invariant()
    def codes_never_exceed_what_was_promised(self) -> None:
        case = self.story.case
        assert case.issues <= case.policy.codes_per_case + case.allowed
        assert case.codes_left >= 0

    @invariant()
    def tries_never_exceed_what_was_reserved(self) -> None:
        case = self.story.case
        refused = [event.issue for event in self.story.events if event.kind == "code_refused"]
        assert all(refused.count(issue) <= case.policy.tries_per_code for issue in refused)
        assert all(wrong <= case.policy.tries_per_code for _, wrong in self.story.settled)
        assert case.proofs_refused <= case.policy.second_proof_tries

    @invariant()
    def every_reservation_is_settled_once(self) -> None:
        case = self.story.case
        taking = case.state is State.AWAITING_CODE
        assert [issue for issue, _ in self.story.settled] == list(range(1, case.issues + (0 if taking else 1)))

    @invariant()
    def settled_tries_are_the_wrong_ones(self) -> None:
        refused = [event.issue for event in self.story.events if event.kind == "code_refused"]
        assert all(wrong == refused.count(issue) for issue, wrong in self.story.settled)

    @invariant()
    def every_deadline_means_something(self) -> None:
        case = self.story.case
        for deadline in deadlines(case):
            assert deadline.at == deadline.event.at
            assert apply(case, deadline.event) is not case

    @invariant()
    def somebody_is_waited_for_until_the_end(self) -> None:
        case = self.story.case
        waits = waiting_on(case)
        assert (waits is None) is case.is_closed
        assert (waits is Party.MACHINE) is (case.state in {State.OPENING, State.APPLYING_PASSWORD})
        assert waits is not Party.AGENT or case.state is State.AWAITING_HELP

    @invariant()
    def open_case_has_a_deadline_or_is_being_applied(self) -> None:
        case = self.story.case
        assert case.is_closed or case.state is State.APPLYING_PASSWORD or deadlines(case)

    @invariant()
    def nothing_is_wanted_after_the_proof(self) -> None:
        case = self.story.case
        assert not (case.state in PROVED | {State.APPLYING_PASSWORD} and case.wanted)

    @invariant()
    def password_is_held_only_while_it_is_applied(self) -> None:
        case = self.story.case
        assert bool(case.secret) is (case.state is State.APPLYING_PASSWORD)

    @invariant()
    def account_is_seen_after_the_proof(self) -> None:
        case = self.story.case
        if case.state in {State.AWAITING_SECOND_PROOF, State.AWAITING_NEW_PASSWORD, State.APPLYING_PASSWORD}:
            assert case.sight
            assert case.account == case.sight.account
        if case.state is State.RECOVERED:
            assert any(event.kind == "code_accepted" for event in self.story.events)

    @invariant()
    def decisions_are_remembered_in_bounds(self) -> None:
        assert len(self.story.case.decided) <= 20


AnyRecovery.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAnyRecovery = AnyRecovery.TestCase
