"""The audit log: what happened in all cases, whether its chains are whole, and a copy of it to take away."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from domain.case import grouped, parse_reference
from domain.decisions import Doubt, Outcome
from storage import agent_events, agents, audit, audit_log
from storage.agent_events import Deed
from storage.audit import Break, Checked, Wrong
from storage.audit_log import GROUPS, Logged, Place, Wanted
from storage.desk import Agent
from storage.models import AgentEventRow
from web import words
from web.desk import audit_export
from web.desk.lists import DEEDS, address
from web.desk.session import EXPORTERS, READERS_OF_THE_LOG, agent_with
from web.desk.timeline import BAD, reason_words
from web.forms import sent_by
from web.render import fresh_key, page
from web.services import services_of
from web.times import datetime_now

router = APIRouter()
log = structlog.get_logger(__name__)

SHOWN = timedelta(days=7)
"""What is shown if nobody says from when: a look at all of the past has to be wanted."""
CHECKED_AT_ONCE = 200
MOST_CHECKED = 2000
"""Cases that one click checks; the command line checks everything."""
CHECK_SECONDS = 4.0
MOST_BREAKS = 20


@dataclass(frozen=True)
class Line:
    """An event of the log in words. `href` leads to its case."""

    at: datetime
    number: int
    who: str
    what: str
    detail: str
    case: str
    seal: str
    is_loud: bool


@dataclass(frozen=True)
class Asked:
    """The filters as they were typed, and what they mean. `of_desk`: deeds of agents instead of events of cases."""

    of_desk: bool
    fields: Mapping[str, str]
    wanted: Wanted


@router.get("/desk/audit")
async def show_log(request: Request, before: str = "", checked: str = "") -> Response:
    agent = await agent_with(request, READERS_OF_THE_LOG)
    asked = _asked(request.query_params, _zone(request), datetime_now())
    async with services_of(request).database.read() as session:
        names = await agents.names(session)
        lines, further = await _lines(session, asked, Place.parse(before), names)
        result = await _result(session, agent, checked)
    return page(
        request,
        "desk/audit.html",
        agent=agent,
        asked=asked,
        lines=lines,
        names=names,
        further=address("/desk/audit", {**asked.fields, "before": further}) if further else "",
        newest=address("/desk/audit", asked.fields) if before else "",
        result=result,
        may_export=agent.role in EXPORTERS,
        tabs=[
            ("Cases", address("/desk/audit", {**asked.fields, "log": ""}), not asked.of_desk),
            ("Agents outside of cases", address("/desk/audit", {**asked.fields, "log": "desk"}), asked.of_desk),
        ],
    )


async def _lines(
    session: AsyncSession, asked: Asked, before: Place | None, names: Mapping[str, str]
) -> tuple[list[Line], str]:
    """A page of the log, and where the next one begins."""
    if asked.of_desk:
        rows = await audit_log.deeds(session, asked.wanted, before=before)
        last = Place(rows[-1].at, rows[-1].agent, rows[-1].number).text() if len(rows) == audit_log.PAGE else ""
        return [_deed_line(row, names) for row in rows], last
    found = await audit_log.events(session, asked.wanted, before=before)
    return [_line(one, names) for one in found], found[-1].place.text() if len(found) == audit_log.PAGE else ""


# ---- what is asked for ---------------------------------------------------------------------------------------------


def _asked(typed: Mapping[str, str], zone: ZoneInfo, now: datetime) -> Asked:
    """What of it makes sense. Days begin and end at the desk's midnight."""
    case, group = parse_reference(typed.get("case", "")[:20]) or "", typed.get("what", "")
    first, last = _day(typed.get("from", "")), _day(typed.get("to", ""))
    since = datetime(first.year, first.month, first.day, tzinfo=zone) if first else None
    until = datetime(last.year, last.month, last.day, tzinfo=zone) + timedelta(days=1) if last else None
    if since is None and not case:
        since = (until or now) - SHOWN
    wanted = Wanted(case, typed.get("who", "")[:100], group if group in GROUPS else "", since, until)
    fields = {
        "log": "desk" if typed.get("log") == "desk" else "",
        "case": grouped(case) if case else "",
        "who": wanted.agent,
        "what": wanted.group,
        "from": first.isoformat() if first else "",
        "to": last.isoformat() if last else "",
    }
    return Asked(typed.get("log") == "desk", fields, wanted)


def _day(typed: str) -> date | None:
    try:
        found = date.fromisoformat(typed[:10])
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None


def _zone(request: Request) -> ZoneInfo:
    return services_of(request).pages.calendar.zone


# ---- in words ------------------------------------------------------------------------------------------------------


def _line(one: Logged, names: Mapping[str, str]) -> Line:
    row = one.row
    agent = str(row.data.get("agent", "")) if row.actor == "agent" else ""
    who = names.get(agent, agent) or words.PARTIES[row.actor]
    what = words.capitalised(words.event(one.kind, row.kind))
    loud = row.kind in BAD or row.kind in GROUPS["decisions"] | GROUPS["revealed"] | GROUPS["objections"]
    return Line(row.at, row.number, who, what, _detail(row.data), row.case_ref, _short(row.hash), loud)


