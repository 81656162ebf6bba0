"""What a claim does to the world: the freeze, codes, the hand-back step by step, notices."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from workflows import ACCOUNTS, DELIVERY
from workflows.case_loop import Argument, CaseLoop, Result, quick
from workflows.claim_notices import notices
from workflows.telling import tell

with workflow.unsafe.imports_passed_through():
    from activities.contract import (
        Accounts,
        ClaimRecord,
        Claims,
        Codes,
        CodeToSend,
        CodeWanted,
        ContactLook,
        EvidenceToWeigh,
        Files,
        FilesToScan,
        Freeze,
        HandBack,
        NewPassword,
        Purpose,
        Records,
    )
    from domain import claim, claim_deadlines, claim_events, evidence
    from domain.case import Deadline
    from domain.claim import Claim, State
    from domain.claim import Freeze as FreezeState
    from domain.claim_events import Command, Event, Step
    from domain.contact_proof import CodeIssued

PATIENCE = timedelta(seconds=60)
"""How long a step is tried before the pages say that it is delayed; then it is tried on."""
PAUSE = timedelta(seconds=30)
RETRIES = RetryPolicy(maximum_interval=timedelta(seconds=10))


class ClaimEffects(CaseLoop[Claim, Event]):
    def __init__(self, case: Claim) -> None:
        super().__init__(case)
        self._background: list[asyncio.Task[None]] = []

    def _apply(self, case: Claim, event: Event) -> Claim:
        return claim.apply(case, event)

    def _deadlines(self, case: Claim) -> tuple[Deadline, ...]:
        return claim_deadlines.deadlines(case)

    def _opened(self) -> Event:
        return claim_events.CaseOpened(workflow.now())

    async def _record(self, after: int, events: tuple[Event, ...]) -> None:
        await quick(Records.record_claim, ClaimRecord(self._case.reference, after, events))

    def _is_over(self) -> bool:
        return self._case.is_over

    def _is_quiet(self) -> bool:
        return all(task.done() for task in self._background)

    async def _at_once(self) -> tuple[Event, ...]:
        case = self._case
        if case.proof.wanted is None or case.is_closed:
            return ()
        wanted = CodeWanted(case.reference, case.proof.issues + 1, case.proof.wanted, case.policy, self._purpose())
        made = await quick(Codes.issue_code, wanted)
        return (CodeIssued(workflow.now(), wanted.issue, (), made.keys, made.digest, made.link_digest),)

    def _purpose(self) -> Purpose:
        return "hand_back" if self._case.begun_at else "contact"

    async def _afterwards(self) -> None:
        await asyncio.gather(*self._background)

    def _effect(self) -> Callable[[], Awaitable[None]] | None:
        case = self._case
        if case.freeze is FreezeState.WANTED:
            return self._freeze
        if case.freeze is FreezeState.ENDING:
            return self._end_freeze
        if case.state is State.HANDING_BACK and case.begun_at is None:
            return self._begin
        if case.to_do and case.to_do[0] is not Step.SEND_LINK:
            return self._step
        if case.secret:
            return self._apply_password
        return self._scan if case.files_waiting else None  # last: nothing else waits for a scanner that is away

    def _is_being_handed_back(self) -> bool:
        return self._case.state is State.HANDING_BACK and self._case.begun_at is not None

    async def _until_applied(self) -> None:
        await workflow.wait_condition(lambda: not self._case.secret)
        async with self._turn:
            pass  # the record of it is made under the turn

    # ---- what is looked up before an event ----

    async def _checked(self, event: Event, command: Command) -> Event:
        """The event, with what only the account system knows."""
        match event, command:
            case claim_events.ContactProved(), _:
                return await self._with_sight(event)
            case claim_events.EvidenceGiven(), claim_events.GiveEvidence():
                return await self._weighed(event, command)
            case _:
                return event

    async def _with_sight(self, event: claim_events.ContactProved) -> Event:
        case = self._case
        assert case.issue
        look = ContactLook(case.reference, case.issue.to.contact, case.policy)
        sight = await quick(Claims.look_at_contact, look)
        return claim_events.ContactProved(event.at, event.issue, event.via, event.holder, sight)

    async def _weighed(self, event: claim_events.EvidenceGiven, command: claim_events.GiveEvidence) -> Event:
        case = self._case
        given = EvidenceToWeigh(
            case.reference,
            case.account,
            case.contact.contact if case.contact else "",
            command.evidence,
            command.secrets,
            command.files,
            case.policy,
        )
        weighed = await workflow.execute_activity_method(
            Claims.weigh_evidence,
            given,
            task_queue=ACCOUNTS,
            start_to_close_timeout=timedelta(seconds=20),
            retry_policy=RETRIES,
        )
        score = evidence.score(weighed.facts)
        return claim_events.EvidenceGiven(
            event.at, command.evidence, weighed.survey, weighed.facts, score, command.files
        )

    # ---- effects ----

    async def _now_or_later(
        self, method: Callable[[Any, Argument], Awaitable[Result]], argument: Argument, queue: str = ACCOUNTS
    ) -> Result | None:
        """The result; None if the other side did not answer for a while. The clock acts in between."""
        try:
            return await workflow.execute_activity_method(
                method,
                argument,
                task_queue=queue,
                start_to_close_timeout=timedelta(seconds=15),
                schedule_to_close_timeout=PATIENCE,
                retry_policy=RETRIES,
            )
        except ActivityError as failure:
            workflow.logger.error("effect delayed", extra={"cause": type(failure.cause).__name__})
        async with self._turn:
            if self._case.to_do:
                await self._happened(claim_events.StepDelayed(workflow.now(), self._case.to_do[0]))
            await self._catch_up()
        await workflow.sleep(PAUSE)
        return None

    async def _freeze(self) -> None:
        result = await self._now_or_later(Accounts.freeze_account, self._about_freeze())
        if result:
            now = workflow.now()
            async with self._turn:
                frozen = claim_events.AccountFrozen(now, result.sessions)
                await self._happened(frozen if result.frozen else claim_events.FreezeWithheld(now))

    async def _end_freeze(self) -> None:
        if await self._now_or_later(Accounts.end_freeze, self._about_freeze()) is not None:
            async with self._turn:
                await self._happened(claim_events.FreezeEnded(workflow.now()))

    def _about_freeze(self) -> Freeze:
        case = self._case
        return Freeze(case.reference, case.account, case.objection, case.policy, needed=case.needs_freeze)

    async def _scan(self) -> None:
        scanned = await self._now_or_later(Files.scan_files, FilesToScan(self._case.reference), DELIVERY)
        if scanned:
            async with self._turn:
                await self._happened(claim_events.FilesScanned(workflow.now(), scanned.clean, scanned.refused))

    async def _begin(self) -> None:
        """The last look for an objection and the mark that the effect has begun are one transaction."""
        begun = await self._now_or_later(Claims.begin_hand_back, self._about_step())
        if begun is None:
            return
        now = workflow.now()
        async with self._turn:
            if begun.begun:
                await self._happened(claim_events.HandBackBegun(now))
            else:
                await self._happened(claim_events.OwnerObjected(now, begun.received, begun.received_at or now))

    async def _step(self) -> None:
        step = self._case.to_do[0]
        taken = await self._now_or_later(Claims.take_step, self._about_step(step))
        if taken:
            async with self._turn:
                await self._happened(claim_events.StepDone(workflow.now(), step, taken.result, taken.count))

    def _about_step(self, step: Step | None = None) -> HandBack:
        case = self._case
        contact = case.contact.contact if case.contact else ""
        until = workflow.now() + claim.probation_length(case)
        return HandBack(case.reference, case.account, contact, case.plan, case.policy, step, until)

    async def _apply_password(self) -> None:
        case = self._case
        assert case.begun_at
        new = NewPassword(case.reference, case.account, case.secret, case.begun_at)
        result = await self._now_or_later(Accounts.apply_password, new)
        if result is None:
            return
        now = workflow.now()
        event: Event = claim_events.PasswordLost(now)
        if result.result == "applied":
            event = claim_events.PasswordApplied(now, result.sessions)
        elif result.result in {"barred", "superseded"}:
            event = claim_events.PasswordRefused(now, result.result)
        elif result.result == "objected":
            event = claim_events.OwnerObjected(now, result.received, result.received_at or now)
        async with self._turn:
            await self._happened(event)

    # ---- telling ----

    def _recorded(self, events: tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, CodeIssued):
                self._send(event)
            for notice in notices(self._case, event, workflow.now()):
                self._in_background(tell(notice))

    def _in_background(self, telling: Any) -> None:
        """Nobody waits for a mail server. What became of it stands in the delivery log."""
        self._background = [task for task in self._background if not task.done()]
        self._background.append(asyncio.create_task(telling))

    def _send(self, issued: CodeIssued) -> None:
        case = self._case
        if case.issue is None or case.issue.number != issued.issue:
            return
        code = CodeToSend(
            case.reference,
            issued.issue,
            case.issue.to,
            issued.keys,
            issued.at,
            case.policy,
            self._purpose(),
            case.account if case.begun_at else "",
        )
        self._in_background(self._sent(code, case.link_until or issued.at))

    async def _sent(self, code: CodeToSend, until: datetime) -> None:
        try:
            await workflow.execute_activity_method(
                Codes.send_code,
                code,
                task_queue=DELIVERY,
                start_to_close_timeout=timedelta(seconds=30),
                schedule_to_close_timeout=max(until - workflow.now(), timedelta(seconds=30)),
                retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30)),
            )
        except ActivityError as failure:
            workflow.logger.error("code not delivered", extra={"cause": type(failure.cause).__name__})
