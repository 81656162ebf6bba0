"""Which runs in Temporal still hold something that was sealed with a key of the payload ring.

Open runs and closed ones that are retained are looked through event by event: an old key may stand in any event of a
run that lived through a rotation. Nothing is opened for it; the id of the key stands in the clear beside each payload.
"""

import asyncio

from temporalio.client import Client, WorkflowExecution

AT_ONCE = 8
ENOUGH = 5
"""Runs that are named; one is reason enough to keep the key."""
MOST = 200_000
"""Runs that are looked through; with more, wait until retention has taken the older ones."""
MARK = b"encryption-key-id"


class TooManyRuns(Exception):
    """There are more runs than can be looked through in reasonable time."""


async def runs_with_key(client: Client, key: str) -> list[str]:
    """Workflow ids of at most `ENOUGH` runs that hold a payload of this key. Raises `TooManyRuns`."""
    found: list[str] = []
    portion: list[WorkflowExecution] = []
    seen = 0
    async for run in client.list_workflows():
        seen += 1
        if seen > MOST:
            raise TooManyRuns(f"more than {MOST:,} runs")
        portion.append(run)
        if len(portion) == AT_ONCE:
            found += await _holding(client, portion, key)
            portion = []
        if len(found) >= ENOUGH:
            return found[:ENOUGH]
    return (found + await _holding(client, portion, key))[:ENOUGH]


async def _holding(client: Client, portion: list[WorkflowExecution], key: str) -> list[str]:
    held = await asyncio.gather(*(_holds(client, run, key) for run in portion))
    return [run.id for run, holds in zip(portion, held, strict=True) if holds]


async def _holds(client: Client, run: WorkflowExecution, key: str) -> bool:
    mark = entry(key)
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    async for event in handle.fetch_history_events():
        if mark in event.SerializeToString():
            return True
    return False


def entry(key: str) -> bytes:
    """How `metadata["encryption-key-id"] = key` looks in a serialized payload: field 1 the name, field 2 the value."""
    label = key.encode()
    return b"\x0a" + bytes([len(MARK)]) + MARK + b"\x12" + bytes([len(label)]) + label


async def key_ids(client: Client, most: int) -> set[str]:
    """The ids of the keys that the first events of the newest `most` runs were sealed with."""
    found: set[str] = set()
    async for run in client.list_workflows(limit=most):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        async for event in handle.fetch_history_events(page_size=1):
            started = event.workflow_execution_started_event_attributes
            found |= {payload.metadata[MARK.decode()].decode() for payload in started.input.payloads}
            break
    return found - {""}
