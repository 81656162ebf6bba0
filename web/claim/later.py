"""Addresses that are promised but not built yet: each says so, and what to do meanwhile. No form that pretends."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from web.render import page

router = APIRouter()


@router.get("/appeal/{token}")
async def appeal(request: Request, token: str) -> HTMLResponse:  # noqa: ARG001 - part of the promised address
    return page(request, "help/appeal.html")
