"""What must be true once a recovery is over, whatever died on the way: nothing lost, nothing twice, no extra try."""

from collections import Counter
from dataclasses import dataclass

import httpx2
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from development.catcher import CaughtMessage, read_all
from domain.case import parse_reference
from storage import audit, folding, reads
from storage.keys import Rings
from storage.models import (
    AccountPasswordRow,
    AccountSessionRow,
    BudgetRow,
    CaseRow,
    CodeIssueRow,
    VaultRow,
)
from tests.e2e.town import Town, code_in, wait_until
from tests.faults.people import NEW, Person, in_sql, notices
from tests.faults.tab import PATIENCE

COURSE = ["case_opened", "code_issued", "code_accepted", "password_submitted", "password_applied"]

NOBODY: frozenset[str] = frozenset()
NOTICE_WITHIN = 60 + PATIENCE
"""Seconds. Whoever is killed while it sends a notice is missed after 60 s (`workflows/telling.py`)."""


@dataclass(frozen=True)
class Books:
    """Rows of one account and its case."""

    cases: int
    events: list[str]
    whole: bool
    """The events are numbered without a gap, chained, and fold into the row."""
    passwords: int
    open_sessions: int
    ended_sessions: int
    tries: list[tuple[int, int]]
    """Used and reserved, per day."""
    starts: list[int]
    issues: list[tuple[int, bool]]
    secrets: int


def books(town: Town, person: Person, reference: str) -> Books:
    name = parse_reference(reference)

    async def look(session: AsyncSession, rings: Rings) -> Books:
        async def rows(statement):
            return list((await session.execute(statement)).scalars())

        row = await session.get_one(CaseRow, name)
        events = list(await reads.event_rows(session, row.reference))
        budget = await rows(select(BudgetRow).where(col(BudgetRow.bucket) == f"tries/{person.ref}"))
        starts = await rows(select(BudgetRow).where(col(BudgetRow.bucket) == f"account-starts/{person.ref}"))
        sessions = await rows(select(AccountSessionRow).where(col(AccountSessionRow.account_ref) == person.ref))
        return Books(
            cases=len(await rows(select(CaseRow).where(col(CaseRow.account_ref) == person.ref))),
            events=[event.kind for event in events],
            whole=_is_whole(rings, row, events),
            passwords=len(await rows(select(AccountPasswordRow).where(col(AccountPasswordRow.set_by) == name))),
            open_sessions=sum(one.ended_at is None for one in sessions),
            ended_sessions=sum(one.ended_by == name for one in sessions),
            tries=[(one.used, one.reserved) for one in budget],
            starts=[one.used for one in starts],
            issues=[
                (one.reserved, one.settled)
                for one in await rows(select(CodeIssueRow).where(col(CodeIssueRow.case_ref) == name))
            ],
            secrets=len(await rows(select(VaultRow).where(col(VaultRow.case_ref) == name))),
        )

    return in_sql(town, look)


def _is_whole(rings, row, events) -> bool:
    case = folding.load_case(row.kind, row.opening)
    for event in events:
        case = folding.apply(case, folding.load_event(row.kind, event.kind, event.at, event.data))
    numbered = [event.number for event in events] == list(range(1, row.number + 1))
    return numbered and audit.first_break(rings.audit, events) is None and folding.dump_case(case) == row.snapshot


def everything_happened_once(town: Town, person: Person, reference: str, *, wrong: int = 0) -> None:
    """The account is back, by one case; every effect was done once and `wrong` tries were counted."""
    found = books(town, person, reference)
    assert [kind for kind in found.events if kind != "code_refused"] == COURSE
    assert found.events.count("code_refused") == wrong
    assert found == Books(
        cases=1,
        events=found.events,
        whole=True,
        passwords=1,
        open_sessions=0,
        ended_sessions=1,
        tries=[(wrong, 0)],
        starts=[1],
        issues=[(5, True)],
        secrets=0,
    )
    assert signs_in(town, person.username, NEW)


def everybody_was_told(
    town: Town,
    person: Person,
    reference: str,
    *,
    twice: frozenset[str] = NOBODY,
    perhaps: frozenset[str] = NOBODY,
    by_text: bool = False,
) -> None:
    """One code and one notice to each of two contacts.

    At the addresses `twice` something was delivered more than once, at `perhaps` it may have been; and then with the
    same id, since messages are told apart by it.
    """
    until_told(town, reference)
    assert [row.state for row in notices(town, reference)] == ["handed_over"] * 3
    raw = deliveries(town, reference)
    code_to = person.phone if by_text else person.email
    assert Counter(one.to for one, _ in raw.values()) == Counter([code_to, person.email, person.phone])
    again = {message.to for message, times in raw.values() if times > 1}
    assert twice <= again <= twice | perhaps, {name: times for name, (_, times) in raw.items()}


def until_told(town: Town, reference: str) -> None:
    """Both contacts have their notice."""

    def is_told() -> bool:
        return [row.state for row in notices(town, reference, "password-changed")] == ["handed_over"] * 2

    wait_until(is_told, NOTICE_WITHIN, town.words)


def deliveries(town: Town, reference: str) -> dict[str, tuple[CaughtMessage, int]]:
    """What the catcher took for this case: the message and how often it came, by the id that it came with."""
    mine = [one for one in read_all(town.var / "mailbox") if (parse_reference(reference) or "") in one.message_id]
    times = Counter(one.message_id for one in mine)
    return {one.message_id: (one, times[one.message_id]) for one in mine}


def mailed_code(town: Town, reference: str, seconds: float = PATIENCE) -> str:
    """The code of the only message of this case, once it came and is written down as handed over.

    Who strikes earlier strikes where a message may come twice. The web may be away.
    """

    def is_handed_over() -> bool:
        return {row.state for row in notices(town, reference, "code")} == {"handed_over"}

    wait_until(lambda: deliveries(town, reference) and is_handed_over(), seconds, town.words)
    ((message, _),) = deliveries(town, reference).values()
    return code_in({"text": message.text})


def signs_in(town: Town, identifier: str, password: str) -> bool:
    """What the demo platform says."""
    fields = {"identifier": identifier, "password": password, "key": "a"}
    return httpx2.post(f"{town.url}/dev/login", data=fields, timeout=20).status_code == 303
