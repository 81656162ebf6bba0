"""Replay: as the worker would, with an eye on what is recorded, or with the code changed on purpose."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.client import HeaderCodecBehavior, WorkflowHistory
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    StartActivityInput,
    StartLocalActivityInput,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
    WorkflowRunner,
)

import worker
from activities import contract
from activities.contract import ClaimRecord, RecoveryRecord
from domain.claim import Claim
from domain.recovery import Recovery
from storage import folding
from storage.folding import AnyEvent, Case
from tests.replay import corpus

Step = tuple[str, str, str]
Ask = TypeVar("Ask", StartActivityInput, StartLocalActivityInput)
INPUTS: dict[str, type[Recovery] | type[Claim]] = {"Recovery": Recovery, "Claim": Claim}


def replayer(
    *interceptors: Interceptor, runner: WorkflowRunner | None = None, workflows: Sequence[type] = worker.WORKFLOWS
) -> Replayer:
    """With the workflows, the sandbox and the converter of the worker, and the keys of the histories."""
    return Replayer(
        workflows=workflows,
        workflow_runner=runner or worker.runner(),
        data_converter=corpus.converter(),
        interceptors=interceptors,
        header_codec_behavior=HeaderCodecBehavior.CODEC,
    )


async def failure_of(replays: Replayer, history: WorkflowHistory) -> Exception | None:
    """Why the code does not fit the history; None if it does."""
    result = await replays.replay_workflow(history, raise_on_replay_failure=False)
    return result.replay_failure


async def failures_of(replays: Replayer, histories: Sequence[WorkflowHistory]) -> list[Exception | None]:
    """As `failure_of`, for many: one worker for all of them, which is three times as fast."""

    async def one_by_one() -> AsyncIterator[WorkflowHistory]:
        for history in histories:
            yield history

    async with replays.workflow_replay_iterator(one_by_one()) as results:
        return [result.replay_failure async for result in results]


async def steps(workflow_type: str, history: WorkflowHistory) -> tuple[Step, ...]:
    """What the case went through: the events that the code records when it runs this history again, folded."""
    if workflow_type not in INPUTS:
        return ()
    seen = Watching()
    failure = await failure_of(replayer(seen, runner=UnsandboxedWorkflowRunner()), history)
    if failure:
        raise failure
    case, folded = await _opening(workflow_type, history), []
    for event in seen.events(case.number):
        before, case = case, folding.apply(case, event)
        folded.append((str(before.state), event.kind, str(case.state)))
    return tuple(folded)


async def _opening(workflow_type: str, history: WorkflowHistory) -> Case:
    """The argument of the workflow: an opened case, or one that goes on after continue-as-new."""
    started = history.events[0].workflow_execution_started_event_attributes
    (case,) = await corpus.converter().decode(started.input.payloads, [INPUTS[workflow_type]])
    assert isinstance(case, Recovery | Claim)
    return case


def workflow_types() -> set[str]:
    """The types of all workflows that the worker runs."""
    definitions = (getattr(kind, "__temporal_workflow_definition") for kind in worker.WORKFLOWS)
    return {str(definition.name) for definition in definitions}


def activities_of_workflows() -> set[str]:
    """Every activity that a workflow may ask for: all signatures of the contract."""
    kinds = (kind for kind in vars(contract).values() if isinstance(kind, type))
    methods = (method for kind in kinds for method in vars(kind).values())
    names = (getattr(method, "__temporal_activity_definition", None) for method in methods)
    return {str(found.name) for found in names if found}


# ---- interceptors, which live inside the workflow: only for replays outside the sandbox


class Outbound(WorkflowOutboundInterceptor):
    """Hands every activity that the workflow asks for to `asked` first."""

    asked: Callable[[Any], Any]

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        return super().start_activity(type(self).asked(input))

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        return super().start_local_activity(type(self).asked(input))


def inbound(asking: Callable[[Any], Any]) -> type[WorkflowInboundInterceptor]:
    """An interceptor class whose activities go through `asking`."""

    class Asking(Outbound):
        asked = staticmethod(asking)

    class Inbound(WorkflowInboundInterceptor):
        def init(self, outbound: WorkflowOutboundInterceptor) -> None:
            super().init(Asking(outbound))

    return Inbound


class Watching(Interceptor):
    """Keeps the events of every record that a replayed workflow asks for."""

    def __init__(self) -> None:
        self._by_number: dict[int, AnyEvent] = {}

    def events(self, after: int) -> list[AnyEvent]:
        """In order, without gaps."""
        numbers = sorted(self._by_number)
        assert numbers == list(range(after + 1, after + 1 + len(numbers))), numbers
        return [self._by_number[number] for number in numbers]

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[WorkflowInboundInterceptor]:
        def note(asked: Ask) -> Ask:
            for argument in asked.args:
                if isinstance(argument, RecoveryRecord | ClaimRecord):
                    self._by_number.update(enumerate(argument.events, start=argument.after + 1))
            return asked

        return inbound(note)


class Renamed(Interceptor):
    """The code as if somebody had renamed this activity."""

    def __init__(self, name: str) -> None:
        self._name = name

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[WorkflowInboundInterceptor]:
        def rename(asked: Ask) -> Ask:
            return replace(asked, activity=f"{asked.activity}_2") if asked.activity == self._name else asked

        return inbound(rename)


class OneMore(Interceptor):
    """The code as if somebody had added an activity at its beginning."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[WorkflowInboundInterceptor]:
        class More(WorkflowInboundInterceptor):
            async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
                workflow.start_activity("one_more", start_to_close_timeout=worker.GRACE)
                return await super().execute_workflow(input)

        return More
