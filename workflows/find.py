"""The way back to a case (`/find`): looked up and sent by a worker, so that the page knows nothing (design 7)."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from workflows import DELIVERY

with workflow.unsafe.imports_passed_through():
    from activities.contract import Find, FindRequest

PATIENCE = timedelta(hours=24)
"""As for notices; the request itself is forgotten after that."""


@workflow.defn(name="Find")
class FindWorkflow:
    """Its id is `find/<id of the request>`, its argument that id."""

    @workflow.run
    async def run(self, request: str) -> None:
        try:
            await workflow.execute_activity_method(
                Find.send_way_back,
                FindRequest(request),
                task_queue=DELIVERY,
                start_to_close_timeout=timedelta(seconds=60),
                schedule_to_close_timeout=PATIENCE,
                retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
            )
        except ActivityError as failure:
            workflow.logger.error("way back not delivered", extra={"cause": type(failure.cause).__name__})
