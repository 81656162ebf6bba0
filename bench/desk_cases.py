"""Fill a database with cases as they would lie there after a year: `python -m bench.desk_cases URL --keys FILE`.

Each story of `desk_stories.py` is written once by the product itself into a scratch database. Those rows are moulds:
every time in them is moved, reference and account are replaced, events are chained and personal data is sealed anew for
each case, with the keys of the instance. So pages, searches and checks of the chain work on all of them. What is left
out is what no page of the desk reads: browsers that hold cases, budgets, reservations of codes, the vault.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import delete, select
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel, col

from bench.desk_stories import ACCOUNT, AGENT, BEGIN, REFERENCE, SECOND, Story, at, stories
from development.keys import load_keys
from domain.case import ALPHABET, REFERENCE_LENGTH, Kind
from storage import intake, migrate, writes
from storage.engine import Database
from storage.keys import KEY_BYTES, Ring, Rings, seal
from storage.models import CaseEventRow, CasePersonRow, CaseRow, NoticeRow, RowKeyRow
from storage.people import case_subject

CASES, OPEN = 1_000_000, 100_000
YEAR = timedelta(days=365)
BATCH = 5_000
AGENTS = tuple(f"agent{number:02}" for number in range(50))
ACCOUNTS_PER_CASE = 0.7
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
PIECES = re.compile(f"({MOMENT.pattern}|{REFERENCE}|{ACCOUNT}|{AGENT}|{SECOND})")
TABLES: tuple[type[SQLModel], ...] = (CaseRow, RowKeyRow, CasePersonRow, CaseEventRow, NoticeRow)
NOTICES = {"code_issued": "code", "password_applied": "password-changed", "evidence_given": "claim-received"}
Row = dict[str, Any]


class Mould:
    """A text with holes for times, reference, account and agents."""

    def __init__(self, text: str) -> None:
        self._pieces = PIECES.split(text)
        self._holes = [_hole(piece) for piece in self._pieces]

    def fill(self, words: dict[str, str], begins: datetime) -> str:
        filled = [
            piece
            if hole is None
            else words[hole]
            if isinstance(hole, str)
            else (begins + hole).isoformat().replace("+00:00", "Z")
            for piece, hole in zip(self._pieces, self._holes, strict=True)
        ]
        return "".join(filled)


def _hole(piece: str) -> str | timedelta | None:
    if piece in {REFERENCE, ACCOUNT, AGENT, SECOND}:
        return piece
    return datetime.fromisoformat(piece) - BEGIN if MOMENT.fullmatch(piece) else None


@dataclass(frozen=True)
class Moulded:
    """A story as it lies in SQL: plain values, moulds for JSON, and by how much its times are moved."""

    story: Story
    row: Row
    opening: Mould
    snapshot: Mould
    events: tuple[tuple[Row, Mould], ...]


# ---- the moulds ------------------------------------------------------------------------------------------------------


async def moulds(rings: Rings) -> list[Moulded]:
    """Each story, written by the product."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'scratch.db'}"
        migrate.upgrade(url)
        database = Database(url)
        found = [await _moulded(database, rings, story) for story in stories()]
        await database.close()
    return found


async def _moulded(database: Database, rings: Rings, story: Story) -> Moulded:
    happened = tuple(make(at(seconds)) for seconds, make in story.events)
    async with database.write() as session:
        session.add(intake.opening_row(story.opening, f"opening/{REFERENCE}", BEGIN))
        await session.flush()
        await writes.record(session, rings.audit, REFERENCE, 0, happened)
    async with database.write() as session:
        row = (await session.get_one(CaseRow, REFERENCE)).model_dump()
        mine = select(CaseEventRow).where(col(CaseEventRow.case_ref) == REFERENCE).order_by(col(CaseEventRow.number))
        events = [one.model_dump() for one in (await session.execute(mine)).scalars()]
        for table in (CaseEventRow, CaseRow):
            await session.execute(delete(table))
    if len(events) != len(happened) or bool(row["closed_at"]) is story.is_open:
        raise SystemExit(f"bench: the story “{story.name}” ends in {row['state']} after {len(events)} events")
    return Moulded(
        story,
        row,
        Mould(_json(row["opening"])),
        Mould(_json(row["snapshot"])),
        tuple((event, Mould(_json(event["data"]))) for event in events),
    )


