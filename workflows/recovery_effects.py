"""What a recovery does to the world: codes, the new password, notices. Each effect follows from the state."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from workflows import ACCOUNTS, DELIVERY
from workflows.case_loop import CaseLoop, quick
from workflows.telling import tell

with workflow.unsafe.imports_passed_through():
    from activities.contract import (
        Accounts,
        Codes,
        CodeToSend,
        CodeWanted,
        Look,
        NewPassword,
        Notice,
        NoticeName,
        Objection,
        PasswordResult,
        Proof,
        Records,
        RecoveryRecord,
    )
    from domain import recovery
    from domain.case import Deadline, reference_in
    from domain.contact_proof import CodeIssued, Destination
    from domain.recovery import Command, Event, Recovery, State


class RecoveryEffects(CaseLoop[Recovery, Event]):
    def __init__(self, case: Recovery) -> None:
        super().__init__(case)
        self._sending: workflow.ActivityHandle[None] | None = None
        self._superseded: tuple[str, ...] = ()
        self._objections: tuple[tuple[str, str], ...] = ()

    def _apply(self, case: Recovery, event: Event) -> Recovery:
        return recovery.apply(case, event)

    def _deadlines(self, case: Recovery) -> tuple[Deadline, ...]:
        return recovery.deadlines(case)

    def _opened(self) -> Event:
        return recovery.CaseOpened(workflow.now())

    async def _record(self, after: int, events: tuple[Event, ...]) -> None:
        await quick(Records.record_recovery, RecoveryRecord(self._case.reference, after, events))

    def _recorded(self, events: tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, CodeIssued):
                self._send(event)

    async def _at_once(self) -> tuple[Event, ...]:
        case = self._case
        if case.wanted is None or case.is_closed:
            return ()
        wanted = CodeWanted(case.reference, case.issues + 1, case.wanted, case.policy)
        made = await quick(Codes.issue_code, wanted)
        return (CodeIssued(workflow.now(), wanted.issue, made.accounts, made.keys, made.digest, made.link_digest),)

    def _effect(self) -> Callable[[], Awaitable[None]] | None:
        return self._apply_password if self._case.state is State.APPLYING_PASSWORD else None

    def _is_quiet(self) -> bool:
        return self._sending is None or self._sending.done()

    async def _afterwards(self) -> None:
        self._stop_sending()
        if self._case.state is not State.RECOVERED:
            return
        for other in self._superseded:
            await self._signal(other, "superseded")
        for claim, received in self._objections:
            await self._signal(claim, "owner_objected", Objection(reference_in(claim), received))
        await self._tell("password-changed")

    # ---- effects ----

    def _send(self, issued: CodeIssued) -> None:
        """In the background: nobody waits for a mail server. What became of it stands in the delivery log."""
        self._stop_sending()
        case = self._case
        if case.issue is None or case.issue.number != issued.issue:
            return
        code = CodeToSend(case.reference, issued.issue, case.issue.to, issued.keys, issued.at, case.policy)
        self._sending = workflow.start_activity_method(
            Codes.send_code,
            code,
            task_queue=DELIVERY,
            start_to_close_timeout=timedelta(seconds=30),
            schedule_to_close_timeout=case.policy.link_lifetime,
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30)),
        )

    def _stop_sending(self) -> None:
        if self._sending and not self._sending.done():
            self._sending.cancel()

    async def _apply_password(self) -> None:
        case = self._case
        assert case.opened_at
        result = await workflow.execute_activity_method(
            Accounts.apply_password,
            NewPassword(case.reference, case.account, case.secret, case.opened_at),
            task_queue=ACCOUNTS,
            start_to_close_timeout=timedelta(seconds=15),
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=10)),
        )
        self._superseded, self._objections = result.superseded, result.objections
        async with self._turn:
            await self._happened(self._became(result))
        if result.result == "lost":
            await self._tell("password-not-set", only=case.issue.to if case.issue else None)

    def _became(self, result: PasswordResult) -> Event:
        now = workflow.now()
        if result.result == "applied":
            return recovery.PasswordApplied(now, result.sessions)
        if result.result == "lost":
            return recovery.PasswordLost(now)
        if result.result == "barred" and result.sight:
            return recovery.AccountBarred(now, result.sight)
        if result.result == "objected":
            return recovery.OwnerObjected(now, result.received, result.received_at or now)
        return recovery.Superseded(now)

    async def _signal(self, other: str, name: str, *arguments: Objection) -> None:
        try:
            await workflow.get_external_workflow_handle(other).signal(name, args=arguments)
        except ApplicationError:  # it closed in the meantime
            workflow.logger.info("the other case was gone", extra={"workflow": other})

    async def _tell(self, name: NoticeName, only: Destination | None = None) -> None:
        case = self._case
        await tell(Notice(name, case.reference, case.account, workflow.now(), case.policy, only))

    async def _checked(self, event: Event, command: Command) -> Event:
        """The event, with what only the account system knows."""
        case = self._case
        match event, command:
            case recovery.CodeAccepted(), _:
                sights = await quick(Accounts.look_at_accounts, Look(case.reference, case.accounts))
                return replace(event, sight=sights[0]) if len(sights) == 1 else event
            case recovery.AccountChosen(sight=choice), _:
                sights = await quick(Accounts.look_at_accounts, Look(case.reference, (choice.account,)))
                return replace(event, sight=sights[0])
            case recovery.SecondProofRefused(), recovery.SubmitSecondProof(secret=secret):
                proof = Proof(case.reference, case.account, secret, case.policy.tries_per_account)
                matched = await quick(Accounts.check_recovery_code, proof)
                return recovery.SecondProofAccepted(event.at) if matched else event
            case _:
                return event

    async def _until_applied(self) -> None:
        await workflow.wait_condition(lambda: self._case.state is not State.APPLYING_PASSWORD)
        async with self._turn:
            pass  # the record of it is made under the turn
