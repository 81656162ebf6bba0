"""Cases with a policy of seconds in a running town: opened like the web does, carried by the town's own worker."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from playwright.sync_api import Page
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from connection import connect
from development import keys
from development.supervisor import INSTANCE_FILE
from domain import claim_events
from domain.case import Audience, Kind, grouped, parse_reference, workflow_id
from domain.claim import Claim, Reason
from domain.policy import CURRENT_POLICY, Policy
from domain.recovery import Recovery, ResendCode, State, SubmitCode
from settings import Settings
from storage import folding, intake, intake_claim, intake_desk, reads
from storage.engine import Database
from storage.identifiers import identify, identify_contact
from storage.intake import Browser, Opened
from tests.e2e.town import Town, code_in
from tests.house import MARGIN
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


def settings_of(town: Town) -> Settings:
    """What the processes of that town run with."""
    variables = keys.read_variables(town.var / INSTANCE_FILE)
    values = {name.removeprefix("REINSTATE_").lower(): value for name, value in variables.items()}
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


def behind(town: Town, act: Callable[[Desk], Awaitable[Result]]) -> Result:
    """Do something with the town's own database, keys and Temporal."""

    async def run() -> Result:
        settings = settings_of(town)
        database = Database(settings.database_url)
        try:
            address = keys.read_variables(town.var / INSTANCE_FILE)["TEMPORAL_ADDRESS"]
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


async def skip(desk: Desk, reference: str, length: timedelta) -> bool:
    """Let the clock of this claim run ahead; False if the claim ended first. Only in a `TownOutOfTime`."""
    handle = desk.client.get_workflow_handle(workflow_id(Kind.CLAIM, parse_reference(reference)))
    skipper = TimeSkipper(desk.client, config=TimeSkippingConfig(enabled=False))
    return bool(await skipper.fast_forward(handle, length + MARGIN))


async def claim_of(desk: Desk, reference: str, holds: Callable[[Claim], object]) -> Claim:
    """The claim, once this holds for it."""
    async with asyncio.timeout(30):
        while True:
            async with desk.database.read() as session:
                row = await reads.case_row(session, parse_reference(reference))
            case = folding.load_case("claim", row.snapshot) if row else None
            if isinstance(case, Claim) and holds(case):
                return case
            await asyncio.sleep(0.05)


async def claims_in_review(desk: Desk, town: Town, count: int, name: str) -> list[str]:
    """So many claims that name nobody's account, each from a contact of its own; their references, grouped."""
    told = [f"{name}-{number}@example.net" for number in range(count)]
    opened = dict(zip(told, await asyncio.gather(*(_open_claim(desk, contact) for contact in told)), strict=True))
    for contact, case in opened.items():
        code = code_in(await asyncio.to_thread(town.code, contact, case.reference))
        await _give_evidence(desk, case, code)
    return [grouped(case.reference) for case in opened.values()]


async def _open_claim(desk: Desk, contact: str) -> Opened:
    told = intake_claim.Told(Reason.CONTACT, identify_contact(contact, "GB"), {"what": "The phone fell into the lake."})
    async with desk.database.write() as session:
        opened = await intake_claim.open_claim(
            session,
            desk.settings.rings(),
            told,
            Browser(f"seeded-browser-of-{contact}", "192.0.2.1/32", "Firefox on Linux"),
            key=f"seed {contact}",
            policy=CURRENT_POLICY,
            starts_per_network=100_000,
        )
    await desk.gateway.start(opened.case)
    return opened


async def _give_evidence(desk: Desk, opened: Opened, code: str) -> None:
    """Prove the contact, and name an account that nobody has."""
    rings, reference = desk.settings.rings(), opened.reference
    holder = rings.digest.digest("access", opened.secret)

    async def tell(command: Any) -> None:
        await desk.gateway.tell(reference, command, update_id=f"{reference}-{command.kind}", kind=Kind.CLAIM)

    typed = intake.typed_code(rings, opened.case, 1, code)
    await tell(claim_events.SubmitCode(holder, 1, typed))
    async with desk.database.write() as session:
        await intake_claim.save_evidence(session, rings, reference, "given-1", {"username": "nobody-at-all"})
    await tell(claim_events.GiveEvidence(holder, "given-1"))


async def note(desk: Desk, reference: str, number: int) -> None:
    """sam writes a note about this claim, with another number each time."""
    name = parse_reference(reference)
    async with desk.database.write() as session:
        text = await intake_desk.write_text(
            session,
            desk.settings.rings(),
            reference=name,
            audience=Audience.DESK,
            author="sam",
            text=f"note {number}",
            token=f"note-{number}-{name}",
        )
    command = claim_events.WriteNote("sam", text)
    await desk.gateway.tell(name, command, update_id=f"note-{number}-{name}", kind=Kind.CLAIM)
