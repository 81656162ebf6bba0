"""Files are scanned by a real clamd with a signature of our own; one that misbehaves is never believed."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.clamd import Clamd, ScannerAway, TooLargeToScan
from activities.contract import FilesScanned, FilesToScan
from activities.files import ScannedFiles
from development.clamav import Scanner, clamd_program
from domain.claim import Claim, State
from domain.claim_events import FilesScanned as ScanRecorded
from storage import erasure, files, folding
from storage.engine import Database
from storage.keys import Rings
from storage.models import CaseEventRow, CaseRow
from storage.uploads import Upload
from tests.activities.post_office import House, listener
from tests.files import EICAR, EICAR_IN_A_PDF, PDF
from tests.people import NOON, REFERENCE

LETTER, BAD = Upload("application/pdf", PDF), Upload("application/pdf", EICAR_IN_A_PDF)
PICTURE = Upload("image/png", b"pixels")


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scanner]:
    program = clamd_program()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have clamd: python -m development.tools installs it")
        pytest.skip("no clamd (python -m development.tools)")
    started = Scanner(program, tmp_path_factory.mktemp("clamd"), most="11M")
    started.start()
    yield started
    started.stop()


@pytest.fixture(params=["tcp", "unix"])
def clamd(scanner: Scanner, request: pytest.FixtureRequest) -> Clamd:
    return Clamd(getattr(scanner, request.param))


# ---- the protocol, with a real one ----------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"hello", PDF, bytes(10 << 20)], ids=["nothing", "text", "PDF", "10 MB"])
async def test_what_is_clean_is_clean(clamd: Clamd, content: bytes) -> None:
    assert await clamd.is_clean(content)


@pytest.mark.parametrize("content", [EICAR, EICAR_IN_A_PDF, bytes(9 << 20) + EICAR])
async def test_eicar_is_found_wherever_it_stands(clamd: Clamd, content: bytes) -> None:
    assert not await clamd.is_clean(content)


@pytest.mark.parametrize("size", [12 << 20, 40 << 20])
async def test_what_is_too_large_for_clamd_is_no_answer(clamd: Clamd, size: int) -> None:
    with pytest.raises(TooLargeToScan):
        await clamd.is_clean(bytes(size))


async def test_it_says_its_version(clamd: Clamd) -> None:
    assert (await clamd.version()).startswith("ClamAV ")


async def test_many_are_asked_at_once(clamd: Clamd) -> None:
    answers = await asyncio.gather(*(clamd.is_clean(EICAR if n % 2 else PDF) for n in range(12)))
    assert answers == [n % 2 == 0 for n in range(12)]


# ---- what no clamd says ---------------------------------------------------------------------------------------------

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(words: bytes, *, hears: bool = True) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if hears:
            await reader.readuntil(b"\0\0\0\0")
        writer.write(words)
        await writer.drain()

    return answer


async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await asyncio.Event().wait()


async def never_listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"O")
        await asyncio.sleep(0.01)


FAULTS: dict[str, Answer] = {
    "nothing": says(b""),
    "nothing, at once": says(b"", hears=False),
    "half an answer": says(b"stream: OK"),
    "another answer": says(b"stream: FINE\0"),
    "an error": says(b"stream: Can't allocate memory ERROR\0"),
    "OK of something else": says(b"PONG\0"),
    "two answers in one": says(b"stream: Eicar FOUND\0stream: OK\0"),
    "an endless answer": says(b"stream: " + b"x" * 100_000),
    "words without end": drips,
    "silence": is_silent,
    "silence while we speak": never_listens,
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_cannot_be_understood_is_never_clean(fault: str) -> None:
    async with listener(FAULTS[fault]) as port:
        with pytest.raises(ScannerAway):
            await Clamd(f"tcp://127.0.0.1:{port}", timeout=0.5).is_clean(bytes(3 << 20))


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:9", "unix:///nonexistent/clamd.ctl", "tcp://nowhere.invalid:3310"]
)
async def test_nobody_there_is_away(address: str) -> None:
    with pytest.raises(ScannerAway) as away:
        await Clamd(address, timeout=5).is_clean(PDF)
    assert "nonexistent" not in str(away.value)


async def test_a_cancelled_question_leaves_no_connection() -> None:
    async with listener(is_silent) as port:
        asking = asyncio.create_task(Clamd(f"tcp://127.0.0.1:{port}").is_clean(PDF))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking  # an open socket would warn, and warnings are errors here


# ---- the activity ---------------------------------------------------------------------------------------------------


class Case:
    """A claim that waits for its files, as its record says; `tells` does what the workflow does with an answer."""

    def __init__(self, home: House, scanner: Clamd | None) -> None:
        self.home, self._number = home, 1
        self.case = replace(Claim(REFERENCE), state=State.AWAITING_REVIEW, number=1)
        self.activity = ScannedFiles(home.db, home.rings, scanner)

    async def opens(self) -> None:
        async with self.home.db.write() as session:
            session.add(
                CaseRow(
                    reference=REFERENCE, kind="claim", state=self.case.state, opened_at=NOON, policy_version="1",
                    opening_key="opening", opening=folding.dump_case(Claim(REFERENCE)), number=1,
                    snapshot=folding.dump_case(self.case),
                )
            )  # fmt: skip

    async def gives(self, *uploads: Upload, counted: bool = True) -> None:
        async with self.home.db.write() as session:
            await files.keep(session, self.home.rings, REFERENCE, uploads)
        if counted:
            await self._is(files_waiting=self.case.files_waiting + len(uploads))

    async def _is(self, **values: Any) -> None:
        self.case = replace(self.case, **values)
        async with self.home.db.write() as session:
            row = await session.get_one(CaseRow, REFERENCE)
            row.snapshot = folding.dump_case(self.case)

    async def scan(self) -> FilesScanned:
        return await ActivityEnvironment().run(self.activity.scan_files, FilesToScan(REFERENCE))

    async def tells(self, scanned: FilesScanned) -> None:
        event = ScanRecorded(NOON, scanned.clean, scanned.refused)
        self._number += 1
        async with self.home.db.write() as session:
            session.add(
                CaseEventRow(
                    case_ref=REFERENCE, number=self._number, kind=event.kind, at=NOON, actor="machine", audience="both",
                    data=folding.dump_event("claim", event), previous_hash="", hash=str(self._number),
                )
            )  # fmt: skip
        await self._is(files_waiting=self.case.files_waiting - scanned.clean - scanned.refused)

    async def states(self) -> list[tuple[str, str]]:
        async with self.home.db.read() as session:
            return sorted((file.state, file.refusal) for file in await files.listed(session, REFERENCE))


@pytest.fixture
async def scanned(database: Database, rings: Rings, scanner: Scanner) -> Case:
    case = Case(House(database, rings), Clamd(scanner.tcp))
    await case.opens()
    return case


@pytest.fixture
async def unscanned(database: Database, rings: Rings) -> Case:
    case = Case(House(database, rings), None)
    await case.opens()
    return case


CLEAN, INFECTED, NOT_SCANNED = ("clean", ""), ("refused", "infected"), ("refused", "not_scanned")


async def test_what_is_clean_may_be_read_and_what_is_not_is_deleted(scanned: Case) -> None:
    await scanned.gives(LETTER, BAD, PICTURE)
    assert await scanned.scan() == FilesScanned(2, 1)
    assert await scanned.states() == [CLEAN, CLEAN, INFECTED]
    async with scanned.home.db.read() as session:
        found = [file.name for file in await files.listed(session, REFERENCE) if file.state == "refused"]
        assert await files.read(session, scanned.home.rings, REFERENCE, found[0]) is None


async def test_asked_again_it_answers_the_same(scanned: Case) -> None:
    await scanned.gives(LETTER, BAD)
    assert await scanned.scan() == await scanned.scan() == FilesScanned(1, 1)


async def test_what_was_told_is_not_told_again(scanned: Case) -> None:
    await scanned.gives(LETTER)
    await scanned.tells(await scanned.scan())
    await scanned.gives(BAD, PICTURE)
    assert await scanned.scan() == FilesScanned(1, 1)


async def test_files_of_a_form_that_is_not_sent_yet_are_told_of_when_it_is(scanned: Case) -> None:
    await scanned.gives(LETTER, BAD, counted=False)
    await scanned.gives(PICTURE)
    first = await scanned.scan()
    await scanned.tells(first)
    assert first.clean + first.refused == 1
    assert await scanned.states() == [CLEAN, CLEAN, INFECTED]
    await scanned._is(files_waiting=2)
    second = await scanned.scan()
    assert (first.clean + second.clean, first.refused + second.refused) == (2, 1)


async def test_a_case_does_not_wait_for_files_that_were_erased(scanned: Case) -> None:
    await scanned.gives(LETTER, PICTURE)
    async with scanned.home.db.write() as session:
        await erasure.erase_case(session, REFERENCE)
    assert await scanned.scan() == FilesScanned(0, 2)
    assert {state for state, _ in await scanned.states()} == {"refused"}


async def test_while_the_scanner_is_away_nothing_is_decided(database: Database, rings: Rings) -> None:
    case = Case(House(database, rings), Clamd("tcp://127.0.0.1:9"))
    await case.opens()
    await case.gives(LETTER)
    with pytest.raises(ScannerAway):
        await case.scan()
    assert await case.states() == [("waiting", "")]


async def test_what_was_scanned_before_it_went_away_is_not_scanned_again(scanned: Case) -> None:
    await scanned.gives(LETTER, PICTURE)
    asked = list[bytes]()

    class Failing(Clamd):
        async def is_clean(self, content: bytes) -> bool:
            asked.append(content)
            if len(asked) == 2:
                raise ScannerAway("gone")
            return True

    failing = ScannedFiles(scanned.home.db, scanned.home.rings, Failing("tcp://x:1"))
    with pytest.raises(ScannerAway):
        await ActivityEnvironment().run(failing.scan_files, FilesToScan(REFERENCE))
    assert await ActivityEnvironment().run(failing.scan_files, FilesToScan(REFERENCE)) == FilesScanned(2, 0)
    assert len(asked) == 3


async def test_a_file_too_large_for_clamd_is_refused_not_waited_for(scanned: Case) -> None:
    await scanned.gives(Upload("application/pdf", bytes(12 << 20)))
    assert await scanned.scan() == FilesScanned(0, 1)
    assert await scanned.states() == [NOT_SCANNED]


async def test_without_a_scanner_images_are_clean_and_nothing_else_is(unscanned: Case) -> None:
    await unscanned.gives(LETTER, PICTURE)
    assert await unscanned.scan() == FilesScanned(1, 1)
    assert await unscanned.states() == [CLEAN, NOT_SCANNED]


async def test_nothing_to_scan_is_nothing_told(unscanned: Case) -> None:
    assert await unscanned.scan() == FilesScanned(0, 0)
