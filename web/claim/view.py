"""What the page of a case needs to know, and which template shows which state."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from domain.case import grouped
from domain.claim import Claim
from domain.contact_proof import IDENTIFIER
from domain.recovery import ENDS, PROVED, Recovery, State, caught_up
from storage import reads
from storage.identifiers import Identifier, IdentifierKind, masked
from storage.models import CaseEventRow, CaseRow
from web.access import Held
from web.claim import claim_view
from web.claim.endings import ending_of
from web.render import is_htmx, page
from web.services import Services, services_of

TEMPLATES: dict[State, str] = {
    State.OPENING: "opening",
    State.AWAITING_CONTACT: "contact",
    State.AWAITING_CODE: "code",
    State.AWAITING_RESEND: "resend",
    State.AWAITING_HELP: "help_wanted",
    State.AWAITING_ACCOUNT: "account",
    State.AWAITING_SECOND_PROOF: "second_proof",
    State.AWAITING_NEW_PASSWORD: "password",
    State.APPLYING_PASSWORD: "applying",
    State.RECOVERED: "recovered",
    State.EXPIRED: "ended",
    State.WITHDRAWN: "ended",
    State.STOPPED: "ended",
    State.REFERRED: "ended",
}

SLOW = timedelta(seconds=8)
"""After so long without a code the page says that sending is delayed."""


@dataclass(frozen=True)
class Shown:
    """Something that the claimant typed, as the page shows it back."""

    plain: str
    masked: str
    is_phone: bool
    normal: str


@dataclass(frozen=True)
class AccountName:
    ref: str
    username: str


@dataclass(frozen=True)
class Did:
    """A line of the last page: what was done, and when."""

    at: datetime
    what: str
    more: str = ""


def shown(identifier: Identifier | None) -> Shown | None:
    if identifier is None:
        return None
    is_phone = identifier.kind is IdentifierKind.PHONE
    return Shown(identifier.normal, masked(identifier), is_phone, identifier.normal)


async def context_of(services: Services, row: CaseRow) -> dict[str, Any]:
    """Everything the templates of a case use. Only what this browser typed, and after the proof the usernames."""
    case = reads.case_of(row)
    now = datetime.now(UTC)
    context: dict[str, Any] = {
        "case": case,
        "now": now,
        "problems": {},
        "sent": {},
        "delayed": (row.started_at is None and now - row.opened_at > SLOW / 2) or now - row.opened_at > SLOW,
    }
    if isinstance(case, Claim):
        return context | await _of_a_claim(services, row, case, now)
    async with services.database.read() as session:
        facts = await _facts(session, services, case)
        events = list(await reads.event_rows(session, row.reference)) if _needs_events(case) else []
    return {
        **context,
        "watched": not case.is_closed,
        "waits": _waits(case),
        "open_until": row.opened_at + case.policy.case_lifetime,
        "said": status_line(case, now),
        **facts,
        **_from_events(case, events),
    }


async def _of_a_claim(services: Services, row: CaseRow, case: Claim, now: datetime) -> dict[str, Any]:
    return {
        "watched": not case.is_over,
        "waits": claim_view.waits(case),
        "open_until": None,
        "said": claim_view.status_line(case, now),
        **await claim_view.context_of(services, row, case, now),
    }


def _waits(case: Recovery) -> bool:
    """Whether we are at work and the page will be another one in a moment."""
    return case.state in {State.OPENING, State.APPLYING_PASSWORD} or (case.wanted is not None and not case.is_closed)


def _needs_events(case: Recovery) -> bool:
    return case.is_closed or case.state in {State.AWAITING_RESEND, State.AWAITING_HELP, State.AWAITING_NEW_PASSWORD}


async def _facts(session: AsyncSession, services: Services, case: Recovery) -> dict[str, Any]:
    rings, reference = services.rings, case.reference
    typed = await reads.typed(session, rings, reference)
    goes_to = case.wanted or (case.issue.to if case.issue else None)
    to = typed if goes_to is None or goes_to.contact == IDENTIFIER else None
    if goes_to and goes_to.contact != IDENTIFIER:
        to = await reads.typed(session, rings, reference, goes_to.contact)
    if to and to.kind is IdentifierKind.USERNAME:
        to = None
    names = await reads.usernames(session, rings, reference) if case.state in PROVED | ENDS else {}
    return {
        "typed": shown(typed),
        "to": shown(to),
        "username": names.get(case.account, ""),
        "accounts": [AccountName(ref, names[ref]) for ref in case.accounts if ref in names],
        "can_resend": can_resend(case, datetime.now(UTC)),
        "can_withdraw": not case.is_closed and case.state is not State.APPLYING_PASSWORD,
    }


def can_resend(case: Recovery, now: datetime) -> bool:
    """Whether a new code may be asked for at this moment; the workflow judges again."""
    return case.wanted is None and case.resend_at is not None and now >= case.resend_at


def _from_events(case: Recovery, events: list[CaseEventRow]) -> dict[str, Any]:
    came_from = next((event.kind for event in events if event.number == case.version), "")
    decided = next((event for event in reversed(events) if event.kind == "decision_recorded"), None)
    reason = str(decided.data.get("reason", "")) if decided else ""
    return {
        "came_from": came_from,
        "ending": ending_of(case, reason),
        "done": [did for event in events if (did := _done(event))],
    }


def _done(event: CaseEventRow) -> Did | None:
    if event.kind == "code_accepted":
        return Did(event.at, "Contact proved")
    if event.kind != "password_applied":
        return None
    ended = int(event.data.get("sessions", 0))
    sessions = {0: "nobody was signed in", 1: "one session was ended"}.get(ended, f"{ended} sessions were ended")
    more = f"On every device: {sessions}. Every contact of the account gets a notice with the way to stop this."
    return Did(event.at, "New password set", more)


def status_line(case: Recovery, now: datetime) -> str:
    """One short sentence for the status region; it is read out when it changes."""
    if case.state is State.AWAITING_CODE and case.wanted:
        return "A new code is on its way."
    if case.state in {State.AWAITING_CODE, State.AWAITING_RESEND} and can_resend(case, now):
        return "A new code can be sent now."
    return {
        State.AWAITING_CODE: "The code was sent.",
        State.AWAITING_RESEND: "The code no longer works.",
        State.APPLYING_PASSWORD: "Setting the new password.",
        State.RECOVERED: "Done. You can sign in again.",
    }.get(case.state, "")


async def case_page(
    request: Request,
    row: CaseRow,
    *,
    status: int = 200,
    template: str = "",
    may_focus: bool = True,
    **more: Any,
) -> HTMLResponse:
    """The page of the moment. `more` may bring `problems` by field, and `sent` to show again."""
    context = await context_of(services_of(request), row)
    case = context["case"]
    if isinstance(case, Claim):
        folder, name = "claim/claim", template or claim_view.template_of(case)
    else:
        folder, name = "claim/case", template or TEMPLATES[case.state]
    answer = page(request, f"{folder}/{name}.html", status=status, may_focus=may_focus, **(context | more))
    address = f"/case/{grouped(row.reference)}"
    if is_htmx(request) and request.url.path != address and status == 200:
        answer.headers["HX-Push-Url"] = address
    return answer


def up_to_date(case: Recovery) -> Recovery:
    """The case as the clock has it now, for what a page checks before it asks the workflow."""
    return caught_up(case, datetime.now(UTC))


def case_of(held: Held) -> Recovery | Claim:
    return reads.case_of(held.row)
