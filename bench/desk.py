"""The desk at a million cases: `python -m bench.desk`. PostgreSQL, one web process, one worker, as shipped.

Two parts. *Pages*: one agent looks at each kind of page again and again; what is timed is the answer over loopback, so
the server's time and a little more. *Decisions*: fifty agents, each with a page open that listens for changes, decide a
case every 20 seconds; what is timed is from pressing the button until the page that shows the decision is there.
The cases of the second part are real ones, with a workflow each, opened and brought to the desk before.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from bench import desk_cases
from bench.browser import Refused, Tab, key_of
from bench.desk_cases import AGENTS
from bench.figures import milliseconds, percentile, table
from bench.house import House
from bench.machine import conditions
from domain.case import Kind, grouped
from domain.claim import Claim, Reason
from domain.claim_events import GiveEvidence, SubmitCode
from domain.policy import CURRENT_POLICY
from storage import codes, intake_claim, reads
from storage.directory import HASHER
from storage.engine import Database
from storage.identifiers import Identifier, IdentifierKind
from storage.intake import Browser, mark_started
from storage.intake_claim import OPENING, Told
from storage.keys import Rings
from storage.models import AgentRow, CaseRow
from web.desk.dashboard import SPANS
from web.gateway import Gateway

PASSWORD = "a password for the desk"
LOOKS = 200
WARM_UP = 20
EVERY = 20.0
"""Seconds between two decisions of an agent."""
PAGE_AIM, SEEN_AIM = 0.050, 1.0
"""Seconds at p95 (the issue's own numbers)."""
OPENERS = 8
UNHURRIED = replace(CURRENT_POLICY, version="bench")


async def add_agents(house: House) -> None:
    """All with one password, because hashing fifty takes a while."""
    hashed, database = HASHER.hash(PASSWORD), house.database()
    async with database.write() as session:
        for name in AGENTS:
            session.add(
                AgentRow(name=name, display_name=name.capitalize(), role="agent", password_hash=hashed, own_accounts=[])
            )
        await session.flush()
        lead = AgentRow(name="lead", display_name="Lead", role="lead", password_hash=hashed, own_accounts=[])
        session.add(lead)
    await database.close()


async def sign_in(tab: Tab, name: str) -> None:
    form = await tab.get("/desk/sign-in")
    answer = await tab.post("/desk/sign-in", key=key_of(form), name=name, password=PASSWORD, totp="")
    if answer.status != 303:
        raise SystemExit(f"bench: {name} could not sign in: {answer.status}")


# ---- pages -----------------------------------------------------------------------------------------------------------


class Reader:
    """An agent who looks at pages, by chance but always the same way."""

    def __init__(self, tab: Tab, references: list[str], cases: int) -> None:
        self._tab, self._references, self._cases = tab, references, cases
        self._chance, self._further = random.Random(11), ""

    async def queue(self) -> None:
        await self._look("/desk")

    async def views(self) -> None:
        """Any view, kind, state or reason that is offered beside the list."""
        state = self._chance.choice(["cooling_off", "probation", "awaiting_answer", "contested", "awaiting_evidence"])
        view = self._chance.choice(["all", "mine", "free", "late", "soon", "escalated"])
        some = (f"view={view}", f"state={state}", f"view=all&kind={self._chance.choice(list(Kind))}", "reason=other")
        await self._look(f"/desk?{self._chance.choice(some)}")

    async def further(self) -> None:
        """The next page of everything open, on and on."""
        page = await self._look(self._further or "/desk?view=all")
        self._further = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")

    async def find_person(self) -> None:
        account = self._chance.randrange(int(self._cases * desk_cases.ACCOUNTS_PER_CASE))
        await self._find(f"person{account:08}@example.com")

    async def find_beginning(self) -> None:
        await self._find(self._chance.choice(self._references)[:4])

    async def case(self) -> None:
        await self._look(f"/desk/cases/{grouped(self._chance.choice(self._references))}")

    async def deliveries(self) -> None:
        await self._look("/desk/deliveries?state=failed")

    async def audit(self) -> None:
        await self._look(f"/desk/audit?who={self._chance.choice(AGENTS)}&what=decisions")

    async def figures(self, days: int = 14) -> None:
        await self._look(f"/desk/dashboard?span={days}")

    async def _look(self, path: str) -> str:
        answer = await self._tab.get(path)
        if answer.status != 200:
            raise Refused(f"{path}: {answer.status}")
        return answer.body

    async def _find(self, typed: str) -> None:
        answer = await self._tab.post("/desk/search", key="bench", q=typed)
        if answer.status not in {200, 303}:
            raise Refused(f"search: {answer.status}")


async def timed(look: Callable[[], Awaitable[None]], count: int) -> list[float]:
    seconds = []
    for number in range(count + WARM_UP):
        began = time.perf_counter()
        await look()
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - began)
    return seconds


