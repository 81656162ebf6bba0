"""Is what was written down still what happened? The chains of all cases, and their last numbers beside Temporal's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client
from temporalio.service import RPCError

from domain.case import grouped, workflow_id
from storage import audit
from storage.audit import Break, Checked, Wrong
from storage.engine import Database
from storage.keys import Ring
from storage.models import CaseRow

AT_ONCE = 500
SAYS: dict[Wrong, str] = {
    Wrong.CHANGED: "is not what was sealed",
    Wrong.MISSING: "does not follow the event before it, which is gone or another one",
    Wrong.CUT_OFF: "is gone: the case has had more events than are there",
    Wrong.UNKNOWN_KEY: "was sealed with a key that is not in REINSTATE_AUDIT_KEYS",
}


@dataclass(frozen=True)
class Difference:
    """The workflow of a case has come further than the table, or less far."""

    case: str
    table: int
    workflow: int


def line(one: Break) -> str:
    """For a terminal. Agents have no reference of ten characters in capitals."""
    chain = grouped(one.chain) if len(one.chain) == 10 and one.chain.isupper() else one.chain
    return f"{chain}: event {one.number} {SAYS[one.wrong]}"


async def check_all(database: Database, ring: Ring) -> AsyncIterator[Checked]:
    """Every case, some hundred at a time, and at the end what agents did outside of cases."""
    after = ""
    while True:
        async with database.read() as session:
            names = await audit.all_references(session, after=after, limit=AT_ONCE)
            if names:
                yield await audit.check_cases(session, ring, names)
        if len(names) < AT_ONCE:
            break
        after = names[-1]
    async with database.read() as session:
        yield await audit.check_agents(session, ring)


async def differences(database: Database, client: Client, references: list[str]) -> AsyncIterator[Difference]:
    """Cases whose workflow knows another last event than the table. Those that Temporal has forgotten say nothing."""
    async with database.read() as session:
        found = await session.execute(
            select(col(CaseRow.reference), col(CaseRow.kind), col(CaseRow.number)).where(
                col(CaseRow.reference).in_(references)
            )
        )
        rows = found.all()
    for reference, kind, number in rows:
        try:
            known = await client.get_workflow_handle(workflow_id(kind, reference)).query("last_number", result_type=int)
        except RPCError:
            continue
        if known != number:
            yield Difference(reference, number, known)


async def open_references(database: Database) -> list[str]:
    """The cases that are open: those whose workflow answers."""
    async with database.read() as session:
        found = await session.execute(select(col(CaseRow.reference)).where(col(CaseRow.closed_at).is_(None)))
        return list(found.scalars())