def _json(value: Any) -> str:
    """As the chain is computed over it, so that the same text serves both."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


# ---- casting ---------------------------------------------------------------------------------------------------------


@dataclass
class Foundry:
    """Makes the rows of cases. The same seed and the same moment give the same cases, but for what is sealed."""

    rings: Rings
    moulded: Sequence[Moulded]
    now: datetime
    cases: int
    open_cases: int
    seed: int = 7

    def batches(self) -> Iterator[dict[type[SQLModel], list[Row]]]:
        chance = random.Random(self.seed)
        numbers = iter(range(self.cases))
        while some := list(itertools.islice(numbers, BATCH)):
            rows: dict[type[SQLModel], list[Row]] = {table: [] for table in TABLES}
            for number in some:
                self._case(number, chance, rows)
            yield rows

    def _case(self, number: int, chance: random.Random, rows: dict[type[SQLModel], list[Row]]) -> None:
        is_open = number % max(self.cases // self.open_cases, 1) == 0 if self.open_cases else False
        mould = self._chosen(chance, is_open)
        begins = self.now - (
            timedelta(seconds=chance.uniform(*mould.story.ago))
            if is_open
            else _lasted(mould) + chance.random() * (YEAR - _lasted(mould))
        )
        account = chance.randrange(max(int(self.cases * ACCOUNTS_PER_CASE), 1))
        first, second = chance.sample(AGENTS, 2)
        words = {REFERENCE: reference(number), ACCOUNT: f"acc_{account:08}", AGENT: first, SECOND: second}
        if not self._rows(mould, words, begins, rows):
            self._person(words[REFERENCE], account, rows)

    def _chosen(self, chance: random.Random, is_open: bool) -> Moulded:
        fitting = [mould for mould in self.moulded if mould.story.is_open is is_open]
        return chance.choices(fitting, [mould.story.share for mould in fitting])[0]

    def _rows(
        self, mould: Moulded, words: dict[str, str], begins: datetime, rows: dict[type[SQLModel], list[Row]]
    ) -> bool:
        """Whether what is personal about it was erased long ago."""
        moved, name = begins - BEGIN, words[REFERENCE]
        row: Row = {key: value + moved if isinstance(value, datetime) else value for key, value in mould.row.items()}
        row |= {
            "reference": name,
            "account_ref": words.get(row["account_ref"], row["account_ref"]),
            "assignee": words.get(row["assignee"], row["assignee"]),
            "opening_key": f"opening/{name}",
            "started_at": begins,
            "opening": mould.opening.fill(words, begins),
            "snapshot": mould.snapshot.fill(words, begins),
        }
        del row["order_at"]
        if is_erased := bool(row["erase_at"] and row["erase_at"] < self.now):
            row["erase_at"] = None
        rows[CaseRow].append(row)
        previous = ""
        for event, data in mould.events:
            filled = self._event(event, data.fill(words, begins), name, event["at"] + moved, previous)
            previous = filled["hash"]
            rows[CaseEventRow].append(filled)
            if event["kind"] in NOTICES:
                rows[NoticeRow].append(_notice(filled, row["kind"]))
        return is_erased

    def _event(self, event: Row, data: str, name: str, moment: datetime, previous: str) -> Row:
        """As `storage.audit` computes it, without parsing what was just written."""
        plain = [name, event["number"], event["kind"], moment.isoformat(), event["actor"], event["audience"]]
        text = f"{_json(plain)[:-1]},{data},{_json(previous)}]"
        changed = {"case_ref": name, "at": moment, "data": data, "previous_hash": previous}
        return event | changed | {"hash": self.rings.audit.sign(text)}

    def _person(self, name: str, account: int, rows: dict[type[SQLModel], list[Row]]) -> None:
        normal, subject, key = f"person{account:08}@example.com", case_subject(name), os.urandom(KEY_BYTES)
        rows[RowKeyRow].append({"subject": subject, "wrapped": self.rings.row.seal(key, subject)})
        digest = self.rings.digest.digest("typed", "email", normal)
        sealed = seal(key, normal.encode(), subject).hex()
        person = {"case_ref": name, "name": "identifier", "kind": "email", "sealed": sealed, "digest": digest}
        rows[CasePersonRow].append(person)


def reference(number: int) -> str:
    """Spread over all references, and never twice: an odd factor and a power of two have nothing in common."""
    spread = (number * 0x9E3779B97F4A7C15) % len(ALPHABET) ** REFERENCE_LENGTH
    letters = ""
    for _ in range(REFERENCE_LENGTH):
        spread, letter = divmod(spread, len(ALPHABET))
        letters += ALPHABET[letter]
    return letters


def _lasted(mould: Moulded) -> timedelta:
    return timedelta(seconds=mould.story.events[-1][0])


def _notice(event: Row, kind: Kind) -> Row:
    template, moment = NOTICES[event["kind"]], event["at"]
    template = "claim-code" if (template, kind) == ("code", Kind.CLAIM) else template
    failed = hash(event["hash"]) % 100 == 0
    return {
        "name": f"{template}/{event['case_ref']}/{event['number']}",
        "case_ref": event["case_ref"],
        "template": template,
        "channel": "email",
        "state": "failed" if failed else "handed_over",
        "attempts": 1,
        "address": "",
        "subject": "",
        "message_id": "",
        "provider_id": "",
        "made_at": moment,
        "handed_over_at": None if failed else moment + timedelta(seconds=2),
        "error": "Undeliverable" if failed else "",
    }


# ---- into the database -----------------------------------------------------------------------------------------------


def fill(url: str, rings: Rings, *, cases: int, open_cases: int, now: datetime) -> float:
    """So many cases, of which so many are open; the seconds that it took."""
    began = time.perf_counter()
    foundry = Foundry(rings, asyncio.run(moulds(rings)), now, cases, open_cases)
    (_into_sqlite if url.startswith("sqlite") else _into_postgres)(url, foundry)
    return time.perf_counter() - began


def _into_postgres(url: str, foundry: Foundry) -> None:
    """By COPY, without indexes and without looking at references of one table to another; both come back after it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            [[str(table.__tablename__) for table in TABLES]],
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"'.encode())
        for batch in foundry.batches():
            with connection.transaction():
                for table, rows in batch.items():
                    _copy(connection, table, rows)
        connection.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute("VACUUM ANALYZE")


