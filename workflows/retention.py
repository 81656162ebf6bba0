"""Once a day, by a Schedule: erase what was promised to be kept no longer (design 5)."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.types import MethodAsyncNoParam

with workflow.unsafe.imports_passed_through():
    from activities.contract import Erasure

SOON = timedelta(minutes=1)
PATIENT = RetryPolicy(maximum_interval=timedelta(minutes=5))
"""The database may be away for a while; what is due stays due."""


@workflow.defn(name="Retention")
class RetentionWorkflow:
    @workflow.init
    def __init__(self, erased: int = 0) -> None:
        self._erased = erased

    @workflow.run
    async def run(self, erased: int = 0) -> int:  # noqa: ARG002 - taken by __init__
        """How many cases lost their people, or their record."""
        await self._all(Erasure.erase_people)
        await self._all(Erasure.erase_records)
        return self._erased

    async def _all(self, portion: MethodAsyncNoParam[Erasure, int]) -> None:
        done = 1
        while done:
            done = await workflow.execute_activity_method(portion, start_to_close_timeout=SOON, retry_policy=PATIENT)
            self._erased += done
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(self._erased)
