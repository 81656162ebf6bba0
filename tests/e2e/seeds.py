"""Cases with a policy of seconds in a running town: opened like the web does, carried by the town's own worker."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from playwright.sync_api import Page
from temporalio.client import Client

from connection import connect
from development import keys
from development.supervisor import INSTANCE_FILE
from domain.case import grouped
from domain.policy import CURRENT_POLICY, Policy
from domain.recovery import Recovery, ResendCode, State, SubmitCode
from settings import Settings
from storage import folding, intake, reads
from storage.engine import Database
from storage.identifiers import identify
from storage.intake import Browser, Opened
from tests.e2e.town import Town
from web.gateway import Gateway

HASTY = replace(
    CURRENT_POLICY,
    version="hasty",
    codes_per_case=2,
    tries_per_code=2,
    cooldowns=(timedelta(milliseconds=100),),
    sends_per_hour=1000,
    sends_per_day=1000,
)
Result = TypeVar("Result")


@dataclass
class Desk:
    """A way into the town behind the web: for what a person would have to wait minutes for."""

    database: Database
    settings: Settings
    client: Client

    @property
    def gateway(self) -> Gateway:
        return Gateway(self.client)


def behind(town: Town, act: Callable[[Desk], Awaitable[Result]]) -> Result:
    """Do something with the town's own database, keys and Temporal."""

    async def run() -> Result:
        variables = keys.read_variables(town.var / INSTANCE_FILE)
        values = {name.removeprefix("REINSTATE_").lower(): value for name, value in variables.items()}
        settings = Settings(_env_file=None, **values)  # type: ignore[arg-type]
        database = Database(settings.database_url)
        try:
            address = variables["TEMPORAL_ADDRESS"]
            return await act(Desk(database, settings, await connect(settings, address=address)))
        finally:
            await database.close()

    # A thread of its own: Playwright's loop already runs in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result(120)


async def open_case(desk: Desk, typed: str, policy: Policy = HASTY) -> Opened:
    async with desk.database.write() as session:
        opened = await intake.open_recovery(
            session,
            desk.settings.rings(),
            identify(typed, "GB"),
            Browser("seeded-browser-cookie-of-this-test"),
            key=f"seed {typed} {asyncio.get_running_loop().time()}",
            policy=policy,
            starts_per_network=100_000,
        )
    await desk.gateway.start(opened.case)
    return opened


async def state_of(desk: Desk, reference: str, *states: State) -> Recovery:
    """The case, once it is in one of these states."""
    async with asyncio.timeout(30):
        while True:
            async with desk.database.read() as session:
                row = await reads.case_row(session, reference)
            case = folding.load_case("recovery", row.snapshot) if row else None
            if isinstance(case, Recovery) and case.state in states:
                return case
            await asyncio.sleep(0.05)


async def use_up_the_codes(desk: Desk, typed: str) -> Opened:
    """A case whose codes were all sent and all mistyped: it awaits help."""
    opened = await open_case(desk, typed)
    holder = desk.settings.rings().digest.digest("access", opened.secret)
    number = 0

    async def tell(command: Any) -> None:
        nonlocal number
        number += 1
        await desk.gateway.tell(opened.reference, command, update_id=f"{opened.reference}-{number}")

    for issue in range(1, HASTY.codes_per_case + 1):
        await state_of(desk, opened.reference, State.AWAITING_CODE)
        for _ in range(HASTY.tries_per_code):
            await tell(SubmitCode(holder, issue, "not the digest of any code"))
        if issue < HASTY.codes_per_case:
            await asyncio.sleep(0.2)
            await tell(ResendCode(holder))
    await state_of(desk, opened.reference, State.AWAITING_HELP)
    return opened


def hand_to(page: Page, town: Town, opened: Opened) -> None:
    """Give this browser the case, as its cookie would."""
    name = f"reinstate_{opened.reference}"
    page.context.add_cookies([{"name": name, "value": opened.secret, "url": town.url}])
    page.goto(f"/case/{grouped(opened.reference)}")
