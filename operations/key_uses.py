"""What still needs a key. A key may be retired once nothing does: no open case, no retained run, no sealed row.

Answers are sentences for operators, with counts and without references.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from activities.delivery.objections import derived
from operations.rings import RingName
from storage import access_links, directory
from storage.engine import database_time
from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Ring, Rings
from storage.models import (
    AccessLinkRow,
    AccountContactRow,
    AccountRecoveryCodeRow,
    AccountRow,
    AgentEventRow,
    AgentRow,
    CaseAccessRow,
    CaseEventRow,
    CaseRow,
    CodeIssueRow,
    FindRequestRow,
    NoticeRow,
    ObjectionLinkRow,
    ReceivedRow,
    RowKeyRow,
    VaultRow,
)
from storage.people import RowKeys, account_subject

PORTION = 500
"""Rows that are looked at together, where their content decides."""

Uses = list[str]


async def uses(session: AsyncSession, rings: Rings, ring: RingName, key: str) -> Uses:
    """Why this key is still needed, as far as the database knows; for the payload ring see `runs.py`."""
    look: dict[RingName, Callable[[AsyncSession, Rings, str], Awaitable[Uses]]] = {
        RingName.ISSUE: _issue,
        RingName.DIGEST: _digest,
        RingName.INDEX: _index,
        RingName.DECISION: _decision,
        RingName.ROW: _row,
        RingName.AUDIT: _audit,
    }
    return await look[ring](session, rings, key) if ring in look else []


async def _issue(session: AsyncSession, rings: Rings, key: str) -> Uses:
    codes = await _count(session, CodeIssueRow, _is_open(CodeIssueRow), col(CodeIssueRow.keys).startswith(f"{key}/"))
    waiting = 0
    async for name, digest in _unsent_links(session):
        made = rings.digest.digests("objection", derived(rings.issue, name, key=key))
        waiting += digest in made
    async for name in _waiting_messages(session):
        made = rings.digest.digests("access-link", access_links.derived(rings.issue, name, key=key))
        known = select(func.count()).select_from(AccessLinkRow).where(col(AccessLinkRow.digest).in_(made))
        waiting += bool((await session.execute(known)).scalar_one())
    return [
        *_said(codes, "code of an open case", "codes of open cases"),
        *_said(waiting, "message that waits to be sent", "messages that wait to be sent"),
    ]


async def _digest(session: AsyncSession, rings: Rings, key: str) -> Uses:  # noqa: ARG001
    codes = await _count(session, CodeIssueRow, _is_open(CodeIssueRow), col(CodeIssueRow.keys).endswith(f"/{key}"))
    maybe = ("", key)
    browsers = await _count(
        session, CaseAccessRow, _is_open(CaseAccessRow),
        col(CaseAccessRow.key).in_(maybe), col(CaseAccessRow.revoked_at).is_(None),
    )  # fmt: skip
    now = await database_time(session)
    links = await _count(session, ObjectionLinkRow, col(ObjectionLinkRow.key).in_(maybe), *_is_alive(now))
    ways = await _count(
        session, AccessLinkRow, col(AccessLinkRow.key) == key,
        col(AccessLinkRow.expires_at) > now, col(AccessLinkRow.used_at).is_(None),
    )  # fmt: skip
    return [
        *_said(codes, "code of an open case", "codes of open cases"),
        *_said(browsers, "browser that holds an open case", "browsers that hold open cases"),
        *_said(links, "“this was not me” link that still works", "“this was not me” links that still work"),
        *_said(ways, "link back to a case that still works", "links back to cases that still work"),
    ]


async def _index(session: AsyncSession, rings: Rings, key: str) -> Uses:
    names = contacts = 0
    async for account in accounts(session):
        username, found = await indexed(session, rings, account, key)
        names += account.username_index == username
        contacts += sum(row.index == made for made, row in found.items())
    codes = await _count(
        session, AccountRecoveryCodeRow,
        col(AccountRecoveryCodeRow.key).in_(("", key)), col(AccountRecoveryCodeRow.used_by) == "",
    )  # fmt: skip
    return [
        *_said(names, "username", "usernames", "; `reinstate keys rewrap index` makes them anew"),
        *_said(contacts, "contact", "contacts", "; `reinstate keys rewrap index` makes them anew"),
        *_said(codes, "saved recovery code", "saved recovery codes", ", which nobody can make anew but their owners"),
    ]


async def _decision(session: AsyncSession, rings: Rings, key: str) -> Uses:  # noqa: ARG001
    found = await session.execute(
        select(ReceivedRow).where(col(ReceivedRow.kind) == "decision", col(ReceivedRow.answered_at).is_(None))
    )
    waiting = sum(str(row.data.get("proof", "")).startswith(f"{key}:") for row in found.scalars())
    return _said(waiting, "decision that no case has answered", "decisions that no case has answered")


async def _row(session: AsyncSession, rings: Rings, key: str) -> Uses:  # noqa: ARG001
    anew = "; `reinstate keys rewrap row` wraps them anew"
    people = await _count(session, RowKeyRow, sealed_with(RowKeyRow.wrapped, key))
    factors = await _count(session, AgentRow, sealed_with(AgentRow.totp_sealed, key))
    secrets = await _count(session, VaultRow, sealed_with(VaultRow.sealed, key))
    requests = await _count(session, FindRequestRow, sealed_with(FindRequestRow.sealed, key))
    return [
        *_said(people, "key of a person", "keys of people", anew),
        *_said(factors, "second factor of an agent", "second factors of agents", anew),
        *_said(secrets, "secret in the vault", "secrets in the vault", ", for a day at most"),
        *_said(requests, "request for the way back", "requests for the way back", ", for a day at most"),
    ]


async def _audit(session: AsyncSession, rings: Rings, key: str) -> Uses:  # noqa: ARG001
    events = await _count(session, CaseEventRow, sealed_with(CaseEventRow.hash, key))
    events += await _count(session, AgentEventRow, sealed_with(AgentEventRow.hash, key))
    return _said(events, "event in a chain", "events in chains", "; `reinstate keys rewrap audit` chains them anew")


# ---- where to look --------------------------------------------------------------------------------------------------


async def accounts(session: AsyncSession) -> AsyncIterator[AccountRow]:
    """Every account of the embedded directory, in portions."""
    after = ""
    while True:
        found = await session.execute(
            select(AccountRow).where(col(AccountRow.ref) > after).order_by(col(AccountRow.ref)).limit(PORTION)
        )
        rows = found.scalars().all()
        for row in rows:
            yield row
        if not rows:
            return
        after = rows[-1].ref


async def indexed(
    session: AsyncSession, rings: Rings, account: AccountRow, key: str
) -> tuple[str, dict[str, AccountContactRow]]:
    """The blind index of an account's name under this key ("" if it was erased), and its contacts by theirs."""
    one = Rings(rings.issue, rings.digest, Ring({key: rings.index.key(key)}), rings.decision, rings.row, rings.audit)
    name = await directory.username(session, rings, account)
    keys, subject, contacts = RowKeys(rings.row), account_subject(account.ref), {}
    rows = await session.execute(select(AccountContactRow).where(col(AccountContactRow.account_ref) == account.ref))
    for row in rows.scalars():
        address = await keys.read(session, subject, row.address)
        if address is not None:
            (made,) = directory.contact_index(one, Identifier(IdentifierKind(row.kind), address))
            contacts[made] = row
    return (directory.username_index(one, name)[0] if name else ""), contacts


