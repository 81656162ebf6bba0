"""`/not-me/<token>`: one link and one button with which an owner stops what somebody else does (design 6)."""

from contextlib import suppress
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.case import Kind, grouped
from domain.claim import Claim, State
from domain.claim_deadlines import caught_up, hold_notices
from domain.claim_events import Stage
from storage import intake, reads
from storage.engine import database_time
from storage.folding import Case
from storage.intake import (
    Browser,
    ClaimIsOver,
    HandBackBegun,
    LinkExpired,
    LinkUsed,
    ObjectionReceived,
    TooYoung,
)
from storage.models import ObjectionLinkRow
from web.access import NotFound, browser_of, let_in, remember_browser
from web.claim.view import case_page
from web.errors import REFUSED
from web.forms import sent_by
from web.render import fresh_key, is_htmx, page
from web.services import Services, services_of
from web.times import datetime_now

router = APIRouter()


async def _link(services: Services, token: str) -> ObjectionLinkRow:
    async with services.database.read() as session:
        link = await reads.objection_link(session, services.rings, token)
    if link is None:
        raise NotFound
    return link


@router.get("/not-me/{token}")
async def ask_before_objecting(request: Request, token: str) -> HTMLResponse:
    services = services_of(request)
    link = await _link(services, token)
    if link.used_at:
        return page(request, "claim/not_me_used.html", status=410, used_at=link.used_at, scope=link.scope)
    async with services.database.read() as session:
        # The clock that judges the press, too: no owner is sent away because ours is wrong.
        if await database_time(session) >= link.expires_at:
            return page(request, "claim/not_me_over.html", status=410, until=link.expires_at)
        row = await reads.case_row(session, link.case_ref)
        device = await reads.device(session, services.rings, link.case_ref)
    if link.scope == "claim" and row:
        answer = _about_claim(request, link, reads.case_of(row))
    else:
        answer = page(request, "claim/not_me.html", link=link, row=row, device=device, policy=services.policy)
    remember_browser(answer, services.settings, browser_of(request))
    return answer


@router.post("/not-me/{token}")
async def object_to_it(request: Request, token: str) -> Response:
    services, sent = services_of(request), await sent_by(request)
    link, browser = await _link(services, token), browser_of(request)
    try:
        received = await _receive(services, link, browser, sent.key or fresh_key())
    except LinkUsed:
        return page(
            request, "claim/not_me_used.html", status=410, used_at=link.used_at or datetime_now(), scope=link.scope
        )
    except LinkExpired:
        return page(request, "claim/not_me_over.html", status=410, until=link.expires_at)
    except (TooYoung, HandBackBegun, ClaimIsOver) as problem:
        return await _refused_claim(request, link, problem)
    await _deliver(services, received)
    answer = await _show(request, received)
    remember_browser(answer, services.settings, browser)
    return answer


def _about_claim(request: Request, link: ObjectionLinkRow, case: Case) -> HTMLResponse:
    """What will happen and when, and the button, or why there is none."""
    assert isinstance(case, Claim)  # links with this scope are made for claims only
    case = caught_up(case, datetime_now())
    if not link.may_object:
        return page(request, "claim/stop_too_young.html", link=link, case=case)
    if case.is_closed or case.state is State.CONTESTED:
        return page(request, "claim/stop_over.html", status=410, case=case, state=str(case.state))
    if case.state is State.HANDING_BACK and case.begun_at:
        return page(request, "claim/stop_begun.html", status=410, case=case)
    return page(request, "claim/stop.html", link=link, case=case, stages=_to_come(case))


def _to_come(case: Claim) -> list[tuple[Stage, datetime]]:
    """When the older contacts hear of it again, from now on."""
    return [(stage, at) for stage, at in hold_notices(case) if stage not in case.told]


async def _refused_claim(request: Request, link: ObjectionLinkRow, problem: Exception) -> HTMLResponse:
    services = services_of(request)
    async with services.database.read() as session:
        row = await reads.case_row(session, link.case_ref)
    assert row is not None  # a link belongs to a case
    case = reads.case_of(row)
    if isinstance(problem, TooYoung):
        return page(request, "claim/stop_too_young.html", status=409, link=link, case=case)
    if isinstance(problem, HandBackBegun):
        return page(request, "claim/stop_begun.html", status=410, case=case)
    return page(request, "claim/stop_over.html", status=410, case=case, state=row.state)


async def _receive(services: Services, link: ObjectionLinkRow, browser: Browser, key: str) -> ObjectionReceived:
    async with services.database.write() as session:
        return await intake.receive_objection(session, services.rings, link, browser, key=key, policy=services.policy)


async def _deliver(services: Services, received: ObjectionReceived) -> None:
    """Tell Temporal. The row counts by its own time, so if Temporal is away the reconciler tells it later."""
    with suppress(*REFUSED):
        if received.opened:
            await services.gateway.start(received.opened.case)
            async with services.database.write() as session:
                await intake.mark_started(session, received.case)
        else:
            kind = Kind.CLAIM if received.scope == "claim" else Kind.RECOVERY
            await services.gateway.object(received.case, received.id, kind=kind)
        async with services.database.write() as session:
            await intake.mark_delivered(session, received.id)


async def _show(request: Request, received: ObjectionReceived) -> Response:
    """The claim that was opened, or a page that says that the attempt ends."""
    services, opened = services_of(request), received.opened
    if received.scope == "claim":
        return page(request, "claim/stop_done.html", reference=received.case)
    if opened is None:
        return page(request, "claim/not_me_done.html", reference=received.case)
    if is_htmx(request):
        async with services.database.read() as session:
            row = await reads.case_row(session, opened.reference)
        assert row is not None  # written a moment ago
        answer: Response = await case_page(request, row)
    else:
        answer = RedirectResponse(f"/case/{grouped(opened.reference)}", status_code=303)
    let_in(answer, services.settings, opened.reference, opened.secret)
    return answer
