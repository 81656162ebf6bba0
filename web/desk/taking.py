"""Taking a case, so that nobody else works on it too, and giving it back."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from domain.claim_events import Release, Take
from web.desk.acting import attempt_of, carry_out

router = APIRouter()


@router.post("/desk/cases/{reference}/take")
async def take(request: Request, reference: str) -> Response:
    """Of two agents at once one gets it; the other sees who, and until when."""
    attempt = await attempt_of(request, reference, where="head")
    if problem := await attempt.barred():
        return problem
    return await carry_out(attempt, Take(attempt.agent.name)) or attempt.done()


@router.post("/desk/cases/{reference}/release")
async def release(request: Request, reference: str) -> Response:
    attempt = await attempt_of(request, reference, where="head")
    if problem := await attempt.barred():
        return problem
    return await carry_out(attempt, Release(attempt.agent.name)) or attempt.done()
