"""The door of the desk: name, password, and a code where a second factor is set up."""

import asyncio
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from storage import desk, directory
from storage.models import AgentRow
from web.access import network_of
from web.desk.session import NotSignedIn, agent_of, let_in, let_out, token_of
from web.forms import Sent, sent_by
from web.render import is_htmx, page
from web.services import Services, services_of
from web.times import datetime_now

router = APIRouter()
log = structlog.get_logger(__name__)

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
    async with services.database.write() as session:
        await desk.count_sign_in(session, services.rings, name, network_of(request))
    row = await _checked(services, name, sent)
    if row is None:
        log.info("sign-in refused")
        return _door(request, name, sent.get("then"), problem=WRONG)
    async with services.database.write() as session:
        token = await desk.open_session(session, services.rings, row.name)
    log.info("signed in", agent=row.name)
    answer = _go(request, _inside(sent.get("then")))
    let_in(answer, services.settings, token)
    return answer


async def _checked(services: Services, name: str, sent: Sent) -> AgentRow | None:
    """The agent, if everything fits. An unknown name takes as long, and is told the same."""
    async with services.database.read() as session:
        row = await desk.agent_row(session, name)
    fits = await asyncio.to_thread(directory.fits, row.password_hash if row else None, sent.get("password"))
    if not fits or row is None or not row.is_active:
        return None
    return row if desk.totp_fits(services.rings.row, row, sent.get("totp"), datetime_now()) else None


@router.post("/desk/sign-out")
async def sign_out(request: Request) -> Response:
    services = services_of(request)
    async with services.database.write() as session:
        await desk.end_session(session, services.rings, token_of(request))
    answer = _go(request, "/desk/sign-in")
    let_out(answer, services.settings)
    return answer


def _door(request: Request, name: str, then: str, *, problem: str = "") -> HTMLResponse:
    problems = {"name": problem} if problem else {}
    status = 422 if problem else 200
    return page(request, "desk/sign_in.html", status=status, name=name, then=_inside(then), problems=problems)


def _inside(then: str) -> str:
    """Where to go after the door: a page of the desk, nothing else."""
    parts = urlsplit(then)
    return then if not parts.scheme and not parts.netloc and parts.path.startswith("/desk") else "/desk"


def _go(request: Request, address: str) -> Response:
    """A whole new page, for htmx too: the frame of the desk is another one than that of its door."""
    if is_htmx(request):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)
