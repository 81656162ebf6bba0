"""Every page for claimants, at once: the web on a port, with the stage's gateway in the place of Temporal.

Whole ways through the real product are walked in the other files here. A page cannot tell the difference, and so every
state can be shown to a browser without waiting for clocks.
"""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from sqlalchemy import update

from development.ports import free_block
from domain import recovery
from domain.policy import CURRENT_POLICY
from domain.recovery import Recovery, ResendCode, State
from settings import Settings
from storage import folding, writes
from storage.engine import Database
from storage.keys import Rings
from storage.models import AccountGateRow, AccountRow, CaseRow
from tests.web.stage import Browser, FakeGateway, browser
from tests.web.test_after_the_proof import GOOD, prove
from tests.web.test_not_me import mailed
from web.app import create_app
from web.claim.topics import TOPICS
from web.gateway import Unavailable
from web.live import Watch
from web.render import Pages
from web.services import Services

Result = TypeVar("Result")
LATER = timedelta(minutes=11)
FLOOD = 500
"""Messages an hour to one contact; every scene is played a few times, and most of claims with the same one."""
GENEROUS = replace(
    CURRENT_POLICY, tries_per_account=10**6, starts_per_account=10**6, sends_per_hour=FLOOD, sends_per_day=10**6
)
"""The same few people open many cases here, more than in a year."""


@dataclass(frozen=True)
class Scene:
    """Where a page is, and what a person does on it before it looks like that: fills `fields`, presses `button`."""

    path: str
    fields: tuple[tuple[str, str], ...] = ()
    button: str = ""

    @property
    def is_a_case(self) -> bool:
        return self.path.startswith("/case/")


