"""The page of a case for agents: facts, clocks, timeline, and the decision where one is wanted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from domain.case import Kind, grouped, parse_reference
from domain.claim import Claim
from domain.decisions import DECIDERS, Outcome, reasons
from domain.recovery import Recovery, State
from storage import folding, reads
from storage.desk import Agent, SignedIn
from storage.models import CaseRow
from web import live, words
from web.access import NotFound
from web.desk import claim_case
from web.desk.log import Log, log_of, mark
from web.desk.session import agent_of, signed_in
from web.render import page
from web.services import services_of
from web.times import datetime_now

router = APIRouter()


@dataclass(frozen=True)
class Clock:
    """A moment that matters, and whether it has passed."""

    name: str
    at: datetime
    is_past: bool


async def desk_row(request: Request, typed_reference: str) -> CaseRow:
    """The case of this address; agents may see every case, and nothing personal in it."""
    reference = parse_reference(typed_reference)
    async with services_of(request).database.read() as session:
        row = await reads.case_row(session, reference) if reference else None
    if row is None:
        raise NotFound
    return row


@router.get("/desk/cases/{reference}")
async def show_case(request: Request, reference: str, seen: str = "") -> Response:
    """The case. `seen` is what htmx asks to stay up to date, and names what its page shows: 204 while it is true."""
    signed = await signed_in(request, at_work=not seen)
    try:
        row = await desk_row(request, reference)
    except NotFound:
        return page(request, "desk/not_found.html", status=404, agent=signed.agent, typed=reference)
    log = await log_of(services_of(request), row)
    if seen and seen == mark(row, log, datetime_now()):
        return Response(status_code=204)
    return await desk_case_page(request, signed, row, log, may_focus=not seen)


@router.get("/desk/cases/{reference}/events")
async def case_events(request: Request, reference: str, after: str = "") -> Response:
    await agent_of(request, at_work=False)
    row = await desk_row(request, reference)
    number = live.number_asked(after, request.headers.get("Last-Event-ID", ""))
    return live.stream(services_of(request).watch, row.reference, number, for_desk=True)


async def desk_case_page(
    request: Request, signed: SignedIn, row: CaseRow, log: Log, *, status: int = 200, **more: Any
) -> HTMLResponse:
    """The page; `more` may bring `problems` by field, `where` on the page they stand, and `sent` to show again."""
    case, now, agent = reads.case_of(row), datetime_now(), signed.agent
    context: dict[str, Any] = {
        "agent": agent,
        "now": now,
        "row": row,
        "case": case,
        "log": log,
        "seen": mark(row, log, now),
        "address": f"/desk/cases/{grouped(row.reference)}",
        "said": words.state(row.kind, row.state),
        "why_not": why_not(agent, row, case),
        "barred": why_not_act(agent, row),
        "cannot_work": agent.role not in DECIDERS,
        "needs_password": not signed.has_proof,
        "problems": {},
        "where": "decide",
        "sent": {},
        "changed": [],
    }
    if isinstance(case, Claim):
        context |= await claim_case.context_of(services_of(request), agent, case, log, now)
    else:
        context |= _of_a_recovery(case, now)
    return page(request, "desk/case.html", status=status, **(context | more))


def _of_a_recovery(case: Recovery, now: datetime) -> dict[str, Any]:
    known = reasons(Kind.RECOVERY, Outcome.STOP)
    return {
        "clocks": _clocks(case, now),
        "can_allow": _can_allow(case),
        "reasons": [(reason.value, words.REASONS[reason]) for reason in known],
        "reasons_to_claimant": {reason: words.REASONS_TO_CLAIMANT[reason] for reason in known},
    }


def why_not(agent: Agent, row: CaseRow, case: folding.Case) -> str:
    """Why this agent may decide nothing now, in a sentence; empty if there is something."""
    if case.is_closed:
        return "The case is closed."
    if isinstance(case, Recovery) and case.state is State.APPLYING_PASSWORD:
        return "The new password is being set, so nothing can be decided any more."
    return why_not_act(agent, row)


def why_not_act(agent: Agent, row: CaseRow) -> str:
    """Why this agent may do nothing at all in this case; empty if they may."""
    if agent.role not in DECIDERS:
        return f"You can read this case. Agents, approvers and leads decide; your role is {agent.role}."
    if reads.is_about(row, agent.own_accounts):
        return "This is about an account of your own, so somebody else decides."
    return ""


def _can_allow(case: Recovery) -> bool:
    """One more code is only for a case that has used up its own."""
    return case.state is State.AWAITING_HELP and case.wanted is None


def _clocks(case: Recovery, now: datetime) -> list[Clock]:
    """Each moment with its name; those that are over are marked so."""
    is_open = not case.is_closed
    found: list[tuple[str, datetime | None]] = [
        ("Help asked", case.help_asked_at),
        ("Code until", case.code_until if case.state is State.AWAITING_CODE else None),
        ("Link until", case.link_until if is_open and case.issue and not case.accounts else None),
        ("Next code", case.resend_at if is_open and case.state in _SENDING else None),
        ("Proof until", case.proof_until),
        ("Case until", case.open_until if is_open else None),
    ]
    return [Clock(name, at, at <= now) for name, at in found if at is not None]


_SENDING = frozenset({State.AWAITING_CODE, State.AWAITING_RESEND})
