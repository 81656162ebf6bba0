"""An agent's decision: a row with the database's time first, then the signal, which waits until a worker is there."""

from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain import recovery
from domain.case import grouped
from domain.decisions import DECIDERS, Decision, Doubt, Verdict
from domain.errors import TooMany
from domain.recovery import Recovery
from storage import desk, intake, reads
from storage.desk import SignedIn
from storage.models import CaseRow
from web.desk.case import desk_case_page, desk_row, log_of
from web.desk.session import password_fits, signed_in, token_of
from web.errors import REFUSED
from web.forms import Sent, sent_by
from web.gateway import CaseIsClosed
from web.render import fresh_key
from web.services import services_of
from web.times import datetime_now
from web.words import DOUBTS

router = APIRouter()
log = structlog.get_logger(__name__)

STATUS = {Doubt.ROLE: 403, Doubt.OWN_ACCOUNT: 403, Doubt.UNKNOWN_OUTCOME: 422}
CLOSED = "The case was closed in this moment, so your decision changed nothing"


@dataclass(frozen=True)
class Attempt:
    """A decision as an agent sent it, not yet judged."""

    request: Request
    signed: SignedIn
    row: CaseRow
    sent: Sent
    key: str

    @property
    def version(self) -> int:
        """The state that the agent saw, as the decision names it."""
        return self._number("version")

    @property
    def last_seen(self) -> int:
        """The last event that was on the agent's page."""
        return self._number("number")

    def _number(self, name: str) -> int:
        typed = self.sent.get(name)
        return int(typed) if typed.isdecimal() and len(typed) < 10 else -1

    async def refused(self, status: int, problems: dict[str, str], **more: Any) -> HTMLResponse:
        """The case as it is now, with what was sent and why it was not taken."""
        row = await desk_row(self.request, self.row.reference)
        shown = await log_of(services_of(self.request), row)
        kept = self.sent.kept
        # The summary of what is wrong gets the focus, so the title must not.
        more |= {"status": status, "problems": problems, "sent": kept, "may_focus": False}
        return desk_case_page(self.request, self.signed, row, shown, **more)


@router.post("/desk/cases/{reference}/decision")
async def decide(request: Request, reference: str) -> Response:
    """Judged by the same rule as in the case, before anything is written; then written, then sent."""
    signed, row, sent = await signed_in(request), await desk_row(request, reference), await sent_by(request)
    attempt = Attempt(request, signed, row, sent, sent.key or fresh_key())
    if not await _came_in_before(attempt):
        problem = await _doubted(attempt) or await _unproved(attempt)
        if problem is not None:
            return problem
    return await _send(attempt) or RedirectResponse(f"/desk/cases/{grouped(row.reference)}", status_code=303)


async def _came_in_before(attempt: Attempt) -> bool:
    """The same form again: it is sent again and never judged twice."""
    services, agent = services_of(attempt.request), attempt.signed.agent.name
    name = intake.decision_id(services.rings, reference=attempt.row.reference, agent=agent, key=attempt.key)
    async with services.database.read() as session:
        return await reads.received(session, name) is not None


async def _doubted(attempt: Attempt) -> Response | None:
    """A refusal that the case would give as well, said at once; with what has happened since the page was made."""
    doubt = _doubt(attempt)
    if doubt is None:
        return None
    if doubt is Doubt.UNKNOWN_REASON:
        return await attempt.refused(422, {"reason": "Choose a reason"})
    shown = await log_of(services_of(attempt.request), attempt.row)
    entries = zip(shown.entries, shown.lines, strict=True)
    changed = [line for entry, line in entries if entry.number > attempt.last_seen >= 0]
    problems = {"": f"Your decision was not taken: {DOUBTS[doubt]}"}
    return await attempt.refused(STATUS.get(doubt, 409), problems, changed=changed)


def _doubt(attempt: Attempt) -> Doubt | None:
    agent, row, sent, now = attempt.signed.agent, attempt.row, attempt.sent, datetime_now()
    if agent.role not in DECIDERS:
        return Doubt.ROLE
    if reads.is_about(row, agent.own_accounts):
        return Doubt.OWN_ACCOUNT
    case = reads.case_of(row)
    if not isinstance(case, Recovery):
        return Doubt.NOT_NOW
    made = Decision(
        row.reference, attempt.version, "", sent.get("outcome"), sent.get("reason"), agent.name, now, proof=""
    )
    judged = recovery.judge(case, made, Verdict(now), now)
    return judged.doubt if isinstance(judged, recovery.DecisionRefused) else None


async def _unproved(attempt: Attempt) -> Response | None:
    """Asks for the password again when it was typed too long ago (`desk.PROOF`)."""
    if attempt.signed.has_proof:
        return None
    services, typed = services_of(attempt.request), attempt.sent.get("password")
    if not typed:
        return await attempt.refused(422, {"password": "Type your password once more, so that it is you who decides"})
    try:
        agent = await password_fits(attempt.request, attempt.signed.agent.name, typed)
    except TooMany as problem:
        answer = await attempt.refused(429, {"password": "There were too many wrong passwords. Try again later"})
        answer.headers["Retry-After"] = str(max(1, int((problem.until - datetime_now()).total_seconds())))
        return answer
    if agent is None:
        return await attempt.refused(422, {"password": "The password is not correct"})
    async with services.database.write() as session:
        await desk.proved(session, services.rings, token_of(attempt.request))
    return None


async def _send(attempt: Attempt) -> Response | None:
    """If Temporal is away the row is there, and the reconciler sends the signal; it counts by the row's time."""
    services, sent, agent = services_of(attempt.request), attempt.sent, attempt.signed.agent
    async with services.database.write() as session:
        decision = await intake.receive_decision(
            session,
            services.rings,
            reference=attempt.row.reference,
            version=attempt.version,
            outcome=sent.get("outcome"),
            reason=sent.get("reason"),
            agent=agent.name,
            key=attempt.key,
        )
    log.info("decision received", case=decision.case, agent=agent.name, outcome=decision.outcome)
    try:
        await services.gateway.decide(decision)
    except CaseIsClosed:
        return await attempt.refused(409, {"": CLOSED})
    except REFUSED as problem:
        log.warning("decision kept for later", case=decision.case, why=type(problem).__name__)
        return None
    async with services.database.write() as session:
        await intake.mark_delivered(session, decision.id)
    return None
