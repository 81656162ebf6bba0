"""Looking at what is hidden leaves an event; files are kept, never shown as pages."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlmodel import col

from storage.engine import Database
from storage.keys import Rings
from storage.models import CaseEventRow, EvidenceFileRow
from storage.people import RowKeys, case_subject
from tests.web import claims
from tests.web.desk import at_the_desk, case_page
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from web.gateway import Unavailable

PICTURE = b"\x89PNG\r\n\x1a\n<script>alert(1)</script>"


@pytest.fixture
async def reference(ada: Browser, gateway: FakeGateway) -> str:
    return await claims.sends(ada, gateway)


async def looks(database: Database, reference: str) -> list[tuple[str, str]]:
    async with database.read() as session:
        mine = col(CaseEventRow.case_ref) == reference, col(CaseEventRow.kind) == "revealed"
        rows = await session.execute(select(CaseEventRow).where(*mine).order_by(col(CaseEventRow.number)))
        return [(row.data["agent"], row.data["what"]) for row in rows.scalars()]


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("contact", "nia.new@example.net"),
        ("username/given-1", "nia"),
        ("created/given-1", "2018-03"),
        ("devices/given-1", "A tablet"),
    ],
)
async def test_a_look_shows_it_once_and_is_written_down(
    app: FastAPI, reference: str, database: Database, what: str, text: str
) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert f'value="{what}"' in sam.page
    answer = await sam.post(f"{case_page(reference)}/reveal", what=what)
    assert answer.status_code == 200
    assert f'<p class="said">{text}</p>' in sam.page
    assert "hx-morph-skip" in sam.page
    assert faults_of(sam.page) == []
    assert await looks(database, reference) == [("sam", what)]
    await sam.get(case_page(reference))
    assert f'<p class="said">{text}</p>' not in sam.page
    assert "Sam looked at something hidden" in sam.said


async def test_the_claimant_does_not_hear_who_looked(app: FastAPI, ada: Browser, reference: str) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    await sam.post(f"{case_page(reference)}/reveal", what="contact")
    await ada.get(f"/case/{reference}")
    assert "looked" not in ada.said


async def test_pressing_twice_is_one_look_and_later_is_another(
    app: FastAPI, reference: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    page, address = sam.page, f"{case_page(reference)}/reveal"
    now = 1_800_000_000.0
    for passed in (0, 1, 90):
        at = datetime.fromtimestamp(now + passed, UTC)
        monkeypatch.setattr("web.desk.reveal.datetime_now", lambda at=at: at)
        sam.page = page
        await sam.post(address, what="contact")
    assert len(await looks(database, reference)) == 2


@pytest.mark.parametrize(
    "what", ["", "contact/x", "password/given-1", "username", "username/given-9", "what/../x", "device/x", "x" * 500]
)
async def test_there_is_nothing_else_to_look_at(app: FastAPI, reference: str, database: Database, what: str) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    answer = await sam.post(f"{case_page(reference)}/reveal", what=what)
    assert answer.status_code == 422
    assert faults_of(sam.page) == []
    assert await looks(database, reference) == []


async def test_without_an_event_nothing_is_shown(app: FastAPI, reference: str, gateway: FakeGateway) -> None:
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    gateway.trouble = Unavailable("away")
    answer = await sam.post(f"{case_page(reference)}/reveal", what="contact")
    assert answer.status_code == 503
    assert "nia.new" not in sam.page


async def test_auditors_do_not_look(app: FastAPI, reference: str, database: Database) -> None:
    ina = await at_the_desk(app, "ina")
    await ina.get(case_page(reference))
    assert '/reveal"' not in ina.page
    answer = await ina.post(f"{case_page(reference)}/reveal", what="contact")
    assert answer.status_code == 403
    assert "nia.new" not in ina.page
    assert await looks(database, reference) == []


# ---- files ----


async def a_file(
    database: Database, rings: Rings, reference: str, name: str, state: str = "clean", media_type: str = "image/png"
) -> None:
    async with database.write() as session:
        sealed = await RowKeys(rings.row).seal_bytes(session, case_subject(reference), PICTURE, about=name)
        at = (await session.get_one(CaseEventRow, (reference, 1))).at
        row = EvidenceFileRow(
            name=name,
            case_ref=reference,
            media_type=media_type,
            size=2048,
            state=state,
            content=sealed if state != "refused" else None,
            at=at + timedelta(seconds=1),
            refusal="infected" if state == "refused" else "",
        )
        session.add(row)


async def test_a_clean_file_is_kept_and_never_a_page(
    app: FastAPI, reference: str, database: Database, rings: Rings
) -> None:
    await a_file(database, rings, reference, "0a1b2c3d4e5f")
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "0a1b2c3d PNG image 2 KB" in sam.said
    answer = await sam.client.get(f"{case_page(reference)}/files/0a1b2c3d4e5f")
    assert answer.status_code == 200
    assert answer.content == PICTURE
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{reference}-0a1b2c3d.png"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert await looks(database, reference) == [("sam", "file/0a1b2c3d4e5f")]
    await sam.get(case_page(reference))
    assert "Sam looked at something hidden, a file" in sam.said


@pytest.mark.parametrize("state", ["waiting", "refused"])
async def test_a_file_that_is_not_clean_is_not_there(
    app: FastAPI, reference: str, database: Database, rings: Rings, state: str
) -> None:
    await a_file(database, rings, reference, "0a1b2c3d4e5f", state)
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert "/files/" not in sam.page
    assert {"waiting": "Being scanned", "refused": "the scanner found something harmful"}[state] in sam.said
    assert (await sam.get(f"{case_page(reference)}/files/0a1b2c3d4e5f")).status_code == 404
    assert await looks(database, reference) == []


async def test_a_file_of_another_case_is_not_there(
    app: FastAPI, ada: Browser, reference: str, gateway: FakeGateway, database: Database, rings: Rings
) -> None:
    await a_file(database, rings, reference, "0a1b2c3d4e5f")
    other = await claims.makes_claim(ada)
    sam = await at_the_desk(app)
    for name in ("0a1b2c3d4e5f", "..%2F..%2Fetc%2Fpasswd", "nothing"):
        assert (await sam.get(f"{case_page(other)}/files/{name}")).status_code == 404


async def test_auditors_open_no_files(app: FastAPI, reference: str, database: Database, rings: Rings) -> None:
    await a_file(database, rings, reference, "0a1b2c3d4e5f")
    ina = await at_the_desk(app, "ina")
    answer = await ina.client.get(f"{case_page(reference)}/files/0a1b2c3d4e5f")
    assert answer.status_code == 403
    assert PICTURE not in answer.content
    assert await looks(database, reference) == []


async def test_erased_things_say_so(app: FastAPI, reference: str, database: Database, rings: Rings) -> None:
    await a_file(database, rings, reference, "0a1b2c3d4e5f")
    async with database.write() as session:
        await RowKeys(rings.row).erase(session, case_subject(reference))
        await session.execute(update(EvidenceFileRow).values(content=None))
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert faults_of(sam.page) == []
    assert (await sam.post(f"{case_page(reference)}/reveal", what="contact")).status_code == 422
    assert (await sam.get(f"{case_page(reference)}/files/0a1b2c3d4e5f")).status_code == 404
