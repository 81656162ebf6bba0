"""The scan of files that claimants sent: nobody reads one before it, and what is not clean is deleted at once."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.clamd import Clamd, TooLargeToScan
from activities.contract import Files, FilesScanned, FilesToScan
from domain.claim import Claim
from storage import files, reads
from storage.engine import Database
from storage.files import File
from storage.keys import Rings

log = structlog.get_logger()


class ScannedFiles(Files):
    """Without a scanner images count as clean, because they were drawn anew; anything else is refused."""

    def __init__(self, database: Database, rings: Rings, clamd: Clamd | None) -> None:
        self._database, self._rings, self._clamd = database, rings, clamd

    @activity.defn
    async def scan_files(self, wanted: FilesToScan) -> FilesScanned:
        """Every file that waits, one after the other, each with its own commit: tried again it goes on.

        Raises `ScannerAway`, to be tried again.
        """
        async with self._database.read() as session:
            counted = await _counted(session, wanted.case)  # before the list: what comes after it is for the next scan
            names = await files.waiting(session, wanted.case)
        for name in names:
            await self._scan(wanted.case, name)
        async with self._database.read() as session:
            return await _not_yet_told(session, wanted.case, counted)

    async def _scan(self, case: str, name: str) -> None:
        async with self._database.read() as session:
            found = await files.unscanned(session, self._rings, name)
        refusal = await self._refusal(found) if found else "erased"
        async with self._database.write() as session:
            if refusal:
                await files.refuse(session, name, refusal)
            else:
                await files.release(session, name)
        log.info("file scanned", case=case, file=name, refusal=refusal)

    async def _refusal(self, file: File) -> str:
        """Why the file may not be read; "" if it may."""
        if self._clamd is None:
            return "" if file.media_type.startswith("image/") else "not_scanned"
        try:
            return "" if await self._clamd.is_clean(file.content) else "infected"
        except TooLargeToScan:
            log.error("file too large for clamd: its StreamMaxLength is lower than our limit")
            return "not_scanned"


async def _counted(session: AsyncSession, case: str) -> int:
    """How many files the case waits for."""
    row = await reads.case_row(session, case)
    found = reads.case_of(row) if row else None
    return found.files_waiting if isinstance(found, Claim) else 0


async def _not_yet_told(session: AsyncSession, case: str, counted: int) -> FilesScanned:
    """What became of as many files as the case waits for: the same again if this is done twice.

    There may be more, kept with a form that was not sent yet: they are told of once they count. There may be fewer,
    erased meanwhile: what is gone counts as refused, for the case must not wait on.
    """
    clean, _ = await files.scanned(session, case)
    told, _ = await files.told(session, case)
    clean = min(max(clean - told, 0), counted)
    return FilesScanned(clean, counted - clean)
