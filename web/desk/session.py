"""Who is at the desk: the cookie of an agent, and what a page asks of it."""

import asyncio

from fastapi import Request, Response

from settings import Settings
from storage import desk, directory
from storage.desk import Agent, SignedIn
from storage.models import AgentRow
from web.access import cookie_name, network_of
from web.services import services_of


class NotSignedIn(Exception):
    """The page is for agents: the sign-in comes first."""


def token_of(request: Request) -> str:
    return request.cookies.get(cookie_name(services_of(request).settings, "reinstate_desk"), "")


async def agent_of(request: Request, *, at_work: bool = True) -> Agent:
    """Who is signed in, with the role they have now. Raises `NotSignedIn`."""
    return (await signed_in(request, at_work=at_work)).agent


async def signed_in(request: Request, *, at_work: bool = True) -> SignedIn:
    """The session behind a request. Raises `NotSignedIn`.

    Work renews the idle time, at most once a minute. What a page asks by itself is no work: an open page nobody
    looks at must not keep its agent signed in.
    """
    services, token = services_of(request), token_of(request)
    if not token:
        raise NotSignedIn
    async with services.database.read() as session:
        found = await desk.signed_in(session, services.rings, token)
    if found is None:
        raise NotSignedIn
    if found.is_due and at_work:
        async with services.database.write() as session:
            await desk.seen(session, services.rings, token)
    return found


async def password_fits(request: Request, name: str, password: str, totp: str | None = None) -> AgentRow | None:
    """The agent, if everything fits; wrong tries are counted. Raises `TooMany`.

    An unknown name takes as long and is told the same. `totp` is None where only the password is asked.
    """
    services = services_of(request)
    async with services.database.write() as session:
        counted = await desk.count_try(session, services.rings, name, network_of(request))
        row = await desk.agent_row(session, name)
    fits = await asyncio.to_thread(directory.fits, row.password_hash if row else None, password)
    if row is None or not row.is_active or not fits:
        return None
    async with services.database.write() as session:
        if totp is not None and not await desk.totp_fits(session, services.rings.row, row, totp):
            return None
        await desk.uncount(session, counted)
    return row


def let_in(response: Response, settings: Settings, token: str) -> None:
    """`Strict`: no link from elsewhere opens the desk as this agent."""
    response.set_cookie(
        cookie_name(settings, "reinstate_desk"),
        token,
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="strict",
    )


def let_out(response: Response, settings: Settings) -> None:
    response.delete_cookie(
        cookie_name(settings, "reinstate_desk"), path="/", secure=settings.is_secure, httponly=True, samesite="strict"
    )
