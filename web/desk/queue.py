"""The list of open cases of all kinds, what is due first on top, and the views beside it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from domain import claim, recovery
from domain.case import Kind, Party
from domain.claim import Reason
from domain.decisions import DECIDERS
from storage import agents, presence, queue
from storage.estimates import Kept
from storage.presence import Present
from storage.queue import SOON, Entry, Filters, Page, Position, View
from web import words
from web.desk.lists import SHORT_REASONS, VIEWS, Link, address
from web.desk.session import agent_of
from web.render import page
from web.services import services_of
from web.times import datetime_now, relative
from web.words import Said, Tone

router = APIRouter()

NOT_WITH_US = (
    claim.State.AWAITING_ANSWER,
    claim.State.AWAITING_EVIDENCE,
    claim.State.COOLING_OFF,
    claim.State.HANDING_BACK,
    claim.State.PROBATION,
)
KEPT_SECONDS = 5
"""How long the counts beside the list are kept: as long as a page waits until it asks again."""


def _of_state(state: claim.State) -> Filters:
    return Filters(View.ALL, Kind.CLAIM, state)


KINDS = (
    ("Compromised", Filters(View.ALL, Kind.CLAIM, reason=Reason.COMPROMISED)),
    ("Claims", Filters(View.ALL, Kind.CLAIM)),
    ("Recoveries", Filters(View.ALL, Kind.RECOVERY)),
)
EVERYBODYS = (
    *(Filters(view) for view in View if view is not View.MINE),
    *(filters for _, filters in KINDS),
    *(_of_state(state) for state in NOT_WITH_US),
)


@dataclass(frozen=True)
class Due:
    """When a case should be dealt with, in words. `icon` and `tone` say the same once more, never alone."""

    text: str
    tone: Tone = ""
    icon: str = ""
    is_late: bool = False


@dataclass(frozen=True)
class Line:
    """A row of the list. `holder` is who has taken it and `eyes` who else looks at it, as people call them."""

    entry: Entry
    said: Said
    what: str
    more: str
    due: Due
    holder: str
    is_mine: bool
    eyes: tuple[Present, ...]


@dataclass(frozen=True)
class Group:
    title: str
    links: list[Link]


@dataclass(frozen=True)
class Shown:
    """Everything that the list shows, read in one session."""

    page: Page
    counts: Mapping[Filters, int]
    names: Mapping[str, str]
    present: Mapping[str, tuple[Present, ...]]


@router.get("/desk")
async def show_queue(
    request: Request,
    view: str = "",
    kind: str = "",
    state: str = "",
    reason: str = "",
    after: str = "",
    before: str = "",
    seen: str = "",
    released: str = "",
) -> Response:
    """The list. `seen` is what htmx asks to stay up to date, and names what its page shows: 204 while it is true."""
    agent, now = await agent_of(request, at_work=not seen), datetime_now()
    filters, place = filters_of(view, kind, state, reason), {"after": after, "before": before}
    shown = await _read(request, filters, agent.name, now, place)
    mark = _mark(shown, now)
    if seen and seen == mark:
        return Response(status_code=204)
    return page(
        request,
        "desk/queue.html",
        may_focus=not seen,
        agent=agent,
        now=now,
        heading=heading_of(filters),
        filters=filters,
        count=shown.counts[filters],
        lines=[line_of(entry, agent.name, shown.names, shown.present, now) for entry in shown.page.entries],
        groups=_groups(shown.counts, filters),
        states=_states(filters.kind),
        earlier=_beside(filters, "before", shown.page.earlier),
        later=_beside(filters, "after", shown.page.later),
        again=address("/desk", _fields(filters) | place | {"seen": mark}),
        may_take=agent.role in DECIDERS,
        released=int(released) if released.isdecimal() and len(released) < 4 else 0,
        overdue=shown.counts[Filters(View.LATE)],
        soon=shown.counts[Filters(View.SOON)],
    )


async def _read(request: Request, filters: Filters, agent: str, now: datetime, place: Mapping[str, str]) -> Shown:
    after, before = Position.parse(place["after"]), Position.parse(place["before"])
    async with services_of(request).database.read() as session:
        found = await queue.page_of(session, filters, agent, now, after=after, before=before)
        counts = await _counts(services_of(request).estimates, session, filters, agent, now)
        names = await agents.names(session)
        present = await presence.present(session, [entry.reference for entry in found.entries])
    return Shown(found, counts, names, present)


async def _counts(kept: Kept, session: AsyncSession, filters: Filters, agent: str, now: datetime) -> dict[Filters, int]:
    """What stands beside the list is a few seconds old at most, and the same for everybody; the list's own is not."""
    about = ("queue", str(int(now.timestamp()) // KEPT_SECONDS))
    known: Mapping[Filters, int] | None = kept.get(*about)
    if known is None:
        known = await queue.counts(session, EVERYBODYS, "", now)
        kept.put(known, *about)
    return {**known, **await queue.counts(session, dict.fromkeys([Filters(View.MINE), filters]), agent, now)}


def filters_of(view: str, kind: str, state: str, reason: str) -> Filters:
    """What is asked for, as far as it makes sense. A state says its kind, and shows all of that state."""
    kind = kind if kind in set(Kind) else ""
    kinds = [one for one in Kind if state in set(_states_of(one)) and kind in {"", one}]
    state = state if kinds else ""
    kind = kinds[0] if len(kinds) == 1 else kind
    reason = reason if reason in set(Reason) and kind != Kind.RECOVERY else ""
    known = View(view) if view in set(View) else View.DESK
    if known is View.DESK and state and not view:
        known = View.ALL
    return Filters(known, Kind.CLAIM if reason else kind, state, reason)


def heading_of(filters: Filters) -> str:
    """What the list shows, in a few words."""
    if filters.state:
        return _word(filters.kind, filters.state)
    if filters.reason:
        return SHORT_REASONS[filters.reason]
    if filters.kind and filters.view is View.ALL:
        return "Open claims" if filters.kind == Kind.CLAIM else "Open recoveries"
    return VIEWS[filters.view]


def _named(one: Present, names: Mapping[str, str]) -> Present:
    return replace(one, agent=names.get(one.agent, one.agent))


def line_of(
    entry: Entry,
    agent: str,
    names: Mapping[str, str],
    present: Mapping[str, tuple[Present, ...]],
    now: datetime,
) -> Line:
    holder = entry.holder(now)
    return Line(
        entry,
        words.state(entry.kind, entry.state),
        what_of(entry),
        _more(entry, now),
        _due(entry, now),
        names.get(holder, holder),
        holder == agent,
        tuple(_named(one, names) for one in present.get(entry.reference, ()) if one.agent not in {agent, holder}),
    )


def what_of(entry: Entry) -> str:
    """The kind of case and what brought it here; nothing personal."""
    if entry.kind == Kind.CLAIM:
        return SHORT_REASONS.get(entry.reason, words.KINDS[entry.kind])
    by = f" by {words.CHANNELS[entry.channel]}" if entry.channel in words.CHANNELS else ""
    return f"{words.KINDS[entry.kind]}{by}"


def _more(entry: Entry, now: datetime) -> str:
    if entry.priority > 0:
        return "with a lead"
    if entry.help_asked_at and entry.waiting_on == Party.AGENT:
        return f"asked for help {relative(entry.help_asked_at, now)}"
    return ""


def _due(entry: Entry, now: datetime) -> Due:
    if entry.closed_at:
        return Due("closed")
    if entry.due_at is None:
        return Due("no clock")
    if entry.waiting_on != Party.AGENT:
        return Due(relative(entry.due_at, now))
    if entry.due_at <= now:
        return Due(f"overdue {relative(entry.due_at, now).removesuffix(' ago')}", "bad", "late", is_late=True)
    words_left = f"due {relative(entry.due_at, now)}"
    return Due(words_left, "soon", "clock") if entry.due_at - now < SOON else Due(words_left)


def _mark(shown: Shown, now: datetime) -> str:
    """A short name for everything that the list shows; another one each minute, for the times in it."""
    rows = [(one.reference, one.number, one.holder(now)) for one in shown.page.entries]
    parts = rows, sorted(shown.present.items()), list(shown.counts.values()), now.replace(second=0, microsecond=0)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


# ---- the views beside the list -------------------------------------------------------------------------------------


def _groups(counts: Mapping[Filters, int], current: Filters) -> list[Group]:
    def link(title: str, filters: Filters) -> Link:
        return Link(title, address("/desk", _fields(filters)), filters == current, counts[filters])

    states = [(words.CLAIM_STATES[state].word, _of_state(state)) for state in NOT_WITH_US]
    return [
        Group("Work", [link(VIEWS[view], Filters(view)) for view in View]),
        Group("By kind", [link(title, filters) for title, filters in KINDS]),
        Group("Not with us", [link(title, filters) for title, filters in states]),
    ]


def _fields(filters: Filters) -> dict[str, str]:
    """The fields of an address; the default view needs none."""
    view = "" if filters.view is View.DESK else filters.view.value
    return {"view": view, "kind": filters.kind, "state": filters.state, "reason": filters.reason}


def _beside(filters: Filters, name: str, position: Position | None) -> str:
    return address("/desk", _fields(filters) | {name: position.text()}) if position else ""


def _states_of(kind: str) -> list[str]:
    table: Mapping[Any, Said] = words.CLAIM_STATES if kind == Kind.CLAIM else words.RECOVERY_STATES
    ends: frozenset[Any] = claim.ENDS if kind == Kind.CLAIM else recovery.ENDS
    return [state.value for state in table if state not in ends]


def _states(kind: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """States to choose from, by kind of case."""
    kinds = [kind] if kind else [Kind.CLAIM, Kind.RECOVERY]
    return [(words.KINDS[one], [(state, words.state(one, state).word) for state in _states_of(one)]) for one in kinds]


def _word(kind: str, state: str) -> str:
    return words.state(kind or Kind.CLAIM, state).word
