"""Who may see a case, and what a request may be."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request
from sqlalchemy import text
from starlette.datastructures import Headers

from settings import Settings
from storage.engine import Database
from tests.web.stage import Browser, FakeGateway
from web.access import case_cookie, device_of, network_of
from web.security import BODY_LIMIT, content_policy, may_change
from web.services import Services

OURS = "https://help.larkfield.example"


async def test_eve_cannot_tell_that_adas_case_exists(ada: Browser, eve: Browser) -> None:
    await ada.ask("ada@example.com")
    case = ada.address
    for path in ("", "/events", "/other", "/withdraw", "/code"):
        mine = await eve.client.get(f"{case}{path}")
        nobodys = await eve.client.get(f"/case/AAAA-BBBB-CC{path}")
        assert (mine.status_code, mine.text) == (404, nobodys.text)
    for step in ("contact", "code", "resend", "account", "second-proof", "password", "help", "withdraw"):
        assert (await eve.client.post(f"{case}/{step}", data={"key": "x"})).status_code == 404


async def test_a_guessed_secret_opens_nothing(ada: Browser, eve: Browser) -> None:
    reference = await ada.ask("ada@example.com")
    eve.client.cookies.set(f"reinstate_{reference}", "guess")
    assert (await eve.client.get(ada.address)).status_code == 404


async def test_the_reference_may_be_written_carelessly(ada: Browser) -> None:
    await ada.ask("ada@example.com")
    careless = ada.address.removeprefix("/case/").lower().replace("-", "")
    assert (await ada.client.get(f"/case/{careless}")).status_code == 200


async def test_cookies_are_closed_to_scripts_and_other_sites(ada: Browser) -> None:
    answer = await ada.client.post("/recover", data={"identifier": "ada@example.com"})
    cookies = answer.headers.get_list("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Max-Age" not in cookie


async def test_over_https_cookies_belong_to_this_host_alone(services: Services, settings: Settings) -> None:
    secure = settings.model_copy(update={"public_url": OURS})
    assert case_cookie(secure, "7F3KQ2M9XA") == "__Host-reinstate_7F3KQ2M9XA"


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": OURS}, False),
        ({"Origin": OURS}, True),
        ({"Origin": f"{OURS}:443"}, True),
        ({"Origin": "https://help.larkfield.example.evil.example"}, False),
        ({"Origin": "http://help.larkfield.example"}, False),
        ({"Origin": "null"}, False),
        ({}, True),
    ],
)
def test_only_our_own_pages_change_something(headers: dict[str, str], may: bool) -> None:
    assert may_change(Headers(headers), OURS) is may


async def test_a_form_of_another_site_is_refused(eve: Browser, gateway: FakeGateway) -> None:
    answer = await eve.client.post(
        "/recover", data={"identifier": "ada@example.com"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert gateway.cases == {}


@pytest.mark.parametrize("says_how_long", [True, False])
async def test_large_bodies_are_refused(eve: Browser, says_how_long: bool) -> None:
    body = b"identifier=" + b"x" * BODY_LIMIT

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    content = body if says_how_long else pieces()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await eve.client.post("/recover", content=content, headers=headers)).status_code == 413


async def test_every_page_says_what_browsers_may_do(ada: Browser, settings: Settings) -> None:
    for address in ("/", "/nothing", "/start", "/desk/sign-in"):
        headers = (await ada.client.get(address)).headers
        assert headers["Content-Security-Policy"] == content_policy(settings)
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "unsafe" not in headers["Content-Security-Policy"]


async def test_static_files_are_kept_for_long(ada: Browser, services: Services) -> None:
    answer = await ada.client.get(services.pages.static("reinstate.css"))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "network"),
    [
        ((), "192.0.2.1", "203.0.113.7/32"),
        (("203.0.113.0/24",), "192.0.2.1", "192.0.2.1/32"),
        (("203.0.113.0/24",), "6.6.6.6, 192.0.2.1", "192.0.2.1/32"),
        (("203.0.113.0/24", "192.0.2.0/24"), "6.6.6.6, 192.0.2.1", "6.6.6.6/32"),
        (("203.0.113.0/24",), "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (("203.0.113.0/24",), "nonsense", "203.0.113.7/32"),
        (("203.0.113.0/24",), "6.6.6.6, nonsense", "203.0.113.7/32"),
        (("203.0.113.0/24",), "6.6.6.6, 192.0.2.1:4711", "192.0.2.1/32"),
        (("203.0.113.0/24",), "6.6.6.6, [2001:db8:1:2:3:4:5:6]:4711", "2001:db8:1:2::/64"),
        (("203.0.113.0/24",), "", "203.0.113.7/32"),
    ],
)
def test_only_trusted_proxies_say_where_a_request_comes_from(
    app: FastAPI, services: Services, trusted: tuple[str, ...], forwarded: str, network: str
) -> None:
    settings = services.settings.model_copy(update={"trusted_proxies": trusted})
    app.state.services = Services(**{**services.__dict__, "settings": settings})
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"type": "http", "app": app, "client": ("203.0.113.7", 1), "headers": headers}
    assert network_of(Request(scope)) == network


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120 Safari/537.36", "Chrome on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Version/17.0 Mobile Safari/604.1", "Safari on an iPhone"),
        ("curl/8.0", ""),
        ("", ""),
    ],
)
def test_a_browser_is_named_as_people_know_it(agent: str, device: str) -> None:
    assert device_of(agent) == device


async def test_without_a_database_nothing_is_lost(app: FastAPI, ada: Browser, database: Database) -> None:
    async with database.write() as session:
        await session.execute(text('ALTER TABLE "case" RENAME TO away'))
    answer = await ada.client.post("/recover", data={"identifier": "ada@example.com"})
    assert answer.status_code == 503
    assert "Nothing was lost" in answer.text
