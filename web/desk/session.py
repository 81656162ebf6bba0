"""Who is at the desk: the cookie of an agent, and what a page asks of it."""

from fastapi import Request, Response

from settings import Settings
from storage import desk
from storage.desk import Agent
from web.access import cookie_name
from web.services import services_of


class NotSignedIn(Exception):
    """The page is for agents: the sign-in comes first."""


def token_of(request: Request) -> str:
    return request.cookies.get(cookie_name(services_of(request).settings, "reinstate_desk"), "")


async def agent_of(request: Request) -> Agent:
    """Who is signed in. Raises `NotSignedIn`. Every page renews the idle time, at most once a minute."""
    services, token = services_of(request), token_of(request)
    if not token:
        raise NotSignedIn
    async with services.database.read() as session:
        agent, is_due = await desk.agent_signed_in(session, services.rings, token)
    if agent is None:
        raise NotSignedIn
    if is_due:
        async with services.database.write() as session:
            await desk.seen(session, services.rings, token)
    return agent


def let_in(response: Response, settings: Settings, token: str) -> None:
    response.set_cookie(
        cookie_name(settings, "reinstate_desk"),
        token,
        path="/",
        secure=settings.is_secure,
        httponly=True,
        samesite="lax",
    )


def let_out(response: Response, settings: Settings) -> None:
    response.delete_cookie(
        cookie_name(settings, "reinstate_desk"), path="/", secure=settings.is_secure, httponly=True, samesite="lax"
    )
