"""Known or unknown, banned, being deleted, with a second factor, without any contact: the same answers, byte for byte.

A web over the house's worker and database; two or more do the same in step, and everything they are answered is
compared: status, headers and body, after taking out the random key, the reference, the times, and what was typed.
"""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import unified_diff
from functools import partial

import pytest

from domain.case import parse_reference
from domain.recovery import State
from tests.house import eventually, on_sqlite, with_policy
from tests.web.stage import Browser, browser
from web.app import create_app
from web.live import Watch
from web.render import Pages
from web.services import Services

pytestmark = on_sqlite

MANY = 1000
HASTY = with_policy(
    codes_per_case=2,
    cooldowns=(timedelta(milliseconds=200),),
    sends_per_hour=MANY,
    sends_per_day=MANY,
)
FLEETING = with_policy(
    codes_per_case=2,
    code_lifetime=timedelta(seconds=2),
    link_lifetime=timedelta(seconds=4),
    cooldowns=(timedelta(milliseconds=200),),
    sends_per_hour=MANY,
    sends_per_day=MANY,
)
GONE = with_policy(case_lifetime=timedelta(seconds=2), sends_per_hour=MANY, sends_per_day=MANY)
BY_CHANCE = (
    (r'name="key" value="[^"]*"', "KEY"),
    (r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}", "REFERENCE"),
    (r"/link/[0-9A-Z]{10}\.", "LINK"),
    (r"\d{4}-\d\d-\d\dT[\d:+]+", "TIME"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "CLOCK"),
    (r"(?:about )?\b\d+ (?:min|hours?)\b", "LENGTH"),
)
OF_A_SERVER = frozenset({"content-length"})
"""Headers that follow from the body, which is compared itself."""


def without_chance(text: str, typed: tuple[str, ...]) -> str:
    for number, one in sorted(enumerate(typed), key=lambda found: -len(found[1])):
        local, at, domain = one.partition("@")
        masked = f"{local[:1]}•••@{domain}" if at else f"+44 ••• ••• {one[-2:]}"
        text = text.replace(masked, f"MASKED-{number}").replace(one, f"TYPED-{number}")
        text = text.replace(one.replace("+", "&#43;"), f"TYPED-{number}")
    for pattern, word in BY_CHANCE:
        text = re.sub(pattern, word, text)
    return text


def headers_of(answer, typed) -> list[str]:
    """All headers; of cookies the name and what browsers may do with them, since their values are random."""

    def plain(name: str, value: str) -> str:
        if name == "set-cookie":
            return re.sub(r"^([^=]*)=[^;]*", r"\1=RANDOM", re.sub(r"_[0-9A-Z]{10}=", "_REFERENCE=", value))
        return "SECONDS" if name == "retry-after" else without_chance(value, typed)

    found = answer.headers.multi_items()
    return [f"{name}: {plain(name, value)}" for name, value in found if name not in OF_A_SERVER]


@dataclass
class Stranger:
    """Somebody who tries to find something out. `typed` is everything they type, in order of use."""

    browser: Browser
    typed: tuple[str, ...]
    heard: list[str] = field(default_factory=list)
    case: str = ""

    def hear(self, what: str, answer) -> None:
        body = without_chance(answer.text, self.typed)
        self.heard.append("\n".join([f"== {what}: {answer.status_code}", *headers_of(answer, self.typed), "", body]))

    async def get(self, path: str) -> None:
        self.hear(f"GET {path}", await self.browser.get(self.case + path if path != "/" else path))

    async def post(self, path: str, *, page: str = "", **fields: str) -> None:
        """Press a button on the page of the case (or on another one): what comes back, before any redirect."""
        await self.browser.get(self.case + page)
        address = path if path == "/recover" else self.case + path
        answer = await self.browser.post(address, follow=False, **fields)
        self.hear(f"POST {path}", answer)
        if path == "/recover" and answer.status_code == 303:
            self.case = answer.headers["location"]

    @property
    def reference(self) -> str:
        return parse_reference(self.case.rpartition("/")[2]) or ""


