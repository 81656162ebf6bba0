"""The list of open recoveries: first those that wait for the desk, then by what is due first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from domain.case import Kind
from domain.recovery import ENDS, State
from storage import reads
from storage.models import CaseRow
from storage.reads import Filters
from web import words
from web.desk.session import agent_of
from web.render import page
from web.services import services_of
from web.times import datetime_now
from web.words import Said

router = APIRouter()

SOON = timedelta(hours=1)
MOST = 200
"""Rows on one page; who has more to look at filters."""


@dataclass(frozen=True)
class View:
    """A link beside the list, with how many cases it shows."""

    title: str
    href: str
    count: int
    is_current: bool


@dataclass(frozen=True)
class Line:
    row: CaseRow
    said: Said
    waits_for_us: bool
    tone: str
    channel: str


@router.get("/desk")
async def show_queue(request: Request, state: str = "", kind: str = Kind.RECOVERY, q: str = "") -> HTMLResponse:
    agent, services, now = await agent_of(request), services_of(request), datetime_now()
    kind = kind if kind in set(Kind) else Kind.RECOVERY.value
    known = words.CLAIM_STATES if kind == Kind.CLAIM else words.RECOVERY_STATES
    states = {name.value: said for name, said in known.items() if name not in ENDS}
    filters = Filters(kind=kind, state=state if state in set(states) else "", reference=_plain(q))
    async with services.database.read() as session:
        rows = await reads.open_cases(session, filters, MOST)
        counts = await reads.open_counts(session)
    return page(
        request,
        "desk/queue.html",
        agent=agent,
        now=now,
        lines=[_line(row, now) for row in rows],
        views=_views(counts, filters),
        kinds=_kinds(counts, filters),
        states=[(name, said.word) for name, said in states.items()],
        filters=filters,
        typed=q,
        again=f"/desk?{urlencode({'kind': filters.kind, 'state': filters.state, 'q': q})}",
        waiting=counts.get((Kind.RECOVERY, State.AWAITING_HELP), 0),
        most=MOST,
    )


def _plain(typed: str) -> str:
    return "".join(letter for letter in typed.upper() if letter.isalnum())[:10]


def _line(row: CaseRow, now: datetime) -> Line:
    waits = row.waiting_on == "agent"
    late = row.due_at is not None and row.due_at < now
    soon = row.due_at is not None and row.due_at - now < SOON
    tone = "" if not waits else "bad" if late else "soon" if soon else ""
    return Line(row, words.state(row.kind, row.state), waits, tone, words.CHANNELS.get(row.channel, ""))


def _views(counts: Mapping[tuple[str, str], int], filters: Filters) -> list[View]:
    recoveries = {state: count for (kind, state), count in counts.items() if kind == Kind.RECOVERY}
    shown = [("Everything open", "", sum(recoveries.values()))]
    shown += [(said.word, state, recoveries.get(state, 0)) for state, said in words.RECOVERY_STATES.items()]
    return [
        View(title, f"/desk?state={state}" if state else "/desk", count, _is_current(filters, Kind.RECOVERY, state))
        for title, state, count in shown
        if count or not state or state == State.AWAITING_HELP
    ]


def _kinds(counts: Mapping[tuple[str, str], int], filters: Filters) -> list[View]:
    claims = sum(count for (kind, _), count in counts.items() if kind == Kind.CLAIM)
    return [View("Claims", f"/desk?kind={Kind.CLAIM}", claims, _is_current(filters, Kind.CLAIM, ""))]


def _is_current(filters: Filters, kind: str, state: str) -> bool:
    return filters.kind == kind and filters.state == state
