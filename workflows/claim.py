"""A claim: people decide, and nothing they decide is lost (design 7).

Whatever a person waits for is an update; a decision and an objection are signals, which are kept while no worker
runs. The rules are in `domain/claim*.py`, the effects in `claim_effects.py`, the waiting in `case_loop.py`.
"""

from dataclasses import replace

from temporalio import workflow

from workflows.case_loop import quick
from workflows.claim_effects import ClaimEffects

with workflow.unsafe.imports_passed_through():
    from activities.contract import Decisions, Objection, Objections
    from domain import claim, claim_commands, claim_decisions, claim_events
    from domain.case import Answer
    from domain.claim import Claim, State
    from domain.claim_events import Command
    from domain.decisions import Decision
    from domain.errors import CaseError


@workflow.defn(name="Claim", failure_exception_types=[CaseError])
class ClaimWorkflow(ClaimEffects):
    @workflow.init
    def __init__(self, case: Claim) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: Claim) -> State:  # noqa: ARG002 - taken by __init__
        await self._live()
        return self._case.state

    async def _carry_out(self, command: Command) -> Answer:
        await self._until_opened()
        async with self._turn:
            await self._catch_up()
            event = await self._checked(claim_commands.decide(self._case, command, workflow.now()), command)
            await self._happened(event)
            return claim.answer(self._case, event)

    def _may(self, command: Command) -> None:
        """Refuse at the door; judged again under the lock."""
        if self._case.number > 0:
            claim_commands.decide(self._case, command, workflow.now())

    # ---- the claimant ----

    @workflow.update
    async def give_contact(self, command: claim_events.GiveContact) -> Answer:
        return await self._carry_out(command)

    @give_contact.validator
    def _may_give_contact(self, command: claim_events.GiveContact) -> None:
        self._may(command)

    @workflow.update
    async def submit_code(self, command: claim_events.SubmitCode) -> Answer:
        return await self._carry_out(command)

    @submit_code.validator
    def _may_submit_code(self, command: claim_events.SubmitCode) -> None:
        self._may(command)

    @workflow.update
    async def use_link(self, command: claim_events.UseLink) -> Answer:
        return await self._carry_out(command)

    @use_link.validator
    def _may_use_link(self, command: claim_events.UseLink) -> None:
        self._may(command)

    @workflow.update
    async def resend_code(self, command: claim_events.ResendCode) -> Answer:
        return await self._carry_out(command)

    @resend_code.validator
    def _may_resend_code(self, command: claim_events.ResendCode) -> None:
        self._may(command)

    @workflow.update
    async def give_evidence(self, command: claim_events.GiveEvidence) -> Answer:
        return await self._carry_out(command)

    @give_evidence.validator
    def _may_give_evidence(self, command: claim_events.GiveEvidence) -> None:
        self._may(command)

    @workflow.update
    async def reply(self, command: claim_events.Reply) -> Answer:
        return await self._carry_out(command)

    @reply.validator
    def _may_reply(self, command: claim_events.Reply) -> None:
        self._may(command)

    @workflow.update
    async def nudge(self, command: claim_events.Nudge) -> Answer:
        return await self._carry_out(command)

    @nudge.validator
    def _may_nudge(self, command: claim_events.Nudge) -> None:
        self._may(command)

    @workflow.update
    async def enter(self, command: claim_events.Enter) -> Answer:
        return await self._carry_out(command)

    @enter.validator
    def _may_enter(self, command: claim_events.Enter) -> None:
        self._may(command)

    @workflow.update
    async def reopen(self, command: claim_events.Reopen) -> Answer:
        return await self._carry_out(command)

    @reopen.validator
    def _may_reopen(self, command: claim_events.Reopen) -> None:
        self._may(command)

    @workflow.update
    async def withdraw(self, command: claim_events.Withdraw) -> Answer:
        return await self._carry_out(command)

    @withdraw.validator
    def _may_withdraw(self, command: claim_events.Withdraw) -> None:
        self._may(command)

    @workflow.update
    async def set_password(self, command: claim_events.SetPassword) -> Answer:
        """Answers when the password is applied, or refused by the account system."""
        answer = await self._carry_out(command)
        await self._until_applied()
        return replace(answer, state=self._case.state, number=self._case.number)

    @set_password.validator
    def _may_set_password(self, command: claim_events.SetPassword) -> None:
        self._may(command)

    # ---- the desk ----

    @workflow.update
    async def take(self, command: claim_events.Take) -> Answer:
        return await self._carry_out(command)

    @take.validator
    def _may_take(self, command: claim_events.Take) -> None:
        self._may(command)

    @workflow.update
    async def release(self, command: claim_events.Release) -> Answer:
        return await self._carry_out(command)

    @release.validator
    def _may_release(self, command: claim_events.Release) -> None:
        self._may(command)

    @workflow.update
    async def write_note(self, command: claim_events.WriteNote) -> Answer:
        return await self._carry_out(command)

    @write_note.validator
    def _may_write_note(self, command: claim_events.WriteNote) -> None:
        self._may(command)

    @workflow.update
    async def send_message(self, command: claim_events.SendMessage) -> Answer:
        return await self._carry_out(command)

    @send_message.validator
    def _may_send_message(self, command: claim_events.SendMessage) -> None:
        self._may(command)

    @workflow.update
    async def reveal(self, command: claim_events.Reveal) -> Answer:
        return await self._carry_out(command)

    @reveal.validator
    def _may_reveal(self, command: claim_events.Reveal) -> None:
        self._may(command)

    # ---- what must not be lost ----

    @workflow.signal
    async def decision_made(self, decision: Decision) -> None:
        """Recorded or refused, never raised: a signal handler that raises would end the case.

        The turn is taken before the check: the clock may not act on what this decision was in time for.
        """
        await self._until_opened()
        async with self._turn:
            verdict = await quick(Decisions.check_decision, decision)
            await self._happened(claim_decisions.judge(self._case, decision, verdict, workflow.now()))

    @workflow.signal
    async def owner_objected(self, objection: Objection) -> None:
        """Whoever pressed in time stops the effect. What has begun is waited for: then it is for the probation."""
        await self._until_opened()
        await workflow.wait_condition(lambda: not self._is_being_handed_back())
        async with self._turn:
            found = await quick(Objections.check_objection, objection)
            if not found.valid:
                return
            now, may_object = workflow.now(), found.may_object
            await self._happened(
                claim_commands.objected(self._case, objection.received, found.received_at, now, may_object=may_object)
            )
