"""What was sent, and what became of it: by channel, by state, by kind of message; what fails stands on top."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from domain.case import Channel, grouped, parse_reference
from storage import deliveries
from storage.deliveries import PAGE, Wanted
from storage.models import NoticeRow
from web import words
from web.desk.lists import address
from web.desk.session import agent_of
from web.render import page
from web.services import services_of
from web.times import datetime_now
from web.words import Said, Tone

router = APIRouter()

MOMENT = "%Y%m%dT%H%M%S.%f"
ENOUGH = 0.95
"""Handed over at once, of all: below this share a channel is marked."""


@dataclass(frozen=True)
class Tile:
    """How a channel does: a share in words, and what is behind it."""

    title: str
    figure: str
    more: str
    tone: Tone


@dataclass(frozen=True)
class Line:
    """A message. `known` is what we know besides its state."""

    row: NoticeRow
    what: str
    said: Said
    known: str


@router.get("/desk/deliveries")
async def show_deliveries(
    request: Request, case: str = "", channel: str = "", state: str = "", template: str = "", before: str = ""
) -> Response:
    agent, now = await agent_of(request), datetime_now()
    wanted = _wanted(case, channel, state, template)
    async with services_of(request).database.read() as session:
        rows = await deliveries.notices(session, wanted, before=_parse(before))
        channels, troubles = await _lately(request, session, now)
    fields = {
        "case": grouped(wanted.case) if wanted.case else "",
        "channel": wanted.channel,
        "state": wanted.state,
        "template": wanted.template,
    }
    further = address("/desk/deliveries", fields | {"before": _text(rows[-1])}) if len(rows) == PAGE else ""
    return page(
        request,
        "desk/deliveries.html",
        agent=agent,
        now=now,
        fields=fields,
        lines=[_line(row) for row in rows],
        tiles=[_tile(one) for one in channels],
        troubles=troubles,
        further=further,
        newest=address("/desk/deliveries", fields) if before else "",
    )


async def _lately(
    request: Request, session: AsyncSession, now: datetime
) -> tuple[list[deliveries.Channel], list[deliveries.Trouble]]:
    """The figures of the last day; one look a minute is enough for all who ask."""
    kept = services_of(request).estimates
    found: tuple[list[deliveries.Channel], list[deliveries.Trouble]] | None = kept.get("deliveries")
    if found is None:
        found = await deliveries.channels(session, now), await deliveries.troubles(session, now)
        kept.put(found, "deliveries")
    return found


def _wanted(case: str, channel: str, state: str, template: str) -> Wanted:
    return Wanted(
        parse_reference(case[:20]) or "",
        channel if channel in set(Channel) else "",
        state if state in words.NOTICE_STATES else "",
        template if template in words.NOTICES else "",
    )


def _tile(one: deliveries.Channel) -> Tile:
    share = one.at_once / one.made if one.made else 0.0
    parts = [f"{one.handed_over:,} of {one.made:,} handed over"]
    if one.later:
        parts.append(f"{one.later:,} after more than a minute")
    if one.waiting:
        parts.append(f"{one.waiting:,} waiting")
    if one.failed:
        parts.append(f"{one.failed:,} not sent or came back")
    tone: Tone = "good" if share >= ENOUGH and not one.failed else "bad" if share < ENOUGH else "soon"
    return Tile(words.capitalised(words.CHANNELS[one.name]), f"{share * 100:.1f} %", "; ".join(parts), tone)


def _line(row: NoticeRow) -> Line:
    known = row.error
    if row.handed_over_at:
        seconds = (row.handed_over_at - row.made_at).total_seconds()
        known = f"taken after {seconds:.1f} s" if seconds < 60 else f"taken after {seconds / 60:.0f} min"
    return Line(row, words.NOTICES.get(row.template, row.template), words.NOTICE_STATES[row.state], known)


def _text(row: NoticeRow) -> str:
    return f"{row.made_at.astimezone(UTC).strftime(MOMENT)}~{row.name}"


def _parse(typed: str) -> tuple[datetime, str] | None:
    moment, _, name = typed.partition("~")
    try:
        return datetime.strptime(moment, MOMENT).replace(tzinfo=UTC), name[:200]
    except ValueError:
        return None
