"""An agent's decision: a row with the database's time first, then the signal, which waits until a worker is there."""

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.case import Kind, grouped
from domain.claim import Claim
from domain.claim_decisions import judge as judge_claim
from domain.claim_events import DecisionRecorded as ClaimDecided
from domain.claim_events import DecisionRefused as ClaimRefused
from domain.decisions import DECIDERS, Decision, Doubt, Verdict
from domain.errors import TooMany
from domain.recovery import DecisionRecorded, DecisionRefused, Recovery
from domain.recovery import judge as judge_recovery
from storage import desk, intake, intake_desk, reads
from web.desk import choices
from web.desk.acting import Attempt, attempt_of, token_of
from web.desk.deciding import Draft, draft_of
from web.desk.log import log_of
from web.desk.session import password_fits
from web.desk.session import token_of as session_token_of
from web.errors import REFUSED
from web.gateway import CaseIsClosed
from web.services import services_of
from web.times import datetime_now
from web.words import DOUBTS

router = APIRouter()
log = structlog.get_logger(__name__)

STATUS = {Doubt.ROLE: 403, Doubt.OWN_ACCOUNT: 403, Doubt.SAME_PERSON: 403, Doubt.UNKNOWN_OUTCOME: 422}
AT_FIELD = {
    Doubt.UNKNOWN_REASON: ("reason", "Choose a reason"),
    Doubt.NO_PLAN: ("plan", "Choose what becomes of the contacts"),
    Doubt.NO_ITEMS: ("items", "Choose at least one thing to ask for"),
}
CLOSED = "The case was closed in this moment, so your decision changed nothing"
"""What is said where a decision came too late for everything."""


@router.post("/desk/cases/{reference}/decision")
async def decide(request: Request, reference: str) -> Response:
    """Judged by the same rule as in the case, before anything is written; then written, then sent."""
    attempt = await attempt_of(request, reference, where="decide")
    draft = draft_of(attempt)
    if not await _came_in_before(attempt):
        problem = await refused(attempt, draft) or await _unproved(attempt)
        if problem is not None:
            return problem
    return await _send(attempt, draft) or attempt.done(_then(attempt))


def _then(attempt: Attempt) -> str:
    """Back to the list that the form stood on, if it says so; there stands what became of it."""
    on_the_list = attempt.sent.get("then") == "approvals"
    return f"/desk/approvals?sent={grouped(attempt.row.reference)}" if on_the_list else ""


async def _came_in_before(attempt: Attempt) -> bool:
    """The same form again: it is sent again and never judged twice."""
    services, agent = services_of(attempt.request), attempt.agent.name
    name = intake.decision_id(services.rings, reference=attempt.row.reference, agent=agent, key=attempt.key)
    async with services.database.read() as session:
        return await reads.received(session, name) is not None


async def refused(attempt: Attempt, draft: Draft) -> Response | None:
    """A refusal that the case would give as well, said at once; with what has happened since the page was made."""
    if draft.problems:
        return await attempt.refused(422, draft.problems)
    doubt = _doubt(attempt, draft)
    if doubt is None:
        return None
    if doubt in AT_FIELD:
        field, says = AT_FIELD[doubt]
        if doubt is Doubt.UNKNOWN_REASON and attempt.row.kind == Kind.CLAIM:
            field = f"reason_{draft.outcome}"  # each outcome has a list of its own
        return await attempt.refused(422, {field: says})
    if doubt is Doubt.UNKNOWN_OUTCOME and not draft.outcome:
        return await attempt.refused(422, {"outcome": "Choose what to decide"})
    shown = await log_of(services_of(attempt.request), attempt.row)
    problems = {"": f"Your decision was not taken: {DOUBTS[doubt]}"}
    return await attempt.refused(STATUS.get(doubt, 409), problems, changed=shown.after(attempt.last_seen))


def _doubt(attempt: Attempt, draft: Draft) -> Doubt | None:
    agent, row = attempt.agent, attempt.row
    if agent.role not in DECIDERS:
        return Doubt.ROLE
    if reads.is_about(row, agent.own_accounts):
        return Doubt.OWN_ACCOUNT
    judged = _judged(attempt, draft)
    return judged.doubt if isinstance(judged, DecisionRefused | ClaimRefused) else None


def _judged(attempt: Attempt, draft: Draft) -> DecisionRecorded | DecisionRefused | ClaimDecided | ClaimRefused:
    case, now, agent = reads.case_of(attempt.row), datetime_now(), attempt.agent
    made = Decision(
        case.reference,
        attempt.version,
        "",
        draft.outcome,
        draft.reason,
        agent.name,
        now,
        proof="",
        items=draft.items,
        plan=draft.plan,
    )
    verdict = Verdict(now, role=agent.role)
    if isinstance(case, Recovery):
        return judge_recovery(case, made, verdict, now)
    return judge_claim(case, made, verdict, now)


async def _unproved(attempt: Attempt) -> Response | None:
    """Asks for the password again when it was typed too long ago (`desk.PROOF`)."""
    if attempt.signed.has_proof:
        return None
    services, typed = services_of(attempt.request), attempt.sent.get("password")
    if not typed:
        return await attempt.refused(422, {"password": "Type your password once more, so that it is you who decides"})
    try:
        agent = await password_fits(attempt.request, attempt.agent.name, typed, attempt.sent.get("totp"))
    except TooMany as problem:
        answer = await attempt.refused(429, {"password": "There were too many wrong passwords. Try again later"})
        answer.headers["Retry-After"] = str(max(1, int((problem.until - datetime_now()).total_seconds())))
        return answer
    if agent is None:
        wrong = "Password or code is not correct" if attempt.agent.has_factor else "The password is not correct"
        return await attempt.refused(422, {"password": wrong})
    async with services.database.write() as session:
        await desk.proved(session, services.rings, session_token_of(attempt.request))
    return None


async def _send(attempt: Attempt, draft: Draft) -> Response | None:
    """If Temporal is away the row is there, and the reconciler sends the signal; it counts by the row's time."""
    services = services_of(attempt.request)
    decision = await _received(attempt, draft)
    log.info("decision received", case=decision.case, agent=decision.agent, outcome=decision.outcome)
    try:
        await services.gateway.decide(decision, kind=attempt.row.kind)
    except CaseIsClosed:
        return await attempt.refused(409, {"": CLOSED})
    except REFUSED as problem:
        log.warning("decision kept for later", case=decision.case, why=type(problem).__name__)
        return None
    async with services.database.write() as session:
        await intake.mark_delivered(session, decision.id)
    return None


async def _received(attempt: Attempt, draft: Draft) -> Decision:
    """The words and the row, in one transaction: neither is there without the other."""
    services, reference, agent = services_of(attempt.request), attempt.row.reference, attempt.agent.name
    case, text = reads.case_of(attempt.row), ""
    async with services.database.write() as session:
        if draft.text and isinstance(case, Claim) and draft.known:
            text = await intake_desk.write_text(
                session,
                services.rings,
                reference=reference,
                audience=choices.audience_of(case, draft.known, draft.plan),
                author=agent,
                text=draft.text,
                token=token_of(attempt, "decision"),
            )
        return await intake.receive_decision(
            session,
            services.rings,
            reference=reference,
            version=attempt.version,
            outcome=draft.outcome,
            reason=draft.reason,
            agent=agent,
            key=attempt.key,
            text=text,
            items=draft.items,
            plan=draft.plan,
        )
