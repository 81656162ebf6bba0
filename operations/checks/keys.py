"""Keys: are those that things were made with still in the rings, and are they the same keys?"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from temporalio.client import Client

from operations.findings import Finding, well, wrong
from operations.key_uses import accounts, indexed
from operations.rings import RingName
from operations.runs import key_ids
from storage import audit, reads
from storage.keys import Ring, Rings, UnknownKey, Unreadable
from storage.models import (
    AgentRow,
    CaseAccessRow,
    CaseEventRow,
    CaseRow,
    CodeIssueRow,
    ObjectionLinkRow,
    RowKeyRow,
    VaultRow,
)

ABOUT = "keys"
SAMPLE = 3
RUNS = 20


async def in_database(session: AsyncSession, rings: Rings) -> list[Finding]:
    """What rows name or hold, against the rings. Only ids are compared, but for a few rows that are opened."""
    named = [
        (RingName.ROW, rings.row, "keys of people", await _ids(session, RowKeyRow.wrapped)),
        (RingName.ROW, rings.row, "second factors of agents", await _ids(session, AgentRow.totp_sealed)),
        (RingName.ROW, rings.row, "secrets in the vault", await _ids(session, VaultRow.sealed)),
        (RingName.AUDIT, rings.audit, "chains of events", await _ids(session, CaseEventRow.hash)),
        (RingName.DIGEST, rings.digest, "browsers of open cases", await _plain(session, CaseAccessRow)),
        (RingName.DIGEST, rings.digest, "“this was not me” links", await _plain(session, ObjectionLinkRow)),
    ]
    issue, digest = await _issues(session)
    named += [
        (RingName.ISSUE, rings.issue, "codes of open cases", issue),
        (RingName.DIGEST, rings.digest, "codes of open cases", digest),
    ]
    faults = [fault for name, ring, what, ids in named for fault in _unknown(name, ring, what, ids)]
    faults += await _other_keys(session, rings)
    return faults or [well(ABOUT, "open what is in the database")]


async def in_temporal(client: Client, ring: Ring) -> Finding:
    """The newest runs, against the payload ring."""
    unknown = sorted(await key_ids(client, RUNS) - set(ring.keys))
    if unknown:
        return wrong(ABOUT, _lacking(RingName.PAYLOAD, "runs in Temporal", unknown))
    return well(ABOUT, "open what is in Temporal")


def _unknown(name: RingName, ring: Ring, what: str, ids: Iterable[str]) -> list[Finding]:
    missing = sorted(set(ids) - set(ring.keys) - {""})
    return [wrong(ABOUT, _lacking(name, what, missing))] if missing else []


def _lacking(name: RingName, what: str, missing: list[str]) -> str:
    word = "the key" if len(missing) == 1 else "the keys"
    return f"{what} were made with {word} {', '.join(missing)}, which {name.variable} does not have"


async def _other_keys(session: AsyncSession, rings: Rings) -> list[Finding]:
    """Ids that fit although the key behind them is another one."""
    same_id = "has the id of a key that things were made with, and is another key"
    faults = []
    if not await _opens_people(session, rings):
        faults.append(wrong(ABOUT, f"{RingName.ROW.variable} {same_id}: people cannot be read"))
    if not await _chain_fits(session, rings):
        faults.append(wrong(ABOUT, f"{RingName.AUDIT.variable} {same_id}, or the newest events were changed"))
    if not await _finds_accounts(session, rings):
        faults.append(wrong(ABOUT, f"{RingName.INDEX.variable} finds no account that is there"))
    return faults


async def _opens_people(session: AsyncSession, rings: Rings) -> bool:
    for row in (await session.execute(select(RowKeyRow).limit(SAMPLE))).scalars():
        try:
            rings.row.open(row.wrapped, row.subject)
        except Unreadable:
            return False
        except UnknownKey:  # said elsewhere
            continue
    return True


async def _chain_fits(session: AsyncSession, rings: Rings) -> bool:
    newest = select(CaseEventRow).order_by(col(CaseEventRow.at).desc()).limit(1)
    event = (await session.execute(newest)).scalar_one_or_none()
    if event is None:
        return True
    rows = await reads.event_rows(session, event.case_ref)
    if any(row.hash.partition(":")[0] not in rings.audit.keys for row in rows):  # said elsewhere
        return True
    return audit.first_break(rings.audit, rows) is None


async def _finds_accounts(session: AsyncSession, rings: Rings) -> bool:
    looked = 0
    async for account in accounts(session):
        try:
            made = {(await indexed(session, rings, account, key))[0] for key in rings.index.keys}
        except UnknownKey:
            return True
        if "" in made:
            continue
        if account.username_index in made:
            return True
        looked += 1
        if looked == SAMPLE:
            return False
    return looked == 0


async def _ids(session: AsyncSession, column: Any) -> set[str]:
    """The ids of keys that the values `<key id>:...` of a column name."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    prefix = func.substr(column, 1, func.instr(column, ":") - 1) if is_sqlite else func.split_part(column, ":", 1)
    return set((await session.execute(select(prefix).where(col(column) != "").distinct())).scalars())


async def _plain(session: AsyncSession, table: Any) -> set[str]:
    mine = col(table.case_ref).in_(_open_cases())
    return set((await session.execute(select(col(table.key)).where(mine).distinct())).scalars())


async def _issues(session: AsyncSession) -> tuple[set[str], set[str]]:
    mine = col(CodeIssueRow.case_ref).in_(_open_cases())
    found = (await session.execute(select(col(CodeIssueRow.keys)).where(mine).distinct())).scalars().all()
    return {keys.partition("/")[0] for keys in found}, {keys.partition("/")[2] for keys in found}


def _open_cases() -> Any:
    return select(col(CaseRow.reference)).where(col(CaseRow.closed_at).is_(None))
