"""What an agent does in a case: read the form, ask whether they may, tell the case, and show what became of it."""

from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.case import Kind, grouped
from domain.claim import Claim
from domain.claim_events import DeskCommand
from domain.errors import CaseError
from storage import agents, intake, reads
from storage.desk import Agent, SignedIn
from storage.models import CaseRow
from web.desk import forms
from web.desk.case import desk_case_page, desk_row, why_not_act
from web.desk.log import log_of
from web.desk.session import signed_in
from web.errors import BUSY_SECONDS, REFUSED, unavailable
from web.forms import Sent
from web.gateway import CaseIsBusy, CaseIsClosed
from web.render import fresh_key
from web.services import services_of
from web.times import datetime_now

log = structlog.get_logger(__name__)

OVER = "The case is closed for good, so nothing more can be written down about it"
BUSY = "The case is busy with something else. Wait a few seconds and try again"


@dataclass(frozen=True)
class Attempt:
    """Something that an agent wants to do, as it was sent. `where` on the page a refusal is said."""

    request: Request
    signed: SignedIn
    row: CaseRow
    sent: Sent
    key: str
    where: str

    @property
    def agent(self) -> Agent:
        return self.signed.agent

    @property
    def version(self) -> int:
        """The state that the agent saw, as a decision names it."""
        return self._number("version")

    @property
    def last_seen(self) -> int:
        """The last event that was on the agent's page."""
        return self._number("number")

    def _number(self, name: str) -> int:
        typed = self.sent.get(name)
        return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else -1

    async def fresh_row(self) -> CaseRow:
        return await desk_row(self.request, self.row.reference)

    async def shown(self, *, status: int = 200, **more: Any) -> HTMLResponse:
        """The case as it is now; `more` is what only this answer shows."""
        row = await self.fresh_row()
        listed = await log_of(services_of(self.request), row)
        context = {"where": self.where, "may_focus": False, **more}
        return await desk_case_page(self.request, self.signed, row, listed, status=status, **context)

    async def refused(self, status: int, problems: dict[str, str], **more: Any) -> HTMLResponse:
        """The case as it is now, with what was sent and why it was not taken."""
        # The summary of what is wrong gets the focus, so the title must not.
        return await self.shown(status=status, problems=problems, **{"sent": self.sent.kept, **more})

    async def barred(self) -> Response | None:
        """403 for whoever may do nothing here: other roles, and whose own account it is about."""
        why = why_not_act(self.agent, self.row)
        if not why:
            return None
        log.info("barred at the desk", case=self.row.reference, agent=self.agent.name)
        return await self.refused(403, {"": why})

    def done(self, address: str = "") -> Response:
        return RedirectResponse(address or f"/desk/cases/{grouped(self.row.reference)}", status_code=303)


async def attempt_of(request: Request, reference: str, *, where: str) -> Attempt:
    """Who wants to do what. Raises `NotSignedIn` and `NotFound`."""
    signed, row, sent = await signed_in(request), await desk_row(request, reference), await forms.sent_by(request)
    return Attempt(request, signed, row, sent, sent.key or fresh_key(), where)


def token_of(attempt: Attempt, route: str, *body: str) -> str:
    """The update's id: the same form sent twice by the same agent is one action."""
    rings = services_of(attempt.request).rings
    return intake.update_id(rings, attempt.row.reference, route, attempt.key, attempt.agent.name, *body)


async def carry_out(attempt: Attempt, command: DeskCommand, *body: str) -> Response | None:
    """Tell the case. None when it is done, else the answer that says why not."""
    services, row = services_of(attempt.request), attempt.row
    if row.kind != Kind.CLAIM:
        return await attempt.refused(409, {"": "Only claims take this"})
    token = token_of(attempt, command.kind, *body)
    try:
        await services.gateway.tell(row.reference, command, update_id=token, kind=row.kind)
    except REFUSED as problem:
        return await _answer(attempt, problem)
    log.info("done at the desk", case=row.reference, agent=attempt.agent.name, what=command.kind)
    return None


async def _answer(attempt: Attempt, problem: Exception) -> Response:
    match problem:
        case CaseIsBusy():
            answer = await attempt.refused(429, {"": BUSY})
            answer.headers["Retry-After"] = str(BUSY_SECONDS)
            return answer
        case CaseIsClosed() if attempt.row.closed_at:
            return await attempt.refused(409, {"": OVER})
        case CaseError():
            return await attempt.refused(409, {"": await _what_is_so(attempt)})
        case _:
            # Closed to Temporal and open to us: it was begun while Temporal was away and is on its way there.
            fields = {**attempt.sent.kept, "key": attempt.key}
            again = attempt.request.url.path if attempt.request.method == "POST" else ""
            return unavailable(attempt.request, action=again, fields=fields)


async def _what_is_so(attempt: Attempt) -> str:
    """Why the case refused, as it is now: who has it, or where it stands."""
    services, row = services_of(attempt.request), await attempt.fresh_row()
    case, now = reads.case_of(row), datetime_now()
    others = isinstance(case, Claim) and case.assignee not in {"", attempt.agent.name}
    if isinstance(case, Claim) and others and case.lease_until and case.lease_until > now:
        async with services.database.read() as session:
            names = {agent.name: agent.display_name for agent in await agents.all_agents(session)}
        until = services.pages.calendar.short(case.lease_until, now, seconds=True)
        return f"{names.get(case.assignee, case.assignee)} has taken the case, until {until}"
    return "The case does not take this now. Here it is as it is"
