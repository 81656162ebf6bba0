"""The list of open cases: first those that wait for the desk, then by what is due first."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from domain.case import Kind, Party, grouped, parse_reference
from domain.recovery import ENDS, Recovery, State
from storage import reads
from storage.models import CaseRow
from storage.reads import Filters
from web import words
from web.desk.session import agent_of
from web.render import page
from web.services import Services, services_of
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
    """A row of the list. `asked_at`: when the claimant asked the desk. `tone` is set for what runs out soon."""

    row: CaseRow
    said: Said
    what: str
    asked_at: datetime | None
    tone: str

    @property
    def waits_for_us(self) -> bool:
        return self.row.waiting_on == Party.AGENT


@router.get("/desk")
async def show_queue(
    request: Request, state: str = "", kind: str = Kind.RECOVERY, q: str = "", seen: str = ""
) -> Response:
    """The list. `seen` is what htmx asks to stay up to date, and names what its page shows: 204 while it is true."""
    agent, services, now = await agent_of(request, at_work=not seen), services_of(request), datetime_now()
    found = await _named(services, q)
    if found:
        return RedirectResponse(f"/desk/cases/{grouped(found)}", status_code=303)
    filters, states = _filters(state, kind, q)
    async with services.database.read() as session:
        rows = await reads.open_cases(session, filters, MOST)
        counts = await reads.open_counts(session)
    mark = _mark(rows, counts, now)
    if seen and seen == mark:
        return Response(status_code=204)
    return page(
        request,
        "desk/queue.html",
        may_focus=not seen,
        agent=agent,
        now=now,
        lines=[_line(row, now) for row in rows],
        views=_views(counts, filters),
        kinds=_kinds(counts, filters),
        states=[(name, said.word) for name, said in states.items()],
        filters=filters,
        typed=q,
        again=f"/desk?{urlencode({'kind': filters.kind, 'state': filters.state, 'q': q, 'seen': mark})}",
        most=MOST,
    )


async def _named(services: Services, typed: str) -> str:
    """The case that was named in full, open or closed: it is opened at once."""
    reference = parse_reference(typed)
    if reference is None:
        return ""
    async with services.database.read() as session:
        return reference if await reads.case_row(session, reference) else ""


def _filters(state: str, kind: str, typed: str) -> tuple[Filters, dict[str, Said]]:
    """What is asked for, as far as it makes sense, and the states to choose from."""
    kind = kind if kind in set(Kind) else Kind.RECOVERY.value
    known = words.CLAIM_STATES if kind == Kind.CLAIM else words.RECOVERY_STATES
    states = {name.value: said for name, said in known.items() if name not in ENDS}
    reference = "".join(letter for letter in typed.upper() if letter.isalnum())[:10]
    return Filters(kind=kind, state=state if state in states else "", reference=reference), states


def _line(row: CaseRow, now: datetime) -> Line:
    case = reads.case_of(row)
    asked_at = case.help_asked_at if isinstance(case, Recovery) and row.waiting_on == Party.AGENT else None
    what = words.KINDS[row.kind] + (f" by {words.CHANNELS[row.channel]}" if row.channel in words.CHANNELS else "")
    return Line(row, words.state(row.kind, row.state), what, asked_at, _tone(row, now) if asked_at else "")


def _tone(row: CaseRow, now: datetime) -> str:
    if row.due_at is None or row.due_at - now >= SOON:
        return ""
    return "bad" if row.due_at < now else "soon"


def _mark(rows: Sequence[CaseRow], counts: Mapping[tuple[str, str], int], now: datetime) -> str:
    """A short name for everything that the list shows; another one each minute, for the times in it."""
    shown = [(row.reference, row.number) for row in rows], sorted(counts.items()), now.replace(second=0, microsecond=0)
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _views(counts: Mapping[tuple[str, str], int], filters: Filters) -> list[View]:
    recoveries = {state: count for (kind, state), count in counts.items() if kind == Kind.RECOVERY}
    shown = [("Everything open", "", sum(recoveries.values()))]
    shown += [(said.word, state, recoveries.get(state, 0)) for state, said in words.RECOVERY_STATES.items()]
    return [
        View(title, f"/desk?state={state}" if state else "/desk", count, _is_current(filters, Kind.RECOVERY, state))
        for title, state, count in shown
        if count or state in {"", State.AWAITING_HELP, filters.state}
    ]


def _kinds(counts: Mapping[tuple[str, str], int], filters: Filters) -> list[View]:
    claims = sum(count for (kind, _), count in counts.items() if kind == Kind.CLAIM)
    return [View("Claims", f"/desk?kind={Kind.CLAIM}", claims, _is_current(filters, Kind.CLAIM, ""))]


def _is_current(filters: Filters, kind: str, state: str) -> bool:
    return filters.kind == kind and filters.state == state and not filters.reference