class Strangers:
    """Several who do everything in step, on a web of their own."""

    def __init__(self, house, policy) -> None:
        self.house, self.policy, self.all = house, policy, []

    def come(self, *typed: tuple[str, ...]) -> None:
        self.all = [Stranger(browser(self.app, address=f"198.51.100.{n}"), one) for n, one in enumerate(typed, 1)]

    async def __aenter__(self):
        house = self.house
        self._stack = AsyncExitStack()
        services = Services(
            settings=house.settings.model_copy(update={"starts_per_network": MANY}),
            database=house.database,
            rings=house.rings,
            gateway=house.gateway,
            pages=Pages(house.settings),
            watch=Watch(house.database, every=60),
            policy=self.policy,
        )
        self.app = create_app(services=services)
        await self._stack.enter_async_context(self.app.router.lifespan_context(self.app))
        return self

    async def __aexit__(self, *error) -> None:
        for one in self.all:
            await one.browser.client.aclose()
        await self._stack.aclose()

    async def each(self, act) -> None:
        for one in self.all:
            await act(one)

    async def start(self) -> None:
        async def begin(one):
            await one.get("/")
            one.case = "/"
            await one.post("/recover", identifier=one.typed[0])

        await self.each(begin)

    async def until(self, *states: State) -> None:
        for one in self.all:
            await self.house.until(one.reference, *states)

    async def wait_for_another_code(self) -> None:
        """Until the pages offer it, which happens by the clock of the web as well."""
        for one in self.all:
            await self.house.until_case(one.reference, lambda case: case.resend_open)
            await eventually(partial(one.browser.get, one.case), lambda answer: "disabled" not in answer.text)

    async def look_around(self) -> None:
        """Every page that a holder can open at this moment."""
        for path in ("", "/other", "/withdraw", "/code"):
            await self.each(lambda one, path=path: one.get(path))

    async def mistype(self, times: int) -> None:
        for _ in range(times):
            await self.each(lambda one: one.post("/code", code="000000"))

    def learn_nothing(self) -> None:
        """What everybody heard is what the first heard."""
        first, *others = self.all
        for other in others:
            assert len(first.heard) == len(other.heard)
            for mine, theirs in zip(first.heard, other.heard, strict=True):
                lines = unified_diff(mine.splitlines(), theirs.splitlines(), str(first.typed), str(other.typed), n=1)
                assert mine == theirs, "\n".join(lines)


CASTS = {
    "by e-mail": tuple((f"{name}@example.com",) for name in ("ada", "ben", "dee", "olu", "xyz")),
    "by phone": (("+447700900003",), ("+447700900903",)),
}


@pytest.mark.parametrize("cast", CASTS)
async def test_a_case_from_its_start_to_the_desk_tells_nobody_apart(house, cast):
    """Wrong codes one to five, a new code, wrong codes again, help; with the pages in between and every refusal."""
    async with Strangers(house, HASTY) as strangers:
        strangers.come(*CASTS[cast])
        await strangers.start()
        await strangers.until(State.AWAITING_CODE)
        await strangers.wait_for_another_code()
        await strangers.look_around()
        await strangers.each(lambda one: one.post("/code", code="12ab"))
        await strangers.each(lambda one: one.post("/code", code="123456", issue="7"))
        await strangers.mistype(5)
        await strangers.until(State.AWAITING_RESEND)
        await strangers.look_around()
        await strangers.each(lambda one: one.post("/code", code="000000", issue="1"))
        await strangers.each(lambda one: one.post("/help"))
        await strangers.each(lambda one: one.post("/password", new_password="a long new password"))
        await strangers.each(lambda one: one.post("/second-proof", proof="OLUA-0001"))
        await strangers.each(lambda one: one.post("/account", account="acc_x"))
        await strangers.each(lambda one: one.post("/resend"))
        await strangers.until(State.AWAITING_CODE)
        await strangers.look_around()
        await strangers.each(lambda one: one.post("/resend"))
        await strangers.mistype(5)
        await strangers.until(State.AWAITING_HELP)
        await strangers.look_around()
        await strangers.each(lambda one: one.post("/resend"))
        await strangers.each(lambda one: one.post("/help"))
        await strangers.look_around()
        await strangers.each(lambda one: one.post("/withdraw", page="/withdraw"))
        await strangers.look_around()
        strangers.learn_nothing()