def _detail(data: Mapping[str, Any]) -> str:
    """What helps to understand it, out of enums and counts; a name that nobody knows is shown as it is."""
    said = []
    if (outcome := data.get("outcome")) in set(Outcome):
        said.append(words.OUTCOMES[Outcome(outcome)])
    if reason := data.get("reason"):
        said.append(reason_words(str(reason)))
    if (doubt := data.get("doubt")) in set(Doubt):
        said.append(words.DOUBTS[Doubt(doubt)])
    said += [str(data[name]).replace("_", " ")[:60] for name in ("what", "step", "result", "promise") if data.get(name)]
    return ", ".join(said)


def _deed_line(row: AgentEventRow, names: Mapping[str, str]) -> Line:
    what = words.capitalised(DEEDS.get(row.kind, row.kind))
    loud = row.kind in {Deed.EXPORTED, Deed.REMOVED_FACTOR}
    case = str(row.data.get("case", ""))
    said = ", ".join(f"{name} {value}" for name, value in row.data.items() if isinstance(value, str | int) and value)
    who = names.get(row.agent, row.agent)
    return Line(row.at, row.number, who, what, said[:200], parse_reference(case) or "", _short(row.hash), loud)


def _short(seal: str) -> str:
    text = seal.partition(":")[2]
    return f"{text[:4]}…{text[-4:]}"


# ---- checking ------------------------------------------------------------------------------------------------------


@router.post("/desk/audit/check")
async def check(request: Request) -> Response:
    """Check the chains of what the filters name, and write down what was found."""
    agent, sent, services = await agent_with(request, READERS_OF_THE_LOG), await sent_by(request), services_of(request)
    asked = _asked(sent.fields, _zone(request), datetime_now())
    found = await _checked(request, asked)
    data = {
        "chains": found.chains,
        "events": found.events,
        "stopped": bool(found.last),
        "broken": len(found.breaks),
        "breaks": [[one.chain, one.number, one.wrong] for one in found.breaks[:MOST_BREAKS]],
    }
    async with services.database.write() as session:
        key = sent.key or fresh_key()
        noted = await agent_events.note(session, services.rings, agent.name, Deed.CHECKED, data, key=key)
    if found.breaks:
        log.error("chain broken", chains=sorted({one.chain for one in found.breaks})[:MOST_BREAKS])
    there = address("/desk/audit", {**asked.fields, "checked": str(noted.number)})
    return RedirectResponse(f"{there}#chain", status_code=303)


async def _checked(request: Request, asked: Asked) -> Checked:
    """As many cases as there is time for; deeds of agents always, they are few."""
    services, wanted = services_of(request), asked.wanted
    async with services.database.read() as session:
        if asked.of_desk:
            return await audit.check_agents(session, services.rings.audit)
        if wanted.case:
            return await audit.check_case(session, services.rings.audit, wanted.case)
        names = await audit.references(
            session, since=wanted.since, until=wanted.until, after="", limit=MOST_CHECKED + 1
        )
    total, until = Checked(0, 0, ()), time.monotonic() + CHECK_SECONDS
    for first in range(0, min(len(names), MOST_CHECKED), CHECKED_AT_ONCE):
        some = names[first : min(first + CHECKED_AT_ONCE, MOST_CHECKED)]
        async with services.database.read() as session:
            part = await audit.check_cases(session, services.rings.audit, some)
        total = Checked(total.chains + part.chains, total.events + part.events, total.breaks + part.breaks, some[-1])
        if time.monotonic() > until:
            break
    return total if total.chains < len(names) else replace(total, last="")


@dataclass(frozen=True)
class Result:
    """What a check of this agent found, as it was written down."""

    at: datetime
    chains: int
    events: int
    stopped: bool
    broken: int
    breaks: list[Break]


async def _result(session: AsyncSession, agent: Agent, typed: str) -> Result | None:
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 10):
        return None
    row = await audit_log.deed(session, agent.name, int(typed))
    if row is None or row.kind != Deed.CHECKED:
        return None
    breaks = [Break(chain, number, Wrong(wrong)) for chain, number, wrong in row.data["breaks"]]
    return Result(row.at, row.data["chains"], row.data["events"], row.data["stopped"], row.data["broken"], breaks)


# ---- taking it away ------------------------------------------------------------------------------------------------


@router.post("/desk/audit/export")
async def export(request: Request) -> Response:
    """Everything that the filters name, as a file. Who took it is written down before the first line leaves."""
    agent, sent, services = await agent_with(request, EXPORTERS), await sent_by(request), services_of(request)
    asked = _asked(sent.fields, _zone(request), datetime_now())
    form = "csv" if sent.get("format") == "csv" else "jsonl"
    said = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in _said(asked.wanted)}
    async with services.database.write() as session:
        data = {"format": form, **said}
        await agent_events.note(session, services.rings, agent.name, Deed.EXPORTED, data, key=sent.key or fresh_key())
    log.info("log exported", agent=agent.name, form=form)
    name = f"audit-{datetime_now():%Y-%m-%dT%H%M%S}.{form}"
    write = audit_export.csv_lines if form == "csv" else audit_export.json_lines
    return StreamingResponse(
        write(audit_log.everything(services.database, asked.wanted)),
        media_type="text/csv; charset=utf-8; header=present" if form == "csv" else "application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _said(wanted: Wanted) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in asdict(wanted).items() if value]
