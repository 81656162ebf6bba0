"""Every component of the look once, with its states: to see at a glance what a change of the style sheet does."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from web import words
from web.render import page

router = APIRouter()


@router.get("/patterns")
async def show_patterns(request: Request) -> HTMLResponse:
    kinds = [("Recovery", words.RECOVERY_STATES), ("Claim", words.CLAIM_STATES)]
    return page(request, "dev/patterns.html", kinds=kinds)