class Stage:
    """The web on a port, in a thread with a loop of its own; `run` does something there."""

    def __init__(self, settings: Settings, rings: Rings) -> None:
        self.port = free_block()
        self.url = f"http://localhost:{self.port}"
        self.settings = settings.model_copy(update={"public_url": self.url, "starts_per_network": 10**6})
        self.rings = rings
        self.cookies: dict[str, str] = {}
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._play, daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(30)

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(30)

    def run(self, act: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(60)

    def _play(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.database = Database(self.settings.database_url)
        self.gateway = FakeGateway(self.database, self.rings)
        services = Services(
            settings=self.settings,
            database=self.database,
            rings=self.rings,
            gateway=self.gateway,  # type: ignore[arg-type]
            pages=Pages(self.settings),
            watch=Watch(self.database, every=0.1),
            policy=GENEROUS,
        )
        self.app = create_app(services=services)
        config = uvicorn.Config(self.app, port=self.port, log_config=None, timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        playing = asyncio.create_task(self.server.serve())
        while not self.server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.02)
        self.ada, self.eve = browser(self.app), browser(self.app, address="198.51.100.66")
        self._ready.set()
        await playing
        await self.database.close()

    def thaw(self) -> None:
        """Open every account again: people are broken into and come back all the time here, in the same minute."""
        self.run(_thaw(self))

    def scene(self, name: str) -> Scene:
        """Let it happen, and keep what its browser holds."""
        self.thaw()
        made = self.run(_made(self, name))
        jar = self.ada.client.cookies.jar
        self.cookies = {cookie.name: cookie.value or "" for cookie in jar}
        return made

    def html(self, scene: Scene) -> str:
        """The page as the server writes it for a browser without scripts."""
        return self.run(_html(self.ada, scene))


async def _thaw(stage: Stage) -> None:
    async with stage.database.write() as session:
        await session.execute(update(AccountRow).values(frozen_at=None, frozen_until=None))
        await session.execute(update(AccountGateRow).values(frozen_by_objection_at=None, frozen_by=""))


async def _html(visitor: Browser, scene: Scene) -> str:
    page = (await visitor.get(scene.path)).text
    if not scene.button:
        return page
    forms = re.findall(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', page, re.DOTALL)
    action = next(address for address, body in forms if scene.button in body)
    await visitor.post(action, **dict(scene.fields))
    return visitor.page


async def _made(stage: Stage, name: str) -> Scene:
    stage.gateway.later = timedelta(0)
    stage.gateway.trouble = None
    found = PLAIN.get(name)
    if found is not None:
        return found
    return await ACTED[name](stage)


# ---- pages without a case ----

PLAIN = {
    "start": Scene("/"),
    "start, nothing written": Scene("/", (("identifier", ""),), "Send me a code"),
    "start, no address": Scene("/", (("identifier", "ada@"),), "Send me a code"),
    "guide": Scene("/start"),
    "claim": Scene("/claim"),
    "find": Scene("/find"),
    "appeal": Scene("/appeal/token"),
    "not there": Scene("/case/AAAA-BBBB-CC"),
    **{f"help {name}": Scene(f"/help/{name}") for name in TOPICS},
}

# ---- the states of a case ----

Act = Callable[[Stage], Awaitable[Scene]]
ACTED: dict[str, Act] = {}


def acted(name: str) -> Callable[[Act], Act]:
    def note(act: Act) -> Act:
        ACTED[name] = act
        return act

    return note


def case_of(visitor: Browser) -> str:
    """The address of the case, without the step that was done last."""
    return "/".join(visitor.address.split("/")[:3])


async def happens(stage: Stage, *events: Any, typed: str = "ada@example.com") -> Scene:
    reference = await stage.ada.ask(typed)
    page = case_of(stage.ada)
    for event in events:
        await stage.gateway.happen(reference, event)
    return Scene(page)


def now() -> datetime:
    return datetime.now(UTC)


@acted("opening")
async def _opening(stage: Stage) -> Scene:
    stage.gateway.trouble = Unavailable("away")
    await stage.ada.ask("ada@example.com")
    return Scene(case_of(stage.ada))


@acted("contact")
async def _contact(stage: Stage) -> Scene:
    return await happens(stage, typed="vip")


@acted("contact, none")
async def _no_contact(stage: Stage) -> Scene:
    return replace(await happens(stage, typed="vip"), fields=(("contact", "nothing"),), button="Send me a code")


@acted("code")
async def _code(stage: Stage) -> Scene:
    return await happens(stage)


@acted("code by text message")
async def _code_by_text(stage: Stage) -> Scene:
    return await happens(stage, typed="+44 7700 900003")


@acted("code, wrong")
async def _wrong_code(stage: Stage) -> Scene:
    return replace(await happens(stage), fields=(("code", "12 34 5a"),), button="Check the code")


@acted("code, a new one possible")
async def _resend_open(stage: Stage) -> Scene:
    stage.gateway.later = timedelta(seconds=-61)
    return await happens(stage)


@acted("other channel")
async def _other(stage: Stage) -> Scene:
    stage.gateway.later = timedelta(seconds=-61)
    return Scene((await happens(stage)).path + "/other")


@acted("code, over")
async def _resend(stage: Stage) -> Scene:
    return await happens(stage, recovery.CodeExpired(now(), 1))


async def out_of_codes(stage: Stage) -> str:
    stage.gateway.later = timedelta(hours=-2)
    reference = await stage.ada.ask("ada@example.com")
    page, case = case_of(stage.ada), stage.gateway.cases[reference]
    assert isinstance(case, Recovery)
    for number in range(case.policy.codes_per_case):
        if number:
            await stage.gateway.tell(reference, ResendCode(case.holder), update_id=f"{reference}-{number}")
        await stage.gateway.clock(reference, LATER)
    assert stage.gateway.cases[reference].state is State.AWAITING_HELP
    return page


@acted("codes used up")
async def _used_up(stage: Stage) -> Scene:
    return Scene(await out_of_codes(stage))


@acted("help asked")
async def _help(stage: Stage) -> Scene:
    page = await out_of_codes(stage)
    await stage.ada.get(page)
    await stage.ada.post(f"{page}/help")
    return Scene(page)


@acted("account")
async def _account(stage: Stage) -> Scene:
    """A contact of two accounts; the second one does not exist any more."""
    reference = await stage.ada.ask("ada@example.com")
    page, case = case_of(stage.ada), stage.gateway.cases[reference]
    assert isinstance(case, Recovery)
    stage.gateway.cases[reference] = replace(case, accounts=(case.accounts[0], "acc_other"))
    async with stage.database.write() as session:
        row = await session.get_one(CaseRow, reference)
        row.snapshot = folding.dump_case(stage.gateway.cases[reference])
    await stage.ada.post(f"{page}/code", code=stage.gateway.code(reference))
    return Scene(page)


@acted("second proof")
async def _second_proof(stage: Stage) -> Scene:
    await prove(stage.ada, stage.gateway, "olu@example.com")
    return Scene(case_of(stage.ada))


@acted("password")
async def _password(stage: Stage) -> Scene:
    await prove(stage.ada, stage.gateway, "ada@example.com")
    return Scene(case_of(stage.ada))


@acted("password, too short")
async def _weak_password(stage: Stage) -> Scene:
    return replace(await _password(stage), fields=(("new_password", "short"),), button="Set the new password")


@acted("password is being set")
async def _applying(stage: Stage) -> Scene:
    reference = await prove(stage.ada, stage.gateway, "ada@example.com")
    async with stage.database.write() as session:
        event = recovery.PasswordSubmitted(now(), "password/x")
        number = stage.gateway.cases[reference].number
        await writes.record(session, stage.rings.audit, reference, number, (event,))
    return Scene(case_of(stage.ada))


@acted("recovered")
async def _recovered(stage: Stage) -> Scene:
    await prove(stage.ada, stage.gateway, "+44 7700 900003")
    page = case_of(stage.ada)
    await stage.ada.post(f"{page}/password", new_password=GOOD)
    return Scene(page)


@acted("withdraw?")
async def _withdraw(stage: Stage) -> Scene:
    return Scene((await happens(stage)).path + "/withdraw")


@acted("withdrawn")
async def _withdrawn(stage: Stage) -> Scene:
    return await happens(stage, recovery.Withdrawn(now()))


@acted("expired")
async def _expired(stage: Stage) -> Scene:
    return await happens(stage, recovery.CaseExpired(now()))


@acted("stopped by the owner")
async def _stopped(stage: Stage) -> Scene:
    return await happens(stage, recovery.OwnerObjected(now(), "objection/1", now()))


@acted("stopped by another case")
async def _superseded(stage: Stage) -> Scene:
    return await happens(stage, recovery.Superseded(now()))


def _referred(typed: str) -> Act:
    async def act(stage: Stage) -> Scene:
        await prove(stage.ada, stage.gateway, typed)
        return Scene(case_of(stage.ada))

    return act


ACTED["banned"] = _referred("ben@example.com")
ACTED["banned for a time"] = _referred("tom@example.com")
ACTED["being deleted"] = _referred("dee@example.com")


# ---- links of messages ----


@acted("link")
async def _link(stage: Stage) -> Scene:
    return Scene(stage.gateway.link(await stage.eve.ask("ada@example.com")))


@acted("link, over")
async def _link_over(stage: Stage) -> Scene:
    stage.gateway.later = timedelta(minutes=-31)
    return Scene(stage.gateway.link(await stage.eve.ask("ada@example.com")))


@acted("continued elsewhere")
async def _elsewhere(stage: Stage) -> Scene:
    reference = await stage.ada.ask("ada@example.com")
    page, link = case_of(stage.ada), stage.gateway.link(reference)
    await stage.eve.get(link)
    await stage.eve.post(link)
    return Scene(page)


def _not_me(scope: str, *, days: int = 7) -> Act:
    async def act(stage: Stage) -> Scene:
        reference = await stage.eve.ask("ada@example.com")
        return Scene(await mailed(stage.database, stage.rings, reference, scope, days=days))

    return act


ACTED["not me, a code"] = _not_me("case")
ACTED["not me, a password"] = _not_me("account")
ACTED["not me, too late"] = _not_me("case", days=0)


@acted("not me, said")
async def _said(stage: Stage) -> Scene:
    return replace(await _not_me("case")(stage), button="End it: this was not me")


@acted("not me, said before")
async def _said_before(stage: Stage) -> Scene:
    scene = await _not_me("case")(stage)
    await stage.eve.get(scene.path)
    await stage.eve.post(scene.path)
    return scene


@acted("frozen")
async def _frozen(stage: Stage) -> Scene:
    scene = await _not_me("account")(stage)
    await stage.ada.get(scene.path)
    await stage.ada.post(scene.path)
    return Scene(case_of(stage.ada))


@acted("too many")
async def _too_many(stage: Stage) -> Scene:
    flood = f"flood-{now().timestamp()}@example.com"
    for _ in range(FLOOD):
        await stage.ada.client.post("/recover", data={"identifier": flood})
    return Scene("/", (("identifier", flood),), "Send me a code")


NAMES = (*PLAIN, *ACTED)


def new_stage(folder: Path, template: Path, rings: Rings, settings: Settings) -> Stage:
    """On a copy of the furnished database."""
    file = folder / "stage.db"
    file.write_bytes(template.read_bytes())
    return Stage(settings.model_copy(update={"database_url": f"sqlite:///{file}"}), rings)
