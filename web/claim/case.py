"""The page of a case, for the browser that holds it, and the stream that says when it changed."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.case import grouped
from domain.recovery import Recovery, State
from web import live
from web.access import NotFound, held, remember_recovery
from web.claim.view import can_resend, case_of, case_page, up_to_date
from web.services import services_of
from web.times import datetime_now

router = APIRouter()

STEPS = frozenset({"contact", "code", "resend", "account", "second-proof", "password", "help"})


@router.get("/case/{reference}")
async def show_case(request: Request, reference: str, after: str = "", shown: str = "") -> Response:
    """The form of the moment. With `after`, what htmx asks to stay up to date: 204 while nothing changed.

    `shown` is the state that the asking page shows: a person who types is not disturbed while it stays the same.
    """
    found = await held(request, reference)
    stands_still = found.row.number <= live.number_asked(after, "")
    # While a code is awaited for long the page says so, although nothing happened.
    if after and stands_still and found.row.state != State.OPENING:
        return Response(status_code=204)
    answer = await case_page(request, found.row, may_focus=shown != found.row.state)
    if found.row.state == State.RECOVERED:
        remember_recovery(request, answer)
    return answer


@router.get("/case/{reference}/events")
async def case_events(request: Request, reference: str, after: str = "") -> Response:
    found = await held(request, reference)
    number = live.number_asked(after, request.headers.get("Last-Event-ID", ""))
    return live.stream(services_of(request).watch, found.row.reference, number)


@router.get("/case/{reference}/other")
async def other_channel(request: Request, reference: str) -> Response:
    """One question: where else the code may go. Offered once a new code may be sent."""
    found = await held(request, reference)
    case = case_of(found)
    if not isinstance(case, Recovery) or not can_resend(up_to_date(case), datetime_now()):
        return RedirectResponse(f"/case/{grouped(found.row.reference)}", status_code=303)
    return await case_page(request, found.row, template="other", watched=False)


@router.get("/case/{reference}/withdraw")
async def ask_before_withdrawing(request: Request, reference: str) -> HTMLResponse:
    found = await held(request, reference)
    case = case_of(found)
    if not isinstance(case, Recovery):
        raise NotFound
    if case.is_closed or case.state is State.APPLYING_PASSWORD:
        return await case_page(request, found.row)
    return await case_page(request, found.row, template="withdraw", watched=False)


@router.get("/case/{reference}/{step}")
async def back_to_the_case(request: Request, reference: str, step: str) -> Response:
    """Whoever loads the address of a form again, as after an error without script, gets the case."""
    if step not in STEPS:
        raise NotFound
    found = await held(request, reference)
    return RedirectResponse(f"/case/{grouped(found.row.reference)}", status_code=303)
