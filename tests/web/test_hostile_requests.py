"""What strangers put into a request: hosts, proxies, other sites, markup, line breaks, somebody else's keys."""

from typing import Any

import pytest
from fastapi import FastAPI, Request
from sqlalchemy import func, select
from starlette.routing import BaseRoute

from development.people import DESK_PASSWORD
from storage.engine import Database
from storage.models import CaseRow
from tests.web.desk import at_the_desk
from tests.web.stage import Browser, FakeGateway, browser
from tests.web.test_start import without_chance
from web.access import is_known
from web.services import Services

EVIL = "evil.example"
HOSTILE = (
    {"Host": EVIL},
    {"X-Forwarded-Host": EVIL, "X-Forwarded-Server": EVIL, "X-Host": EVIL},
    {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "444", "X-Forwarded-Scheme": "https"},
    {"Forwarded": f"for=6.6.6.6;host={EVIL};proto=https"},
    {"X-Original-URL": "/desk", "X-Rewrite-URL": f"//{EVIL}/"},
)
MARKUP = "\"><script src=//evil.example></script>'<img src=x onerror=alert(1)>"


async def cases(database: Database) -> int:
    async with database.read() as session:
        return int((await session.execute(select(func.count()).select_from(CaseRow))).scalar_one())


# ---- hosts and proxies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", HOSTILE, ids=lambda headers: next(iter(headers)))
async def test_a_hostile_host_changes_no_page_and_no_address(eve: Browser, headers: dict[str, str]) -> None:
    honest = await eve.get("/")
    hostile = await eve.get("/", **headers)
    assert without_chance(hostile.text) == without_chance(honest.text)
    started = await eve.client.post("/recover", data={"identifier": "ada@example.com"}, headers=headers)
    assert started.headers["Location"].startswith("/case/")
    for answer in (hostile, started, await eve.client.get(started.headers["Location"], headers=headers)):
        assert EVIL not in answer.text + str(answer.headers)
        assert "Secure" not in str(answer.headers)  # decided by the configured address, not by a header


@pytest.mark.parametrize("address", ["/start/", "/desk/", "/case/7F3K-Q2M9-XA/", "//evil.example/%2e%2e", "/static"])
async def test_no_address_is_corrected_towards_the_host_that_was_named(eve: Browser, address: str) -> None:
    answer = await eve.client.get(address, headers={"Host": EVIL})
    assert EVIL not in answer.headers.get("Location", "")
    assert answer.status_code in {200, 303, 404}


async def test_made_up_forwarded_addresses_open_no_more_cases(eve: Browser) -> None:
    """Limits of a network hold although each request names another one."""
    for number in range(31):
        headers = {"X-Forwarded-For": f"10.0.0.{number}", "X-Real-IP": f"10.0.0.{number}"}
        answer = await eve.client.post("/recover", data={"identifier": f"name{number}"}, headers=headers)
    assert answer.status_code == 429


# ---- other sites ----------------------------------------------------------------------------------------------------


def posts(routes: list[Any]) -> list[str]:
    """The addresses of all forms, with something in the place of each name."""
    found: list[str] = []
    for route in routes:
        inner = getattr(route, "original_router", None) or getattr(route, "router", None)
        if inner is not None:
            found += posts(inner.routes)
        elif isinstance(route, BaseRoute) and "POST" in (getattr(route, "methods", None) or ()):
            found.append(route.path.format(reference="AAAABBBBCC", name="x.y", token="x"))  # type: ignore[attr-defined]
    return found


async def test_every_form_is_refused_from_another_site(app: FastAPI, eve: Browser) -> None:
    addresses = posts(app.routes)
    assert {"/recover", "/link/x.y", "/not-me/x", "/desk/sign-in", "/case/AAAABBBBCC/password"} <= set(addresses)
    for address in addresses:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://["}):
            answer = await eve.client.post(address, data={}, headers=headers)
            assert answer.status_code == 403, address


# ---- what is typed --------------------------------------------------------------------------------------------------


async def test_markup_that_is_typed_is_shown_as_text(ada: Browser, gateway: FakeGateway) -> None:
    await ada.get("/")
    pages = [(await ada.post("/recover", identifier=MARKUP)).text]
    await ada.ask("vip")
    pages.append((await ada.post(f"{ada.address}/contact", contact=MARKUP)).text)
    pages.append((await ada.get(f"/desk/sign-in?then={MARKUP}")).text)
    pages.append((await ada.post("/desk/sign-in", name=MARKUP, password="x", then=MARKUP)).text)
    pages.append((await ada.get(f"/help/{MARKUP}")).text)
    for page in pages:
        assert "<script src=//" not in page
        assert "<img" not in page
    assert "&lt;script" in pages[0]
    assert "&lt;script" in pages[1]


async def test_a_name_with_markup_stays_text_wherever_it_is_shown(ada: Browser, gateway: FakeGateway) -> None:
    """The characters that an address may hold and that mean something in HTML."""
    await ada.ask("o'bri&en/{{7*191}}@example.com")
    assert "o'bri" not in ada.page
    assert "1337" not in ada.said
    assert ada.title == "Enter the code"


