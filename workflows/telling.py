"""Notices: told until they are handed over, for a day at most; the delivery log says what became of each."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from workflows import DELIVERY

with workflow.unsafe.imports_passed_through():
    from activities.contract import Notice, Notices

PATIENCE = timedelta(hours=24)


async def tell(notice: Notice) -> None:
    """Send a notice. A provider that refuses for good must not fail the case that is otherwise done."""
    try:
        await workflow.execute_activity_method(
            Notices.send_notice,
            notice,
            task_queue=DELIVERY,
            start_to_close_timeout=timedelta(seconds=60),
            schedule_to_close_timeout=PATIENCE,
            retry_policy=RetryPolicy(maximum_interval=timedelta(minutes=1)),
        )
    except ActivityError as failure:
        workflow.logger.error(
            "notice not delivered", extra={"notice": notice.name, "cause": type(failure.cause).__name__}
        )
