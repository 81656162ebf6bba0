"""The scanner of files: is it there, does it take files as large as we do, and does it know what is new?"""

from datetime import UTC, datetime, timedelta

from activities.clamd import Clamd, ScannerAway, TooLargeToScan
from operations.findings import Finding, well, wrong
from settings import Settings
from storage.uploads import RULES

ABOUT = "files"
OLD = timedelta(days=7)
"""ClamAV publishes new signatures every day."""


async def clamd(settings: Settings) -> Finding:
    """Asks for the version, and has it scan as much nothing as the largest file has."""
    if not settings.clamd:
        return well(ABOUT, "no scanner (REINSTATE_CLAMD): images are drawn anew, PDF is not taken")
    scanner = Clamd(settings.clamd, timeout=settings.clamd_timeout)
    try:
        version = await scanner.version()
        await scanner.is_clean(bytes(RULES.file_bytes))
    except ScannerAway as failure:
        return wrong(ABOUT, f"clamd at {settings.clamd} does not answer ({failure}); files wait until it does")
    except TooLargeToScan:
        return wrong(ABOUT, f"clamd refuses files of {RULES.file_bytes >> 20} MB; set its StreamMaxLength to more")
    made = signatures_made(version)
    if made is None:
        return wrong(ABOUT, "clamd does not say how old its signatures are; does freshclam run?")
    if datetime.now(UTC) - made > OLD:
        return wrong(ABOUT, f"the signatures of clamd are from {made:%d %b %Y}; does freshclam run?")
    return well(ABOUT, f"clamd scans them, with signatures from {made:%d %b %Y}")


def signatures_made(version: str) -> datetime | None:
    """When the signatures were made, by `ClamAV 1.4.6/27819/Mon Nov 23 08:26:11 2026`; None if there are none."""
    _, _, made = version.rpartition("/")
    try:
        return datetime.strptime(made, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
