"""What has to exist in Temporal before the first case: namespace, search attributes, and the Schedules.

Made through the SDK, so that no command line tool is needed; used by `make run`, by tests and by `reinstate setup`.
Everything may be done again and then changes nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.service import RPCError, RPCStatusCode

RETENTION = timedelta(hours=72)
"""How long Temporal keeps closed cases; our own record of them lives longer (design 5)."""
SEARCH_ATTRIBUTES = ("CaseKind", "PolicyVersion")
SETTLES_WITHIN = 90.0
"""Seconds. A new namespace is unknown to the frontend for up to one second by default, more under load; its first
Schedule waits until a worker of the server's own has begun, which took more than ten on a busy machine."""
NOT_YET = frozenset(
    {
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,  # how the SDK calls its own time-out of a call
    }
)
"""What a server answers that starts, or has not heard of the namespace; everything here may be asked twice."""

RECONCILER = "reinstate-reconciler"
RECONCILE_EVERY = timedelta(seconds=30)
RETENTION_JOB = "reinstate-retention"
ERASES_EVERY = timedelta(days=1)
ERASES_AT = timedelta(hours=3, minutes=17)
"""After midnight UTC, when little else goes on."""
EVERY = {RECONCILER: RECONCILE_EVERY, RETENTION_JOB: ERASES_EVERY}


class NamespaceNotReady(Exception):
    """The namespace was made, but calls to it still fail; the last failure is the cause."""


async def prepare(client: Client) -> None:
    """Namespace and search attributes of this client, usable when this returns; then the Schedules."""
    await make_ready(client)
    await ensure_schedules(client)


async def make_ready(client: Client) -> None:
    """As `prepare`, without the Schedules."""
    await _make_namespace(client)
    await _add_search_attributes(client)


async def when_up(connect: Callable[[], Awaitable[Client]], within: float) -> Client:
    """The client, as soon as the server lets it connect. Raises `NamespaceNotReady` after `within` seconds."""
    until = time.monotonic() + within
    while True:
        try:
            return await connect()
        except RuntimeError as failure:  # what the SDK raises when there is no connection
            if time.monotonic() > until:
                raise NamespaceNotReady(f"no connection to Temporal within {within:.0f} s") from failure
        await asyncio.sleep(1)


async def ensure_schedules(client: Client) -> None:
    """The reconciler, which starts cases that were written but never reached Temporal, and the daily erasure."""
    for name, schedule in SCHEDULES.items():
        await _until_it_works(lambda name=name, schedule=schedule: _create_schedule(client, name, schedule))  # type: ignore[misc]


async def _create_schedule(client: Client, name: str, schedule: Schedule) -> None:
    try:
        await client.create_schedule(name, schedule)
    except ScheduleAlreadyRunningError:
        return


def _schedule(workflow: str, every: timedelta, offset: timedelta, catchup: timedelta) -> Schedule:
    # By its name, so that preparing a namespace loads no workflow code.
    return Schedule(
        action=ScheduleActionStartWorkflow(workflow, id=workflow.lower(), task_queue="cases"),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every, offset=offset)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=catchup),
    )


SCHEDULES = {
    RECONCILER: _schedule("Reconcile", RECONCILE_EVERY, timedelta(0), RECONCILE_EVERY),
    RETENTION_JOB: _schedule("Retention", ERASES_EVERY, ERASES_AT, ERASES_EVERY),
}
"""By name. What was missed while Temporal was away is caught up with once."""


async def _make_namespace(client: Client) -> None:
    retention = Duration()
    retention.FromTimedelta(RETENTION)
    request = RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=retention)

    async def register() -> None:
        try:
            await client.workflow_service.register_namespace(request)
        except RPCError as refused:
            if refused.status is not RPCStatusCode.ALREADY_EXISTS:
                raise

    await _until_it_works(register)


async def _add_search_attributes(client: Client) -> None:
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes=dict.fromkeys(SEARCH_ATTRIBUTES, keyword)
    )
    describe = DescribeNamespaceRequest(namespace=client.namespace)

    async def add() -> None:
        await client.workflow_service.describe_namespace(describe)
        try:
            await client.operator_service.add_search_attributes(request)
        except RPCError as refused:
            if refused.status is not RPCStatusCode.ALREADY_EXISTS:
                raise

    await _until_it_works(add)


async def _until_it_works(call: Callable[[], Awaitable[None]]) -> None:
    """Repeat while the server starts or has not heard of the namespace yet; other failures are raised."""
    until = time.monotonic() + SETTLES_WITHIN
    while True:
        try:
            return await call()
        except RPCError as failure:
            if failure.status not in NOT_YET:
                raise
            if time.monotonic() > until:
                raise NamespaceNotReady(f"Temporal still says {failure.status.name}") from failure
        await asyncio.sleep(0.1)
