"""Writing in a case: messages to the claimant, and notes that never leave the desk."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.case import Audience, grouped
from domain.claim_events import SendMessage, WriteNote
from storage import intake_desk, macros
from web.desk import forms
from web.desk.acting import Attempt, attempt_of, carry_out, token_of
from web.services import services_of

router = APIRouter()

EMPTY = "Write something first"
TOO_LONG = f"That is too long. Write at most {forms.LONGEST_TEXT:,} characters"


@router.post("/desk/cases/{reference}/note")
async def note(request: Request, reference: str) -> Response:
    """For the desk only."""
    attempt = await attempt_of(request, reference, where="note")
    return await _refused(attempt) or await _write(attempt, Audience.DESK) or attempt.done()


@router.post("/desk/cases/{reference}/message")
async def message(request: Request, reference: str) -> Response:
    """To the claimant, who is told by mail that there is one. `do=macro` only puts words into the form."""
    attempt = await attempt_of(request, reference, where="message")
    if problem := await attempt.barred():
        return problem
    if attempt.sent.get("do") == "macro":
        return await _with_macro(attempt)
    return await _refused(attempt) or await _write(attempt, Audience.BOTH) or attempt.done()


async def _refused(attempt: Attempt) -> Response | None:
    if problem := await attempt.barred():
        return problem
    field = f"{attempt.where}-text"
    if not forms.text_of(attempt.sent):
        return await attempt.refused(422, {field: EMPTY})
    if "text" in attempt.sent.too_long:
        return await attempt.refused(422, {field: TOO_LONG})
    return None


async def _write(attempt: Attempt, audience: Audience) -> Response | None:
    """The text first, sealed, then the case: it names what is there already."""
    services, text, author = services_of(attempt.request), forms.text_of(attempt.sent), attempt.agent.name
    route = "note" if audience is Audience.DESK else "message"
    token = token_of(attempt, route, text)
    async with services.database.write() as session:
        name = await intake_desk.write_text(
            session,
            services.rings,
            reference=attempt.row.reference,
            audience=audience,
            author=author,
            text=text,
            token=token,
        )
    command = WriteNote(author, name) if audience is Audience.DESK else SendMessage(author, name)
    return await carry_out(attempt, command, text)


async def _with_macro(attempt: Attempt) -> Response:
    services = services_of(attempt.request)
    async with services.database.read() as session:
        chosen = await macros.macro(session, attempt.sent.get("macro"))
    if chosen is None:
        return await attempt.refused(422, {"message-macro": "Choose a text"})
    text = macros.filled(chosen.text, macro_values(attempt))
    return await attempt.shown(sent={**attempt.sent.kept, "text": text})


def macro_values(attempt: Attempt, **more: str) -> dict[str, str]:
    """What stands for the names in braces; `more` is what only some forms know."""
    settings = services_of(attempt.request).settings
    return {
        "reference": grouped(attempt.row.reference),
        "platform": settings.platform_name,
        "agent": attempt.agent.display_name,
        "help": settings.platform_help,
        **more,
    }
