"""The page of a case, for the browser that holds it, and the stream that says when it changed."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.case import grouped
from domain.claim import Claim, may_withdraw
from domain.claim import State as ClaimState
from domain.recovery import Recovery, State
from web import live
from web.access import NotFound, held, remember_recovery
from web.claim import claim_view
from web.claim.view import can_resend, case_of, case_page, up_to_date
from web.services import services_of
from web.times import datetime_now

router = APIRouter()

STEPS = frozenset(
    {"contact", "code", "resend", "account", "second-proof", "password", "help", "reply", "nudge", "reopen"}
)


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
    if found.row.state == State.RECOVERED:  # of a recovery or of a claim
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
    if not _may_name_another(case_of(found)):
        return RedirectResponse(f"/case/{grouped(found.row.reference)}", status_code=303)
    return await case_page(request, found.row, template="other", watched=False)


def _may_name_another(case: Recovery | Claim) -> bool:
    """Whether a code may go somewhere else now; for a claim only while no contact is proved."""
    if isinstance(case, Recovery):
        return can_resend(up_to_date(case), datetime_now())
    return case.state is ClaimState.AWAITING_CONTACT_PROOF and claim_view.can_resend(case, datetime_now())


def _may_withdraw(case: Recovery | Claim) -> bool:
    if isinstance(case, Claim):
        return may_withdraw(case)
    return not case.is_closed and case.state is not State.APPLYING_PASSWORD


@router.get("/case/{reference}/withdraw")
async def ask_before_withdrawing(request: Request, reference: str) -> HTMLResponse:
    found = await held(request, reference)
    if not _may_withdraw(case_of(found)):
        return await case_page(request, found.row)
    return await case_page(request, found.row, template="withdraw", watched=False)


@router.get("/case/{reference}/{step}")
async def back_to_the_case(request: Request, reference: str, step: str) -> Response:
    """Whoever loads the address of a form again, as after an error without script, gets the case."""
    if step not in STEPS:
        raise NotFound
    found = await held(request, reference)
    return RedirectResponse(f"/case/{grouped(found.row.reference)}", status_code=303)
