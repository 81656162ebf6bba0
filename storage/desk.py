"""Agents at the door: sign-in, sessions with their limits, roles. Only digests of session tokens are kept."""

import base64
import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage import budgets
from storage.budgets import Limit
from storage.engine import database_time
from storage.keys import Ring, Rings
from storage.models import AgentRow, AgentSessionRow, BudgetEntryRow
from storage.once import insert_once

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=10)
PROOF = timedelta(hours=4)
"""How long a typed password counts as proof that the agent still sits there; deciding asks for a fresh one."""
SEEN_EVERY = timedelta(minutes=1)
"""How old `seen_at` may grow before a request writes it again; a write for every page would be one too many."""
SESSION_NAME = 16
"""Characters of a digest that name a session to its own agent: 64 bits, which open nothing."""
SIGN_INS = 10
SIGN_INS_PER_NETWORK = 30
"""Passwords that may be wrong in one `WINDOW`; those that were right are not counted."""
WINDOW = timedelta(minutes=15)
TOTP_STEP = 30
TOTP_DIGITS = 6


@dataclass(frozen=True)
class Agent:
    """Who is signed in."""

    name: str
    display_name: str
    role: str
    own_accounts: tuple[str, ...] = ()
    has_factor: bool = False
    """Whether a code is asked at the door and before decisions."""
    keys: bool = True
    """Whether single keys do something on this agent's pages."""


@dataclass(frozen=True)
class SignedIn:
    """An agent's session. `is_due`: `seen` should be called. `has_proof`: the password was typed lately enough."""

    agent: Agent
    is_due: bool
    has_proof: bool
    session: str = ""
    """Digest of the session's token."""


@dataclass(frozen=True)
class OpenSession:
    """Where an agent is signed in. `name` is enough of the digest to say which one is meant."""

    name: str
    made_at: datetime
    seen_at: datetime
    ends_at: datetime
    is_this: bool


@dataclass(frozen=True)
class Counted:
    """A try that was counted; `uncount` takes it back."""

    limits: tuple[Limit, ...]
    at: datetime


async def count_try(session: AsyncSession, rings: Rings, name: str, network: str) -> Counted:
    """Count a password, before it is looked at. Raises `TooMany`.

    Per name *and* network: a stranger elsewhere cannot keep an agent out.
    """
    now = await database_time(session)
    whence = rings.digest.digest("network", network)
    named = rings.digest.digest("sign-in", name, network)
    limits = (
        Limit(f"sign-ins/{named}", SIGN_INS, WINDOW),
        Limit(f"sign-ins/{whence}", SIGN_INS_PER_NETWORK, WINDOW),
    )
    await budgets.take(session, limits, secrets.token_hex(16), now)
    return Counted(limits, now)


async def uncount(session: AsyncSession, counted: Counted) -> None:
    """The password was right."""
    for limit in counted.limits:
        window, _ = limit.window(counted.at)
        await budgets.settle(session, [limit.bucket], window, reserved=0, used=-1)


async def agent_row(session: AsyncSession, name: str) -> AgentRow | None:
    return await session.get(AgentRow, name)


def agent_of(row: AgentRow) -> Agent:
    return Agent(row.name, row.display_name, row.role, tuple(row.own_accounts), bool(row.totp_sealed), row.keys)


async def open_session(session: AsyncSession, rings: Rings, agent: str) -> str:
    """A session, and the token for its cookie."""
    token, now = secrets.token_urlsafe(32), await database_time(session)
    digest = rings.digest.digest("agent-session", token)
    session.add(AgentSessionRow(digest=digest, agent=agent, made_at=now, seen_at=now, proved_at=now))
    return token


async def signed_in(session: AsyncSession, rings: Rings, token: str) -> SignedIn | None:
    """Who holds this token, as they are now. None after sign-out, 30 idle minutes, ten hours, or leaving."""
    row = await _session_row(session, rings, token)
    now = await database_time(session)
    if row is None or row.ended_at is not None or now >= row.seen_at + IDLE or now >= row.made_at + ABSOLUTE:
        return None
    agent = await session.get(AgentRow, row.agent)
    if agent is None or not agent.is_active:
        return None
    return SignedIn(agent_of(agent), now >= row.seen_at + SEEN_EVERY, now < row.proved_at + PROOF, row.digest)


async def proved(session: AsyncSession, rings: Rings, token: str) -> None:
    """The agent has typed the password again."""
    now = await database_time(session)
    wanted = rings.digest.digests("agent-session", token)
    await session.execute(update(AgentSessionRow).where(col(AgentSessionRow.digest).in_(wanted)).values(proved_at=now))


async def seen(session: AsyncSession, rings: Rings, token: str) -> None:
    """The agent is at work: the idle time begins anew."""
    now = await database_time(session)
    wanted = rings.digest.digests("agent-session", token)
    await session.execute(update(AgentSessionRow).where(col(AgentSessionRow.digest).in_(wanted)).values(seen_at=now))


