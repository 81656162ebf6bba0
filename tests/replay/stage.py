"""Where histories are acted: the running instance, people made for one scenario each, and what everybody does.

Requests go through `storage.intake` and the web's own gateway, as its pages do; the worker is the one of `make run`.
Policies of seconds are the reason why these cases are opened here and not through the pages.
"""

import asyncio
import itertools
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, WorkflowHandle

from connection import connect
from development import catcher, people
from development.namespace import SCHEDULES
from domain.case import Kind, workflow_id
from domain.decisions import Decision
from domain.policy import Policy
from domain.recovery import (
    Answer,
    AskHelp,
    ChooseAccount,
    Command,
    GiveContact,
    Recovery,
    ResendCode,
    SetPassword,
    State,
    SubmitCode,
    SubmitSecondProof,
    UseLink,
    Withdraw,
)
from settings import load
from storage import codes, directory, intake, reads, vault
from storage.engine import Database, database_time
from storage.folding import Case
from storage.identifiers import identify
from storage.intake import Browser
from storage.keys import Rings
from storage.models import CaseRow, ReceivedRow
from tests.replay.instance import Instance
from web.gateway import CaseIsBusy, Gateway, StillWorking, Unavailable

Found = TypeVar("Found")
NUMBERS = itertools.count(1)
SOON = 30.0
"""Seconds that anything may take before a scenario has failed."""
LOOK_EVERY = 0.05

SECOND = timedelta(seconds=1)
QUICK = replace(
    Policy(),
    version="replay",
    tries_per_code=2,
    codes_per_case=2,
    second_proof_tries=2,
    cooldowns=(SECOND,),
    sends_per_hour=1000,
    sends_per_day=1000,
    starts_per_account=1000,
    tries_per_account=1000,
)
"""What recorded cases promise: everything in seconds, and one limit at a time."""
ONE_TRY = replace(QUICK, tries_per_code=1)
LAST_CODE = replace(QUICK, tries_per_code=1, codes_per_case=1)
"""The first wrong try leads to the desk."""

MARK = "planted"
"""Part of every address, username and password that recorded people have; no history may hold it."""


@dataclass(frozen=True)
class Owner:
    """An account that one scenario has for itself."""

    username: str
    email: str
    account: str
    password: str
    recovery_codes: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()


