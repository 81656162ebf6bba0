"""People of these tests: each recovery is somebody else's, so that every row and message can be counted."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from development import keys, people
from development.people import DemoAccount
from development.supervisor import INSTANCE_FILE
from domain.case import parse_reference
from settings import Settings
from storage import directory
from storage.engine import Database
from storage.keys import Rings
from storage.models import CaseRow, NoticeRow
from tests.e2e.town import Town, wait_until
from tests.faults.tab import PATIENCE

Found = TypeVar("Found")
_numbers = itertools.count(1)
NEW = "a new and long password"


@dataclass(frozen=True)
class Person:
    """An owner with two contacts, who is signed in somewhere."""

    username: str
    email: str
    phone: str
    ref: str


def settings_of(town: Town) -> Settings:
    variables = keys.read_variables(town.var / INSTANCE_FILE)
    values = {name.removeprefix("REINSTATE_").lower(): value for name, value in variables.items()}
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


def in_sql(town: Town, work: Callable[[AsyncSession, Rings], Awaitable[Found]], *, write: bool = False) -> Found:
    """Look into the town's own database, past all its processes."""

    async def run() -> Found:
        settings = settings_of(town)
        database = Database(settings.database_url)
        try:
            async with database.write() if write else database.read() as session:
                return await work(session, settings.rings())
        finally:
            await database.close()

    return asyncio.run(run())


def somebody(town: Town) -> Person:
    """A new account with an e-mail address, a phone and an open session."""
    number = next(_numbers)
    name = f"ada{number:03}"
    demo = DemoAccount(name, (f"{name}@example.com", f"+44 7700 900{number:03}"), (f"{name}-first-2019",))

    async def move_in(session: AsyncSession, rings: Rings) -> None:
        now = datetime.now(UTC)
        await people._add_account(session, rings, demo, now)
        await session.flush()
        await directory.open_session(session, rings, demo.ref, device="Firefox on Linux", now=now)

    in_sql(town, move_in, write=True)
    return Person(name, demo.contacts[0], demo.contacts[1].replace(" ", ""), demo.ref)


def case_row(town: Town, reference: str) -> CaseRow:
    async def look(session: AsyncSession, _rings: Rings) -> CaseRow:
        return await session.get_one(CaseRow, parse_reference(reference))

    return in_sql(town, look)


def notices(town: Town, reference: str, template: str = "") -> list[NoticeRow]:
    async def look(session: AsyncSession, _rings: Rings) -> list[NoticeRow]:
        mine = select(NoticeRow).where(col(NoticeRow.case_ref) == parse_reference(reference))
        rows = (await session.execute(mine.order_by(col(NoticeRow.name)))).scalars()
        return [row for row in rows if template in {"", row.template}]

    return in_sql(town, look)


def until_state(town: Town, reference: str, state: str, seconds: float = PATIENCE) -> CaseRow:
    def look() -> CaseRow | None:
        row = case_row(town, reference)
        return row if row.state == state else None

    found: CaseRow = wait_until(look, seconds, town.words)
    return found