def _copy(connection: psycopg.Connection[Any], table: type[SQLModel], rows: Sequence[Row]) -> None:
    if not rows:
        return
    columns = ", ".join(f'"{name}"' for name in rows[0])
    with connection.cursor().copy(f'COPY "{table.__tablename__}" ({columns}) FROM STDIN'.encode()) as copy:
        copy.write("".join("\t".join(map(_copied, row.values())) + "\n" for row in rows))


def _copied(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _into_sqlite(url: str, foundry: Foundry) -> None:
    with sqlite3.connect(make_url(url).database or "") as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for batch in foundry.batches():
            for table, rows in batch.items():
                if rows:
                    names = ", ".join(f'"{name}"' for name in rows[0])
                    values = ", ".join("?" * len(rows[0]))
                    statement = f'INSERT INTO "{table.__tablename__}" ({names}) VALUES ({values})'
                    connection.executemany(statement, ([_written(one) for one in row.values()] for row in rows))
            connection.commit()
        connection.execute("ANALYZE")


def _written(value: Any) -> Any:
    """As SQLAlchemy writes a time into SQLite."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url", help="an empty database with tables (`reinstate migrate`)")
    parser.add_argument("--keys", type=Path, required=True, help="the keys.env of the instance, such as var/keys.env")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--open", type=int, default=OPEN)
    arguments = parser.parse_args()
    seconds = fill(
        arguments.url,
        rings_of(arguments.keys),
        cases=arguments.cases,
        open_cases=arguments.open,
        now=datetime.now(UTC),
    )
    print(f"{arguments.cases:,} cases, {arguments.open:,} of them open, in {seconds:.0f} s")


def rings_of(file: Path) -> Rings:
    keys = load_keys(file)
    names = ("issue", "digest", "index", "decision", "row", "audit")
    return Rings(*(Ring.parse(keys[f"REINSTATE_{name.upper()}_KEYS"]) for name in names))


if __name__ == "__main__":
    main()
