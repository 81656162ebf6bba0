"""A whole house per test: own database, own namespace, a worker that can be stopped, and an outbox instead of mail."""

import asyncio
import dataclasses
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, HeaderCodecBehavior, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

import worker
from activities.delivery.sender import CodeMessage
from connection import data_converter
from development import namespace
from domain.case import Kind, workflow_id
from domain.policy import CURRENT_POLICY, Policy
from domain.recovery import Answer, Recovery, ResendCode, SetPassword, State, SubmitCode, UseLink
from settings import Settings
from storage import directory, folding, intake, reads
from storage.engine import Database
from storage.identifiers import identify
from storage.intake import Browser, Opened
from storage.keys import Rings
from storage.models import CaseRow
from web.gateway import Gateway

_numbers = itertools.count(1)


class Outbox:
    """Stands in for the sender: what would have gone out, in order."""

    def __init__(self) -> None:
        self.codes: list[CodeMessage] = []
        self.notices: list[dict[str, Any]] = []

    async def send_code(self, message: CodeMessage) -> None:
        self.codes.append(message)

    async def send(self, **message: Any) -> None:
        self.notices.append(message)


class House:
    """What the tests of promises need; each method is what one person does."""

    def __init__(self, client: Client, settings: Settings, database: Database, rings: Rings) -> None:
        self.client, self.settings, self.database, self.rings = client, settings, database, rings
        self.gateway, self.outbox = Gateway(client), Outbox()
        self.skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        self._stack: AsyncExitStack | None = None
        self._keys = itertools.count(1)

    async def start_worker(self) -> None:
        self._stack = AsyncExitStack()
        await self._stack.enter_async_context(worker.workers(self.client, self.settings, self.outbox))  # type: ignore[arg-type]

    async def stop_worker(self) -> None:
        if self._stack:
            await self._stack.aclose()
            self._stack = None

    async def open(self, typed: str, *, browser: str = "ada-laptop", policy: Policy = CURRENT_POLICY) -> Opened:
        identifier = identify(typed, "GB")
        async with self.database.write() as session:
            opened = await intake.open_recovery(
                session,
                self.rings,
                identifier,
                Browser(browser, "192.0.2.1/32", "Firefox on Linux"),
                key=f"key-{next(self._keys)}",
                policy=policy,
                starts_per_network=1000,
            )
        assert isinstance(opened.case, Recovery)
        await self.skipper.client.start_workflow(
            "Recovery",
            opened.case,
            id=workflow_id(Kind.RECOVERY, opened.reference),
            task_queue="cases",
        )
        return opened

    def handle(self, reference: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(workflow_id(Kind.RECOVERY, reference))

    async def skip(self, reference: str, length: timedelta) -> bool:
        """Let this case's clock run ahead; False if the case ended first."""
        return bool(await self.skipper.fast_forward(self.handle(reference), length))

    async def row(self, reference: str) -> CaseRow:
        async with self.database.read() as session:
            row = await reads.case_row(session, reference)
        assert row
        return row

    async def case(self, reference: str) -> Recovery:
        case = folding.load_case("recovery", (await self.row(reference)).snapshot)
        assert isinstance(case, Recovery)
        return case

    async def until(self, reference: str, *states: State) -> Recovery:
        """The case, once it is in one of these states."""
        async with asyncio.timeout(20):
            while (case := await self.case(reference)).state not in states:
                await asyncio.sleep(0.02)
        return case

    async def message(self, reference: str, issue: int = 1) -> CodeMessage:
        """The message with that code, once it was sent."""
        async with asyncio.timeout(20):
            while True:
                for message in self.outbox.codes:
                    if (message.case, message.issue) == (reference, issue):
                        return message
                await asyncio.sleep(0.02)

    async def tell(self, reference: str, command: Any) -> Answer:
        return await self.gateway.tell(reference, command, update_id=f"update-{next(self._keys)}")

    async def submit(self, opened: Opened, typed: str | None, issue: int | None = None) -> Answer:
        case = await self.case(opened.reference)
        number = issue or (case.issue.number if case.issue else 1)
        digest = intake.typed_code(self.rings, case, number, typed or "")
        return await self.tell(opened.reference, SubmitCode(self.holder(opened), number, digest))

    async def use_link(self, opened: Opened, token: str, browser: str) -> tuple[Answer, str]:
        case = await self.case(opened.reference)
        async with self.database.write() as session:
            _, digest = await intake.browser_for_link(
                session, self.rings, opened.reference, Browser(browser), key=f"key-{next(self._keys)}"
            )
        link = intake.link_token(self.rings, case, token)
        return await self.tell(opened.reference, UseLink(digest, link)), digest

    async def resend(self, opened: Opened) -> Answer:
        return await self.tell(opened.reference, ResendCode(self.holder(opened)))

    async def set_password(self, opened: Opened, password: str, holder: str | None = None) -> Answer:
        token = f"password-{next(self._keys)}-{opened.reference}"
        async with self.database.write() as session:
            name = await intake.seal_secret(session, self.rings, opened.reference, "password", password, token=token)
        return await self.tell(opened.reference, SetPassword(holder or self.holder(opened), name))

    def holder(self, opened: Opened) -> str:
        return self.rings.digest.digest("access", opened.secret)

    async def password_fits(self, typed: str, password: str) -> bool:
        """What `/dev/login` would say."""
        async with self.database.read() as session:
            (ref,) = await directory.owners(session, self.rings, identify(typed, "GB"))
            return directory.fits(await directory.current_hash(session, ref), password)


@pytest.fixture
async def client(temporal_server: str, settings: Settings) -> Client:
    connected = await Client.connect(
        temporal_server,
        namespace=f"test-{os.getpid()}-{next(_numbers)}",
        data_converter=data_converter(settings.payload_ring(), refuse_plain=False),
        header_codec_behavior=HeaderCodecBehavior.CODEC,
    )
    await namespace.make_ready(connected)
    return connected


@pytest.fixture
async def house(client: Client, settings: Settings, database: Database, rings: Rings) -> AsyncIterator[House]:
    built = House(client, settings, database, rings)
    await built.start_worker()
    yield built
    await built.stop_worker()


@pytest.fixture
def sqlite_only(settings: Settings) -> Settings:
    return settings


def with_policy(**changes: Any) -> Policy:
    return dataclasses.replace(CURRENT_POLICY, **changes)
