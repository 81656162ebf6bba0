"""Finding a case. What is typed is sent in the body, so that no address, log or history of a browser keeps it."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from domain.case import grouped, parse_reference
from storage import agents, desk_search, reads
from web.desk.queue import line_of
from web.desk.session import agent_of
from web.forms import sent_by
from web.render import page
from web.services import Services, services_of
from web.times import datetime_now

router = APIRouter()


@router.get("/desk/search")
async def show_search(request: Request) -> Response:
    agent = await agent_of(request)
    return page(request, "desk/search.html", agent=agent, typed="", lines=None, problems={})


@router.post("/desk/search")
async def search(request: Request) -> Response:
    """A reference in full opens its case; anything else lists what it names exactly."""
    agent, sent, services, now = await agent_of(request), await sent_by(request), services_of(request), datetime_now()
    typed = sent.get("q").strip()
    if not typed:
        problems = {"q": "Write a reference, a contact or a username"}
        return page(request, "desk/search.html", status=422, agent=agent, typed="", lines=None, problems=problems)
    if found := await _named(services, typed):
        return RedirectResponse(f"/desk/cases/{grouped(found)}", status_code=303)
    async with services.database.read() as session:
        entries = await desk_search.search(session, services.rings, typed, services.settings.phone_region)
        names = await agents.names(session)
    lines = [line_of(entry, agent.name, names, {}, now) for entry in entries]
    return page(request, "desk/search.html", agent=agent, now=now, typed=typed, lines=lines, problems={})


async def _named(services: Services, typed: str) -> str:
    """The case that was named in full, open or closed."""
    reference = parse_reference(typed)
    if reference is None:
        return ""
    async with services.database.read() as session:
        return reference if await reads.case_row(session, reference) else ""
