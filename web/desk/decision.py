"""An agent's decision: a row with the database's time first, then the signal, which waits until a worker is there."""

from contextlib import suppress

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from domain import recovery
from domain.case import grouped
from domain.decisions import DECIDERS, Decision, Doubt, Outcome, Reason, Verdict
from domain.recovery import Recovery
from storage import intake, reads
from storage.desk import Agent
from storage.models import CaseRow
from web.desk.case import desk_case_page, desk_row
from web.desk.session import agent_of
from web.errors import REFUSED
from web.forms import Sent, sent_by
from web.render import fresh_key, is_htmx
from web.services import Services, services_of
from web.times import datetime_now
from web.words import DOUBTS

router = APIRouter()
log = structlog.get_logger(__name__)


@router.post("/desk/cases/{reference}/decision")
async def decide(request: Request, reference: str) -> Response:
    agent, row, sent = await agent_of(request), await desk_row(request, reference), await sent_by(request)
    if sent.get("outcome") not in set(Outcome) or sent.get("reason") not in set(Reason):
        problems = {"reason": "Choose a reason"} if sent.get("reason") not in set(Reason) else {"": "Choose an outcome"}
        return await desk_case_page(request, agent, row, status=422, problems=problems, sent=sent.kept)
    doubt = _doubt(agent, row, sent)
    if doubt:
        status = 403 if doubt in {Doubt.ROLE, Doubt.OWN_ACCOUNT} else 409
        problems = {"": f"The decision was not taken: {DOUBTS[doubt]}"}
        return await desk_case_page(request, agent, row, status=status, problems=problems, sent=sent.kept)
    await _send(services_of(request), await _receive(request, agent, row, sent))
    if is_htmx(request):
        return await desk_case_page(request, agent, await desk_row(request, reference), sent_now=True)
    return RedirectResponse(f"/desk/cases/{grouped(row.reference)}", status_code=303)


def _doubt(agent: Agent, row: CaseRow, sent: Sent) -> Doubt | None:
    """The same pure rule that the workflow applies, so that a refusal is said at once."""
    if agent.role not in DECIDERS:
        return Doubt.ROLE
    if row.account_ref and row.account_ref in agent.own_accounts:
        return Doubt.OWN_ACCOUNT
    case, now, version = reads.case_of(row), datetime_now(), sent.get("version")
    if not isinstance(case, Recovery):
        return Doubt.NOT_NOW
    number = int(version[:9]) if version[:9].isdecimal() else -1
    decision = Decision(row.reference, number, "", sent.get("outcome"), sent.get("reason"), agent.name, now, "")
    judged = recovery.judge(case, decision, Verdict(now), now)
    return judged.doubt if isinstance(judged, recovery.DecisionRefused) else None


async def _receive(request: Request, agent: Agent, row: CaseRow, sent: Sent) -> Decision:
    services = services_of(request)
    async with services.database.write() as session:
        return await intake.receive_decision(
            session,
            services.rings,
            reference=row.reference,
            version=int(sent.get("version")),
            outcome=sent.get("outcome"),
            reason=sent.get("reason"),
            agent=agent.name,
            key=sent.key or fresh_key(),
        )


async def _send(services: Services, decision: Decision) -> None:
    """If Temporal is away the row is there, and the reconciler sends the signal; it counts by the row's time."""
    with suppress(*REFUSED):
        await services.gateway.decide(decision)
        async with services.database.write() as session:
            await intake.mark_delivered(session, decision.id)
