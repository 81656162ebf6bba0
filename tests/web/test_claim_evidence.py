"""What a claimant knows: kept while it is filled in, checked, sent once; nonsense and too much are refused."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select, text
from starlette.datastructures import UploadFile

from domain.claim import Claim, State
from domain.decisions import Outcome
from storage.engine import Database
from storage.models import EvidenceFileRow, VaultRow
from tests.web.claims import NIA, proves, sends
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway, hidden
from web.claim.months import month_of
from web.gateway import StillWorking

MEGABYTE = 1 << 20


def picture(size: int = 40) -> bytes:
    kept = BytesIO()
    Image.new("RGB", (size, size), "teal").save(kept, "JPEG")
    return kept.getvalue()


async def rows(database: Database, table: type) -> int:
    async with database.read() as session:
        return int((await session.execute(select(func.count()).select_from(table))).scalar_one())


async def test_one_thing_is_enough_and_nothing_is_not(ada: Browser, gateway: FakeGateway) -> None:
    reference = await proves(ada, gateway)
    page = ada.address
    answer = await ada.post(f"{page}/evidence")
    assert answer.status_code == 422
    assert "Give at least one thing" in ada.said
    assert faults_of(ada.page) == []
    await ada.post(f"{page}/evidence", devices="A blue tablet")
    await ada.post(f"{page}/evidence")
    assert gateway.cases[reference].state is State.AWAITING_REVIEW


@pytest.mark.parametrize("name", ["password_1", "recovery_code", "email", "phone", "created", "username"])
async def test_nothing_depends_on_one_thing(ada: Browser, gateway: FakeGateway, name: str) -> None:
    typed = {"email": "a@example.com", "phone": "+44 7700 900003", "created": "3/2018"}.get(name, "something-1")
    reference = await sends(ada, gateway, {name: typed})
    assert gateway.cases[reference].state is State.AWAITING_REVIEW


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("email", "not an address", "Write an e-mail address with an @"),
        ("email", "+44 7700 900001", "Write an e-mail address with an @"),
        ("phone", "ada@example.com", "Write a phone number with its country"),
        ("phone", "12", "Write a phone number with its country"),
        ("created", "long ago", "Write a month and a year"),
        ("created", "13/2019", "Write a month and a year"),
        ("devices", "a" * 5000, "That is too long"),
        ("username", "a" * 1500, "That is too long"),
        ("password_2", "a" * 1500, "That is too long"),
    ],
)
async def test_what_is_wrong_stands_at_its_field(
    ada: Browser, gateway: FakeGateway, database: Database, field: str, typed: str, says: str
) -> None:
    await proves(ada, gateway)
    answer = await ada.post(
        f"{ada.address}/evidence", **({"username": "nia", "password_1": "secret-one"} | {field: typed})
    )
    assert answer.status_code == 422
    assert says in ada.said
    assert f'id="{field}-error"' in ada.page
    assert "secret-one" not in ada.page
    assert faults_of(ada.page) == []
    assert await rows(database, VaultRow) == 0


@pytest.mark.parametrize(
    ("typed", "month"),
    [
        ("March 2019", "2019-03"),
        ("mar. 2019", "2019-03"),
        (" 2019  march ", "2019-03"),
        ("03/2019", "2019-03"),
        ("3.2019", "2019-03"),
        ("2019-3", "2019-03"),
        ("0/2019", None),
        ("2019", None),
        ("maybe 2019", "2019-05"),
        ("xyz 2019", None),
        ("٣/2019", None),
        ("March 1812", None),
    ],
)
def test_a_month_is_read_as_people_write_it(typed: str, month: str | None) -> None:
    assert month_of(typed) == month


async def test_what_was_typed_is_there_when_one_comes_back(ada: Browser, gateway: FakeGateway) -> None:
    await proves(ada, gateway)
    page = ada.address
    await ada.post(f"{page}/evidence", then="later", **NIA)
    await ada.get(page)
    for value in ('value="nia"', 'value="March 2018"', "A tablet"):
        assert value in ada.page
    assert "nia-first-2018" not in ada.page
    assert "1 given so far" in ada.said


async def test_a_text_can_be_taken_out_and_passwords_forgotten(
    ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    await proves(ada, gateway)
    page = ada.address
    await ada.post(f"{page}/evidence", **NIA)
    await ada.get(f"{page}/evidence")
    await ada.post(f"{page}/evidence", username="nia", forget="yes")
    assert "A tablet" not in ada.said
    assert "1 given" not in ada.said
    assert await rows(database, VaultRow) == 0


async def test_a_password_typed_again_replaces_and_an_empty_field_keeps(
    ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    reference = await proves(ada, gateway)
    page = ada.address
    for password in ("not-this-one", "nia-first-2018", ""):
        await ada.get(f"{page}/evidence")
        await ada.post(f"{page}/evidence", username="nia", password_1=password)
    assert await rows(database, VaultRow) == 1
    await ada.post(f"{page}/evidence")
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert {(fact.kind, fact.finding) for fact in case.facts} >= {("password", "matched")}
    assert await rows(database, VaultRow) == 0


async def test_nothing_typed_is_stored_in_the_open(ada: Browser, gateway: FakeGateway, database: Database) -> None:
    await proves(ada, gateway)
    secret = {"username": "some-name-1", "password_1": "some-secret-1", "recovery_code": "SOME-CODE-1"}
    await ada.post(f"{ada.address}/evidence", devices="some device 1", **secret)
    async with database.read() as session:
        for table in ("evidence_item", "vault", '"case"', "case_event", "budget_entry", "case_person"):
            dump = str((await session.execute(text(f"SELECT * FROM {table}"))).all())
            assert not [typed for typed in (*secret.values(), "some device 1") if typed in dump], table


async def test_sent_twice_it_is_given_once(ada: Browser, gateway: FakeGateway) -> None:
    reference = await proves(ada, gateway)
    page = ada.address
    await ada.post(f"{page}/evidence", **NIA)
    form = hidden(ada.page, f"{page}/evidence")
    for _ in range(3):
        answer = await ada.client.post(f"{page}/evidence", data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{page}/sent")
    stale = await ada.client.post(f"{page}/evidence", data={**form, "key": "another"})
    assert stale.headers["Location"] == f"{page}/sent"
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert case.evidence == "given-1"
    assert case.score == 40


@pytest.mark.parametrize("named", ["given-9", "opening", "x" * 500, "given--1", "\0"])
async def test_a_made_up_name_of_evidence_is_not_believed(ada: Browser, gateway: FakeGateway, named: str) -> None:
    reference = await proves(ada, gateway)
    page = ada.address
    await ada.post(f"{page}/evidence", username="nia")
    await ada.post(f"{page}/evidence", send="yes", evidence=named)
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert case.evidence == "given-1"


async def test_more_can_be_added_while_the_desk_looks(ada: Browser, gateway: FakeGateway) -> None:
    reference = await sends(ada, gateway)
    page = ada.address
    await ada.get(f"{page}/evidence")
    assert ada.title == "Add to what you know"
    assert "A tablet" not in ada.page
    await ada.post(f"{page}/evidence", recovery_code="NIAN-0001")
    await ada.post(f"{page}/evidence")
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert case.evidence == "given-2"


async def test_when_nothing_can_be_given_the_page_of_the_moment_comes(ada: Browser, gateway: FakeGateway) -> None:
    reference = await sends(ada, gateway)
    page = ada.address
    await gateway.judged(reference, Outcome.DENY)
    for path in ("evidence", "check", "sent"):
        assert (await ada.client.get(f"{page}/{path}")).headers["Location"] == page
    answer = await ada.client.post(f"{page}/evidence", data={"username": "x"})
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert (await ada.client.post(f"{page}/evidence", data={"send": "yes"})).status_code in {409, 422}


async def test_a_recovery_knows_no_evidence(ada: Browser) -> None:
    await ada.ask("ada@example.com")
    for path in ("evidence", "check", "sent"):
        assert (await ada.client.get(f"{ada.address}/{path}")).status_code == 404
    for step in ("evidence", "reply", "nudge", "reopen"):
        assert (await ada.client.post(f"{ada.address}/{step}", data={})).status_code == 404


async def test_an_answer_that_does_not_come_can_be_asked_for_again(ada: Browser, gateway: FakeGateway) -> None:
    reference = await proves(ada, gateway)
    page = ada.address
    await ada.post(f"{page}/evidence", **NIA)
    gateway.trouble = StillWorking(reference)
    assert (await ada.post(f"{page}/evidence")).status_code == 503
    gateway.trouble = None
    await ada.post(f"{page}/evidence")
    assert ada.title == "Your claim was sent"


# ---- files ----


async def test_files_are_kept_and_counted(ada: Browser, gateway: FakeGateway, database: Database) -> None:
    reference = await proves(ada, gateway)
    page = ada.address
    await ada.post(f"{page}/evidence", files=[("invoice.jpg", picture()), ("x.png", picture(60))])
    assert ada.title == "Check your answers"
    assert "JPEG image, JPEG image" in ada.said
    assert "invoice" not in ada.page
    await ada.post(f"{page}/evidence")
    case = gateway.cases[reference]
    assert isinstance(case, Claim)
    assert (case.files, await rows(database, EvidenceFileRow)) == (2, 2)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This kind of file is not taken"),
        ("x.jpg", b"", "The file is empty"),
        ("x.exe", b"MZ\x90" + b"\0" * 500, "This kind of file is not taken"),
        ("x.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 50, "The file cannot be read"),
        ("x.jpg", picture() + b"\0" * (10 * MEGABYTE), "The file is too large"),
        ("x.zip", b"PK\x03\x04" + b"\0" * 500, "This kind of file is not taken"),
    ],
)
async def test_a_refused_file_is_named_and_nothing_is_stored(
    ada: Browser, gateway: FakeGateway, database: Database, name: str, content: bytes, says: str
) -> None:
    await proves(ada, gateway)
    answer = await ada.post(f"{ada.address}/evidence", files=[("good.jpg", picture()), (name, content)], username="nia")
    assert answer.status_code == 422
    assert says in ada.said
    assert 'id="files-error"' in ada.page
    assert 'value="nia"' in ada.page
    assert await rows(database, EvidenceFileRow) == 0
    assert faults_of(ada.page) == []


async def test_six_files_are_too_many(ada: Browser, gateway: FakeGateway, database: Database) -> None:
    await proves(ada, gateway)
    page = ada.address
    answer = await ada.post(f"{page}/evidence", files=[(f"{n}.jpg", picture()) for n in range(6)])
    assert answer.status_code == 422
    assert await rows(database, EvidenceFileRow) == 0
    answer = await ada.post(f"{page}/evidence", files=[(f"{n}.jpg", picture()) for n in range(60)])
    assert answer.status_code == 422


async def test_a_form_with_files_sent_twice_keeps_them_once(
    ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    await proves(ada, gateway)
    page = ada.address
    form = {**hidden(ada.page, f"{page}/evidence"), "username": "nia"}
    for _ in range(2):
        await ada.client.post(f"{page}/evidence", data=form, files={"files": ("a.jpg", picture(), "image/jpeg")})
    assert await rows(database, EvidenceFileRow) == 1


async def test_twenty_megabytes_of_text_are_refused(ada: Browser, gateway: FakeGateway) -> None:
    reference = await proves(ada, gateway)
    page, text_ = ada.address, "a" * (20 * MEGABYTE)
    plain = await ada.client.post(f"{page}/evidence", data={"devices": text_})
    assert plain.status_code == 413
    parts = await ada.client.post(
        f"{page}/evidence", data={"devices": text_}, files={"files": ("", b"", "application/octet-stream")}
    )
    assert parts.status_code == 422
    assert "too much for one form" in parts.text
    reply = await ada.client.post(f"{page}/reply", data={"message": text_}, files={"files": ("a", b"a", "text/plain")})
    assert reply.status_code == 422
    assert gateway.cases[reference].state is State.AWAITING_EVIDENCE


async def test_a_body_without_end_is_cut_off(ada: Browser, gateway: FakeGateway) -> None:
    await proves(ada, gateway)

    async def endless() -> object:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        for _ in range(200):
            yield b"\0" * MEGABYTE

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await ada.client.post(f"{ada.address}/evidence", content=endless(), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 413
    said = {**headers, "Content-Length": str(2**31)}
    answer = await ada.client.post(f"{ada.address}/evidence", content=b"--b--", headers=said)
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"", b"--b", b"--b\r\nx", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--"])
async def test_what_is_no_form_is_no_mistake_of_ours(ada: Browser, gateway: FakeGateway, body: bytes) -> None:
    await proves(ada, gateway)
    for kind in (
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "multipart/form-data; boundary=b; charset=x",
    ):
        for step in ("evidence", "reply"):
            answer = await ada.client.post(f"{ada.address}/{step}", content=body, headers={"Content-Type": kind})
            assert answer.status_code in {400, 422}


async def test_strangers_may_not_send_large_files(eve: Browser, ada: Browser, gateway: FakeGateway) -> None:
    await proves(ada, gateway)
    answer = await eve.client.post(
        f"{ada.address}/evidence", files={"files": ("a.jpg", b"\0" * MEGABYTE, "image/jpeg")}
    )
    assert answer.status_code == 404
    elsewhere = await eve.client.post("/recover", files={"files": ("a.jpg", b"\0" * MEGABYTE, "image/jpeg")})
    assert elsewhere.status_code == 413


async def test_passwords_run_out_before_they_are_sent(ada: Browser, gateway: FakeGateway, database: Database) -> None:
    await proves(ada, gateway)
    page = ada.address
    await ada.post(f"{page}/evidence", password_1="nia-first-2018")
    async with database.write() as session:
        row = (await session.execute(select(VaultRow))).scalar_one()
        row.expires_at -= timedelta(hours=25)
        session.add(row)
    answer = await ada.post(f"{page}/evidence")
    assert answer.status_code == 422
    assert "Give at least one thing" in ada.said


async def test_a_field_in_which_no_file_was_chosen_leaves_nothing_open(
    ada: Browser, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As browsers send it: a part without a file name. And a file in a field that takes none."""
    opened: list[UploadFile] = []
    made = UploadFile.__init__

    def noted(self: UploadFile, *arguments: Any, **options: Any) -> None:
        made(self, *arguments, **options)
        opened.append(self)

    monkeypatch.setattr(UploadFile, "__init__", noted)
    await proves(ada, gateway)
    body = (
        '--b\r\nContent-Disposition: form-data; name="username"\r\n\r\nnia\r\n'
        '--b\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\n\r\n'
        '--b\r\nContent-Disposition: form-data; name="devices"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await ada.client.post(f"{ada.address}/evidence", content=body.encode(), headers=headers)
    assert answer.headers["Location"].endswith("/check")
    assert len(opened) == 2
    assert all(file.file.closed for file in opened)
