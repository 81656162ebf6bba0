"""The page of a case for agents: facts, clocks, timeline, and the decision where one is wanted."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from domain.case import Audience, Kind, grouped, parse_reference
from domain.claim import Claim
from domain.decisions import DECIDERS, Outcome, Reason
from domain.recovery import DecisionRefused, Recovery, State
from storage import agents, folding, reads
from storage.desk import Agent, SignedIn
from storage.models import CaseRow, NoticeRow, ReceivedRow
from storage.reads import Entry
from web import live, words
from web.access import NotFound
from web.desk.session import agent_of, signed_in
from web.desk.timeline import Coming, Line, coming, line_of
from web.render import page
from web.services import Services, services_of
from web.times import datetime_now
from web.words import Said

router = APIRouter()


@dataclass(frozen=True)
class Clock:
    """A moment that matters, and whether it has passed."""

    name: str
    at: datetime
    is_past: bool


@dataclass(frozen=True)
class Pending:
    """Something that came in for the case, and that the case has not answered yet."""

    who: str
    what: str
    at: datetime
    is_delivered: bool


@dataclass(frozen=True)
class Log:
    """What happened, what was sent, what is under way, and the account's other cases."""

    entries: list[Entry]
    lines: list[Line]
    coming: list[Coming]
    notices: list[NoticeRow]
    pending: list[Pending]
    linked: list[tuple[CaseRow, Said]]

    @property
    def just_refused(self) -> Line | None:
        """The decision that was refused, if nothing has happened since."""
        is_last = bool(self.entries) and isinstance(self.entries[-1].event, DecisionRefused)
        return self.lines[-1] if is_last else None


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
    if seen and seen == _mark(row, log, datetime_now()):
        return Response(status_code=204)
    return desk_case_page(request, signed, row, log, may_focus=not seen)


@router.get("/desk/cases/{reference}/events")
async def case_events(request: Request, reference: str, after: str = "") -> Response:
    await agent_of(request, at_work=False)
    row = await desk_row(request, reference)
    number = live.number_asked(after, request.headers.get("Last-Event-ID", ""))
    return live.stream(services_of(request).watch, row.reference, number)


def desk_case_page(
    request: Request, signed: SignedIn, row: CaseRow, log: Log, *, status: int = 200, **more: Any
) -> HTMLResponse:
    """The page; `more` may bring `problems` by field, and `sent` to show again."""
    case, now, agent = reads.case_of(row), datetime_now(), signed.agent
    context: dict[str, Any] = {
        "agent": agent,
        "now": now,
        "row": row,
        "case": case,
        "log": log,
        "seen": _mark(row, log, now),
        "address": f"/desk/cases/{grouped(row.reference)}",
        "said": words.state(row.kind, row.state),
        "clocks": _clocks(case, now),
        "why_not": why_not(agent, row, case),
        "can_allow": _can_allow(case),
        "needs_password": not signed.has_proof,
        "reasons": [(reason.value, words.REASONS[reason]) for reason in Reason],
        "reasons_to_claimant": words.REASONS_TO_CLAIMANT,
        "problems": {},
        "sent": {},
        "changed": [],
    }
    return page(request, "desk/case.html", status=status, **(context | more))


async def log_of(services: Services, row: CaseRow) -> Log:
    async with services.database.read() as session:
        names = {agent.name: agent.display_name for agent in await agents.all_agents(session)}
        entries = await reads.timeline(session, row, set(Audience))
        return Log(
            entries=entries,
            lines=[line_of(entry, names) for entry in entries],
            coming=coming(reads.case_of(row)),
            notices=list(await reads.notices(session, row.reference)),
            pending=[_pending(one, names) for one in await _unanswered(session, row)],
            linked=[(other, words.state(other.kind, other.state)) for other in await reads.linked_cases(session, row)],
        )


async def _unanswered(session: AsyncSession, row: CaseRow) -> Sequence[ReceivedRow]:
    """A claim is itself the answer to the objection that opened it, and a closed case answers nothing more."""
    if row.closed_at or (row.kind == Kind.CLAIM and row.number):
        return []
    return await reads.unanswered(session, row.reference)


def _pending(received: ReceivedRow, names: Mapping[str, str]) -> Pending:
    is_delivered = received.delivered_at is not None
    if received.kind != "decision":
        return Pending("The owner", "said “this was not me”", received.received_at, is_delivered)
    agent, outcome = str(received.data.get("agent", "")), str(received.data.get("outcome", ""))
    what = words.OUTCOMES[Outcome(outcome)] if outcome in set(Outcome) else "decided"
    return Pending(names.get(agent, agent), what, received.received_at, is_delivered)


def _mark(row: CaseRow, log: Log, now: datetime) -> str:
    """A short name for everything that the page shows; another one each minute, for the times on it."""
    shown = (
        row.number,
        [(notice.name, notice.state, notice.attempts) for notice in log.notices],
        log.pending,
        [(other.reference, other.state) for other, _ in log.linked],
        now.replace(second=0, microsecond=0),
    )
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def why_not(agent: Agent, row: CaseRow, case: folding.Case) -> str:
    """Why this agent has no buttons now, in a sentence; empty if there are some."""
    if not isinstance(case, Recovery):
        return "Claims cannot be decided here yet. The freeze ends by itself; until then the account is safe."
    if case.is_closed:
        return "The case is closed."
    if case.state is State.APPLYING_PASSWORD:
        return "The new password is being set, so nothing can be decided any more."
    if agent.role not in DECIDERS:
        return f"You can read this case. Agents, approvers and leads decide; your role is {agent.role}."
    if reads.is_about(row, agent.own_accounts):
        return "This is about an account of your own, so somebody else decides."
    return ""


def _can_allow(case: folding.Case) -> bool:
    """One more code is only for a case that has used up its own."""
    return isinstance(case, Recovery) and case.state is State.AWAITING_HELP and case.wanted is None


def _clocks(case: folding.Case, now: datetime) -> list[Clock]:
    """Each moment with its name; those that are over are marked so."""
    found: list[tuple[str, datetime | None]]
    if isinstance(case, Claim):
        found = [("Frozen since", case.frozen_at), ("Freeze ends", case.frozen_until)]
    else:
        is_open = not case.is_closed
        found = [
            ("Help asked", case.help_asked_at),
            ("Code until", case.code_until if case.state is State.AWAITING_CODE else None),
            ("Link until", case.link_until if is_open and case.issue and not case.accounts else None),
            ("Next code", case.resend_at if is_open and case.state in _SENDING else None),
            ("Proof until", case.proof_until),
            ("Case until", case.open_until if is_open else None),
        ]
    return [Clock(name, at, at <= now) for name, at in found if at is not None]


_SENDING = frozenset({State.AWAITING_CODE, State.AWAITING_RESEND})
