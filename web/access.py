"""Who is asking: the cookies of a case, of a browser and of an agent, and the network a request comes from."""

import ipaddress
import secrets
from dataclasses import dataclass

from fastapi import Request, Response

from domain.case import parse_reference
from settings import Settings
from storage import reads
from storage.intake import Browser
from storage.models import CaseRow
from storage.reads import Access
from web.services import services_of

BROWSER_DAYS = 400
"""Browsers keep no cookie for longer (RFC 6265bis)."""


class NotFound(Exception):
    """There is no such case, or this browser may not know of it: the same page for both."""


class Elsewhere(Exception):
    """This browser held the case; another one continues it."""

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference


@dataclass(frozen=True)
class Held:
    """A case, as the browser that holds it finds it. `by` names the holder in commands."""

    row: CaseRow
    by: str


def cookie_name(settings: Settings, name: str) -> str:
    """`__Host-` over https: set by this host only, for the whole host, never over plain http."""
    return f"__Host-{name}" if settings.is_secure else name


def case_cookie(settings: Settings, reference: str) -> str:
    return cookie_name(settings, f"reinstate_{reference}")


async def held(request: Request, typed_reference: str) -> Held:
    """The case that this browser holds. Raises `NotFound` or `Elsewhere`."""
    services = services_of(request)
    reference = parse_reference(typed_reference)
    secret = request.cookies.get(case_cookie(services.settings, reference), "") if reference else ""
    if not reference or not secret:
        raise NotFound
    async with services.database.read() as session:
        found, by = await reads.access(session, services.rings, reference, secret)
        row = await reads.case_row(session, reference)
    if found is Access.NONE or row is None:
        raise NotFound
    if found is Access.MOVED:
        raise Elsewhere(reference)
    return Held(row, by)


async def held_to_act(request: Request, typed_reference: str) -> Held:
    """As `held`, for whoever wants to change something: a browser that was left behind learns nothing more."""
    try:
        return await held(request, typed_reference)
    except Elsewhere:
        raise NotFound from None


def let_in(response: Response, settings: Settings, reference: str, secret: str) -> None:
    """Give this browser the case. The cookie ends with the browser, so nothing stays on a borrowed device."""
    _set(response, settings, case_cookie(settings, reference), secret)


def browser_of(request: Request) -> Browser:
    """Who asks. A browser without a cookie gets a fresh one with `remember_browser`."""
    settings = services_of(request).settings
    cookie = request.cookies.get(cookie_name(settings, "reinstate_browser"), "")
    if not 16 <= len(cookie) <= 64:
        cookie = secrets.token_urlsafe(24)
    known = request.cookies.get(cookie_name(settings, "reinstate_known"), "")
    return Browser(
        cookie=cookie,
        network=network_of(request),
        device=device_of(request.headers.get("User-Agent", "")),
        is_known=is_known(request, known),
    )


def is_known(request: Request, mark: str) -> bool:
    """Whether the mark of an earlier recovery is one of ours."""
    name, _, signature = mark.partition(".")
    return bool(name) and services_of(request).rings.digest.is_signed(f"known/{name}", signature)


def remember_browser(response: Response, settings: Settings, browser: Browser) -> None:
    _set(response, settings, cookie_name(settings, "reinstate_browser"), browser.cookie)


def remember_recovery(request: Request, response: Response) -> None:
    """Mark a browser that recovered an account: two messages a day are kept for such (design 5).

    The mark says nothing about which account, and lasts as long as browsers keep cookies.
    """
    services = services_of(request)
    name = cookie_name(services.settings, "reinstate_known")
    if is_known(request, request.cookies.get(name, "")):
        return
    mark = secrets.token_hex(8)
    signature = services.rings.digest.sign(f"known/{mark}")
    _set(response, services.settings, name, f"{mark}.{signature}", days=BROWSER_DAYS)


def _set(response: Response, settings: Settings, name: str, value: str, days: int | None = None) -> None:
    lifetime = days * 86400 if days else None
    response.set_cookie(
        name, value, max_age=lifetime, path="/", secure=settings.is_secure, httponly=True, samesite="lax"
    )


def network_of(request: Request) -> str:
    """The network that the request comes from: IPv4 /32, IPv6 /64.

    `X-Forwarded-For` is read from its end and believed only as far as the trusted proxies wrote it.
    """
    settings = services_of(request).settings
    trusted = [ipaddress.ip_network(network, strict=False) for network in settings.trusted_proxies]
    chain = [part.strip() for part in ",".join(request.headers.getlist("X-Forwarded-For")).split(",") if part.strip()]
    address = _address(request.client.host if request.client else "")
    while address and chain and any(address in network for network in trusted):
        named = _address(chain.pop())
        if named is None:
            break  # the proxy did not name anybody, and what stands left of that anybody may have written
        address = named
    if address is None:
        return "unknown"
    return str(ipaddress.ip_network((address, 32 if address.version == 4 else 64), strict=False))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """`192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; some proxies write the port too."""
    host = text.partition(":")[0] if text.count(":") == 1 else text.removeprefix("[").partition("]")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "a Mac"),
    ("CrOS", "ChromeOS"),  # codespell:ignore cros
    ("Linux", "Linux"),
)


def device_of(agent: str) -> str:
    """`Firefox on Windows`: as much of the User-Agent as helps a person to recognise a browser, and no more."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or (f"a browser on {system}" if system else "")
