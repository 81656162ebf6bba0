"""The owner said "this was not me" after a password change: freeze the account, tell everybody, end the freeze.

Id `objection/<reference of the claim>`. It keeps the first state of the claim; the workflow `Claim` takes it over.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows import ACCOUNTS
from workflows.case_loop import CaseLoop, quick
from workflows.telling import tell

with workflow.unsafe.imports_passed_through():
    from activities.contract import Accounts, ClaimRecord, Freeze, Notice, NoticeName, Records
    from domain import claim
    from domain.case import Deadline
    from domain.claim import Claim, Event

RETRIES = RetryPolicy(maximum_interval=timedelta(seconds=10))


@workflow.defn(name="Objection")
class ObjectionWorkflow(CaseLoop[Claim, Event]):
    @workflow.init
    def __init__(self, case: Claim) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: Claim) -> None:  # noqa: ARG002 - taken by __init__
        await self._live()

    def _apply(self, case: Claim, event: Event) -> Claim:
        return claim.apply(case, event)

    def _deadlines(self, case: Claim) -> tuple[Deadline, ...]:
        return claim.deadlines(case)

    def _opened(self) -> Event:
        return claim.CaseOpened(workflow.now())

    async def _record(self, after: int, events: tuple[Event, ...]) -> None:
        await quick(Records.record_claim, ClaimRecord(self._case.reference, after, events))

    def _effect(self) -> Callable[[], Awaitable[None]] | None:
        return self._freeze if self._case.awaits_freeze else None

    def _is_over(self) -> bool:
        """The claim lives on; the freeze does not."""
        return self._case.freeze_is_over

    async def _freeze(self) -> None:
        result = await workflow.execute_activity_method(
            Accounts.freeze_account,
            self._about(),
            task_queue=ACCOUNTS,
            start_to_close_timeout=timedelta(seconds=15),
            retry_policy=RETRIES,
        )
        now = workflow.now()
        async with self._turn:
            frozen = claim.AccountFrozen(now, result.sessions) if result.frozen else claim.FreezeWithheld(now)
            await self._happened(frozen)
        if result.frozen:
            await self._tell("account-frozen")

    async def _afterwards(self) -> None:
        if self._case.freeze_ended_at is None:
            return
        await workflow.execute_activity_method(
            Accounts.end_freeze,
            self._about(),
            task_queue=ACCOUNTS,
            start_to_close_timeout=timedelta(seconds=15),
            retry_policy=RETRIES,
        )
        await self._tell("freeze-ended")

    async def _tell(self, name: NoticeName) -> None:
        case = self._case
        await tell(Notice(name, case.reference, case.account, workflow.now(), case.policy))

    def _about(self) -> Freeze:
        case = self._case
        return Freeze(case.reference, case.account, case.objection, case.policy)
