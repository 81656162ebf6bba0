"""What a decision would do: whom it tells what, by the very rules that the case follows. Nothing is written."""

from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain import claim
from domain.case import Audience
from domain.claim import Claim, State, hold_length
from domain.claim_events import ContactSeen, DecisionRecorded
from domain.decisions import Outcome
from storage import macros, reads
from web.desk import choices, claim_lines
from web.desk.acting import Attempt, attempt_of
from web.desk.conversation import macro_values
from web.desk.deciding import Draft, draft_of
from web.desk.decision import refused
from web.services import services_of
from web.times import datetime_now
from workflows.claim_notices import notices

router = APIRouter()

SECOND = "second/person"
"""Stands for whoever gives the second approval; no agent is called so."""


@dataclass(frozen=True)
class Told:
    """One notice: its name, and the moment that it promises."""

    name: str
    until: datetime | None


@dataclass(frozen=True)
class Preview:
    """`case` is the claim after the decision; of a proposal after the second approval too.

    `to_owner` goes to every contact in `safe`; those in `unsafe` are never written to. `text` is what was written,
    `for_claimant` whether the claimant reads it.
    """

    case: Claim
    outcome: Outcome
    reason: str
    items: tuple[str, ...]
    text: str
    for_claimant: bool
    is_proposal: bool
    to_claimant: tuple[Told, ...]
    to_owner: tuple[Told, ...]
    safe: tuple[ContactSeen, ...]
    unsafe: tuple[ContactSeen, ...]


@router.post("/desk/cases/{reference}/preview")
async def show_preview(request: Request, reference: str) -> Response:
    """The form again, with a macro's words in it (`do=macro`) or with what the decision would do."""
    attempt = await attempt_of(request, reference, where="decide")
    if problem := await attempt.barred():
        return problem
    draft = draft_of(attempt)
    if attempt.sent.get("do") == "macro":
        return await _with_macro(attempt, draft)
    if problem := await refused(attempt, draft):
        return problem
    case = reads.case_of(attempt.row)
    if not isinstance(case, Claim):
        return await attempt.refused(409, {"": "There is no preview for this kind of case"})
    return await attempt.shown(sent=attempt.sent.kept, preview=preview_of(case, draft, attempt.agent.name))


async def _with_macro(attempt: Attempt, draft: Draft) -> Response:
    services = services_of(attempt.request)
    async with services.database.read() as session:
        chosen = await macros.macro(session, attempt.sent.get("macro"))
    if chosen is None:
        return await attempt.refused(422, {"macro": "Choose a text"})
    values = macro_values(attempt, **_values(attempt, draft))
    kept = {**attempt.sent.kept, "text": macros.filled(chosen.text, values)}
    if not draft.known and chosen.outcome:
        kept["outcome"] = chosen.outcome
    return await attempt.shown(sent=kept)


def _values(attempt: Attempt, draft: Draft) -> dict[str, str]:
    """What only a decision knows: until when, and what is asked for. What is not chosen yet has no value."""
    case, now, calendar = reads.case_of(attempt.row), datetime_now(), services_of(attempt.request).pages.calendar
    found = {"items": claim_lines.items_words(draft.items)} if draft.items else {}
    if not isinstance(case, Claim):
        return found
    match draft.known:
        case Outcome.ASK:
            found["due"] = calendar.full(now + case.policy.claim_wait, now)
        case Outcome.APPROVE if draft.plan:
            found["due"] = calendar.full(now + hold_length(replace(case, plan=draft.plan)), now)
        case _:
            pass
    return found


def preview_of(case: Claim, draft: Draft, agent: str) -> Preview:
    """The claim as it would be if the decision were recorded now. The draft was judged before."""
    now, outcome = datetime_now(), Outcome(draft.outcome)
    event = DecisionRecorded(now, "preview/1", outcome, draft.reason, agent, now, items=draft.items, plan=draft.plan)
    after = claim.apply(case, event)
    is_proposal = after.state is State.AWAITING_SECOND_APPROVAL and case.proposal is None
    if is_proposal:
        event = replace(event, id="preview/2", agent=SECOND)
        after = claim.apply(after, event)
    told = notices(after, event, now)
    seen = after.survey.contacts if after.survey else ()
    return Preview(
        case=after,
        outcome=outcome,
        reason=draft.reason,
        items=draft.items,
        text=draft.text,
        for_claimant=choices.audience_of(case, outcome, draft.plan) is Audience.BOTH,
        is_proposal=is_proposal,
        to_claimant=tuple(Told(one.name, one.until) for one in told if one.only),
        to_owner=tuple(Told(one.name, one.until) for one in told if not one.only),
        safe=tuple(one for one in seen if one.is_safe),
        unsafe=tuple(one for one in seen if not one.is_safe),
    )
