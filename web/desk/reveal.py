"""Looking at what is hidden: one thing at a time, after the case has written down who looked."""

import secrets
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from domain.claim import Claim
from domain.claim_events import Reveal
from storage import files, given, reads
from storage.given import CONTACT
from storage.intake_claim import OPENING
from web.access import NotFound
from web.desk import words
from web.desk.acting import Attempt, attempt_of, carry_out
from web.services import services_of
from web.times import datetime_now

router = APIRouter()

SANDBOX = "default-src 'none'; sandbox"
"""What a file may do in a browser that shows it in spite of everything: nothing."""
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}


@dataclass(frozen=True)
class Shown:
    """Something hidden, shown once: on the answer to the click, and nowhere else."""

    name: str
    text: str


@router.post("/desk/cases/{reference}/reveal")
async def reveal(request: Request, reference: str) -> Response:
    """One thing, after the case has written down who looked. Sent again it is written down again."""
    attempt = await attempt_of(request, reference, where="evidence")
    if problem := await attempt.barred():
        return problem
    what = attempt.sent.get("what")
    text = await _hidden(attempt, what)
    if text is None:
        return await attempt.refused(422, {"": "There is nothing of this name to look at, or it was erased"})
    minute = str(int(datetime_now().timestamp()) // 60)
    if problem := await carry_out(attempt, Reveal(attempt.agent.name, what), what, minute):
        return problem
    return await attempt.shown(shown=Shown(words.GIVEN.get(what.partition("/")[0], what.partition("/")[0]), text))


async def _hidden(attempt: Attempt, what: str) -> str | None:
    services, case = services_of(attempt.request), reads.case_of(attempt.row)
    if not isinstance(case, Claim):
        return None
    kind, _, time = what.partition("/")
    async with services.database.read() as session:
        if what == CONTACT:
            name = case.contact.contact if case.contact else ""
            return await given.contact(session, services.rings, case.reference, name)
        if kind not in words.GIVEN or not await _was_sent(session, attempt, time):
            return None
        return await given.opened(session, services.rings, case.reference, time, kind)


async def _was_sent(session: AsyncSession, attempt: Attempt, time: str) -> bool:
    """What a claimant is still typing is nobody's business."""
    if time == OPENING:
        return True
    events = await reads.event_rows(session, attempt.row.reference)
    return any(row.kind == "evidence_given" and row.data.get("evidence") == time for row in events)


@router.get("/desk/cases/{reference}/files/{name}")
async def open_file(request: Request, reference: str, name: str) -> Response:
    """A clean file, as something to keep and never as a page of ours. Each opening is an event."""
    attempt = await attempt_of(request, reference, where="evidence")
    if problem := await attempt.barred():
        return problem
    services, row = services_of(request), attempt.row
    async with services.database.read() as session:
        file = await files.read(session, services.rings, row.reference, name)
    if file is None:
        raise NotFound
    if problem := await carry_out(attempt, Reveal(attempt.agent.name, f"file/{name}"), secrets.token_hex(8)):
        return problem
    kept_as = f"{row.reference}-{name[:8]}.{EXTENSIONS.get(file.media_type, 'bin')}"
    return Response(
        file.content,
        media_type=file.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{kept_as}"',
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
        },
    )