@pytest.mark.parametrize(
    "typed",
    [
        "ada@example.com\r\nBcc: eve@example.net",
        "ada@example.com\nX: y",
        "ada\r\n@example.com",
        "+44\n7700 900001\r\nX",
    ],
)
async def test_a_line_break_in_a_contact_never_reaches_a_message(
    ada: Browser, database: Database, gateway: FakeGateway, typed: str
) -> None:
    """It could be a header of the mail, or a command to its server."""
    answer = await ada.client.post("/recover", data={"identifier": typed})
    if answer.status_code == 303:  # a number is read without its gaps
        assert not any("\n" in str(case) for case in gateway.cases.values())
    else:
        assert answer.status_code == 422
        assert await cases(database) == 0


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data; boundary=b; charset=undefined", "multipart/form-data; boundary=b; charset=unicode_escape"],
)
async def test_a_charset_of_the_senders_own_choice_is_refused(eve: Browser, kind: str) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="identifier"\r\n\r\n\\ud800\r\n--b--\r\n'
    assert (await eve.client.post("/recover", content=body, headers={"Content-Type": kind})).status_code == 400


# ---- where the door of the desk leads -------------------------------------------------------------------------------

ELSEWHERE = (
    "//evil.example/desk",
    "https://evil.example/desk",
    "/desk\\evil",
    "/\\evil.example/desk",
    "/desk\r\nSet-Cookie: a=b",
    "/desk\n//evil.example",
    "/desk/cases/€",
    "//[",
    "javascript:alert(1)//desk",
    "/deskevil",
    "/\t/evil.example/desk",
)


@pytest.mark.parametrize("then", ELSEWHERE)
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["browser", "htmx"])
async def test_the_door_of_the_desk_leads_nowhere_else(eve: Browser, then: str, headers: dict[str, str]) -> None:
    sent = {"name": "sam", "password": DESK_PASSWORD, "then": then}
    answer = await eve.client.post("/desk/sign-in", data=sent, headers=headers)
    assert (answer.headers.get("Location") or answer.headers["HX-Redirect"]) == "/desk"


async def test_signing_in_never_takes_over_a_session_that_was_there(app: FastAPI, eve: Browser) -> None:
    """Somebody planted the cookie of a session of their own, or a value of their choice, before the agent came."""
    planted = await at_the_desk(app, "kim")
    value = planted.client.cookies["reinstate_desk"]
    for fixed in (value, "chosen-by-eve-chosen-by-eve"):
        victim = browser(app)
        victim.client.cookies.set("reinstate_desk", fixed, domain="localhost.local", path="/")
        answer = await victim.client.post("/desk/sign-in", data={"name": "sam", "password": DESK_PASSWORD})
        assert answer.status_code == 303
        assert f"reinstate_desk={fixed}" not in answer.headers["Set-Cookie"]
        assert victim.client.cookies.get("reinstate_desk", domain="localhost.local") != fixed
        eve.client.cookies.set("reinstate_desk", fixed)
        assert (await eve.client.get("/desk")).status_code == 303


# ---- somebody else's keys -------------------------------------------------------------------------------------------


async def test_the_same_key_of_another_person_opens_another_case(
    ada: Browser, eve: Browser, database: Database
) -> None:
    """Eve sends the key of Ada's form, with the same name: no case of Ada's, no secret of hers."""
    sent = {"identifier": "ada@example.com", "key": "seen-over-her-shoulder"}
    hers = await ada.client.post("/recover", data=sent)
    eves = await eve.client.post("/recover", data=sent)
    assert hers.headers["Location"] != eves.headers["Location"]
    assert await cases(database) == 2
    assert (await eve.client.get(hers.headers["Location"])).status_code == 404
    assert (await ada.client.get(eves.headers["Location"])).status_code == 404


async def test_the_same_key_with_another_name_opens_another_case(ada: Browser, database: Database) -> None:
    first = await ada.client.post("/recover", data={"identifier": "ada@example.com", "key": "one"})
    second = await ada.client.post("/recover", data={"identifier": "olu@example.com", "key": "one"})
    assert first.headers["Location"] != second.headers["Location"]
    assert await cases(database) == 2


async def test_a_key_used_in_one_case_is_new_in_another(ada: Browser, eve: Browser, gateway: FakeGateway) -> None:
    """What Ada was answered for a key is no answer to Eve's form with the same key."""
    hers, eves = await ada.ask("ada@example.com"), await eve.ask("vip@example.com")
    for visitor in (ada, eve):
        answer = await visitor.client.post(f"{visitor.address}/withdraw", data={"key": "one"})
        assert answer.status_code == 303
    assert [gateway.cases[reference].state for reference in (hers, eves)] == ["withdrawn", "withdrawn"]
    assert len({update for _, update in gateway.told}) == 2


async def test_a_mark_of_an_earlier_recovery_cannot_be_made_up(app: FastAPI, services: Services) -> None:
    """It keeps two messages a day for browsers that recovered before, so strangers would like to have one."""
    request = Request({"type": "http", "app": app, "headers": []})
    digest = services.rings.digest
    assert is_known(request, "a1b2." + digest.sign("known/a1b2"))
    for made_up in (
        "",
        "a1b2",
        "a1b2.",
        ".",
        f"a1b2.{digest.current}:{'0' * 64}",
        "a1b2." + digest.sign("known/other"),
    ):
        assert not is_known(request, made_up)
