"""What a claimant does in a claim besides giving evidence: the proof of a contact, the talk, the password, the ends."""

from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain import claim_events
from domain.case import Audience
from domain.claim import Claim, State, is_alive
from domain.contact_proof import Destination
from domain.errors import TooMany
from storage import intake, intake_desk
from web import passwords
from web.claim import frame, uploading
from web.claim.claim_view import may_set_password
from web.claim.frame import Step, take
from web.forms import sent_with_files
from web.gateway import StillWorking
from web.typed import code_problem, digits_of

router = APIRouter()
ClaimStep = Step[Claim]


async def give_contact(step: ClaimStep) -> Response | None:
    """Where a claimant can be reached whose claim was opened by an objection."""
    contact = frame.contact_of(step)
    if isinstance(contact, str):
        return await step.problem("contact", contact)
    token = step.token(contact.normal)
    asked = claim_events.GiveContact(step.held.by, Destination(intake.channel_of(contact), ""))
    if step.would_happen(asked):
        asked = claim_events.GiveContact(step.held.by, await frame.remember(step, contact, token))
    await step.tell(asked, token)
    return None


async def submit_code(step: ClaimStep) -> Response | None:
    digits, wanted = digits_of(step.sent.get("code")), step.case.policy.code_digits
    problem = code_problem(step.sent.get("code"), wanted)
    if problem and step.case.state is State.AWAITING_CONTACT_PROOF and is_alive(step.case):
        return await step.problem("code", problem)
    issue = digits_of(step.sent.get("issue")) or "0"
    digest = intake.typed_code(step.services.rings, step.case, int(issue[:6]), digits)
    after = await step.tell(claim_events.SubmitCode(step.held.by, int(issue[:6]), digest), step.token(issue, digest))
    if after.event != "code_refused":
        return None
    if after.tries_left > 0:
        return await step.problem("code", wrong(after.tries_left))
    return await step.problem("", "The code is not correct, and that was the last try with it")


def wrong(tries_left: int) -> str:
    """Tries are told only when they are nearly used up (look: Content patterns)."""
    if tries_left > 2:
        return "The code is not correct"
    tries = "1 try" if tries_left == 1 else f"{tries_left} tries"
    return f"The code is not correct. You have {tries} left with this code"


async def resend_code(step: ClaimStep) -> Response | None:
    """To the same contact again, or while none is proved to another one that is typed now."""
    is_proving = step.case.state is State.AWAITING_CONTACT_PROOF
    asked = claim_events.ResendCode(step.held.by)
    wants_other = is_proving and bool(step.sent.get("contact") or step.sent.get("other"))
    other = frame.contact_of(step) if wants_other else None
    if isinstance(other, str):
        return await step.problem("contact", other, template="other")
    token = step.token(other.normal) if other else step.token()
    will = step.would_happen(asked)
    if will and other:
        asked = claim_events.ResendCode(step.held.by, await frame.remember(step, other, token))
    elif will:
        await frame.count(step, token)
    await step.tell(asked, token)
    if not will:  # the case judges by its own clock; what it allows a moment before ours would is counted now
        with suppress(TooMany):
            await frame.count(step, token)
    return None


async def set_password(step: ClaimStep) -> Response | None:
    password = step.sent.get("new_password")
    wanted = may_set_password(step.case)
    if wanted:
        problem = await passwords.problem_found(
            password, await frame.username_of(step), step.case.policy, step.services.settings.breached_passwords_url
        )
        if problem:
            return await step.problem("new_password", problem)
    token = step.token()
    secret = await frame.seal(step, "password", password, token, wanted=wanted)
    try:
        await step.tell(claim_events.SetPassword(step.held.by, secret), token)
    except StillWorking:
        # The answer comes when the password is set. If it was taken, the page of the case says how far it is.
        if (await step.fresh_row()).number == step.held.row.number:
            raise
    return None


@router.post("/case/{reference}/reply")
async def reply(request: Request, reference: str) -> Response:
    return await take(request, reference, "reply", claim=_reply, field="message", read=sent_with_files)


async def _reply(step: ClaimStep) -> Response | None:
    text = step.sent.get("message").strip()
    if "message" in step.sent.too_long:
        return await step.problem("message", "That is too long. Write at most 4,000 characters")
    if not text and not step.sent.files:
        return await step.problem("message", "Write a message, or choose a file")
    token = step.token(text)
    asked = claim_events.Reply(step.held.by, intake_desk.text_name(token))
    if step.would_happen(asked):
        files = await uploading.accepted(step.services, step.sent)
        if isinstance(files, str):
            return await step.problem("files", files)
        kept = await uploading.kept(step.services, step.case.reference, files, token)
        if isinstance(kept, str):
            return await step.problem("files", kept)
        asked = claim_events.Reply(step.held.by, await _kept(step, text, token), kept)
    await step.tell(asked, token)
    return None


async def _kept(step: ClaimStep, text: str, token: str) -> str:
    """The name of the message, sealed. A file without a word gets none; it is still something that was sent."""
    async with step.services.database.write() as session:
        return await intake_desk.write_text(
            session,
            step.services.rings,
            reference=step.case.reference,
            audience=Audience.BOTH,
            author="",
            text=text,
            token=token,
        )


@router.post("/case/{reference}/nudge")
async def nudge(request: Request, reference: str) -> Response:
    return await take(request, reference, "nudge", claim=_nudge)


async def _nudge(step: ClaimStep) -> Response | None:
    await step.tell(claim_events.Nudge(step.held.by), step.token())
    return None


@router.post("/case/{reference}/reopen")
async def reopen(request: Request, reference: str) -> Response:
    return await take(request, reference, "reopen", claim=_reopen)


async def _reopen(step: ClaimStep) -> Response | None:
    await step.tell(claim_events.Reopen(step.held.by), step.token())
    return None


async def withdraw(step: ClaimStep) -> Response | None:
    await step.tell(claim_events.Withdraw(step.held.by), step.token())
    return None
