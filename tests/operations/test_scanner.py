"""What the doctor says of the scanner of files, in a sentence of its own."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from development.clamav import Scanner, clamd_program
from operations.checks import scanner
from operations.checks.scanner import signatures_made
from operations.findings import Finding
from settings import Settings
from tests.activities.post_office import listener
from tests.conftest import make_settings

FRESH = f"{datetime.now(UTC) - timedelta(days=1):%a %b %d %H:%M:%S %Y}"


@pytest.fixture
def known(settings_keys: dict[str, str], tmp_path: Path) -> Settings:
    return make_settings("sqlite:///nowhere.db", settings_keys, tmp_path)


async def examined(known: Settings, address: str) -> Finding:
    return await scanner.clamd(known.model_copy(update={"clamd": address, "clamd_timeout": 2.0}))


async def played(known: Settings, version: str, answer: str = "stream: OK") -> Finding:
    """What is found of a clamd that says this."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\0")
        if asked == b"zINSTREAM\0":
            await reader.readuntil(b"\0\0\0\0" * 2)
        writer.write((version if asked == b"zVERSION\0" else answer).encode() + b"\0")
        await writer.drain()

    async with listener(speak) as port:
        return await examined(known, f"tcp://127.0.0.1:{port}")


async def test_without_one_all_is_well_and_it_says_what_that_means(known: Settings) -> None:
    found = await examined(known, "")
    assert found.is_well
    assert "PDF is not taken" in found.says


async def test_one_that_knows_what_is_new_is_well(known: Settings) -> None:
    found = await played(known, f"ClamAV 1.4.6/27819/{FRESH}")
    assert found.is_well, found.says
    assert "with signatures from" in found.says


async def test_old_signatures_are_found(known: Settings) -> None:
    found = await played(known, "ClamAV 1.4.6/27819/Mon Nov 23 08:26:11 2020")
    assert found.line() == "WRONG files: the signatures of clamd are from 23 Nov 2020; does freshclam run?"


async def test_one_that_takes_less_than_we_do_is_found(known: Settings) -> None:
    found = await played(known, f"ClamAV 1.4.6/27819/{FRESH}", "INSTREAM size limit exceeded. ERROR")
    assert found.line() == "WRONG files: clamd refuses files of 10 MB; set its StreamMaxLength to more"


async def test_one_that_is_away_is_found(known: Settings) -> None:
    found = await examined(known, "tcp://127.0.0.1:9")
    assert found.line().startswith("WRONG files: clamd at tcp://127.0.0.1:9 does not answer (Conn")


async def test_somebody_else_at_its_address_is_found(known: Settings) -> None:
    found = await played(known, "220 mail.example ESMTP")
    assert found.line().endswith("does not answer (NotUnderstood); files wait until it does")


async def test_a_real_one_without_signatures_of_its_makers_is_found(known: Settings, tmp_path: Path) -> None:
    program = clamd_program()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have clamd: python -m development.tools installs it")
        pytest.skip("no clamd (python -m development.tools)")
    started = Scanner(program, tmp_path)
    started.start()
    try:
        found = await examined(known, started.unix)
    finally:
        started.stop()
    assert found.line() == "WRONG files: clamd does not say how old its signatures are; does freshclam run?"


@pytest.mark.parametrize("said", ["ClamAV 1.4.6", "ClamAV 1.4.6/", "ClamAV 1.4.6/27819/yesterday", ""])
def test_no_date_is_no_date(said: str) -> None:
    assert signatures_made(said) is None


@pytest.mark.parametrize(
    "value", ["clamd", "tcp://clamav", "tcp://:3310", "http://clamav:3310", "unix://run/clamd.ctl"]
)
def test_an_address_that_is_none_stops_the_start(settings_keys: dict[str, str], tmp_path: Path, value: str) -> None:
    with pytest.raises(ValueError, match="must look like tcp://host:3310"):
        make_settings("sqlite:///nowhere.db", settings_keys, tmp_path, clamd=value)


@pytest.mark.parametrize("value", ["", "tcp://clamav:3310", "tcp://[::1]:3310", "unix:///run/clamav/clamd.ctl"])
def test_pdf_is_taken_where_it_is_scanned(settings_keys: dict[str, str], tmp_path: Path, value: str) -> None:
    known = make_settings("sqlite:///nowhere.db", settings_keys, tmp_path, clamd=value)
    assert known.uploads.documents is bool(value)
