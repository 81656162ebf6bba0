"""Tell Temporal something from a web request: one time budget, one error vocabulary, a few calls at a time per case.

The only file of the web that talks to Temporal. Refusals of the rules come back as the domain's own classes;
everything else is one of the four here.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.case import Answer, Kind, workflow_id
from domain.claim import Claim
from domain.claim_events import Command as ClaimCommand
from domain.decisions import Decision
from domain.errors import REFUSALS
from domain.recovery import Command, Recovery
from workflows import CASE_KIND, CASES, POLICY_VERSION, WORKFLOW_OF

BUDGET = 5.0
"""Seconds that one request may wait for a case."""
LOST_TASK = timedelta(seconds=4)
"""How long a case waits for a task that a worker took with it when it ended (10 s if nobody says otherwise): less than
`BUDGET`, so that the same request still gets its answer. A task of ours takes a fraction of a second."""
AT_ONCE = 4
"""Calls per case and web process; the server stops at ten per case, and badly."""


class StillWorking(Exception):
    """No answer yet; the same form again is safe and gets the answer."""


class CaseIsBusy(Exception):
    """Too many at once for this case: a moment later."""


class CaseIsClosed(Exception):
    """The case is over, or Temporal does not know it yet: look at the row."""


class Unavailable(Exception):
    """Temporal cannot be reached, or the case waits for a repair."""


Result = TypeVar("Result")
_REFUSED: dict[str | None, type[Exception]] = {kind.__name__: kind for kind in REFUSALS}
_REFUSED["AcceptedUpdateCompletedWorkflow"] = CaseIsClosed
_OUTAGES = {RPCStatusCode.NOT_FOUND: CaseIsClosed, RPCStatusCode.RESOURCE_EXHAUSTED: CaseIsBusy}


class Gateway:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._calls: Counter[str] = Counter()

    async def start(self, case: Recovery | Claim) -> None:
        """Start the workflow of an opening row. Twice is once; a case that is over raises `CaseIsClosed`."""
        attributes = [
            SearchAttributePair(CASE_KIND, case.kind),
            SearchAttributePair(POLICY_VERSION, case.policy.version),
        ]
        call = self._client.start_workflow(
            WORKFLOW_OF[case.kind],
            case,
            id=workflow_id(case.kind, case.reference),
            task_queue=CASES,
            task_timeout=LOST_TASK,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=TypedSearchAttributes(attributes),
        )
        await self._within_budget(case.reference, call)

    async def tell(
        self, reference: str, command: Command | ClaimCommand, *, update_id: str, kind: str = Kind.RECOVERY
    ) -> Answer:
        """Send an update and wait for its answer. The same id gets the same answer.

        Raises a refusal of `domain.errors`, or one of the four above.
        """
        handle = self._client.get_workflow_handle(workflow_id(kind, reference))
        call = handle.execute_update(command.kind, command, id=update_id, result_type=Answer)
        return await self._within_budget(reference, call)

    async def decide(self, decision: Decision, *, kind: str = Kind.RECOVERY) -> None:
        """Send the signal of an agent's decision; it is kept while no worker runs."""
        await self._signal(kind, decision.case, "decision_made", decision)

    async def object(self, reference: str, received: str, *, kind: str = Kind.RECOVERY) -> None:
        """Send the signal of an owner's objection."""
        await self._signal(kind, reference, "owner_objected", {"case": reference, "received": received})

    async def find(self, request: str) -> None:
        """Ask for the way back to a case: the `find_request` row of this name. Twice is once."""
        call = self._client.start_workflow(
            "Find",
            request,
            id=f"find/{request}",
            task_queue=CASES,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
        await self._within_budget(request, call)

    async def is_reachable(self) -> bool:
        """Whether Temporal answers within a second."""
        try:
            async with asyncio.timeout(1):
                return await self._client.service_client.check_health()
        except (TimeoutError, RPCError, RuntimeError):
            return False

    async def _signal(self, kind: str, reference: str, name: str, argument: Any) -> None:
        handle = self._client.get_workflow_handle(workflow_id(kind, reference))
        await self._within_budget(reference, handle.signal(name, argument))

    async def _within_budget(self, reference: str, call: Awaitable[Result]) -> Result:
        if self._calls[reference] >= AT_ONCE:
            getattr(call, "close", lambda: None)()  # a coroutine that nobody awaits
            raise CaseIsBusy(reference)
        self._calls[reference] += 1
        try:
            async with asyncio.timeout(BUDGET):
                return await call
        except Exception as failure:
            raise _translated(reference, failure) from failure
        finally:
            self._calls[reference] -= 1
            if not self._calls[reference]:
                del self._calls[reference]


def _translated(reference: str, failure: Exception) -> Exception:
    """What the SDK raises, in our words (each case was seen on a running server)."""
    match failure:
        case WorkflowUpdateFailedError(cause=ApplicationError() as cause):
            return _REFUSED.get(cause.type, Unavailable)(str(cause.message))
        case WorkflowUpdateRPCTimeoutOrCancelledError() | TimeoutError():
            return StillWorking(reference)
        case WorkflowAlreadyStartedError():
            return CaseIsClosed(reference)
        case RPCError():
            # "Timeout expired" of a single attempt says as little as our own timeout.
            late = failure.status in {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED}
            return StillWorking(reference) if late else _OUTAGES.get(failure.status, Unavailable)(reference)
        case RuntimeError():  # a lazy client that could not connect
            return Unavailable(reference)
        case _:
            return failure
