"""What waits for a second person: proposals to approve or send back, and claims that somebody objected to."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from domain.case import parse_reference
from domain.claim import Claim, State
from domain.decisions import ALL, Outcome, reasons
from storage import agents, conversation, decided, reads
from storage.decided import Decided
from storage.desk import Agent
from storage.models import CaseRow
from web import words
from web.desk import choices
from web.desk.case import why_not_act
from web.desk.choices import Plan
from web.desk.evidence import score_reasons
from web.desk.lists import address
from web.desk.log import Pending, log_of, pending_of
from web.desk.session import signed_in
from web.desk.timeline import Line, reason_words
from web.render import page
from web.services import Services, services_of
from web.times import datetime_now

router = APIRouter()

MOST = 100
"""Claims on the page, what is due first; with more there is a longer queue than a page can help with."""


@dataclass(frozen=True)
class Proposed:
    """A proposal, as the second person has to understand it. `refused` says why this agent may not answer it."""

    row: CaseRow
    case: Claim
    what: str
    who: str
    at: datetime
    reason: str
    reason_code: str
    text: str
    plan: Plan
    why_two: tuple[str, ...]
    lapses_at: datetime
    refused: str
    pending: Pending | None
    """The answer that somebody has sent and that the case has not taken up yet."""


@dataclass(frozen=True)
class Answered:
    """What became of the answer that this agent has just sent. `line` is None until the case has answered."""

    row: CaseRow
    pending: Pending | None
    was_taken: bool
    line: Line | None


@dataclass(frozen=True)
class Contested:
    """A claim that somebody objected to. `refused` says why this agent may not decide it."""

    row: CaseRow
    case: Claim
    what: str
    since: datetime
    refused: str


@router.get("/desk/approvals")
async def show_approvals(request: Request, sent: str = "", seen: str = "") -> Response:
    """`sent` is the case of the answer that led here. `seen` is what htmx asks to stay up to date, as in the queue."""
    signed, now = await signed_in(request, at_work=not seen), datetime_now()
    services = services_of(request)
    proposals, contested = await _found(services, signed.agent, now)
    answered = await _answered(services, sent, signed.agent)
    mark = _mark(proposals, contested, answered, now)
    if seen and seen == mark:
        return Response(status_code=204)
    return page(
        request,
        "desk/approvals.html",
        may_focus=not seen,
        agent=signed.agent,
        now=now,
        mine=[one for one in proposals if not one.refused],
        others=[one for one in proposals if one.refused],
        contested=contested,
        answered=answered,
        again=address("/desk/approvals", {"sent": sent if answered else "", "seen": mark}),
        is_waiting=any(one.pending for one in (*proposals, answered) if one),
        needs_password=not signed.has_proof,
        reasons_to_send_back=[(one.value, words.REASONS[one]) for one in reasons("claim", Outcome.DENY)],
        reasons_of=lambda case: score_reasons(case.facts),
        most=MOST,
    )


def _mark(
    proposals: Sequence[Proposed], contested: Sequence[Contested], answered: Answered | None, now: datetime
) -> str:
    """A short name for everything that the page shows; another one each minute, for the times on it."""
    rows = [one.row for one in proposals] + [one.row for one in contested]
    under_way = [one.pending for one in proposals]
    said = (answered.pending, answered.line) if answered else ()
    shown = ([(row.reference, row.number) for row in rows], under_way, said, now.replace(second=0, microsecond=0))
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


async def _answered(services: Services, sent: str, agent: Agent) -> Answered | None:
    reference = parse_reference(sent)
    async with services.database.read() as session:
        row = await reads.case_row(session, reference) if reference else None
    if row is None:
        return None
    log = await log_of(services, row)
    was_taken, line = log.answer_to(agent.name) or (False, None)
    pending = next((one for one in log.pending), None)
    return Answered(row, pending, was_taken, line) if pending or line else None


async def _found(services: Services, agent: Agent, now: datetime) -> tuple[list[Proposed], list[Contested]]:
    proposals, contested = [], []
    async with services.database.read() as session:
        rows = await decided.for_a_second(session, MOST)
        names = {one.name: one.display_name for one in await agents.all_agents(session)}
        references = [row.reference for row in rows]
        made = {one.id: one for one in await decided.decided(session, references)}
        under_way = await decided.under_way(session, references)
        for row in rows:
            case = reads.case_of(row)
            if not isinstance(case, Claim):
                continue
            if case.state is State.CONTESTED:
                contested.append(_contested(row, case, agent, now))
            elif case.proposal:
                text = await _written(session, services, case, made)
                received = under_way.get(row.reference)
                pending = pending_of(received, names) if received else None
                proposals.append(_proposed(row, case, agent, names, made, text, pending, now))
    return proposals, contested


async def _written(session: AsyncSession, services: Services, case: Claim, made: Mapping[str, Decided]) -> str:
    """What the proposer wrote to the second person."""
    proposal = made.get(case.proposal.id) if case.proposal else None
    name = proposal.text if proposal else ""
    return await conversation.text(session, services.rings, case.reference, name) or ""


def _proposed(
    row: CaseRow,
    case: Claim,
    agent: Agent,
    names: Mapping[str, str],
    made: Mapping[str, Decided],
    text: str,
    pending: Pending | None,
    now: datetime,
) -> Proposed:
    assert case.proposal
    decision, (plan,) = made.get(case.proposal.id), choices.plans_of(case)
    code = decision.reason if decision else ""
    why = choices.why_two(case) + (["Every contact is replaced."] if plan.id == ALL else [])
    return Proposed(
        row=row,
        case=case,
        what=words.CLAIM_REASONS[case.reason],
        who=names.get(case.proposal.agent, case.proposal.agent),
        at=case.proposal.at,
        reason=words.capitalised(reason_words(code)) if code else "",
        reason_code=code,
        text=text,
        plan=plan,
        why_two=tuple(why),
        lapses_at=case.proposal.at + case.policy.approval_within,
        refused=why_not_act(agent, row) or choices.refusal(case, Outcome.APPROVE, agent, now),
        pending=pending,
    )


def _contested(row: CaseRow, case: Claim, agent: Agent, now: datetime) -> Contested:
    refused = why_not_act(agent, row) or choices.refusal(case, Outcome.APPROVE, agent, now)
    assert case.since
    return Contested(row, case, words.CLAIM_REASONS[case.reason], case.since, refused)
