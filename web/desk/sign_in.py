"""The door of the desk: name, password, and a code where a second factor is set up."""

from datetime import datetime
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.errors import TooMany
from storage import agent_events, desk
from storage.agent_events import Deed
from web.desk.session import NotSignedIn, agent_of, let_in, let_out, password_fits, token_of
from web.forms import sent_by
from web.render import is_htmx, page
from web.services import services_of
from web.times import datetime_now

router = APIRouter()
log = structlog.get_logger(__name__)

PAGES = ("/desk/cases/", "/desk/approvals", "/desk/deliveries", "/desk/dashboard", "/desk/audit", "/desk/settings")
"""Where the door may lead besides the queue."""
WRONG = "Name, password or code is not correct"


@router.get("/desk/sign-in")
async def show_sign_in(request: Request, then: str = "") -> Response:
    try:
        await agent_of(request)
    except NotSignedIn:
        return _door(request, "", then)
    return RedirectResponse(_inside(then), status_code=303)


@router.post("/desk/sign-in")
async def sign_in(request: Request) -> Response:
    services, sent = services_of(request), await sent_by(request)
    name = sent.get("name").strip().lower()[:100]
    try:
        agent = await password_fits(request, name, sent.get("password"), sent.get("totp"))
    except TooMany as too_many:
        return _door(request, name, sent.get("then"), status=429, shut_until=too_many.until)
    if agent is None:
        log.info("sign-in refused")
        return _door(request, name, sent.get("then"), status=422, problem=WRONG)
    async with services.database.write() as session:
        await desk.end_session(session, services.rings, token_of(request))
        token = await desk.open_session(session, services.rings, agent.name)
        await agent_events.note(session, services.rings, agent.name, Deed.SIGNED_IN, key=token)
    log.info("signed in", agent=agent.name)
    answer = _go(request, _inside(sent.get("then")))
    let_in(answer, services.settings, token)
    return answer


@router.post("/desk/sign-out")
async def sign_out(request: Request) -> Response:
    services, token = services_of(request), token_of(request)
    async with services.database.write() as session:
        signed = await desk.signed_in(session, services.rings, token) if token else None
        await desk.end_session(session, services.rings, token)
        if signed:
            await agent_events.note(session, services.rings, signed.agent.name, Deed.SIGNED_OUT, key=token)
    answer = _go(request, "/desk/sign-in")
    let_out(answer, services.settings)
    return answer


def _door(
    request: Request,
    name: str,
    then: str,
    *,
    status: int = 200,
    problem: str = "",
    shut_until: datetime | None = None,
) -> HTMLResponse:
    problems = {"name": problem} if problem else {}
    answer = page(
        request,
        "desk/sign_in.html",
        status=status,
        name=name,
        then=_inside(then),
        problems=problems,
        shut_until=shut_until,
    )
    if shut_until:
        answer.headers["Retry-After"] = str(max(1, int((shut_until - datetime_now()).total_seconds())))
    return answer


def _inside(then: str) -> str:
    """Where to go after the door: a page of the desk, nothing else.

    Only plain characters: browsers drop line breaks and turn a backslash round before they read an address.
    """
    try:
        parts = urlsplit(then)
    except ValueError:
        return "/desk"
    inside = parts.path == "/desk" or parts.path.startswith(PAGES)
    plain = then.isascii() and then.isprintable() and "\\" not in then
    return then if inside and plain and not parts.scheme and not parts.netloc else "/desk"


def _go(request: Request, address: str) -> Response:
    """A whole new page, for htmx too: the frame of the desk is another one than that of its door."""
    if is_htmx(request):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)
