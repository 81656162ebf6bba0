"""The figures of the desk: charts with the tables behind them, counted at most once a minute."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain import recovery
from storage import deliveries, desk_figures
from storage.deliveries import Channel
from storage.desk_figures import Age, Claims, Day, Funnel, Now
from web import words
from web.desk import charts
from web.desk.charts import Bars, Lines
from web.desk.session import agent_of
from web.render import page
from web.services import Services, services_of
from web.times import datetime_now
from web.words import Tone

router = APIRouter()
T = TypeVar("T")

SPANS = (14, 30, 90)
"""Days that can be looked at."""
AIM = 0.95
"""Of promises; a bar below it is drawn in another colour, and says so."""


@dataclass(frozen=True)
class Figures:
    """Everything on the page, as it was counted at one moment."""

    at: datetime
    now: Now
    days: list[Day]
    ages: list[Age]
    claims: Claims
    funnel: Funnel
    channels: list[Channel]


@dataclass(frozen=True)
class Tile:
    title: str
    figure: str
    more: str
    tone: Tone = ""


@router.get("/desk/dashboard")
async def show_dashboard(request: Request, span: str = "") -> Response:
    agent, services = await agent_of(request), services_of(request)
    length = int(span) if span in {str(one) for one in SPANS} else SPANS[0]
    found = await _counted(services, length)
    return page(
        request,
        "desk/dashboard.html",
        agent=agent,
        found=found,
        length=length,
        spans=SPANS,
        tiles=_tiles(found),
        flow=_flow(found.days, services.pages.calendar.zone),
        day_names=[_day(one.begins, services.pages.calendar.zone) for one in found.days],
        by_age=_by_age(found.ages),
        promises=_promises(found.claims),
        steps=_steps(found.funnel),
        ends=_ends(found.funnel),
        channels=_channels(found.channels),
        percent=percent,
    )


async def _counted(services: Services, length: int) -> Figures:
    kept: Figures | None = services.estimates.get("dashboard", str(length))
    if kept is not None:
        return kept
    now = datetime_now()
    begins = _midnights(now, length, services.pages.calendar.zone)
    found = Figures(
        now,
        await _read(services, desk_figures.now_open, now),
        await _read(services, desk_figures.days, begins, now),
        await _read(services, desk_figures.ages, now),
        await _read(services, desk_figures.claims, begins[0]),
        await _read(services, desk_figures.funnel, now - timedelta(days=7)),
        await _read(services, deliveries.channels, now),
    )
    services.estimates.put(found, "dashboard", str(length))
    return found


async def _read(services: Services, count: Callable[..., Awaitable[T]], *about: Any) -> T:
    """A session for each: what one takes of the database's patience is no loss of the next."""
    async with services.database.read() as session:
        return await count(session, *about)


def _midnights(now: datetime, length: int, zone: ZoneInfo) -> list[datetime]:
    """When the last so many days began at the desk, today's last; a day of 23 or 25 hours is one day."""
    today = now.astimezone(zone).date()
    dates = [today - timedelta(days=back) for back in range(length - 1, -1, -1)]
    return [datetime(one.year, one.month, one.day, tzinfo=zone) for one in dates]


def percent(part: float, whole: float) -> str:
    """`97.2 %`; nothing to divide by is a dash."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _day(begins: datetime, zone: ZoneInfo) -> str:
    there = begins.astimezone(zone)
    return f"{there.day} {there:%b}"


def _tiles(found: Figures) -> list[Tile]:
    now, claims = found.now, found.claims
    ended = sum(found.funnel.ends.values())
    half = _length(claims.half) if claims.half else "–"
    most = f"9 of 10 within {_length(claims.most)}" if claims.most else "fewer than 20 were decided"
    return [
        Tile("Open now", f"{now.open:,}", f"{now.at_desk:,} wait for the desk"),
        Tile("Overdue", f"{now.overdue:,}", "at the desk, past what was promised", "bad" if now.overdue else "good"),
        Tile("Half of claims decided within", half, most),
        Tile("Got back without a person", percent(found.funnel.recovered, ended), f"of {ended:,} that ended in 7 days"),
        Tile("Approvals stopped by an owner", f"{claims.stopped:,}", f"of {claims.approved:,} approved"),
    ]


def _length(length: timedelta) -> str:
    hours = length / timedelta(hours=1)
    return f"{hours:.0f} h" if hours >= 2 else f"{length / timedelta(minutes=1):.0f} min"


def _flow(days: Sequence[Day], zone: ZoneInfo) -> Lines:
    labels = [_day(one.begins, zone) for one in days]
    busiest = max(days, key=lambda one: one.opened)
    says = (
        f"Line chart: cases opened and closed a day, {labels[0]} to {labels[-1]}. Most were opened on "
        f"{_day(busiest.begins, zone)}: {busiest.opened:,} opened, {busiest.closed:,} closed."
    )
    return charts.lines(labels, [one.opened for one in days], [one.closed for one in days], says)


def _by_age(ages: Sequence[Age]) -> Bars:
    ours, elsewhere = sum(one.with_us for one in ages), sum(one.elsewhere for one in ages)
    rows = [
        (one.name, (("a", one.with_us), ("b", one.elsewhere)), f"{one.with_us + one.elsewhere:,}", "") for one in ages
    ]
    says = f"Bar chart: open cases by age. {ours:,} wait for the desk, {elsewhere:,} for somebody else."
    return charts.bars(rows, says)


def _promises(claims: Claims) -> Bars:
    rows = []
    for one in claims.promises:
        share, over = one.share, one.kept + one.missed
        pieces = () if share is None else (("a" if share >= AIM else "c", share), ("e", 1 - share))
        rows.append((one.name, pieces, percent(one.kept, over), f"{one.kept:,} of {over:,}"))
    said = ", ".join(f"{one.name}: {percent(one.kept, one.kept + one.missed)}" for one in claims.promises)
    return charts.bars(rows, f"Bar chart: share of promises kept. {said}.", most=1.0)


def _steps(funnel: Funnel) -> Bars:
    names = ("Started", "Message sent", "Code right", "Password set")
    counts = (funnel.started, funnel.sent, funnel.proved, funnel.recovered)
    before = (0, *counts[:-1])
    rows = [
        (name, (("a", float(count)),), f"{count:,}", percent(count, last) if last else "")
        for name, count, last in zip(names, counts, before, strict=True)
    ]
    said = ", ".join(f"{name.lower()} {count:,}" for name, count in zip(names, counts, strict=True))
    return charts.bars(rows, f"Funnel of recoveries in the last 7 days: {said}.")


def _ends(funnel: Funnel) -> list[tuple[str, int]]:
    found = [(words.RECOVERY_STATES[state].word, funnel.ends.get(state, 0)) for state in recovery.State]
    return [(word, count) for word, count in found if count]


def _channels(channels: Sequence[Channel]) -> Bars:
    rows = []
    for one in channels:
        rest = one.made - one.at_once - one.later
        pieces = [(look, amount / one.made) for look, amount in (("a", one.at_once), ("d", one.later), ("c", rest))]
        name = words.capitalised(words.CHANNELS[one.name])
        rows.append((name, pieces, percent(one.at_once, one.made), f"of {one.made:,}"))
    said = ", ".join(f"{words.CHANNELS[one.name]} {percent(one.at_once, one.made)}" for one in channels)
    says = f"Stacked bars: messages of the last 24 hours that were handed over within a minute. {said or 'None'}."
    return charts.bars(rows, says, most=1.0)