class Stage:
    """An instance as its own processes see it: same settings, same keys, same database."""

    def __init__(self, instance: Instance, client: Client, database: Database, rings: Rings) -> None:
        self.instance, self.client, self.database, self.rings = instance, client, database, rings
        self.gateway = Gateway(client)
        self._curtain: asyncio.Barrier | None = None

    @property
    def mailbox(self) -> Path:
        return self.instance.var / "mailbox"

    @property
    def url(self) -> str:
        return f"http://localhost:{self.instance.port}"

    async def owner(
        self,
        *,
        standing: Literal["active", "banned", "being_deleted"] = "active",
        second_factor: bool = False,
        email: str = "",
        more: tuple[str, ...] = (),
    ) -> Owner:
        """Somebody new with an account. `email` is given where two accounts share one."""
        number = next(NUMBERS)
        password = f"{MARK}-password-{number}-2025"
        address = email or f"{MARK}.{number}@example.org"
        codes_ = tuple(f"PLANTED-{number}-{one}" for one in (1, 2)) if second_factor else ()
        demo = people.DemoAccount(f"{MARK}{number}", (address, *more), (password,), standing, recovery_codes=codes_)
        async with self.database.write() as session:
            await people._add_account(session, self.rings, demo, datetime.now(UTC))
        return Owner(demo.username, address, demo.ref, password, codes_, demo.contacts)

    def phone(self) -> str:
        """A number from the range that Ofcom keeps for drama, used once."""
        return f"+44 7700 900{100 + next(NUMBERS) % 900}"

    async def freeze(self, owner: Owner) -> None:
        """Something else froze the account."""
        async with self.database.write() as session:
            now = await database_time(session)
            await directory.freeze(session, owner.account, now=now, until=now + timedelta(days=3))

    async def open(self, typed: str, policy: Policy = QUICK, *, start: bool = True) -> "Attempt":
        """Somebody types into the one box. `start=False`: the web dies before it has told Temporal."""
        browser, key = Browser(f"browser-{next(NUMBERS)}"), f"form-{next(NUMBERS)}"
        async with self.database.write() as session:
            identifier = identify(typed, "GB")
            opened = await intake.open_recovery(
                session, self.rings, identifier, browser, key=key, policy=policy, starts_per_network=100_000
            )
        assert isinstance(opened.case, Recovery)
        attempt = Attempt(self, opened.reference, opened.secret)
        if start:
            await self.start(opened.case)
        return attempt

    async def start(self, case: Case) -> None:
        """Tell Temporal, as the web does right after the row."""
        await self.gateway.start(case)
        async with self.database.write() as session:
            await intake.mark_started(session, case.reference)

    async def message(self, name: str) -> catcher.CaughtMessage:
        """The mail or text message of this name, such as `7F3KQ2M9XA.code.1`, once it was delivered."""

        async def delivered() -> catcher.CaughtMessage | None:
            for caught in catcher.read_all(self.mailbox):
                if caught.message_id.strip("<>").startswith(name):
                    return caught
            return None

        return await self.until(delivered, name)

    async def until(self, found: Callable[[], Awaitable[Found | None]], what: str, within: float = SOON) -> Found:
        """What `found` finds, once it finds something."""
        deadline = time.monotonic() + within
        while not (result := await found()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain for {what}")
            await asyncio.sleep(LOOK_EVERY)
        return result

    async def row(self, reference: str) -> CaseRow:
        async with self.database.read() as session:
            row = await reads.case_row(session, reference)
        assert row
        return row

    async def make_due(self, reference: str, column: str) -> None:
        """Years have passed, as far as this row knows."""
        async with self.database.write() as session:
            past = await database_time(session) - SECOND
            await session.execute(update(CaseRow).where(col(CaseRow.reference) == reference).values(**{column: past}))

    async def idle(self, workflow: str) -> None:
        """Wait until the case waits: no step of it and no activity is under way."""
        handle = self.client.get_workflow_handle(workflow)

        async def nothing_pending() -> bool:
            seen = (await handle.describe()).raw_description
            return not seen.pending_activities and not seen.HasField("pending_workflow_task")

        await self.until(nothing_pending, f"{workflow} to be idle")

    def expects_a_kill(self, scenarios: int) -> Awaitable[None]:
        """So many scenarios wait for the death of the worker; await what this returns to bring it about."""
        curtain = self._curtain = asyncio.Barrier(scenarios + 1)

        async def kill() -> None:
            with suppress(asyncio.BrokenBarrierError):
                await curtain.wait()
                self.instance.kill_worker()
                await curtain.wait()

        return kill()

    async def worker_dies(self) -> None:
        """Returns when everybody is where they want to be, and the worker is dead."""
        assert self._curtain
        await self._curtain.wait()
        await self._curtain.wait()

    async def nobody_waits_for_me(self) -> None:
        """A scenario failed: those that wait for its turn fail too, instead of waiting for ever."""
        assert self._curtain
        await self._curtain.abort()

    async def objection_tokens(self, notice: str, number: int) -> list[str]:
        """The "this was not me" tokens of the messages of this name, once all of them were delivered."""

        async def delivered() -> list[str] | None:
            caught = catcher.read_all(self.mailbox)
            texts = [one.text for one in caught if one.message_id.strip("<>").startswith(notice)]
            tokens = [token for text in texts for token in re.findall(r"/not-me/([\w-]+)", text)]
            return tokens if len(tokens) == number else None

        return await self.until(delivered, notice)

    async def run_now(self, schedule: str) -> str:
        """Ask a Schedule for a run; its workflow id, once it is over."""
        before = await self._runs(schedule)
        await self.client.get_schedule_handle(schedule).trigger()

        async def begun() -> str | None:
            return next(iter(await self._runs(schedule) - before), None)

        found = await self.until(begun, f"{schedule} to run")
        await self.over(found)
        return found

    async def _runs(self, schedule: str) -> set[str]:
        described = await self.client.get_schedule_handle(schedule).describe()
        actions = (one.action for one in described.info.recent_actions)
        return {one.workflow_id for one in actions if isinstance(one, ScheduleActionExecutionStartWorkflow)}

    async def over(self, workflow: str) -> None:
        """Wait until the workflow has returned."""
        async with asyncio.timeout(SOON * 2):
            await self.client.get_workflow_handle(workflow).result()


class Attempt:
    """One recovery, and what people do in it. `by` is the digest of the browser that acts."""

    def __init__(self, stage: Stage, reference: str, secret: str) -> None:
        self.stage, self.reference = stage, reference
        self.by = stage.rings.digest.digest("access", secret)
        self._form = ""

    @property
    def workflow(self) -> str:
        return workflow_id(Kind.RECOVERY, self.reference)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.stage.client.get_workflow_handle(self.workflow)

    async def case(self) -> Recovery:
        case = reads.case_of(await self.stage.row(self.reference))
        assert isinstance(case, Recovery)
        return case

    async def until(self, *states: State) -> "Attempt":
        """Wait until the pages show one of these states."""

        async def there() -> bool:
            return (await self.case()).state in states

        await self.stage.until(there, f"{self.reference} to be {' or '.join(states)}")
        return self

    async def until_true(self, holds: Callable[[Recovery], bool], what: str) -> None:
        async def there() -> bool:
            return holds(await self.case())

        await self.stage.until(there, f"{self.reference}: {what}")

    async def tell(self, command: Command) -> Answer:
        form = self._form or f"update-{next(NUMBERS)}"
        return await self.stage.gateway.tell(self.reference, command, update_id=form)

    async def patiently(self, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """Send one form again until there is an answer, as people do who are told that nothing was lost."""
        self._form = f"update-{next(NUMBERS)}"
        until = time.monotonic() + SOON * 2
        try:
            while True:
                try:
                    return await act()
                except (StillWorking, Unavailable, CaseIsBusy):
                    if time.monotonic() > until:
                        raise
                await asyncio.sleep(0.5)
        finally:
            self._form = ""

    # ---- the claimant

    async def contact(self, typed: str) -> Answer:
        identifier, token = identify(typed, "GB"), f"contact-{next(NUMBERS)}-{self.reference}"
        case = await self.case()
        async with self.stage.database.write() as session:
            to = await intake.add_contact(
                session,
                self.stage.rings,
                self.reference,
                identifier,
                Browser("any"),
                token=token,
                policy=case.policy,
            )
        return await self.tell(GiveContact(self.by, to))

    async def delivered(self, issue: int = 1) -> None:
        """Wait until that code has arrived, and the workflow knows."""
        await self.stage.message(f"{self.reference}.code.{issue}")
        await self.stage.idle(self.workflow)

    async def code(self) -> Answer:
        """The code of the newest message."""
        case = await self.case()
        assert case.issue
        issue_key = case.issue.keys.partition("/")[0]
        digits = codes.code(self.stage.rings, self.reference, case.issue.number, case.policy.code_digits, key=issue_key)
        return await self.submit(digits)

    async def wrong_code(self) -> Answer:
        return await self.submit("no digits at all")

    async def submit(self, typed: str) -> Answer:
        case = await self.case()
        assert case.issue
        digest = intake.typed_code(self.stage.rings, case, case.issue.number, typed)
        return await self.tell(SubmitCode(self.by, case.issue.number, digest))

    async def link(self) -> Answer:
        """The link of the newest message, posted by another browser, which goes on from here."""
        case = await self.case()
        assert case.issue
        rings, browser = self.stage.rings, Browser(f"browser-{next(NUMBERS)}")
        token = codes.link(rings, self.reference, case.issue.number, key=case.issue.keys.partition("/")[0])
        async with self.stage.database.write() as session:
            _, by = await intake.browser_for_link(session, rings, self.reference, browser, key=f"form-{next(NUMBERS)}")
        answer = await self.tell(UseLink(by, intake.link_token(rings, case, token)))
        self.by = by
        return answer

    async def resend(self) -> Answer:
        """Another code, as soon as the page offers it."""
        await self.until_true(lambda case: case.resend_open, "the cooldown to end")
        return await self.tell(ResendCode(self.by))

    async def choose(self, owner: Owner) -> Answer:
        return await self.tell(ChooseAccount(self.by, owner.account))

    async def second_proof(self, code: str) -> Answer:
        return await self.tell(SubmitSecondProof(self.by, await self._sealed("second-proof", code)))

    async def password(self, *, lost: bool = False) -> Answer:
        """A new password. `lost`: it is gone from the vault before it can be set."""
        name = await self.sealed_password()
        if lost:
            async with self.stage.database.write() as session:
                await vault.drop(session, name)
        return await self.send_password(name)

    async def sealed_password(self) -> str:
        return await self._sealed("password", f"{MARK} new password {next(NUMBERS)}")

    async def send_password(self, name: str) -> Answer:
        return await self.tell(SetPassword(self.by, name))

    async def _sealed(self, purpose: str, secret: str) -> str:
        token = f"{next(NUMBERS)}-{self.reference}"
        async with self.stage.database.write() as session:
            return await intake.seal_secret(session, self.stage.rings, self.reference, purpose, secret, token=token)

    async def ask_help(self) -> Answer:
        return await self.tell(AskHelp(self.by))

    async def withdraw(self) -> Answer:
        return await self.tell(Withdraw(self.by))

    # ---- everybody else

    async def decide(self, outcome: str, *, agent: str = "sam", proved: bool = True) -> str:
        """An agent decides, as the desk sends it. Not `proved`: somebody else writes to the namespace."""
        decision = await self.written_decision(outcome, agent=agent)
        await self.stage.gateway.decide(decision if proved else replace(decision, proof="forged:0"))
        return decision.id

    async def written_decision(self, outcome: str, *, agent: str, delivered: bool = True) -> Decision:
        """The row of a decision. `delivered=False`: the desk dies before it has told Temporal."""
        case = await self.case()
        async with self.stage.database.write() as session:
            decision = await intake.receive_decision(
                session,
                self.stage.rings,
                reference=self.reference,
                version=case.version,
                outcome=outcome,
                reason="codes_used_up",
                agent=agent,
                key=f"form-{next(NUMBERS)}",
            )
            if delivered:
                await intake.mark_delivered(session, decision.id)
        return decision

    async def refused_decision(self) -> None:
        """A decision without proof, until it stands in the record."""
        decision = await self.decide("stop", agent="eve", proved=False)
        await self.until_true(lambda case: decision in case.decided, "the refusal to be recorded")

    async def objection_arrives(self, *, delivered: bool = True) -> str:
        """The row that the web makes when a "this was not me" link is pressed."""
        name = f"objection/{next(NUMBERS)}"
        async with self.stage.database.write() as session:
            await _received(session, name, self.reference, delivered=delivered)
        return name

    async def object(self) -> None:
        """The owner presses "this was not me"."""
        await self.stage.gateway.object(self.reference, await self.objection_arrives())

    async def supersede(self) -> None:
        """What a quicker recovery of the same account says."""
        await self.handle.signal("superseded")


async def _received(session: AsyncSession, name: str, reference: str, *, delivered: bool) -> None:
    now = await database_time(session)
    session.add(
        ReceivedRow(
            id=name,
            case_ref=reference,
            kind="objection",
            received_at=now,
            data={"scope": "case", "notice": ""},
            delivered_at=now if delivered else None,
        )
    )


@asynccontextmanager
async def stage_on(instance: Instance) -> AsyncIterator[Stage]:
    """Take the settings of the running instance; its Schedules rest until a scenario asks for a run."""
    os.environ.update(instance.variables())
    settings = load()
    database = Database(settings.database_url)
    client = await connect(settings)
    for schedule in SCHEDULES:
        await client.get_schedule_handle(schedule).pause()
    try:
        yield Stage(instance, client, database, settings.rings())
    finally:
        await database.close()
