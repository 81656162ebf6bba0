"""A browser reduced to what reaches the server: requests, cookies, hidden fields. Small, so that it costs little.

Every person has a connection and an address of their own: the limits of the product stay as they are shipped.
"""

import asyncio
import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

HEADERS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: text/html\r\nSec-Fetch-Site: same-origin\r\n"
)
KEY = re.compile(r'name="key" value="([^"]+)"')
PATIENCE = 60.0
AGAIN, PAUSE = 20, 0.5


class Refused(Exception):
    """The server answered something that ends this walk."""


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    body: str


@dataclass
class Tab:
    """`network` is the address that a proxy would report. `port` is that of the web process."""

    port: int
    network: str
    cookies: dict[str, str] = field(default_factory=dict)
    again: int = 0

    async def __aenter__(self) -> "Tab":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def get(self, path: str) -> Answer:
        return await self._ask("GET", path, "")

    async def post(self, path: str, **fields: str) -> Answer:
        """Press the button, and again while the answer is "try again": the same form is the same step."""
        for _ in range(AGAIN):
            answer = await self._ask("POST", path, urlencode(fields))
            if answer.status != 503:
                break
            self.again += 1
            await asyncio.sleep(PAUSE)
        return answer

    async def _ask(self, method: str, path: str, body: str) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nX-Forwarded-For: {self.network}\r\n{HEADERS}"
        )
        lines += f"Cookie: {cookies}\r\n" if cookies else ""
        if method == "POST":
            lines += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(f"{lines}\r\n{body}".encode())
        async with asyncio.timeout(PATIENCE):
            return await self._answer()

    async def _answer(self) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        length, location = 0, ""
        for name, _, value in (line.partition(": ") for line in lines if line):
            match name.lower():
                case "content-length":
                    length = int(value)
                case "location":
                    location = value
                case "set-cookie":
                    pair = value.partition(";")[0]
                    self.cookies[pair.partition("=")[0]] = pair.partition("=")[2]
        body = (await self._reader.readexactly(length)).decode()
        return Answer(int(first.split()[1]), location, body)


def key_of(answer: Answer) -> str:
    """The hidden key of the first form."""
    found = KEY.search(answer.body)
    if not found:
        raise Refused(f"{answer.status}: no form in {unescape(re.sub('<[^>]+>', ' ', answer.body))[:300]}")
    return unescape(found[1])
