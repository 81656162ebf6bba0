"""Several cases at once: only what harms nobody, and only after a page that shows what would be done."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from domain.case import Kind, parse_reference
from domain.claim_events import Release
from storage import agent_events, agents, intake, queue
from storage.agent_events import Deed
from storage.desk import Agent
from storage.queue import Entry, Filters, View
from web.desk.queue import line_of
from web.desk.session import agent_of
from web.errors import REFUSED
from web.render import fresh_key, page
from web.services import services_of
from web.times import datetime_now

router = APIRouter()


@router.get("/desk/bulk")
async def preview(request: Request) -> Response:
    """What would be released: those of the chosen cases that are this agent's."""
    agent = await agent_of(request)
    return await _page(request, agent, set(map(_reference, request.query_params.getlist("case"))))


@router.post("/desk/bulk")
async def release(request: Request) -> Response:
    """Give the chosen cases back, each on its own; one that has moved on meanwhile stays as it is."""
    agent, services = await agent_of(request), services_of(request)
    chosen, key = await _sent(request)
    async with services.database.read() as session:
        before = await agent_events.done_before(session, services.rings, agent.name, Deed.RELEASED, key)
    if before:
        return _back(before.data["cases"])
    released = []
    for entry in await _mine(request, agent):
        if entry.reference not in chosen:
            continue
        token = intake.update_id(services.rings, entry.reference, "bulk-release", key, agent.name)
        try:
            await services.gateway.tell(entry.reference, Release(agent.name), update_id=token, kind=Kind.CLAIM)
        except REFUSED:
            continue
        released.append(entry.reference)
    if not released and chosen:
        return await _page(request, agent, chosen, status=409)
    async with services.database.write() as session:
        data = {"cases": released}
        await agent_events.note(session, services.rings, agent.name, Deed.RELEASED, data, key=key)
    return _back(released)


def _back(released: list[str]) -> Response:
    return RedirectResponse(f"/desk?view=mine&released={len(released)}", status_code=303)


async def _sent(request: Request) -> tuple[set[str], str]:
    try:
        async with request.form(max_files=0, max_fields=queue.PAGE + 10) as form:
            chosen = {_reference(str(one)) for one in form.getlist("case")}
            return chosen, str(form.get("key", ""))[:64] or fresh_key()
    except UnicodeError:
        raise HTTPException(400) from None


def _reference(typed: str) -> str:
    return parse_reference(typed[:20]) or ""


async def _mine(request: Request, agent: Agent) -> tuple[Entry, ...]:
    async with services_of(request).database.read() as session:
        found = await queue.page_of(session, Filters(View.MINE), agent.name, datetime_now())
    return found.entries


async def _page(request: Request, agent: Agent, chosen: set[str], *, status: int = 200) -> HTMLResponse:
    now, mine = datetime_now(), await _mine(request, agent)
    async with services_of(request).database.read() as session:
        names = await agents.names(session)
    lines = [line_of(entry, agent.name, names, {}, now) for entry in mine if entry.reference in chosen]
    others = len(chosen - {""} - {entry.reference for entry in mine})
    more: dict[str, Any] = {"lines": lines, "others": others, "now": now}
    return page(request, "desk/bulk.html", status=status, agent=agent, refused=status != 200, **more)
