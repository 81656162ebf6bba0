"""What agents set for themselves: the second factor, keys, and where they are signed in."""

from datetime import datetime
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from domain.errors import TooMany
from storage import agent_events, desk
from storage.agent_events import Deed
from storage.desk import SignedIn
from web.desk import factor
from web.desk.session import password_fits, signed_in
from web.forms import Sent, sent_by
from web.render import fresh_key, page
from web.services import services_of
from web.times import datetime_now

router = APIRouter()
log = structlog.get_logger(__name__)

PASSWORD_WRONG = "The password is not correct"
CODE_WRONG = "The code is not correct, or was used before. Wait for the next one"
BOTH_WRONG = "The password or the code is not correct"
SHUT = "There were too many wrong passwords. Try again later"


@router.get("/desk/settings")
async def show_settings(request: Request) -> Response:
    return await _settings(request, await signed_in(request))


async def _settings(request: Request, signed: SignedIn, *, status: int = 200, **more: Any) -> HTMLResponse:
    async with services_of(request).database.read() as session:
        sessions = await desk.open_sessions(session, signed)
    context: dict[str, Any] = {
        "agent": signed.agent,
        "sessions": sessions,
        "must_have_factor": services_of(request).settings.desk_second_factor,
        "problems": {},
    }
    return page(request, "desk/settings.html", status=status, **(context | more))


def _back(part: str) -> Response:
    return RedirectResponse(f"/desk/settings#{part}", status_code=303)


# ---- the second factor ---------------------------------------------------------------------------------------------


@router.get("/desk/settings/second-factor")
async def show_factor(request: Request) -> Response:
    signed = await signed_in(request)
    if signed.agent.has_factor:
        return _back("factor")
    return _factor(request, signed, factor.sealed_secret(services_of(request).rings.row, signed))


@router.post("/desk/settings/second-factor")
async def set_up_factor(request: Request) -> Response:
    """Right password and right code: from now on both are asked."""
    signed, sent, services = await signed_in(request), await sent_by(request), services_of(request)
    if signed.agent.has_factor:
        return _back("factor")
    sealed = sent.get("secret")
    secret = factor.opened_secret(services.rings.row, signed, sealed)
    if secret is None:
        return RedirectResponse("/desk/settings/second-factor", status_code=303)
    try:
        fits = await password_fits(request, signed.agent.name, sent.get("password"))
    except TooMany as shut:
        return _waiting(_factor(request, signed, sealed, status=429, problems={"password": SHUT}), shut.until)
    if fits is None:
        return _factor(request, signed, sealed, status=422, problems={"password": PASSWORD_WRONG})
    async with services.database.write() as session:
        if not await desk.totp_is_new(session, signed.agent.name, secret, sent.get("totp")):
            return _factor(request, signed, sealed, status=422, problems={"totp": CODE_WRONG})
        await desk.set_totp(session, services.rings.row, signed.agent.name, secret)
        await _note(session, request, signed, Deed.SET_UP_FACTOR, sent)
    log.info("second factor set up", agent=signed.agent.name)
    return _back("factor")


@router.get("/desk/settings/second-factor/remove")
async def ask_before_removing(request: Request) -> Response:
    signed = await signed_in(request)
    return _removing(request, signed) if signed.agent.has_factor else _back("factor")


@router.post("/desk/settings/second-factor/remove")
async def remove_factor(request: Request) -> Response:
    """Needs both, so that nobody who finds an open desk takes the lock off."""
    signed, sent, services = await signed_in(request), await sent_by(request), services_of(request)
    if not signed.agent.has_factor:
        return _back("factor")
    try:
        fits = await password_fits(request, signed.agent.name, sent.get("password"), sent.get("totp"))
    except TooMany as shut:
        return _waiting(_removing(request, signed, status=429, problems={"password": SHUT}), shut.until)
    if fits is None:
        return _removing(request, signed, status=422, problems={"password": BOTH_WRONG})
    async with services.database.write() as session:
        await desk.set_totp(session, services.rings.row, signed.agent.name, None)
        await _note(session, request, signed, Deed.REMOVED_FACTOR, sent)
    log.info("second factor removed", agent=signed.agent.name)
    return _back("factor")


def _factor(
    request: Request, signed: SignedIn, sealed: str, *, status: int = 200, problems: dict[str, str] | None = None
) -> HTMLResponse:
    services = services_of(request)
    secret = factor.opened_secret(services.rings.row, signed, sealed)
    assert secret is not None
    text = factor.address(secret, services.settings.platform_name, signed.agent.name)
    more: dict[str, Any] = {"sealed": sealed, "spelled": factor.spelled(secret), "picture": factor.picture(text)}
    must = services.settings.desk_second_factor
    found = problems or {}
    return page(request, "desk/factor.html", status=status, agent=signed.agent, must_have=must, problems=found, **more)


def _removing(
    request: Request, signed: SignedIn, *, status: int = 200, problems: dict[str, str] | None = None
) -> HTMLResponse:
    must = services_of(request).settings.desk_second_factor
    found = problems or {}
    return page(request, "desk/factor_remove.html", status=status, agent=signed.agent, must_have=must, problems=found)


def _waiting(answer: HTMLResponse, until: datetime) -> HTMLResponse:
    answer.headers["Retry-After"] = str(max(1, int((until - datetime_now()).total_seconds())))
    return answer


# ---- keys and sessions ---------------------------------------------------------------------------------------------


@router.post("/desk/settings/keys")
async def switch_keys(request: Request) -> Response:
    signed, sent, services = await signed_in(request), await sent_by(request), services_of(request)
    on = sent.get("keys") == "on"
    async with services.database.write() as session:
        await desk.switch_keys(session, signed.agent.name, on=on)
        await _note(session, request, signed, Deed.SWITCHED_KEYS, sent, {"on": on})
    return _back("keys")


@router.post("/desk/settings/sessions")
async def end_sessions(request: Request) -> Response:
    """One of the agent's own sessions by its name, or all but this one."""
    signed, sent, services = await signed_in(request), await sent_by(request), services_of(request)
    name = "".join(letter for letter in sent.get("session") if letter in "0123456789abcdef")[: desk.SESSION_NAME]
    if sent.get("session") and len(name) < desk.SESSION_NAME:
        return _back("sessions")
    async with services.database.write() as session:
        ended = await desk.end_sessions(session, signed, name)
        if ended:
            await _note(session, request, signed, Deed.ENDED_SESSION, sent, {"count": ended})
    return _back("sessions")


async def _note(
    session: Any, request: Request, signed: SignedIn, deed: Deed, sent: Sent, data: dict[str, Any] | None = None
) -> None:
    key, rings = sent.key or fresh_key(), services_of(request).rings
    await agent_events.note(session, rings, signed.agent.name, deed, data, key=key)
