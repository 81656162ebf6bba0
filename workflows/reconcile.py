"""Every half minute, by a Schedule: start what a crash left between SQL and Temporal (design 4.3)."""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from workflows import CASE_KIND, CASES, POLICY_VERSION, WORKFLOW_OF

with workflow.unsafe.imports_passed_through():
    from activities.contract import Objection, Orphans, StartCase, TellCase, Upkeep
    from domain.case import workflow_id
    from domain.decisions import Decision

SOON = timedelta(seconds=20)
FEW = RetryPolicy(maximum_attempts=3)


@workflow.defn(name="Reconcile")
class ReconcileWorkflow:
    @workflow.run
    async def run(self) -> int:
        """How many cases and signals were sent on their way."""
        found = await workflow.execute_activity_method(
            Upkeep.find_orphans, start_to_close_timeout=SOON, retry_policy=FEW
        )
        for case in found.cases:
            await self._start(case)
        for signal in found.signals:
            await self._tell(signal)
        if found.cases or found.signals:
            await workflow.execute_activity_method(
                Upkeep.mark_reached, Orphans(found.cases, found.signals), start_to_close_timeout=SOON, retry_policy=FEW
            )
        await workflow.execute_activity_method(
            Upkeep.forget_what_is_over, start_to_close_timeout=SOON, retry_policy=FEW
        )
        return len(found.cases) + len(found.signals)

    async def _start(self, orphan: StartCase) -> None:
        case = orphan.recovery or orphan.claim
        assert case
        try:
            await workflow.start_child_workflow(
                WORKFLOW_OF[case.kind],
                case,
                id=workflow_id(case.kind, orphan.reference),
                task_queue=CASES,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(CASE_KIND, case.kind),
                        SearchAttributePair(POLICY_VERSION, case.policy.version),
                    ]
                ),
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the case was on its way", extra={"case": orphan.reference})

    async def _tell(self, signal: TellCase) -> None:
        handle: Any = workflow.get_external_workflow_handle(workflow_id(signal.case_kind, signal.case))
        try:
            if signal.kind == "decision":
                at = datetime.fromisoformat(signal.data["at"])
                items = tuple(signal.data.get("items", ()))
                await handle.signal("decision_made", Decision(**{**signal.data, "at": at, "items": items}))
            else:
                await handle.signal("owner_objected", Objection(signal.case, signal.received))
        except ApplicationError:  # the case is over: nobody is left to be told
            workflow.logger.info("the case was over", extra={"case": signal.case})
