"""The mails and text messages that the catcher kept instead of sending them."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from development import catcher
from development.catcher import CaughtMessage
from web.access import NotFound
from web.dev.messages import contents_of, title_of
from web.render import page
from web.services import services_of

router = APIRouter()

JSON_FIELDS = ("id", "at", "channel", "to", "subject", "text", "html")
MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
)
"""For the HTML part of a mail: mail programs allow styles on elements, and nothing that acts."""
MOST = 200
"""Messages in the list; the JSON has all of them."""

Part = Literal["text", "headers"]


@dataclass(frozen=True)
class Item:
    message: CaughtMessage
    title: str
    at: datetime


@router.get("/dev/mailbox.json")
async def mailbox_json(request: Request) -> JSONResponse:
    """Every delivery, oldest first."""
    caught = await _caught(request)
    return JSONResponse([{name: getattr(message, name) for name in JSON_FIELDS} for message in caught])


@router.get("/dev/mailbox")
async def show_mailbox(request: Request, newest: str | None = None) -> Response:
    """The newest message beside the list. `newest` is what htmx asks to stay up to date: 204 if nothing came."""
    return await _shown(request, None, "text", newest)


@router.get("/dev/mailbox/{name}")
async def show_message(request: Request, name: str, part: Part = "text", newest: str | None = None) -> Response:
    return await _shown(request, name, part, newest)


@router.get("/dev/mailbox/{name}/html")
async def show_html(request: Request, name: str) -> HTMLResponse:
    """The HTML part as a mail program shows it: on a page of its own, without any power over ours."""
    message = _named(await _caught(request), name)
    if not message.html:
        raise NotFound
    return HTMLResponse(message.html, headers={"Content-Security-Policy": MAIL_POLICY})


@router.post("/dev/mailbox/empty")
async def empty_mailbox(request: Request) -> RedirectResponse:
    await asyncio.to_thread(catcher.empty, services_of(request).settings.mailbox)
    return RedirectResponse("/dev/mailbox", status_code=303)


async def _shown(request: Request, name: str | None, part: Part, newest: str | None) -> Response:
    caught = await _caught(request)
    last = caught[-1].id if caught else ""
    if newest is not None and newest == last:
        return Response(status_code=204)
    message = _named(caught, name) if name else (caught[-1] if caught else None)
    return page(
        request,
        "dev/mailbox.html",
        may_focus=False,
        items=[_item(each) for each in reversed(caught[-MOST:])],
        total=len(caught),
        newest=last,
        open=_item(message) if message else None,
        found=contents_of(message) if message else None,
        part=part,
        chosen=name or "",
    )


def _item(message: CaughtMessage) -> Item:
    return Item(message, title_of(message), datetime.fromisoformat(message.at))


def _named(caught: list[CaughtMessage], name: str) -> CaughtMessage:
    found = next((message for message in caught if message.id == name), None)
    if found is None:
        raise NotFound
    return found


async def _caught(request: Request) -> list[CaughtMessage]:
    mailbox = services_of(request).settings.mailbox
    try:
        return await asyncio.to_thread(catcher.read_all, mailbox)
    except FileNotFoundError:  # emptied in this very moment
        return await asyncio.to_thread(catcher.read_all, mailbox)
