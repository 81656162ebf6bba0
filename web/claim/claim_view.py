"""What the pages of a claim need to know, and which template shows which state."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from domain import claim_events
from domain.case import Audience
from domain.claim import BEFORE_THE_EFFECT, TALKING, Claim, Freeze, State, is_alive, may_resend, may_withdraw
from domain.claim_commands import may_nudge
from domain.claim_deadlines import caught_up, hold_notices
from domain.contact_proof import Destination
from domain.decisions import Outcome
from storage import claim_reads, conversation, estimates, intake_claim, reads
from storage.claim_reads import display_names
from storage.conversation import Message
from storage.identifiers import Identifier, masked
from storage.intake_claim import CODE_PURPOSE, OPENING, PASSWORD_PURPOSE, next_evidence
from storage.models import CaseRow
from storage.reads import Entry
from web.claim import claim_rail, uploading
from web.claim.asked import asks_of
from web.claim.claim_endings import ending_of
from web.claim.evidence_fields import MAY_GIVE
from web.claim.months import month_words
from web.services import Services
from web.words import CLAIM_REASONS_TO_CLAIMANT

TEMPLATES: dict[State, str] = {
    State.OPENING: "opening",
    State.AWAITING_CONTACT_PROOF: "code",
    State.AWAITING_EVIDENCE: "evidence",
    State.AWAITING_REVIEW: "review",
    State.AWAITING_ANSWER: "answer",
    State.AWAITING_SECOND_APPROVAL: "review",
    State.CONTESTED: "contested",
    State.COOLING_OFF: "cooling_off",
    State.HANDING_BACK: "handing_back",
    State.PROBATION: "probation",
    State.RECOVERED: "recovered",
    State.DENIED: "ended",
    State.WITHDRAWN: "ended",
    State.EXPIRED: "ended",
    State.STOPPED: "ended",
    State.UNDONE: "ended",
}


def may_set_password(case: Claim) -> bool:
    """The mailed link of the hand-back was used, and no password is on its way."""
    return case.state is State.PROBATION and case.link_used_at is not None and not case.secret


def template_of(case: Claim) -> str:
    """The page of the moment. While a contact is to be proved it depends on the newest code."""
    if case.state is State.AWAITING_CONTACT_PROOF:
        if case.issue is None:
            return "opening" if case.proof.wanted else "contact"
        return "code" if is_alive(case) else "resend"
    if case.state is State.PROBATION and may_set_password(case):
        return "password"
    return TEMPLATES[case.state]


@dataclass(frozen=True)
class Shown:
    """A contact that the claimant typed, as the page shows it back."""

    plain: str
    masked: str
    is_phone: bool


async def context_of(services: Services, row: CaseRow, case: Claim, now: datetime) -> dict[str, Any]:
    """Everything the templates of a claim use, besides what every case has."""
    current = caught_up(case, now)
    async with services.database.read() as session:
        entries = await reads.timeline(session, row, (Audience.CLAIMANT,))
        said = await _said(session, services, row, entries)
        facts = await _facts(session, services, case)
        names = await reads.usernames(session, services.rings, row.reference)
        waiting = await estimates.waiting(session, row, services.estimates) if _waits_for_desk(case) else None
    return {
        **facts,
        "messages": said,
        "rail": claim_rail.rail_of(case, entries),
        "asks": asks_of(case, entries, facts["kinds_by_evidence"]),
        "next_promise": next_promise(case),
        "hold_notices": [(stage, at) for stage, at in hold_notices(case) if stage not in case.told],
        "username": names.get(case.account, ""),
        "waiting": waiting,
        "ending": ending_of(case, entries),
        "can_withdraw": may_withdraw(case),
        "can_resend": can_resend(case, now),
        "can_nudge": may_nudge(current, now),
        "may_talk": case.state in TALKING,
        "may_give": case.state in MAY_GIVE,
        "happened": CLAIM_REASONS_TO_CLAIMANT[case.reason],
        "frozen": case.freeze in {Freeze.ON, Freeze.WANTED, Freeze.ENDING},
        "before_effect": case.state in BEFORE_THE_EFFECT,
    }


def next_promise(case: Claim) -> datetime | None:
    """The date that we promised next; once it has passed the claimant may nudge."""
    return min((clock.due_at for clock in (case.first_answer, case.decision) if clock and clock.due_at), default=None)


def can_resend(case: Claim, now: datetime) -> bool:
    """Whether a new message may be asked for at this moment; the workflow judges again."""
    return may_resend(case) and case.resend_at is not None and now >= case.resend_at


def _waits_for_desk(case: Claim) -> bool:
    return case.state in {State.AWAITING_REVIEW, State.AWAITING_SECOND_APPROVAL, State.CONTESTED}


async def _facts(session: AsyncSession, services: Services, case: Claim) -> dict[str, Any]:
    rings, reference = services.rings, case.reference
    evidence = next_evidence(case)
    draft = await claim_reads.texts(session, rings, reference, evidence)
    secrets = await intake_claim.secrets_of(session, reference, evidence)
    to = case.contact or case.proof.wanted or (case.issue.to if case.issue else None) or case.to
    newest = case.issue.to if case.issue else case.proof.wanted
    return {
        "opening": await claim_reads.texts(session, rings, reference, OPENING),
        "draft": draft | ({"created": month_words(draft["created"])} if "created" in draft else {}),
        "evidence": evidence,
        "passwords": len(secrets.get(PASSWORD_PURPOSE, ())),
        "codes": len(secrets.get(CODE_PURPOSE, ())),
        "files": await uploading.kept_by(session, case),
        "kinds_by_evidence": await claim_reads.kinds(session, reference),
        "contact": await _shown(session, services, reference, to),
        "to": await _shown(session, services, reference, newest or to),
    }


async def _shown(session: AsyncSession, services: Services, reference: str, to: Destination | None) -> Shown | None:
    typed: Identifier | None = await reads.typed(session, services.rings, reference, to.contact) if to else None
    return Shown(typed.normal, masked(typed), typed.kind == "phone") if typed else None


@dataclass(frozen=True)
class Line:
    """A message as the page shows it. `who` is empty for the claimant."""

    at: datetime
    who: str
    text: str | None
    files: int


async def _said(session: AsyncSession, services: Services, row: CaseRow, entries: list[Entry]) -> list[Line]:
    """The talk of both sides, oldest first."""
    found = await conversation.conversation(
        session, services.rings, row.reference, entries, (Audience.CLAIMANT, Audience.BOTH)
    )
    names = await display_names(session, {message.author for message in found if message.author})
    return [_line(message, names) for message in found if _is_said(message, entries)]


def _is_said(message: Message, entries: list[Entry]) -> bool:
    """Words of a proposal are said once a second person agrees, and never if not: until then nothing is decided."""
    entry = next(entry for entry in entries if entry.number == message.number)
    event, state = entry.event, entry.after.state
    if not isinstance(event, claim_events.DecisionRecorded):
        return True
    if event.outcome is Outcome.DENY:
        return state == State.DENIED
    if event.outcome is not Outcome.APPROVE or state != State.AWAITING_SECOND_APPROVAL:
        return True
    later = (one for one in entries if one.number > entry.number and one.after.state != state)
    return next((one.after.state for one in later), None) in {State.COOLING_OFF, State.PROBATION}


def _line(message: Message, names: dict[str, str]) -> Line:
    who = names.get(message.author, message.author) if message.author else ""
    return Line(message.at, who, message.text, message.files)


def status_line(case: Claim, now: datetime) -> str:
    """One short sentence for the status region; it is read out when it changes."""
    if case.state is State.AWAITING_CONTACT_PROOF:
        if case.proof.wanted:
            return "The message is on its way."
        return "A new code can be sent now." if case.issue and can_resend(case, now) else ""
    return {
        State.AWAITING_REVIEW: "Your claim is in review.",
        State.AWAITING_ANSWER: "The desk asks you something.",
        State.AWAITING_SECOND_APPROVAL: "A second person looks at your claim.",
        State.CONTESTED: "Somebody objected to your claim.",
        State.COOLING_OFF: "Your claim is approved. The cooling-off runs.",
        State.HANDING_BACK: "The account is being handed back.",
        State.PROBATION: "The account is yours again. The probation runs.",
        State.RECOVERED: "Done. The account is yours.",
    }.get(case.state, "")


def waits(case: Claim) -> bool:
    """Whether we are at work and the page will be another one in a moment."""
    working = case.state in {State.OPENING, State.HANDING_BACK} or bool(case.secret) or case.undoing
    return working or (case.proof.wanted is not None and not case.is_closed) or case.freeze is Freeze.WANTED
