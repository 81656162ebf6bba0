"""Guided help: `/start` asks what happens, `/help/<topic>` gives the checks that help most often, then the way on."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from web.access import NotFound
from web.claim.topics import TOPICS
from web.render import page

router = APIRouter()


@router.get("/start")
async def start(request: Request) -> HTMLResponse:
    return page(request, "help/start.html", topics=TOPICS)


@router.get("/help/{topic}")
async def help_with(request: Request, topic: str) -> HTMLResponse:
    found = TOPICS.get(topic)
    if found is None:
        raise NotFound
    return page(request, "help/topic.html", topic=found)