async def some_references(house: House, cases: int) -> list[str]:
    """A few hundred, closed and open."""
    chance, database = random.Random(5), house.database()
    found = [desk_cases.reference(chance.randrange(cases)) for _ in range(400)]
    async with database.read() as session:
        there = await session.execute(select(col(CaseRow.reference)).where(col(CaseRow.reference).in_(found)))
        known = list(there.scalars())
    await database.close()
    return known


async def pages(house: House, cases: int, looks: int) -> list[list[str]]:
    """One row for each kind of page."""
    async with Tab(house.port, "10.200.0.1") as tab:
        await sign_in(tab, "lead")
        reader = Reader(tab, await some_references(house, cases), cases)
        rows = []
        for days in SPANS:
            began = time.perf_counter()
            await reader.figures(days)
            first = time.perf_counter() - began
            rows.append([f"figures of {days} days, once a minute", f"{first * 1000:.0f} (one look)", ""])
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "queue, first page": reader.queue,
            "queue, any view": reader.views,
            "queue, page after page": reader.further,
            "search by contact": reader.find_person,
            "search by beginning": reader.find_beginning,
            "page of a case": reader.case,
            "deliveries that failed": reader.deliveries,
            "audit log of an agent": reader.audit,
            "figures, kept": reader.figures,
        }
        for name, look in kinds.items():
            seconds = await timed(look, looks)
            held = "held" if percentile(seconds, 0.95) <= PAGE_AIM else "missed"
            rows.append([name, milliseconds(seconds), held if name.startswith("queue") else ""])
            print(" | ".join(rows[-1]), flush=True)
    return rows


# ---- decisions -------------------------------------------------------------------------------------------------------


@dataclass
class Opened:
    reference: str
    version: int


async def bring_to_the_desk(house: House, count: int) -> list[Opened]:
    """Real claims, each with its workflow, whose evidence is there."""
    database, gateway, numbers = house.database(), Gateway(await house.connect()), iter(range(count))
    found: list[Opened] = []

    async def opener() -> None:
        found.extend([await _brought(house.rings, database, gateway, number) for number in numbers])

    async with asyncio.TaskGroup() as group:
        for _ in range(OPENERS):
            group.create_task(opener())
    await database.close()
    return found


async def _brought(rings: Rings, database: Database, gateway: Gateway, number: int) -> Opened:
    contact = Identifier(IdentifierKind.EMAIL, f"claimant{number:06}@example.com")
    browser = Browser(f"bench claimant {number}", f"net-{number}", "Firefox on Linux")
    told = Told(Reason.OTHER, contact, {"what": "nothing works"})
    async with database.write() as session:
        opened = await intake_claim.open_claim(
            session, rings, told, browser, key=f"{number}", policy=UNHURRIED, starts_per_network=100
        )
        await mark_started(session, opened.reference)
    await gateway.start(opened.case)
    name = opened.reference
    case = await _until(database, name, lambda case: case.issue is not None)
    typed = codes.code(rings, name, 1, UNHURRIED.code_digits, key=rings.issue.current)
    digest = codes.code_digest(rings, name, 1, typed, key=rings.digest.current)
    await gateway.tell(name, SubmitCode(case.holder, 1, digest), update_id=f"{name}/code", kind=Kind.CLAIM)
    await gateway.tell(name, GiveEvidence(case.holder, OPENING), update_id=f"{name}/evidence", kind=Kind.CLAIM)
    case = await _until(database, name, lambda case: case.first_answer is not None)
    return Opened(name, case.version)


async def _until(database: Database, reference: str, is_so: Callable[[Claim], bool]) -> Claim:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        async with database.read() as session:
            row = await reads.case_row(session, reference)
        case = reads.case_of(row) if row else None
        if isinstance(case, Claim) and is_so(case):
            return case
        await asyncio.sleep(0.05)
    raise SystemExit(f"bench: {reference} did not come to the desk")