async def test_a_code_that_runs_out_tells_nobody_apart(house):
    async with Strangers(house, FLEETING) as strangers:
        strangers.come(("ada@example.com",), ("xyz@example.com",))
        await strangers.start()
        await strangers.until(State.AWAITING_RESEND)
        await strangers.look_around()
        await strangers.wait_for_another_code()
        await strangers.each(lambda one: one.post("/resend"))
        await strangers.until(State.AWAITING_HELP)
        await strangers.look_around()
        strangers.learn_nothing()


async def test_a_case_that_ends_by_the_clock_tells_nobody_apart(house):
    async with Strangers(house, GONE) as strangers:
        strangers.come(("ada@example.com",), ("xyz@example.com",))
        await strangers.start()
        await strangers.until(State.EXPIRED)
        await strangers.look_around()
        strangers.learn_nothing()


async def test_a_username_and_its_contacts_tell_nobody_apart(house):
    """Known with the right contact, known with somebody else's, known without any, unknown; then the other channel."""
    async with Strangers(house, HASTY) as strangers:
        right, foreign = ("vip", "vip@example.com", "+447700900004"), ("vip", "ada@example.com", "+447700900904")
        nothing, unknown = ("nia", "nia@example.com", "+447700900104"), ("xyz", "xyz@example.com", "+447700900204")
        strangers.come(right, foreign, nothing, unknown)
        await strangers.start()
        await strangers.until(State.AWAITING_CONTACT)
        await strangers.look_around()
        await strangers.each(lambda one: one.post("/contact", contact="no contact"))
        await strangers.each(lambda one: one.post("/contact", contact=one.typed[1]))
        await strangers.until(State.AWAITING_CODE)
        await strangers.wait_for_another_code()
        await strangers.look_around()
        await strangers.each(lambda one: one.post("/contact", contact=one.typed[1]))
        await strangers.each(lambda one: one.get("/other"))
        await strangers.each(lambda one: one.post("/resend", page="/other", contact=one.typed[2]))
        await strangers.until(State.AWAITING_CODE)
        await strangers.look_around()
        await strangers.mistype(2)
        strangers.learn_nothing()


async def test_limits_tell_nobody_apart(house):
    """Seven cases each: the tries of the day are spent, cases turn silent, and then the address is refused visibly."""
    policy = with_policy(sends_per_hour=7)
    async with Strangers(house, policy) as strangers:
        strangers.come(("ada@example.com",), ("xyz@example.com",))
        for _ in range(7):
            await strangers.start()
            await strangers.until(State.AWAITING_CODE)
            await strangers.each(lambda one: one.post("/code", code="000000"))
            await strangers.each(lambda one: one.post("/resend"))
        await strangers.look_around()
        await strangers.start()
        strangers.learn_nothing()
        assert "== POST /recover: 429" in strangers.all[0].heard[-1]


async def test_a_hostile_host_is_in_no_message(house):
    """Links come from the configured address, whatever the request calls us."""
    async with Strangers(house, HASTY) as strangers:
        strangers.come(("ada@example.com",))
        (eve,) = strangers.all
        headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}
        answer = await eve.browser.client.post("/recover", data={"identifier": eve.typed[0]}, headers=headers)
        assert answer.status_code == 303
        mail = (await eventually(lambda: _taken(house), bool))[0]
        assert "evil.example" not in mail.text + mail.html + mail.subject + str(mail.headers)
        links = re.findall(r"(\w+://[^/\s]+)/(?:link|not-me)/", mail.text + mail.html)
        assert len(links) >= 4
        assert set(links) == {"https://help.larkfield.example"}


async def _taken(house):
    await asyncio.sleep(0)
    return list(house.outbox.mail.taken)
