"""Take the next case: the first one that nobody has and that this agent may decide, with a lease, and open it."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from domain.case import Kind, grouped
from domain.claim import Claim
from domain.claim_decisions import doubt_about, outcomes_now, plans
from domain.claim_events import Take
from domain.decisions import DECIDERS, Decision, Doubt, Item, Outcome, reasons
from domain.errors import NotAllowedNow
from storage import agent_events, intake, presence, queue, reads
from storage.agent_events import Deed
from storage.agents import Role
from storage.desk import Agent
from storage.models import CaseRow
from storage.queue import Filters, View
from web.desk.session import agent_with
from web.errors import unavailable
from web.forms import sent_by
from web.gateway import CaseIsBusy, CaseIsClosed, StillWorking, Unavailable
from web.render import fresh_key
from web.services import services_of
from web.times import datetime_now

router = APIRouter()

CANDIDATES = 25
"""How many cases are looked at; with fifty agents pressing at once the last of them presses again."""
TAKERS = frozenset(Role(name) for name in DECIDERS)
FREEZING = frozenset({Outcome.KEEP_FREEZE, Outcome.LIFT_FREEZE})


@router.post("/desk/next")
async def take_next(request: Request) -> Response:
    """Two agents at once get two cases: the workflow of a case says who has it. The same form again opens the same."""
    agent, sent = await agent_with(request, TAKERS), await sent_by(request)
    key = sent.key or fresh_key()
    try:
        taken = await _taken_before(request, agent, key) or await _take(request, agent, key)
    except (StillWorking, Unavailable):
        return unavailable(request, action="/desk/next", fields={"key": key})
    taken = taken or await _first_to_help(request, agent)
    return RedirectResponse(f"/desk/cases/{grouped(taken)}" if taken else "/desk?view=free", status_code=303)


async def _taken_before(request: Request, agent: Agent, key: str) -> str:
    services = services_of(request)
    async with services.database.read() as session:
        before = await agent_events.done_before(session, services.rings, agent.name, Deed.TOOK_NEXT, key)
    return str(before.data["case"]) if before else ""


async def _take(request: Request, agent: Agent, key: str) -> str:
    """The case that is now this agent's; empty if there is none to take."""
    services, now = services_of(request), datetime_now()
    async with services.database.read() as session:
        rows = await queue.free_cases(session, now, CANDIDATES)
    for row in rows:
        if not may_work_on(row, agent, now):
            continue
        token = intake.update_id(services.rings, row.reference, "next", key, agent.name)
        try:
            await services.gateway.tell(row.reference, Take(agent.name), update_id=token, kind=row.kind)
        except (NotAllowedNow, CaseIsBusy, CaseIsClosed):
            continue  # somebody else was quicker
        async with services.database.write() as session:
            data = {"case": row.reference}
            await agent_events.note(session, services.rings, agent.name, Deed.TOOK_NEXT, data, key=key)
        return row.reference
    return ""


async def _first_to_help(request: Request, agent: Agent) -> str:
    """Recoveries are too quick to be taken: the first one that waits for the desk and that nobody else looks at."""
    services, now = services_of(request), datetime_now()
    async with services.database.read() as session:
        found = await queue.page_of(session, Filters(View.DESK, Kind.RECOVERY), agent.name, now, size=CANDIDATES)
        present = await presence.present(session, [entry.reference for entry in found.entries])
        for entry in found.entries:
            row = await reads.case_row(session, entry.reference)
            others = [one for one in present.get(entry.reference, ()) if one.agent != agent.name]
            if row and not others and not reads.is_about(row, agent.own_accounts):
                return row.reference
    return ""


def may_work_on(row: CaseRow, agent: Agent, now: datetime) -> bool:
    """Whether anything that this agent could decide about the case would be heard."""
    case = reads.case_of(row)
    if not isinstance(case, Claim) or reads.is_about(row, agent.own_accounts):
        return False
    return any(
        doubt_about(case, _sketched(case, outcome, agent, now), agent.role) in {None, Doubt.NO_PLAN}
        for outcome in outcomes_now(case) - FREEZING
    )


def _sketched(case: Claim, outcome: Outcome, agent: Agent, now: datetime) -> Decision:
    """A decision as it would be made, complete but for its words."""
    reason = reasons(Kind.CLAIM, outcome)[0]
    plan = next(iter(plans(case)), "") if outcome is Outcome.APPROVE else ""
    items = (Item.EXPLANATION.value,) if outcome is Outcome.ASK else ()
    return Decision(
        case.reference, case.version, "", outcome, reason, agent.name, now, proof="", items=items, plan=plan
    )