async def decisions(house: House, agents: int, each: int) -> list[float]:
    """Seconds until each decision was on the page of the agent who made it."""
    cases = iter(await bring_to_the_desk(house, agents * each))
    seconds: list[float] = []

    async def agent(number: int) -> None:
        network, cookies = f"10.201.0.{number + 1}", dict[str, str]()
        async with Tab(house.port, network, cookies) as tab:
            await sign_in(tab, AGENTS[number])
        await asyncio.sleep(EVERY * number / agents)
        for case in [next(cases) for _ in range(each)]:
            began = time.perf_counter()
            # A connection for each: the web lets go of those that are silent for some seconds.
            async with Tab(house.port, network, cookies) as tab:
                seconds.append(await _decide(house.port, tab, case))
            await asyncio.sleep(max(0.0, EVERY - (time.perf_counter() - began)))

    async with asyncio.TaskGroup() as group:
        for number in range(agents):
            group.create_task(agent(number))
    return seconds


async def _decide(port: int, tab: Tab, case: Opened) -> float:
    address = f"/desk/cases/{grouped(case.reference)}"
    page = await tab.get(address)
    number = page.body.partition("/events?after=")[2].partition('"')[0]
    listening = await _listen(port, tab, f"{address}/events?after={number}")
    began = time.perf_counter()
    fields = {"outcome": "deny", "reason": "not_enough_evidence", "version": str(case.version), "number": number}
    answer = await tab.post(f"{address}/decision", key=f"bench-{case.reference}", text="", **fields)
    if answer.status != 303:
        raise Refused(f"decision: {answer.status}: {answer.body[-2000:]}")
    async with asyncio.timeout(30):
        while "denied the claim" not in (await tab.get(address)).body:
            await listening.changed()
    listening.close()
    return time.perf_counter() - began


class Listening:
    """The stream that a page keeps open: what it waits for is a line that says "changed"."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def changed(self) -> None:
        while b"event: changed" not in await self._reader.readline():
            pass

    def close(self) -> None:
        self._writer.close()


async def _listen(port: int, tab: Tab, path: str) -> Listening:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    cookies = "; ".join(f"{name}={value}" for name, value in tab.cookies.items())
    host = f"Host: localhost:{port}\r\nX-Forwarded-For: {tab.network}\r\n"
    writer.write(f"GET {path} HTTP/1.1\r\n{host}Accept: text/event-stream\r\nCookie: {cookies}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return Listening(reader, writer)


# ---- all of it -------------------------------------------------------------------------------------------------------


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The desk beside a year of cases.")
    parser.add_argument("--cases", type=int, default=desk_cases.CASES)
    parser.add_argument("--open", type=int, default=desk_cases.OPEN)
    parser.add_argument("--looks", type=int, default=LOOKS, help="at each kind of page")
    parser.add_argument("--agents", type=int, default=len(AGENTS))
    parser.add_argument("--each", type=int, default=4, help="decisions of each agent; 0: pages only")
    parser.add_argument("--sqlite", action="store_true", help="to try it where PostgreSQL is not installed")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    print(conditions(), flush=True)
    with tempfile.TemporaryDirectory(prefix="reinstate-bench-") as folder:
        house = House(Path(folder), postgres=not arguments.sqlite)
        try:
            house.start_without_product()
            seconds = desk_cases.fill(
                house.database_url,
                house.rings,
                cases=arguments.cases,
                open_cases=arguments.open,
                now=datetime.now(UTC),
            )
            print(f"{arguments.cases:,} cases, {arguments.open:,} open, made in {seconds:.0f} s", flush=True)
            asyncio.run(add_agents(house))
            house.start_product()
            rows = asyncio.run(pages(house, arguments.cases, arguments.looks))
            if arguments.each:
                made = asyncio.run(decisions(house, arguments.agents, arguments.each))
                held = "held" if percentile(made, 0.95) <= SEEN_AIM else "missed"
                every = f"{arguments.agents} agents, one decision each per {EVERY:.0f} s, until seen"
                rows.append([every, milliseconds(made), held])
        finally:
            house.stop()
    print(table(("page", "ms p50 / p95 / p99", "target"), rows))


if __name__ == "__main__":
    main()
