"""Through the pages, as anybody does it: the forms of the site, the codes and links of the messages."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx2

from development import catcher
from domain.case import Kind, parse_reference, workflow_id
from tests.replay.scenario import Part, Take, scenario
from tests.replay.stage import MARK, NUMBERS, Stage

NEW_PASSWORD = f"{MARK}: a new and long password"


class Forms(HTMLParser):
    """The forms of a page: address, and fields with their values."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((said.get("action", ""), {}))
            self._open = True
        elif tag == "input" and self._open and said.get("name") and said.get("type") == "hidden":
            self.found[-1][1][said["name"]] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "form"


class Visitor:
    """A browser without JavaScript."""

    def __init__(self, stage: Stage, client: httpx2.AsyncClient) -> None:
        self._stage, self._client = stage, client
        self.at, self.page = "/", ""

    async def go(self, address: str) -> None:
        self._keep(await self._client.get(address))

    async def send(self, action: str, **fields: str) -> None:
        """Fill in the form whose address ends like this, as soon as the page has it."""

        async def form() -> tuple[str, dict[str, str]] | None:
            for address, hidden in Forms(self.page).found:
                if urlsplit(address or self.at).path.endswith(action):
                    return address or self.at, hidden
            await self.go(self.at)
            return None

        address, hidden = await self._stage.until(form, f"a form for {action} at {self.at}")
        self._keep(await self._client.post(address, data={**hidden, **fields}))

    def _keep(self, answer: httpx2.Response) -> None:
        assert answer.status_code < 400, f"{answer.request.url.path} answered {answer.status_code}"
        self.at, self.page = answer.url.path, answer.text

    @property
    def reference(self) -> str:
        found = parse_reference(self.at.rpartition("/case/")[2])
        assert found, self.at
        return found

    @property
    def take(self) -> Take:
        return Take(workflow_id(Kind.RECOVERY, self.reference))

    async def starts(self, identifier: str) -> None:
        await self.go("/")
        await self.send("/recover", identifier=identifier)

    async def message(self, name: str = "code.1") -> catcher.CaughtMessage:
        caught = await self._stage.message(f"{self.reference}.{name}")
        await self._stage.idle(self.take.workflow)
        return caught

    async def types_the_code(self) -> None:
        text = (await self.message()).text
        (digits,) = set(re.findall(r"(?<![\d.])\b\d{6}\b", text))
        await self.send("/code", code=digits)

    async def sets_the_password(self) -> None:
        await self.send("/password", new_password=f"{NEW_PASSWORD} {next(NUMBERS)}")


@asynccontextmanager
async def visitor(stage: Stage) -> AsyncIterator[Visitor]:
    async with httpx2.AsyncClient(base_url=stage.url, follow_redirects=True) as client:
        yield Visitor(stage, client)


def found_in(text: str, kind: str) -> str:
    """The address of the link in a message, without the host."""
    found = re.search(rf"/{kind}/[\w.-]*[\w-]", text)
    assert found, f"no /{kind}/ in the message"
    return found[0]


@scenario(
    "by-code",
    part=Part.PAGES,
    end="recovered",
    shows=(
        "activity send_code",
        "update accepted submit_code",
        "update accepted set_password",
        "activity apply_password",
    ),
)
async def by_code(stage: Stage) -> Take:
    async with visitor(stage) as ada:
        await ada.starts("ada@example.com")
        await ada.types_the_code()
        await ada.sets_the_password()
        return ada.take


@scenario("by-link-in-a-second-browser", part=Part.PAGES, end="recovered", shows=("update accepted use_link",))
async def by_link_in_a_second_browser(stage: Stage) -> Take:
    """Eve starts for Ada; Ada opens the mail, and goes on in her own browser."""
    async with visitor(stage) as eve, visitor(stage) as ada:
        await eve.starts("ada@example.com")
        address = found_in((await eve.message()).text, "link")
        await ada.go(address)
        await ada.send(address)
        await ada.sets_the_password()
        return ada.take


@scenario("by-text-message", part=Part.PAGES, end="recovered", shows=("update accepted submit_code",))
async def by_text_message(stage: Stage) -> Take:
    async with visitor(stage) as pat:
        await pat.starts("07700 900003")
        await pat.types_the_code()
        await pat.sets_the_password()
        return pat.take


@scenario(
    "by-username",
    part=Part.PAGES,
    end="recovered",
    shows=("update accepted give_contact", "update accepted submit_code"),
)
async def by_username(stage: Stage) -> Take:
    async with visitor(stage) as vip:
        await vip.starts("vip")
        await vip.send("/contact", contact="vip@example.com")
        await vip.types_the_code()
        await vip.sets_the_password()
        return vip.take


@scenario("with-a-saved-code", part=Part.PAGES, end="recovered", shows=("update accepted submit_second_proof",))
async def with_a_saved_code(stage: Stage) -> Take:
    async with visitor(stage) as olu:
        await olu.starts("olu@example.com")
        await olu.types_the_code()
        await olu.send("/second-proof", proof="OLUA-0001")
        await olu.sets_the_password()
        return olu.take


@scenario("told-after-the-proof", part=Part.PAGES, end="referred", shows=("update accepted submit_code",))
async def told_after_the_proof(stage: Stage) -> Take:
    async with visitor(stage) as ben:
        await ben.starts("ben@example.com")
        await ben.types_the_code()
        return ben.take


@scenario("not-me-in-the-message", part=Part.PAGES, end="stopped", shows=("signal owner_objected",))
async def not_me_in_the_message(stage: Stage) -> Take:
    async with visitor(stage) as eve, visitor(stage) as ada:
        await eve.starts("ada@example.com")
        address = found_in((await eve.message()).text, "not-me")
        await ada.go(address)
        await ada.send(address)
        return eve.take


@scenario("not-me-after-the-password", part=Part.PAGES, keeps=("recovery", "claim"))
async def not_me_after_the_password(stage: Stage) -> tuple[Take, ...]:
    """The account is frozen for three days; the history is taken on the first."""
    email = (await stage.owner()).email
    async with visitor(stage) as eve, visitor(stage) as owner:
        await eve.starts(email)
        await eve.types_the_code()
        await eve.sets_the_password()
        await stage.over(eve.take.workflow)
        address = found_in((await eve.message("password-changed")).text, "not-me")
        await owner.go(address)
        await owner.send(address)
        claim = workflow_id(Kind.CLAIM, owner.reference)
        await stage.idle(claim)
        return Take(eve.take.workflow, then="recovery"), Take(claim, ends=False, then="claim")
