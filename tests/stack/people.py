"""People of the load: accounts with nothing but an address, and how each of them gets back in, over HTTP.

Somebody looks at the page and does what it asks for, as a browser without scripts would; both webs answer in turn.
"""

import asyncio
import itertools
import json
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from storage.directory import HASHER, contact_index, username_index
from storage.engine import Database
from storage.identifiers import identify_contact
from storage.keys import Rings
from storage.models import AccountContactRow, AccountPasswordRow, AccountRow
from storage.people import RowKeys, account_subject

REGION = "GB"
GIVE_UP = 60.0
"""Seconds for one recovery; it takes one when nothing is in its way."""
LOOK_AGAIN = 0.2
PASSED_ON = 5
"""How often a request that found nobody is passed on to the next web, as the proxy of `deploy/nginx.conf` does."""


def address(number: int) -> str:
    return f"load-{number}@example.com"


def ref(number: int) -> str:
    return f"acc_load{number:012}"


async def move_in(url: str, rings: Rings, numbers: Sequence[int]) -> None:
    """Accounts that somebody has lost."""
    database, hashed, now = Database(url), HASHER.hash("forgotten-long-ago"), datetime.now(UTC)
    keys = RowKeys(rings.row)
    async with database.write() as session:
        for number in numbers:
            subject, name = account_subject(ref(number)), f"load-{number}"
            session.add(
                AccountRow(
                    ref=ref(number),
                    username_index=username_index(rings, name)[0],
                    username=await keys.seal(session, subject, name),
                    made_at=now,
                )
            )
            await session.flush()
            contact = identify_contact(address(number), REGION)
            sealed = await keys.seal(session, subject, contact.normal)
            index = contact_index(rings, contact)[0]
            session.add(
                AccountContactRow(account_ref=ref(number), kind=contact.kind, index=index, address=sealed, since=now)
            )
            session.add(AccountPasswordRow(account_ref=ref(number), hash=hashed, since=now))
    await database.close()


class Mailbox:
    """The codes that came, by address, oldest first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: set[str] = set()
        self._codes: defaultdict[str, list[str]] = defaultdict(list)

    def codes(self, to: str) -> list[str]:
        for file in sorted(self._folder.glob("*.json")):
            if file.name not in self._read:
                self._read.add(file.name)
                message = json.loads(file.read_text())
                found = re.search(r"(?<![\d#])\d{6}(?!\d)", message["text"])
                if found and "/link/" in message["text"]:
                    self._codes[message["to"]].append(found.group())
        return self._codes[to]


@dataclass
class Diary:
    """What happened to everybody."""

    recovered: list[str] = field(default_factory=list)
    """References."""
    failed: list[str] = field(default_factory=list)
    """Steps that were answered with an error: `POST code 503`."""
    passed_on: int = 0
    seconds: list[float] = field(default_factory=list)


class Person:
    """One claimant with one browser. `patient`: presses again when told to; else every such answer is a failure."""

    def __init__(self, webs: Sequence[str], mailbox: Mailbox, diary: Diary, number: int) -> None:
        self._webs, self._mailbox, self._diary = itertools.cycle(webs), mailbox, diary
        self.address = address(number)
        self._client = httpx2.AsyncClient(timeout=20)
        self._page, self.reference = "", ""

    async def recover(self) -> str:
        """From the one box to the new password; the reference."""
        began = time.monotonic()
        async with self._client, asyncio.timeout(GIVE_UP):
            await self.start()
            await self.finish()
        self._diary.seconds.append(time.monotonic() - began)
        self._diary.recovered.append(self.reference)
        return self.reference

    async def finish(self) -> None:
        """Do what the page asks for until it says that all is done."""
        while not self._is_done:
            await self.go_on()

    async def visits_once(self, does: Callable[[], Awaitable[None]]) -> None:
        """Do one thing and close the window; the browser keeps its cookies."""
        cookies = self._client.cookies
        async with httpx2.AsyncClient(timeout=20, cookies=cookies) as client, asyncio.timeout(GIVE_UP):
            self._client = client
            await does()

    async def start(self) -> None:
        await self._get("/")
        fields = self._hidden("/recover")
        while not self.reference:
            answer = await self._ask("POST", "/recover", {**fields, "identifier": self.address})
            found = re.fullmatch(r"/case/([0-9A-Z-]+)", answer.headers.get("Location", ""))
            self.reference = found[1] if found else ""

    async def go_on(self) -> None:
        """Look at the page, and do what it asks for."""
        case = f"/case/{self.reference}"
        await self._get(case)
        if fields := self._hidden(f"{case}/password"):
            await self._ask("POST", f"{case}/password", {**fields, "new_password": secrets.token_urlsafe(12)})
        elif fields := self._hidden(f"{case}/code"):
            codes = self._mailbox.codes(self.address)
            if codes:
                await self._ask("POST", f"{case}/code", {**fields, "code": codes[-1]})
                return
        if not self._is_done:
            await asyncio.sleep(LOOK_AGAIN)

    @property
    def _is_done(self) -> bool:
        return "<title>You can sign in again" in self._page

    async def _get(self, path: str) -> None:
        answer = await self._ask("GET", path)
        if answer.status_code == 200:
            self._page = answer.text

    async def _ask(self, method: str, path: str, data: dict[str, str] | None = None) -> httpx2.Response:
        for _ in range(PASSED_ON):
            try:
                answer = await self._client.request(method, next(self._webs) + path, data=data)
            except httpx2.TransportError:
                self._diary.passed_on += 1
                await asyncio.sleep(0.05)
                continue
            if answer.status_code >= 400:
                self._diary.failed.append(f"{method} {path.rpartition('/')[2]} {answer.status_code}")
                await asyncio.sleep(LOOK_AGAIN)
            return answer
        self._diary.failed.append(f"{method} {path.rpartition('/')[2]} nobody")
        return httpx2.Response(502)

    def _hidden(self, action: str) -> dict[str, str]:
        """The hidden fields of the form that goes there; empty if the page has none."""
        for where, form in re.findall(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", self._page, re.DOTALL):
            if urlsplit(unescape(where)).path == action:
                pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
                return {name: unescape(value) for name, value in pairs}
        return {}
