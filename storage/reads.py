"""What pages read: the case, its timeline, lists. No page asks a workflow, and none of these writes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.case import Audience
from domain.contact_proof import IDENTIFIER
from storage import folding
from storage.folding import AnyEvent, Case
from storage.identifiers import Identifier, IdentifierKind
from storage.keys import Rings
from storage.models import (
    CaseAccessRow,
    CaseEventRow,
    CasePersonRow,
    CaseRow,
    NoticeRow,
    ObjectionLinkRow,
    ReceivedRow,
)
from storage.people import RowKeys, case_subject


class Access(StrEnum):
    """What a browser may do with a case."""

    HOLDS = "holds"
    MOVED = "moved"
    """It held the case once; another browser continues it."""
    NONE = "none"


@dataclass(frozen=True)
class Entry:
    """One event of a timeline, with the case as it was afterwards."""

    number: int
    event: AnyEvent
    actor: str
    audience: str
    after: Case


async def case_row(session: AsyncSession, reference: str) -> CaseRow | None:
    return await session.get(CaseRow, reference)


def case_of(row: CaseRow) -> Case:
    """The folded case of a row."""
    return folding.load_case(row.kind, row.snapshot)


def is_about(row: CaseRow, accounts: Iterable[str]) -> bool:
    """Whether the case is about one of these accounts. Until the claimant has chosen it is about all that are open.

    A claim is also about those that the proved contact belongs to.
    """
    proved = (row.snapshot.get("sight") or {}).get("accounts", ())
    concerned = {row.account_ref, *row.snapshot.get("accounts", ()), *proved} - {""}
    return not concerned.isdisjoint(accounts)


async def access(session: AsyncSession, rings: Rings, reference: str, secret: str) -> tuple[Access, str]:
    """What the holder of this secret may do, and the digest that names the holder in commands."""
    wanted = rings.digest.digests("access", secret)
    rows = (
        (
            await session.execute(
                select(CaseAccessRow).where(
                    col(CaseAccessRow.case_ref) == reference,
                    col(CaseAccessRow.digest).in_(wanted),
                )
            )
        )
        .scalars()
        .all()
    )
    if not rows or rows[0].pending:
        return Access.NONE, ""
    return (Access.MOVED if rows[0].revoked_at else Access.HOLDS), rows[0].digest


async def typed(session: AsyncSession, rings: Rings, reference: str, name: str = IDENTIFIER) -> Identifier | None:
    """What the claimant typed, opened; None once it was erased."""
    row = await session.get(CasePersonRow, (reference, name))
    if row is None:
        return None
    plain = await RowKeys(rings.row).read(session, case_subject(reference), row.sealed)
    return Identifier(IdentifierKind(row.kind), plain) if plain is not None else None


async def device(session: AsyncSession, rings: Rings, reference: str) -> str:
    """Which kind of browser opened the case, such as "Firefox on Linux"; empty if unknown or erased."""
    row = await session.get(CasePersonRow, (reference, "device"))
    return await RowKeys(rings.row).read(session, case_subject(reference), row.sealed) or "" if row else ""


async def usernames(session: AsyncSession, rings: Rings, reference: str) -> dict[str, str]:
    """Username by account reference: written by the worker after the proof, empty before it and once erased."""
    rows = await session.execute(
        select(CasePersonRow).where(
            col(CasePersonRow.case_ref) == reference,
            col(CasePersonRow.name).startswith("username/"),
        )
    )
    keys, subject = RowKeys(rings.row), case_subject(reference)
    names = {
        row.name.removeprefix("username/"): await keys.read(session, subject, row.sealed) for row in rows.scalars()
    }
    return {account: name for account, name in names.items() if name is not None}


async def timeline(session: AsyncSession, row: CaseRow, audiences: Iterable[Audience]) -> list[Entry]:
    """The events that these audiences may see, oldest first, each with the case after it."""
    rows = await event_rows(session, row.reference)
    shown, case, entries = set(audiences) | {Audience.BOTH}, folding.load_case(row.kind, row.opening), []
    for found in rows:
        event = folding.load_event(row.kind, found.kind, found.at, found.data)
        case = folding.apply(case, event)
        if found.audience in shown:
            entries.append(Entry(found.number, event, found.actor, found.audience, case))
    return entries


async def event_rows(session: AsyncSession, reference: str) -> Sequence[CaseEventRow]:
    found = await session.execute(
        select(CaseEventRow).where(col(CaseEventRow.case_ref) == reference).order_by(col(CaseEventRow.number))
    )
    return found.scalars().all()


async def numbers(session: AsyncSession, references: Iterable[str]) -> dict[str, int]:
    """The last event of each case: what the one poller of a process asks for all its watchers."""
    found = await session.execute(
        select(col(CaseRow.reference), col(CaseRow.number)).where(col(CaseRow.reference).in_(list(references)))
    )
    return {row.reference: row.number for row in found.all()}


async def revoked(session: AsyncSession, digests: Iterable[str]) -> set[str]:
    """Which of these holders hold their case no more."""
    found = await session.execute(
        select(col(CaseAccessRow.digest)).where(
            col(CaseAccessRow.digest).in_(list(digests)),
            col(CaseAccessRow.revoked_at).is_not(None),
        )
    )
    return set(found.scalars().all())


async def open_counts(session: AsyncSession) -> dict[tuple[str, str], int]:
    """Open cases by kind and state."""
    found = await session.execute(
        select(col(CaseRow.kind), col(CaseRow.state), func.count())
        .where(col(CaseRow.closed_at).is_(None))
        .group_by(col(CaseRow.kind), col(CaseRow.state))
    )
    return {(kind, state): count for kind, state, count in found.all()}


async def linked_cases(session: AsyncSession, row: CaseRow, limit: int = 20) -> Sequence[CaseRow]:
    """Other cases of the same account, newest first; decoys have a stand-in account, so they link alike."""
    if not row.account_ref:
        return []
    found = await session.execute(
        select(CaseRow)
        .where(col(CaseRow.account_ref) == row.account_ref, col(CaseRow.reference) != row.reference)
        .order_by(col(CaseRow.opened_at).desc())
        .limit(limit)
    )
    return found.scalars().all()


async def notices(session: AsyncSession, reference: str) -> Sequence[NoticeRow]:
    """The delivery log of a case, oldest first; addresses stay sealed."""
    found = await session.execute(
        select(NoticeRow).where(col(NoticeRow.case_ref) == reference).order_by(col(NoticeRow.made_at))
    )
    return found.scalars().all()


async def unanswered(session: AsyncSession, reference: str) -> Sequence[ReceivedRow]:
    """Decisions and objections that came in and that the case has not answered yet."""
    found = await session.execute(
        select(ReceivedRow)
        .where(col(ReceivedRow.case_ref) == reference, col(ReceivedRow.answered_at).is_(None))
        .order_by(col(ReceivedRow.received_at))
    )
    return found.scalars().all()


async def received(session: AsyncSession, name: str) -> ReceivedRow | None:
    """The decision or objection of this name, if it came in."""
    return await session.get(ReceivedRow, name)


async def objection_link(session: AsyncSession, rings: Rings, token: str) -> ObjectionLinkRow | None:
    """The link behind a "this was not me" token; None if it never was one of ours."""
    found = await session.execute(
        select(ObjectionLinkRow).where(col(ObjectionLinkRow.digest).in_(rings.digest.digests("objection", token)))
    )
    return found.scalar_one_or_none()
