"""A whole house per test: own database, own namespace, a worker that can be stopped, and mail that stays at home.

Every method of `House` is what one person does; nothing here knows a rule. Mail and text messages are written by
the real sender and end in two lists.
"""

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import select, update
from sqlmodel import col
from temporalio.client import Client, HeaderCodecBehavior, WorkflowHandle
from temporalio.converter import DataConverter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

import web.gateway
import worker
from activities.delivery.channels import Mail, Text
from activities.delivery.render import Platform, Renderer
from activities.delivery.sender import CodeMessage, Sender
from development import namespace
from domain.case import Kind, workflow_id
from domain.claim import Claim
from domain.decisions import Decision
from domain.policy import CURRENT_POLICY, Policy
from domain.recovery import (
    Answer,
    AskHelp,
    ChooseAccount,
    Destination,
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
from settings import Settings
from storage import directory, folding, intake, reads
from storage.engine import Database, database_time
from storage.identifiers import identify
from storage.intake import Browser, ObjectionReceived, Opened
from storage.keys import Rings
from storage.models import CaseEventRow, CaseRow, NoticeRow, ObjectionLinkRow, VaultRow
from storage.people import RowKeys
from web.gateway import Gateway
from workflows import case_loop

PATIENCE = 60
"""Seconds until a test that waits for something gives up. Nothing takes a tenth of it, unless the machine is busy."""
MARGIN = timedelta(seconds=20)
"""Added to every skip. Server 1.32: when a timer fires so shortly before the goal of a jump that the goal has passed
by the time its task is done, the clock runs on to the next timer, such as the end of the case."""
TASKS = ("activity_task", "workflow_task")
ENDS = ("completed", "failed", "timed_out", "canceled")
"""How the history tells of tasks: each is `scheduled`, and some time later it has one of these ends."""
LARKFIELD = Platform(
    name="Larkfield",
    sender="help@larkfield.example",
    help="help@larkfield.example",
    public_url="https://help.larkfield.example",
)

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For promises that no database has a part in; the others run on both."""


Found = TypeVar("Found")


async def eventually(look: Callable[[], Awaitable[Found]], holds: Callable[[Found], object]) -> Found:
    """What is found, as soon as this holds for it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await look()
            if holds(found):
                return found
            await asyncio.sleep(0.02)


class Hand:
    """A carrier that keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def carry(self, message: Mail | Text) -> str:
        self.taken.append(message)
        return f"taken-{len(self.taken)}"


class Outbox(Sender):
    """The real sender, which also remembers what it was asked to send."""

    def __init__(self, database: Database, rings: Rings) -> None:
        self.mail, self.text = Hand(), Hand()
        super().__init__(database, rings, RowKeys(rings.row), Renderer(LARKFIELD), mail=self.mail, text=self.text)
        self.codes: list[CodeMessage] = []
        self.asked: list[dict[str, Any]] = []

    async def send_code(self, message: CodeMessage) -> None:
        self.codes.append(message)
        await super().send_code(message)

    async def send(self, **message: Any) -> None:
        self.asked.append(message)
        await super().send(**message)

    def told(self, template: str) -> list[str]:
        """The addresses that were told this."""
        return [message["address"] for message in self.asked if message["template"] == template]

    @property
    def is_empty(self) -> bool:
        return not (self.codes or self.asked or self.mail.taken or self.text.taken)


class NearHashers:
    """argon2 in a thread: tests hash a password or two, and need no processes for it."""

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(directory.HASHER.hash, password)

    async def fits_any(self, hashes: Sequence[str | None], password: str) -> bool:
        return await asyncio.to_thread(directory.fits_any, hashes, password)

    async def warm(self) -> None:
        pass

    def close(self) -> None:
        pass


class House:
    """What the tests of promises need; each method is what one person does."""

    def __init__(self, client: Client, settings: Settings, database: Database, rings: Rings) -> None:
        self.client, self.settings, self.database, self.rings = client, settings, database, rings
        self.gateway, self.outbox = Gateway(client), Outbox(database, rings)
        self.skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        self._stack: AsyncExitStack | None = None
        self._keys = itertools.count(1)

    # ---- the machine ----

    async def start_worker(self) -> None:
        self._stack = AsyncExitStack()
        await self._stack.enter_async_context(worker.workers(self.client, self.settings, self.outbox))

    async def stop_worker(self) -> None:
        if self._stack:
            await self._stack.aclose()
            self._stack = None

    def handle(self, reference: str, prefix: str = Kind.RECOVERY) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(workflow_id(prefix, reference))

    async def skip(self, reference: str, length: timedelta, prefix: str = Kind.RECOVERY) -> bool:
        """Let this case's clock run ahead, by `MARGIN` more than `length`; False if the case ended first."""
        return bool(await self.skipper.fast_forward(self.handle(reference, prefix), length + MARGIN))

    async def history(self, reference: str, prefix: str = Kind.RECOVERY) -> list[str]:
        """The kinds of the workflow's history events, in order."""
        history = await self.handle(reference, prefix).fetch_history()
        return [event.WhichOneof("attributes") or "" for event in history.events]

    async def idle(self, reference: str, prefix: str = Kind.RECOVERY) -> list[str]:
        """The history, once nothing is on its way any more."""

        def is_idle(history: list[str]) -> bool:
            begun = sum(history.count(f"{task}_scheduled_event_attributes") for task in TASKS)
            return begun == sum(history.count(f"{task}_{end}_event_attributes") for task in TASKS for end in ENDS)

        return await eventually(lambda: self.history(reference, prefix), is_idle)

    async def until(self, reference: str, *states: State) -> Recovery:
        """The case, once it is in one of these states."""
        return await self.until_case(reference, lambda case: case.state in states)

    async def until_case(self, reference: str, holds: Callable[[Recovery], bool]) -> Recovery:
        """The case, once this holds."""
        return await eventually(lambda: self.case(reference), holds)

    async def until_told(self, template: str, times: int = 1) -> list[str]:
        """Who was told this, once so many messages were handed over."""
        return await eventually(lambda: self._handed_over(template), lambda told: len(told) >= times)

    async def _handed_over(self, template: str) -> list[str]:
        async with self.database.read() as session:
            rows = await session.execute(
                select(NoticeRow).where(col(NoticeRow.template) == template, col(NoticeRow.state) == "handed_over")
            )
            keys = RowKeys(self.rings.row)
            return sorted([await keys.open(session, row.subject, row.address) for row in rows.scalars()])

    # ---- what is written down ----

    async def row(self, reference: str) -> CaseRow:
        async with self.database.read() as session:
            row = await reads.case_row(session, reference)
        assert row
        return row

    async def now(self) -> datetime:
        """What the database's clock says."""
        async with self.database.read() as session:
            return await database_time(session)

    async def case(self, reference: str) -> Recovery:
        case = folding.load_case("recovery", (await self.row(reference)).snapshot)
        assert isinstance(case, Recovery)
        return case

    async def claim(self, reference: str) -> Claim:
        case = folding.load_case("claim", (await self.row(reference)).snapshot)
        assert isinstance(case, Claim)
        return case

    async def events(self, reference: str) -> list[CaseEventRow]:
        async with self.database.read() as session:
            return list(await reads.event_rows(session, reference))

    async def kinds(self, reference: str) -> list[str]:
        return [event.kind for event in await self.events(reference)]

    async def access(self, opened: Opened) -> reads.Access:
        """What the browser with this secret may do."""
        async with self.database.read() as session:
            found, _ = await reads.access(session, self.rings, opened.reference, opened.secret)
        return found

    async def vault(self) -> list[str]:
        """The names of the secrets that wait."""
        async with self.database.read() as session:
            return list((await session.execute(select(col(VaultRow.name)))).scalars())

    # ---- what a claimant does ----

    async def write_down(
        self, typed: str, *, browser: str = "ada-laptop", policy: Policy = CURRENT_POLICY, key: str = ""
    ) -> Opened:
        """The opening row, as the web makes it; nobody has told Temporal yet."""
        async with self.database.write() as session:
            return await intake.open_recovery(
                session,
                self.rings,
                identify(typed, "GB"),
                Browser(browser, "192.0.2.1/32", "Firefox on Linux"),
                key=key or f"key-{next(self._keys)}",
                policy=policy,
                starts_per_network=1000,
            )

    async def open(self, typed: str, *, browser: str = "ada-laptop", policy: Policy = CURRENT_POLICY) -> Opened:
        opened = await self.write_down(typed, browser=browser, policy=policy)
        assert isinstance(opened.case, Recovery)
        await self.gateway.start(opened.case)
        return opened

    async def message(self, reference: str, issue: int = 1) -> CodeMessage:
        """The message with that code, once it was sent."""

        async def look() -> list[CodeMessage]:
            return [sent for sent in self.outbox.codes if (sent.case, sent.issue) == (reference, issue)]

        return (await eventually(look, bool))[0]

    async def tell(self, reference: str, command: Any, update_id: str = "") -> Answer:
        return await self.gateway.tell(reference, command, update_id=update_id or f"update-{next(self._keys)}")

    async def code(self, opened: Opened, typed: str | None, issue: int | None = None) -> SubmitCode:
        """What becomes of a typed code."""
        case = await self.case(opened.reference)
        number = issue or (case.issue.number if case.issue else 1)
        digest = intake.typed_code(self.rings, case, number, typed or "")
        return SubmitCode(self.holder(opened), number, digest)

    async def submit(self, opened: Opened, typed: str | None, issue: int | None = None) -> Answer:
        return await self.tell(opened.reference, await self.code(opened, typed, issue))

    async def prove(self, typed: str, *, browser: str = "ada-laptop", policy: Policy = CURRENT_POLICY) -> Opened:
        """A case whose first code was right."""
        opened = await self.open(typed, browser=browser, policy=policy)
        await self.submit(opened, (await self.message(opened.reference)).code)
        return opened

    async def use_up(self, opened: Opened) -> None:
        """Type wrong codes until this one takes no more."""
        case = await self.until(opened.reference, State.AWAITING_CODE)
        right = (await self.message(opened.reference, case.issues)).code
        while (await self.submit(opened, wrong(right))).state == State.AWAITING_CODE:
            pass

    async def link_browser(self, reference: str, browser: str) -> Opened:
        """The browser that is about to post the mailed link, with a secret of its own."""
        async with self.database.write() as session:
            secret, _ = await intake.browser_for_link(
                session, self.rings, reference, Browser(browser), key=f"key-{next(self._keys)}"
            )
        return Opened(reference, secret, True, await self.case(reference))

    async def use_link(self, opened: Opened, token: str) -> Answer:
        """Post the mailed link from this browser."""
        case = await self.case(opened.reference)
        return await self.tell(
            opened.reference, UseLink(self.holder(opened), intake.link_token(self.rings, case, token))
        )

    async def contact(self, opened: Opened, typed: str) -> Destination:
        """A contact that the claimant typed, kept and counted as the web does it."""
        async with self.database.write() as session:
            return await intake.add_contact(
                session,
                self.rings,
                opened.reference,
                identify(typed, "GB"),
                Browser("ada-laptop"),
                token=f"token-{next(self._keys)}-{opened.reference}",
                policy=opened.case.policy,
            )

    async def give_contact(self, opened: Opened, typed: str) -> Answer:
        return await self.tell(opened.reference, GiveContact(self.holder(opened), await self.contact(opened, typed)))

    async def resend(self, opened: Opened, to: str = "") -> Answer:
        """Ask for another code, to the same place or to one typed now."""
        other = await self.contact(opened, to) if to else None
        return await self.tell(opened.reference, ResendCode(self.holder(opened), other))

    async def choose(self, opened: Opened, account: str) -> Answer:
        return await self.tell(opened.reference, ChooseAccount(self.holder(opened), account))

    async def seal(self, opened: Opened, purpose: str, secret: str) -> str:
        """Put a secret into the vault, as the web does it."""
        token = f"{next(self._keys)}-{opened.reference}"
        async with self.database.write() as session:
            return await intake.seal_secret(session, self.rings, opened.reference, purpose, secret, token=token)

    async def second_proof(self, opened: Opened, code: str) -> Answer:
        sealed = await self.seal(opened, "second-proof", code)
        return await self.tell(opened.reference, SubmitSecondProof(self.holder(opened), sealed))

    async def set_password(self, opened: Opened, password: str) -> Answer:
        sealed = await self.seal(opened, "password", password)
        return await self.tell(opened.reference, SetPassword(self.holder(opened), sealed))

    async def ask_help(self, opened: Opened) -> Answer:
        return await self.tell(opened.reference, AskHelp(self.holder(opened)))

    async def withdraw(self, opened: Opened) -> Answer:
        return await self.tell(opened.reference, Withdraw(self.holder(opened)))

    def holder(self, opened: Opened) -> str:
        return self.rings.digest.digest("access", opened.secret)

    async def out_of_codes(self, typed: str = "ada@example.com") -> Opened:
        """A case of one code whose code is used up, so that it waits for help."""
        opened = await self.open(typed, policy=with_policy(codes_per_case=1))
        await self.use_up(opened)
        await self.until(opened.reference, State.AWAITING_HELP)
        return opened

    # ---- what agents and owners do ----

    async def sign(
        self, opened: Opened, outcome: str = "allow", *, agent: str = "sam", version: int = 0, key: str = ""
    ) -> Decision:
        """A decision as the desk makes it, with its row and its proof; not sent yet."""
        case = await self.case(opened.reference)
        async with self.database.write() as session:
            return await intake.receive_decision(
                session,
                self.rings,
                reference=opened.reference,
                version=version or case.version,
                outcome=outcome,
                reason="codes_used_up",
                agent=agent,
                key=key or f"key-{next(self._keys)}",
            )

    async def objection_link(self, template: str, reference: str) -> ObjectionLinkRow:
        """The "this was not me" link of a message of this kind that may object, once it was sent."""

        async def look() -> ObjectionLinkRow | None:
            async with self.database.read() as session:
                found = await session.execute(
                    select(ObjectionLinkRow)
                    .join(NoticeRow, col(NoticeRow.name) == col(ObjectionLinkRow.notice))
                    .where(col(NoticeRow.template) == template, col(NoticeRow.case_ref) == reference)
                    .where(col(NoticeRow.state) == "handed_over", col(ObjectionLinkRow.may_object))
                    .limit(1)
                )
                return found.scalars().first()

        link = await eventually(look, bool)
        assert link
        return link

    async def press(self, link: ObjectionLinkRow, browser: str = "owner") -> ObjectionReceived:
        """Press "this was not me": what the web writes down before it tells anybody."""
        async with self.database.write() as session:
            return await intake.receive_objection(
                session, self.rings, link, Browser(browser), key=f"key-{next(self._keys)}", policy=CURRENT_POLICY
            )

    async def password_fits(self, typed: str, password: str) -> bool:
        """What `/dev/login` would say."""
        async with self.database.read() as session:
            (ref,) = await directory.owners(session, self.rings, identify(typed, "GB"))
            return directory.fits(await directory.current_hash(session, ref), password)

    async def change(self, table: Any, *where: Any, **values: Any) -> None:
        """Change rows behind everybody's back."""
        async with self.database.write() as session:
            await session.execute(update(table).where(*where).values(**values))


def wrong(right: str | None) -> str:
    """A code that is not the right one."""
    return f"{(int(right or '0') + 1) % 10**6:06d}"


def with_policy(**changes: Any) -> Policy:
    return dataclasses.replace(CURRENT_POLICY, **changes)


async def connected(address: str, name: str, converter: DataConverter) -> Client:
    return await Client.connect(
        address, namespace=name, data_converter=converter, header_codec_behavior=HeaderCodecBehavior.CODEC
    )


async def in_a_namespace_of_its_own(client: Client) -> Client:
    """The same client, once every service of the server knows its namespace: a busy one learns of it a moment late."""
    await namespace.make_ready(client)

    async def knock() -> bool:
        try:
            handle = await client.start_workflow("Nobody", id="knock", task_queue="nobody")
            await handle.terminate()
        except RPCError as failure:
            if failure.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        except WorkflowAlreadyStartedError:
            pass
        return True

    await eventually(knock, bool)
    return client


@asynccontextmanager
async def housed(client: Client, settings: Settings, database: Database, rings: Rings) -> AsyncIterator[House]:
    """A house with a running worker, until the end of the block."""
    built = House(client, settings, database, rings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "Hashers", NearHashers)
        # A busy machine must not be taken for a database that is away: histories would differ by the second try.
        patch.setattr(case_loop, "AT_ONCE", timedelta(seconds=PATIENCE))
        patch.setattr(web.gateway, "BUDGET", PATIENCE)
        await built.start_worker()
        try:
            yield built
        finally:
            await built.stop_worker()
