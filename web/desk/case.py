"""The page of a case for agents: facts, clocks, timeline, and the decision where one is wanted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from domain.case import Audience, parse_reference
from domain.claim import Claim
from domain.decisions import DECIDERS, Reason
from domain.recovery import Recovery, State
from storage import folding, reads
from storage.desk import Agent
from storage.models import CaseRow
from web import live, words
from web.access import NotFound
from web.desk.session import agent_of
from web.desk.timeline import line_of
from web.render import page
from web.services import Services, services_of
from web.times import datetime_now

router = APIRouter()

JUST_NOW = timedelta(minutes=2)


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
async def show_case(request: Request, reference: str, after: str = "", shown: str = "") -> Response:
    agent, row = await agent_of(request), await desk_row(request, reference)
    if after and row.number <= live.number_asked(after, ""):
        return Response(status_code=204)
    return await desk_case_page(request, agent, row)


@router.get("/desk/cases/{reference}/events")
async def case_events(request: Request, reference: str, after: str = "") -> Response:
    await agent_of(request)
    row = await desk_row(request, reference)
    number = live.number_asked(after, request.headers.get("Last-Event-ID", ""))
    return live.stream(services_of(request).watch, row.reference, number)


async def desk_case_page(
    request: Request, agent: Agent, row: CaseRow, *, status: int = 200, **more: Any
) -> HTMLResponse:
    """The page; `more` may bring `problems` by field and `sent` to show again."""
    services, case, now = services_of(request), reads.case_of(row), datetime_now()
    context = {
        "agent": agent,
        "now": now,
        "row": row,
        "case": case,
        "said": words.state(row.kind, row.state),
        "clocks": _clocks(case, now),
        "may_decide": _may_decide(agent, row, case),
        "why_not": _why_not(agent, row, case),
        "reasons": [(reason.value, words.REASONS[reason]) for reason in Reason],
        "problems": {},
        "sent": {},
        **await _log(services, row),
    }
    return page(request, "desk/case.html", status=status, may_focus=bool(more), **(context | more))


async def _log(services: Services, row: CaseRow) -> dict[str, Any]:
    """What happened, what was sent, what is under way, and the account's other cases."""
    async with services.database.read() as session:
        entries = await reads.timeline(session, row, set(Audience))
        return {
            "lines": [line_of(entry) for entry in entries],
            "notices": await reads.notices(session, row.reference),
            "under_way": [one for one in await reads.unanswered(session, row.reference) if one.kind == "decision"],
            "linked": [
                (other, words.state(other.kind, other.state)) for other in await reads.linked_cases(session, row)
            ],
        }


def _may_decide(agent: Agent, row: CaseRow, case: folding.Case) -> bool:
    return (
        isinstance(case, Recovery)
        and case.state is State.AWAITING_HELP
        and case.wanted is None
        and agent.role in DECIDERS
        and (not row.account_ref or row.account_ref not in agent.own_accounts)
    )


def _why_not(agent: Agent, row: CaseRow, case: folding.Case) -> str:
    """Why there are no buttons, in a sentence."""
    if not isinstance(case, Recovery):
        return "Claims are decided here once that part is built."
    if case.is_closed:
        return "The case is closed."
    if case.state is not State.AWAITING_HELP:
        return "Nothing to decide now. A decision is wanted when the codes of a case are used up."
    if case.wanted is not None:
        return "One more code was allowed. It is being sent."
    if agent.role not in DECIDERS:
        return f"You can read the case. Decisions are made by agents, approvers and leads, not by an {agent.role}."
    if row.account_ref and row.account_ref in agent.own_accounts:
        return "This is about an account of your own, so somebody else decides."
    return ""


def _clocks(case: folding.Case, now: datetime) -> list[Clock]:
    """Each moment with its name; those that are over are marked so."""
    if isinstance(case, Claim):
        found = [("Freeze ends", case.frozen_until)]
    else:
        found = [
            ("Help was asked", case.help_asked_at),
            ("Code works until", case.code_until if case.state is State.AWAITING_CODE else None),
            ("Link works until", case.link_until if not case.is_closed else None),
            ("Next code from", case.resend_at if not case.is_closed else None),
            ("Proof holds until", case.proof_until),
            ("Case closes", case.open_until),
        ]
    return [Clock(name, at, at <= now) for name, at in found if at is not None]
