"""The demo platform's own sign-in, and the account behind it: where a recovery shows that it worked."""

import asyncio
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from storage import directory, platform
from storage.identifiers import NotUnderstood, identify
from storage.models import AccountSessionRow
from storage.platform import Door, Sheet
from web.access import cookie_name, device_of
from web.forms import Sent, sent_by
from web.render import page
from web.services import Services, services_of
from web.times import datetime_now, relative

router = APIRouter()

COOKIE = "platform_session"
MONTH = timedelta(days=30.44)
WRONG = "The name or the password is not correct"


@router.get("/dev/login")
async def show_account(request: Request) -> HTMLResponse:
    """The account of this browser's session; or the door, with a word about a session that was ended."""
    services, now = services_of(request), datetime_now()
    async with services.database.read() as session:
        mine = await directory.session_of(session, services.rings, _token(request))
        if mine is None:
            return _door(request)
        if mine.ended_at is not None:
            return _door(request, ended=mine, kinds=await platform.kinds_of(session, {mine.ended_by}))
        sheet = await platform.sheet(session, services.rings, mine.account_ref, now)
    age = age_of(sheet.password.since, now) if sheet.password else ""
    return page(request, "dev/account.html", now=now, sheet=sheet, mine=mine, kinds=sheet.kinds, password_age=age)


@router.post("/dev/login")
async def sign_in(request: Request) -> Response:
    services, sent, now = services_of(request), await sent_by(request), datetime_now()
    account = await _account(services, sent)
    if account is None:
        return _door(request, typed=sent.get("identifier"), problem=WRONG, status=422)
    async with services.database.read() as session:
        sheet = await platform.sheet(session, services.rings, account, now)
    if sheet.bar:
        return _door(request, typed=sent.get("identifier"), barred=sheet, status=403)
    return await _let_in(request, account, now)


@router.post("/dev/logout")
async def sign_out(request: Request) -> Response:
    """Out of this one session; the others of the account go on."""
    services = services_of(request)
    async with services.database.write() as session:
        mine = await directory.session_of(session, services.rings, _token(request))
        if mine is not None:
            await platform.end_session(session, mine, datetime_now())
    answer = RedirectResponse("/dev/login", status_code=303)
    answer.delete_cookie(cookie_name(services.settings, COOKIE), path="/", secure=services.settings.is_secure)
    return answer


async def _account(services: Services, sent: Sent) -> str | None:
    """The account whose name and password these are. What it costs does not depend on whether there is one."""
    try:
        identifier = identify(sent.get("identifier"), services.settings.phone_region)
    except NotUnderstood:
        doors: list[Door] = []
    else:
        async with services.database.read() as session:
            doors = await platform.doors(session, services.rings, identifier)
    for door in doors or [Door("", None)]:
        if await asyncio.to_thread(directory.fits, door.hashed, sent.get("password")):
            return door.account
    return None


async def _let_in(request: Request, account: str, now: datetime) -> Response:
    services = services_of(request)
    device = device_of(request.headers.get("User-Agent", "")) or "a program"
    async with services.database.write() as session:
        token = await directory.open_session(session, services.rings, account, device=device, now=now)
    answer = RedirectResponse("/dev/login", status_code=303)
    answer.set_cookie(
        cookie_name(services.settings, COOKIE),
        token,
        path="/",
        secure=services.settings.is_secure,
        httponly=True,
        samesite="lax",
    )
    return answer


def _door(
    request: Request,
    *,
    typed: str = "",
    problem: str = "",
    barred: Sheet | None = None,
    ended: AccountSessionRow | None = None,
    kinds: dict[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    problems = {"identifier": problem} if problem else {}
    return page(
        request,
        "dev/login.html",
        status=status,
        typed=typed,
        problems=problems,
        barred=barred,
        ended=ended,
        kinds=kinds or {},
    )


def age_of(since: datetime, now: datetime) -> str:
    """`5 min ago`, or in months from two months on: nobody counts a password's days."""
    months = (now - since) // MONTH
    return f"{months} months ago" if months >= 2 else relative(since, now)


def _token(request: Request) -> str:
    return request.cookies.get(cookie_name(services_of(request).settings, COOKIE), "")
