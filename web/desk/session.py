"""Who is at the desk: the cookie of an agent, and what a page asks of it."""

import asyncio
from dataclasses import dataclass

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from domain.case import Kind
from domain.claim import State
from settings import Settings
from storage import desk, directory, queue
from storage.agents import Role
from storage.desk import Agent, SignedIn
from storage.models import AgentRow
from storage.queue import Filters, View
from web.access import cookie_name, network_of
from web.services import Services, services_of
from web.times import datetime_now

READERS_OF_THE_LOG = frozenset({Role.LEAD, Role.AUDITOR, Role.ADMIN})
EXPORTERS = frozenset({Role.LEAD, Role.AUDITOR})
"""Who may take the log out of the house."""
WITHOUT_FACTOR = ("/desk/settings", "/desk/sign-out")
"""What an agent reaches who still has to set up a second factor."""


class NotSignedIn(Exception):
    """The page is for agents: the sign-in comes first."""


class FactorWanted(Exception):
    """Everybody at this desk needs a second factor, and this agent has none yet."""


class NotYourRole(Exception):
    """The agent's role, as it is now, does not open this page."""

    def __init__(self, agent: Agent) -> None:
        super().__init__(agent.role)
        self.agent = agent


@dataclass(frozen=True)
class Frame:
    """What stands around every page of the desk: counts up to `queue.MOST_COUNTED + 1`, and what the role opens."""

    at_desk: int
    approvals: int
    reads_log: bool


AT_DESK = Filters()
APPROVALS = Filters(View.ALL, Kind.CLAIM, State.AWAITING_SECOND_APPROVAL)


def token_of(request: Request) -> str:
    return request.cookies.get(cookie_name(services_of(request).settings, "reinstate_desk"), "")


async def agent_of(request: Request, *, at_work: bool = True) -> Agent:
    """Who is signed in, with the role they have now. Raises `NotSignedIn`."""
    return (await signed_in(request, at_work=at_work)).agent


async def agent_with(request: Request, roles: frozenset[Role], *, at_work: bool = True) -> Agent:
    """As `agent_of`. Raises `NotYourRole` too: for a role that was taken away, with the next click."""
    agent = await agent_of(request, at_work=at_work)
    if agent.role not in roles:
        raise NotYourRole(agent)
    return agent


async def signed_in(request: Request, *, at_work: bool = True) -> SignedIn:
    """The session behind a request. Raises `NotSignedIn` or `FactorWanted`.

    Work renews the idle time, at most once a minute. What a page asks by itself is no work: an open page nobody
    looks at must not keep its agent signed in.
    """
    services, token = services_of(request), token_of(request)
    if not token:
        raise NotSignedIn
    async with services.database.read() as session:
        found = await desk.signed_in(session, services.rings, token)
        if found is not None:
            request.state.desk = await _frame(session, found.agent)
    if found is None:
        raise NotSignedIn
    if found.is_due and at_work:
        async with services.database.write() as session:
            await desk.seen(session, services.rings, token)
    if _lacks_factor(services, found.agent) and not request.url.path.startswith(WITHOUT_FACTOR):
        raise FactorWanted
    return found


async def _frame(session: AsyncSession, agent: Agent) -> Frame:
    counts = await queue.counts(session, (AT_DESK, APPROVALS), agent.name, datetime_now())
    return Frame(counts[AT_DESK], counts[APPROVALS], agent.role in READERS_OF_THE_LOG)


def _lacks_factor(services: Services, agent: Agent) -> bool:
    return services.settings.desk_second_factor and not agent.has_factor


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
