"""Temporal: does it answer, has it what cases need, does somebody work, do the Schedules run, does its clock agree?"""

import asyncio
import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    PollWorkflowTaskQueueRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from connection import connect
from development import namespace
from operations.checks.database import compared
from operations.findings import Finding, well, wrong
from settings import Settings
from workflows import ACCOUNTS, CASES, DELIVERY

ABOUT = "Temporal"
PATIENCE = 5.0
"""Seconds for a connection."""
LONG_POLL = timedelta(seconds=90)
"""A worker asks again within a minute or so; who has not for this long is gone."""
WORKFLOW, ACTIVITY = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
QUEUES = ((CASES, WORKFLOW), (CASES, ACTIVITY), (ACCOUNTS, ACTIVITY), (DELIVERY, ACTIVITY))
LATE = 10
"""A Schedule is late when it missed so many of its times in a row."""


async def reach(settings: Settings) -> tuple[Client | None, Finding]:
    """The client, if there is a server."""
    try:
        async with asyncio.timeout(PATIENCE):
            client = await connect(settings)
    except (RuntimeError, TimeoutError, ValueError):
        client = await connect(settings, lazy=True)
        return None, wrong(ABOUT, f"does not answer at {_address(client)}")
    return client, well(ABOUT, f"answers at {_address(client)}")


def _address(client: Client) -> str:
    return client.service_client.config.target_host


async def has_namespace(client: Client) -> Finding:
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as failure:
        if failure.status is RPCStatusCode.NOT_FOUND:
            return wrong(ABOUT, f"has no namespace {client.namespace}; run `reinstate setup`")
        return wrong(ABOUT, f"does not let us see the namespace {client.namespace} ({failure.status.name})")
    return well(ABOUT, f"has the namespace {client.namespace}")


async def search_attributes(client: Client) -> Finding:
    request = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        found = (await client.operator_service.list_search_attributes(request)).custom_attributes
    except RPCError as failure:
        return wrong(ABOUT, f"does not let us see the search attributes ({failure.status.name})")
    missing = [name for name in namespace.SEARCH_ATTRIBUTES if name not in found]
    if missing:
        return wrong(ABOUT, f"lacks the search attribute {' and '.join(missing)}; run `reinstate setup`")
    return well(ABOUT, "has the search attributes")


async def workers(client: Client, now: datetime) -> list[Finding]:
    """Whether somebody asks for the work of each queue. `now` by Temporal's clock."""
    idle = []
    for queue, kind in QUEUES:
        pollers = await _pollers(client, queue, kind)
        if not any(now - poller.last_access_time.ToDatetime(UTC) < LONG_POLL for poller in pollers):
            idle.append(f"{queue} ({'workflows' if kind == WORKFLOW else 'activities'})")
    if idle:
        return [wrong("workers", f"nobody asks for the work of {queue}; start a worker") for queue in idle]
    return [well("workers", "somebody asks for the work of every queue")]


async def _pollers(client: Client, queue: str, kind: "TaskQueueType.ValueType") -> Iterable[PollerInfo]:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    return (await client.workflow_service.describe_task_queue(request)).pollers


async def schedules(client: Client, now: datetime) -> list[Finding]:
    return [await _schedule(client, name, every, now) for name, every in namespace.EVERY.items()]


async def _schedule(client: Client, name: str, every: timedelta, now: datetime) -> Finding:
    about = f"Schedule {name}"
    try:
        found = await client.get_schedule_handle(name).describe()
    except RPCError:
        return wrong(about, "is missing; run `reinstate setup`")
    if found.schedule.state.paused:
        return wrong(about, "is paused; unpause it in Temporal")
    last = max((action.started_at for action in found.info.recent_actions), default=found.info.created_at)
    if now - last > every * LATE:
        return wrong(about, f"has not run since {last:%Y-%m-%d %H:%M} UTC; is a worker up?")
    return well(about, "runs")


async def clock(client: Client) -> tuple[datetime, Finding]:
    """Temporal's time, and whether ours agrees.

    Its interface has no call for the time. It notes when a worker asked last, so we ask a queue of our own for work
    and read the note; nothing stays behind.
    """
    queue = TaskQueue(name=f"doctor-{uuid.uuid4().hex}")
    poll = PollWorkflowTaskQueueRequest(namespace=client.namespace, task_queue=queue, identity="doctor")
    asked = datetime.now(UTC)
    asking = asyncio.create_task(
        client.workflow_service.poll_workflow_task_queue(poll, timeout=timedelta(seconds=PATIENCE))
    )
    try:
        noted = await _noted(client, queue)
    finally:
        asking.cancel()
        with suppress(asyncio.CancelledError, RPCError):
            await asking
    if noted is None:
        return asked, wrong("clock", "Temporal did not say what time it is")
    return noted + (datetime.now(UTC) - asked), compared("Temporal", asked, noted)


async def _noted(client: Client, queue: TaskQueue) -> datetime | None:
    for _ in range(30):
        await asyncio.sleep(0.05)
        for poller in await _pollers(client, queue.name, WORKFLOW):
            return poller.last_access_time.ToDatetime(UTC)
    return None
