"""One-time links back to a case, mailed to a contact that was proved; they work in any browser (design 4.3).

The token is derived from the name of its message, so that a message that is sent again carries the same one; stored
is only its digest. Posting it makes a browser the holder, as posting a code's link does.
"""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from storage import intake
from storage.engine import database_time
from storage.intake import Browser, LinkExpired, LinkUsed
from storage.keys import Ring, Rings
from storage.models import AccessLinkRow, CaseAccessRow
from storage.once import insert_once

TOKEN_BYTES = 16  # 128 bits, as in the mailed link of a code
LIFETIME = timedelta(days=7)
"""As long as the "this was not me" link of the same message. Another one can be asked for at `/find`."""

KEPT = timedelta(days=30)
"""How long a link that is over is told from one that never was."""


class Way(NamedTuple):
    """The token of a link, and until when it works."""

    token: str
    until: datetime


class Entered(NamedTuple):
    """`secret` is for the cookie of the browser that posted the link, `digest` names it in `Enter`."""

    reference: str
    secret: str
    digest: str


class LinkUnknown(Exception):
    """No message carried this token, or its case is forgotten."""


async def make(session: AsyncSession, rings: Rings, name: str, reference: str, *, at: datetime) -> Way:
    """The link of the message `name` (of the time `at`) into the case; its row is made at the first call."""
    for token in _tokens(rings, name):
        row = await find(session, rings, token)
        if row is not None:
            return Way(token, row.expires_at)
    token, until = derived(rings.issue, name, key=rings.issue.current), at + LIFETIME
    digest = rings.digest.digest("access-link", token)
    row = AccessLinkRow(digest=digest, case_ref=reference, expires_at=until, key=rings.digest.current)
    await insert_once(session, row)
    return Way(token, until)


def derived(issue: Ring, name: str, *, key: str) -> str:
    """The token of the message `name` under this key of the issue ring."""
    made = issue.derive("access-link", name, key=key)[:TOKEN_BYTES]
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _tokens(rings: Rings, name: str) -> Iterator[str]:
    """Under every issue key, newest first: none of our columns names the key."""
    for key in rings.issue.keys:
        yield derived(rings.issue, name, key=key)


async def find(session: AsyncSession, rings: Rings, token: str) -> AccessLinkRow | None:
    """The link of this token, also one that is used up or over."""
    wanted = rings.digest.digests("access-link", token)
    found = await session.execute(select(AccessLinkRow).where(col(AccessLinkRow.digest).in_(wanted)))
    return found.scalar_one_or_none()


async def use(session: AsyncSession, rings: Rings, token: str, browser: Browser, key: str) -> Entered:
    """Use the link up for this browser. The same form sent twice gets the same answer.

    The secret opens nothing until the workflow has recorded `HolderMoved`, or `admit` was called for a claim that is
    over. Raises `LinkUnknown`, `LinkUsed` or `LinkExpired`.
    """
    row = await _locked(session, rings, token)
    if row is None:
        raise LinkUnknown
    now = await database_time(session)
    secret = intake.case_secret(rings, row.case_ref, browser.cookie, key)
    digest = rings.digest.digest("access", secret)
    if await session.get(CaseAccessRow, digest) is None:
        if row.used_at is not None:
            raise LinkUsed(None)
        if now >= row.expires_at:
            raise LinkExpired
        await intake.browser_for_link(session, rings, row.case_ref, browser, key=key)
        mine = col(AccessLinkRow.digest) == row.digest
        await session.execute(update(AccessLinkRow).where(mine).values(used_at=now))
    return Entered(row.case_ref, secret, digest)


async def admit(session: AsyncSession, reference: str, digest: str) -> None:
    """Let the browser see a claim whose workflow is over, so that no update can make it the holder."""
    mine = col(CaseAccessRow.case_ref) == reference, col(CaseAccessRow.digest) == digest
    await session.execute(update(CaseAccessRow).where(*mine).values(pending=False))


async def _locked(session: AsyncSession, rings: Rings, token: str) -> AccessLinkRow | None:
    """As it is now: of several presses at once the first uses it, and the others wait to see that."""
    wanted = rings.digest.digests("access-link", token)
    statement = select(AccessLinkRow).where(col(AccessLinkRow.digest).in_(wanted)).with_for_update()
    found = await session.execute(statement, execution_options={"populate_existing": True})
    return found.scalar_one_or_none()


async def forget(session: AsyncSession, now: datetime) -> None:
    """Links that are over, used or not; for the upkeep."""
    await session.execute(delete(AccessLinkRow).where(col(AccessLinkRow.expires_at) < now - KEPT))