async def _unsent_links(session: AsyncSession) -> AsyncIterator[tuple[str, str]]:
    """Message and digest of every "this was not me" link whose message has not left yet."""
    now = await database_time(session)
    found = await session.execute(
        select(col(ObjectionLinkRow.notice), col(ObjectionLinkRow.digest))
        .join(NoticeRow, col(NoticeRow.name) == col(ObjectionLinkRow.notice))
        .where(col(NoticeRow.state) == "queued", *_is_alive(now))
    )
    for name, digest in found.all():
        yield name, digest


async def _waiting_messages(session: AsyncSession) -> AsyncIterator[str]:
    """Names of the messages that have not left yet."""
    for name in (await session.execute(select(col(NoticeRow.name)).where(col(NoticeRow.state) == "queued"))).scalars():
        yield name


def sealed_with(column: Any, key: str) -> Any:
    """The condition that a value `<key id>:...` names this key."""
    return col(column).startswith(f"{key}:", autoescape=True)


def _is_open(table: Any) -> Any:
    return col(table.case_ref).in_(select(col(CaseRow.reference)).where(col(CaseRow.closed_at).is_(None)))


def _is_alive(now: datetime) -> tuple[Any, ...]:
    return col(ObjectionLinkRow.expires_at) > now, col(ObjectionLinkRow.used_at).is_(None)


async def _count(session: AsyncSession, table: type[SQLModel], *where: Any) -> int:
    return int((await session.execute(select(func.count()).select_from(table).where(*where))).scalar_one())


def _said(count: int, one: str, many: str, more: str = "") -> Uses:
    return [f"{count:,} {one if count == 1 else many}{more}"] if count else []