async def end_session(session: AsyncSession, rings: Rings, token: str) -> None:
    now = await database_time(session)
    wanted = rings.digest.digests("agent-session", token)
    await session.execute(
        update(AgentSessionRow)
        .where(col(AgentSessionRow.digest).in_(wanted), col(AgentSessionRow.ended_at).is_(None))
        .values(ended_at=now)
    )


async def open_sessions(session: AsyncSession, signed: SignedIn) -> list[OpenSession]:
    """Where this agent is signed in now, the newest first."""
    now = await database_time(session)
    found = await session.execute(
        select(AgentSessionRow)
        .where(*_still_open(signed.agent.name, now))
        .order_by(col(AgentSessionRow.made_at).desc(), col(AgentSessionRow.digest))
    )
    return [
        OpenSession(
            row.digest[:SESSION_NAME],
            row.made_at,
            row.seen_at,
            min(row.seen_at + IDLE, row.made_at + ABSOLUTE),
            row.digest == signed.session,
        )
        for row in found.scalars()
    ]


async def end_sessions(session: AsyncSession, signed: SignedIn, name: str = "") -> int:
    """End the session of this name, or all but the present one; how many ended. Other agents' are out of reach."""
    now = await database_time(session)
    mine = [*_still_open(signed.agent.name, now)]
    if name:
        mine.append(col(AgentSessionRow.digest).startswith(name, autoescape=True))
    else:
        mine.append(col(AgentSessionRow.digest) != signed.session)
    ended = await session.execute(update(AgentSessionRow).where(*mine).values(ended_at=now))
    return int(ended.rowcount)  # type: ignore[attr-defined]


def _still_open(agent: str, now: datetime) -> tuple[Any, ...]:
    return (
        col(AgentSessionRow.agent) == agent,
        col(AgentSessionRow.ended_at).is_(None),
        col(AgentSessionRow.seen_at) > now - IDLE,
        col(AgentSessionRow.made_at) > now - ABSOLUTE,
    )


async def switch_keys(session: AsyncSession, agent: str, *, on: bool) -> None:
    """Whether single keys do something on the pages of this agent."""
    await session.execute(update(AgentRow).where(col(AgentRow.name) == agent).values(keys=on))


async def _session_row(session: AsyncSession, rings: Rings, token: str) -> AgentSessionRow | None:
    wanted = rings.digest.digests("agent-session", token)
    found = await session.execute(select(AgentSessionRow).where(col(AgentSessionRow.digest).in_(wanted)))
    return found.scalar_one_or_none()


# ---- the second factor: TOTP (RFC 6238, SHA-1, 30 seconds, six digits: what authenticator apps know) ---------------


def seal_totp(ring: Ring, agent: str, secret: bytes) -> str:
    """For `agent.totp_sealed`."""
    return ring.seal(base64.b32encode(secret), f"totp/{agent}")


async def totp_fits(session: AsyncSession, ring: Ring, row: AgentRow, typed: str) -> bool:
    """Whether the code is that of this half minute, or of the one before or after it. True if none is set up.

    Each code works once (RFC 6238 5.2): who looks over a shoulder is too late.
    """
    if not row.totp_sealed:
        return True
    secret = base64.b32decode(ring.open(row.totp_sealed, f"totp/{row.name}"))
    return await totp_is_new(session, row.name, secret, typed)


async def totp_is_new(session: AsyncSession, agent: str, secret: bytes, typed: str) -> bool:
    """Whether the code fits this secret, and was not used by this agent before."""
    now = await database_time(session)
    step = int(now.timestamp()) // TOTP_STEP
    plain = "".join(letter for letter in typed if letter in "0123456789")
    fitting = [step + drift for drift in (-1, 0, 1) if hmac.compare_digest(totp(secret, step + drift), plain)]
    # Written down for good, not counted in a window: a window ends, and then the code would work again.
    used = BudgetEntryRow(bucket=f"totp/{agent}", token=str(fitting[0]), at=now) if fitting else None
    return used is not None and await insert_once(session, used)


def new_totp() -> bytes:
    """A secret of 160 bits, as long as the hash (RFC 4226 4, R6)."""
    return secrets.token_bytes(20)


async def set_totp(session: AsyncSession, ring: Ring, agent: str, secret: bytes | None) -> None:
    """From now on codes of this secret are asked; None: no codes."""
    sealed = seal_totp(ring, agent, secret) if secret else ""
    await session.execute(update(AgentRow).where(col(AgentRow.name) == agent).values(totp_sealed=sealed))


def totp(secret: bytes, step: int) -> str:
    """The code of the half minute `step` (RFC 4226 5.3 with SHA-1)."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**TOTP_DIGITS:0{TOTP_DIGITS}d}"
