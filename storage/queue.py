"""The desk's list: open cases of all kinds by what is due first, a page at a time, and how many there are of a sort.

No statement here grows with closed cases, with the page that is asked for, or with how many cases match: each walks an
index over open cases from a position on, and counts stop at `MOST_COUNTED`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, func, literal, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.case import ALPHABET, REFERENCE_LENGTH, Kind
from storage.models import AT_DESK, ESCALATED, OPEN_CLAIM, CaseRow, Utc

MOST_COUNTED = 1000
"""A count that would be larger is shown as "1,000+"; counting on would cost more than the number is worth."""
PAGE = 50
SOON = timedelta(hours=1)
OPEN = "closed_at IS NULL"


class View(StrEnum):
    """Which open cases: one of these at a time; kind, state and reason narrow it further."""

    DESK = "desk"
    """An agent has to do something."""
    MINE = "mine"
    FREE = "free"
    """As `desk`, and nobody has taken it."""
    LATE = "late"
    SOON = "soon"
    ESCALATED = "escalated"
    """A lead decides."""
    ALL = "all"


@dataclass(frozen=True)
class Filters:
    """What is asked for; empty means any."""

    view: View = View.DESK
    kind: str = ""
    state: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Position:
    """A place in the order, after or before which a page begins: it stays where it is, whatever comes and goes."""

    at: datetime
    reference: str

    def text(self) -> str:
        """For an address."""
        return f"{self.at.astimezone(UTC):%Y%m%dT%H%M%S.%f}-{self.reference}"

    @classmethod
    def parse(cls, typed: str) -> "Position | None":
        """None for anything that `text` did not write."""
        moment, _, reference = typed.partition("-")
        if len(reference) != REFERENCE_LENGTH or not set(reference) <= set(ALPHABET):
            return None
        try:
            return cls(datetime.strptime(moment, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC), reference)
        except ValueError:
            return None


@dataclass(frozen=True)
class Entry:
    """One open or closed case in a list. `score` is None where nothing was weighed."""

    reference: str
    kind: str
    reason: str
    state: str
    waiting_on: str | None
    due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    order_at: datetime
    assignee: str
    lease_until: datetime | None
    priority: int
    channel: str
    number: int
    score: int | None
    help_asked_at: datetime | None

    @property
    def position(self) -> Position:
        return Position(self.order_at, self.reference)

    def holder(self, now: datetime) -> str:
        """Who has taken it; a lease that has run out holds nothing."""
        return self.assignee if self.lease_until is None or self.lease_until > now else ""


@dataclass(frozen=True)
class Page:
    """`earlier` and `later` are where the pages beside this one begin; None where there is none."""

    entries: tuple[Entry, ...]
    earlier: Position | None
    later: Position | None


COLUMNS = (
    *(CaseRow.reference, CaseRow.kind, CaseRow.reason, CaseRow.state, CaseRow.waiting_on, CaseRow.due_at),
    *(CaseRow.opened_at, CaseRow.closed_at, CaseRow.order_at, CaseRow.assignee, CaseRow.lease_until),
    *(CaseRow.priority, CaseRow.channel, CaseRow.number),
    col(CaseRow.snapshot)["score"].as_integer().label("score"),
    col(CaseRow.snapshot)["evidence"].as_string().label("evidence"),
    col(CaseRow.snapshot)["help_asked_at"].as_string().label("help_asked_at"),
)
"""Not the whole snapshot: it is thousands of characters, of which a list needs three."""


async def page_of(
    session: AsyncSession,
    filters: Filters,
    agent: str,
    now: datetime,
    *,
    after: Position | None = None,
    before: Position | None = None,
    size: int = PAGE,
) -> Page:
    """The first page, or the one after or before a position."""
    wanted = and_(*_conditions(filters, agent, now))
    order = (col(CaseRow.order_at), col(CaseRow.reference))
    backwards = before is not None and after is None
    if backwards:
        assert before
        wanted, order = and_(wanted, tuple_(*order) < _value(before)), tuple(one.desc() for one in order)  # type: ignore[assignment]
    elif after is not None:
        wanted = and_(wanted, tuple_(*order) > _value(after))
    found = await session.execute(select(*COLUMNS).where(wanted).order_by(*order).limit(size + 1))  # type: ignore[call-overload]
    entries = [entry_of(row) for row in found.all()]
    has_more, entries = len(entries) > size, entries[:size]
    if backwards:
        entries.reverse()
    begins = entries[0].position if entries else None
    ends = entries[-1].position if entries else None
    earlier = begins if (has_more if backwards else after is not None) else None
    return Page(tuple(entries), earlier, ends if (backwards or has_more) else None)


async def free_cases(session: AsyncSession, now: datetime, limit: int) -> Sequence[CaseRow]:
    """Claims that wait for an agent and that nobody has, by what is due first: candidates for "take the next"."""
    wanted = and_(*_conditions(Filters(View.FREE, kind=Kind.CLAIM), "", now))
    order = (col(CaseRow.order_at), col(CaseRow.reference))
    found = await session.execute(select(CaseRow).where(wanted).order_by(*order).limit(limit))
    return found.scalars().all()


async def counts(session: AsyncSession, wanted: Iterable[Filters], agent: str, now: datetime) -> Mapping[Filters, int]:
    """How many open cases each of these shows, up to `MOST_COUNTED + 1`, in one statement."""
    asked = list(wanted)
    if not asked:
        return {}
    columns = [_capped(_conditions(filters, agent, now)).label(f"n{place}") for place, filters in enumerate(asked)]
    found = (await session.execute(select(*columns))).one()
    return dict(zip(asked, found, strict=True))


def _capped(conditions: Iterable[Any]) -> Any:
    few = select(literal(1)).select_from(CaseRow).where(*conditions).limit(MOST_COUNTED + 1).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def _conditions(filters: Filters, agent: str, now: datetime) -> list[Any]:
    """The conditions, those of the partial indexes first and word for word."""
    found: list[Any] = [text(_index_of(filters))]
    match filters.view:
        case View.MINE:
            found += [col(CaseRow.assignee) == agent, col(CaseRow.lease_until) > now]
        case View.FREE:
            found.append(or_(col(CaseRow.assignee).is_(None), col(CaseRow.lease_until) <= now))
        case View.LATE:
            found.append(col(CaseRow.order_at) <= now)
        case View.SOON:
            found += [col(CaseRow.order_at) > now, col(CaseRow.order_at) <= now + SOON]
        case _:
            pass
    if filters.kind:
        found.append(col(CaseRow.kind) == filters.kind)
    if filters.state:
        found.append(col(CaseRow.state) == filters.state)
    if filters.reason:
        found += [text(OPEN_CLAIM), col(CaseRow.reason) == filters.reason]
    return found


def _index_of(filters: Filters) -> str:
    return {View.ESCALATED: ESCALATED, View.MINE: OPEN, View.ALL: OPEN}.get(filters.view, AT_DESK)


def _value(position: Position) -> Any:
    return tuple_(literal(position.at, Utc), literal(position.reference))


def entry_of(row: Any) -> Entry:
    """A row of `COLUMNS`."""
    values = row._asdict()
    asked = values["help_asked_at"]
    values["help_asked_at"] = datetime.fromisoformat(asked) if asked else None
    values["assignee"] = values["assignee"] or ""
    if not values.pop("evidence"):  # a score of 0 would say that what was given does not fit
        values["score"] = None
    return Entry(**values)
