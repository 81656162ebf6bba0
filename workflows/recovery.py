"""A self-service recovery: people act through updates, agents and owners through signals, the clock in the loop.

The rules are in `domain/recovery.py`, the effects in `recovery_effects.py`, the waiting in `case_loop.py`. To add a
kind of case, write those three for it, and here a message for everything that people may do.
"""

from dataclasses import replace

from temporalio import workflow

from workflows.case_loop import quick
from workflows.recovery_effects import RecoveryEffects

with workflow.unsafe.imports_passed_through():
    from activities.contract import Decisions, Objection, Objections
    from domain import recovery
    from domain.case import Answer
    from domain.decisions import Decision
    from domain.errors import CaseError
    from domain.recovery import Command, Event, Recovery, State


@workflow.defn(name="Recovery", failure_exception_types=[CaseError])
class RecoveryWorkflow(RecoveryEffects):
    @workflow.init
    def __init__(self, case: Recovery) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: Recovery) -> State:  # noqa: ARG002 - taken by __init__
        await self._live()
        return self._case.state

    async def _carry_out(self, command: Command) -> Answer:
        await self._until_opened()
        async with self._turn:
            await self._catch_up()
            event = await self._checked(recovery.decide(self._case, command, workflow.now()), command)
            await self._happened(event)
            return recovery.answer(self._case, event)

    def _may(self, command: Command) -> None:
        """Refuse at the door; judged again under the lock."""
        if self._case.number > 0:
            recovery.decide(self._case, command, workflow.now())

    @workflow.update
    async def give_contact(self, command: recovery.GiveContact) -> Answer:
        return await self._carry_out(command)

    @give_contact.validator
    def _may_give_contact(self, command: recovery.GiveContact) -> None:
        self._may(command)

    @workflow.update
    async def submit_code(self, command: recovery.SubmitCode) -> Answer:
        return await self._carry_out(command)

    @submit_code.validator
    def _may_submit_code(self, command: recovery.SubmitCode) -> None:
        self._may(command)

    @workflow.update
    async def use_link(self, command: recovery.UseLink) -> Answer:
        return await self._carry_out(command)

    @use_link.validator
    def _may_use_link(self, command: recovery.UseLink) -> None:
        self._may(command)

    @workflow.update
    async def resend_code(self, command: recovery.ResendCode) -> Answer:
        return await self._carry_out(command)

    @resend_code.validator
    def _may_resend_code(self, command: recovery.ResendCode) -> None:
        self._may(command)

    @workflow.update
    async def choose_account(self, command: recovery.ChooseAccount) -> Answer:
        return await self._carry_out(command)

    @choose_account.validator
    def _may_choose_account(self, command: recovery.ChooseAccount) -> None:
        self._may(command)

    @workflow.update
    async def submit_second_proof(self, command: recovery.SubmitSecondProof) -> Answer:
        return await self._carry_out(command)

    @submit_second_proof.validator
    def _may_submit_second_proof(self, command: recovery.SubmitSecondProof) -> None:
        self._may(command)

    @workflow.update
    async def set_password(self, command: recovery.SetPassword) -> Answer:
        """Answers when the password is applied, or refused by the account system."""
        answer = await self._carry_out(command)
        await self._until_applied()
        return replace(answer, state=self._case.state, number=self._case.number)

    @set_password.validator
    def _may_set_password(self, command: recovery.SetPassword) -> None:
        self._may(command)

    @workflow.update
    async def ask_help(self, command: recovery.AskHelp) -> Answer:
        return await self._carry_out(command)

    @ask_help.validator
    def _may_ask_help(self, command: recovery.AskHelp) -> None:
        self._may(command)

    @workflow.update
    async def withdraw(self, command: recovery.Withdraw) -> Answer:
        return await self._carry_out(command)

    @withdraw.validator
    def _may_withdraw(self, command: recovery.Withdraw) -> None:
        self._may(command)

    @workflow.signal
    async def decision_made(self, decision: Decision) -> None:
        """Recorded or refused, never raised: a signal handler that raises would end the case."""
        await self._until_opened()
        verdict = await quick(Decisions.check_decision, decision)
        async with self._turn:
            await self._happened(recovery.judge(self._case, decision, verdict, workflow.now()))

    @workflow.signal
    async def owner_objected(self, objection: Objection) -> None:
        await self._until_opened()
        found = await quick(Objections.check_objection, objection)
        if found.valid:
            objected = recovery.OwnerObjected(workflow.now(), objection.received, found.received_at)
            await self._unless_applied(objected)

    @workflow.signal
    async def superseded(self) -> None:
        await self._until_opened()
        await self._unless_applied(recovery.Superseded(workflow.now()))

    async def _unless_applied(self, event: Event) -> None:
        """While a password is applied, the account's gate decides who was first."""
        await self._until_applied()
        async with self._turn:
            await self._happened(event)
