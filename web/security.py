"""What holds for every request: where it may come from, how large it may be, and what browsers may do with the answer.

Pure ASGI, so that streams pass through unbuffered. Bodies are read whole before anybody works on them, but for the few
forms that take files: those pass through as they come, counted.
"""

import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from settings import Settings
from storage.uploads import RULES
from web.render import htmx_scripts

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT = 64 * 1024
"""Bytes. The largest honest form without files has a few short fields."""
UPLOAD_LIMIT = RULES.body_bytes
"""Bytes of a form that may carry files: so many as it may have, and what stands around them."""
TAKES_FILES = re.compile(r"/case/[^/]+/(evidence|reply)")
LONGEST_NUMBER = 20
"""Digits of a length; Python refuses to read thousands of them."""


def content_policy(settings: Settings) -> str:
    """Nothing inline, nothing from elsewhere but the two files of htmx, by their exact address."""
    files = "".join(f" {script.url}" for script in htmx_scripts(settings) if urlsplit(script.url).netloc)
    return (
        f"default-src 'none'; script-src 'self'{files}; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def may_change(headers: Headers, public_url: str) -> bool:
    """Whether a request that changes something may come from where it comes from.

    `Sec-Fetch-Site` is written by the browser and no page can forge it: only our own pages (`same-origin`) and what
    a person typed or bookmarked (`none`) pass. Browsers without it send `Origin` with every POST from another site.
    A request with neither comes from no browser, so nobody's cookies were borrowed for it: scripts and apps pass.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("Origin")
    if origin is not None:
        return _origin(origin) == _origin(public_url)
    return True


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # such as `http://[` or a port that is none
        return ("", "", None)
    return parts.scheme, parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme)


class SecurityHeaders:
    """Every answer: nothing stored but static files, no referrer, no frames, no powers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": content_policy(settings),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
            "Cache-Control": "no-store",
        }
        if settings.is_secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class OwnPagesOnly:
    """Refuses what another site's page makes a browser send (see `may_change`)."""

    def __init__(self, app: ASGIApp, settings: Settings, refuse: ASGIApp) -> None:
        self._app, self._public_url, self._refuse = app, settings.public_url, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_change = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        allowed = not is_change or may_change(Headers(scope=scope), self._public_url)
        await (self._app if allowed else self._refuse)(scope, receive, send)


class SmallBodies:
    """Refuses bodies over `BODY_LIMIT`, also those that do not say how long they are."""

    def __init__(self, app: ASGIApp, refuse: ASGIApp) -> None:
        self._app, self._refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        said = headers.get("Content-Length", "0")
        if _may_carry_files(scope["path"], headers):
            await self._app(scope, _counted(said, receive), send)
            return
        if not said.isdecimal() or len(said) > LONGEST_NUMBER or int(said) > BODY_LIMIT:
            await self._refuse(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            await self._refuse(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)


def _may_carry_files(path: str, headers: Headers) -> bool:
    is_multipart = headers.get("Content-Type", "").startswith("multipart/form-data")
    return is_multipart and TAKES_FILES.fullmatch(path) is not None


def _counted(said: str, receive: Receive) -> Receive:
    """A `receive` for a form with files: it goes through as it comes, up to `UPLOAD_LIMIT`; then 413, as a page."""
    honest = said.isdecimal() and len(said) <= LONGEST_NUMBER and int(said) <= UPLOAD_LIMIT
    seen = 0 if honest else UPLOAD_LIMIT + 1

    async def counting() -> Message:
        nonlocal seen
        if seen > UPLOAD_LIMIT:
            raise HTTPException(413)
        message = await receive()
        seen += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        if seen > UPLOAD_LIMIT:
            raise HTTPException(413)
        return message

    return counting


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None if it is too large."""
    body = bytearray()
    while True:
        message: MutableMapping[str, Any] = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once and then goes on with the connection."""
    parts = [body]

    async def replay() -> Message:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        return await receive()

    return replay
