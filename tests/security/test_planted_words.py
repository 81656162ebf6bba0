"""Personal words and secrets are planted, a whole recovery is lived through, and then everything kept is searched.

Histories and descriptions are read without the codec, logs at their most talkative, the database as raw bytes too.
"""

import logging
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest, ListWorkflowExecutionsRequest

from development.people import DemoAccount, _add_account
from domain.case import Audience, Kind, workflow_id
from domain.claim import State as ClaimState
from domain.claim_events import Reply, Reveal, SendMessage, WriteNote
from domain.recovery import State
from storage import files, intake, intake_desk
from storage.engine import database_time
from storage.identifiers import identify
from storage.intake import Browser
from storage.uploads import Upload
from tests.claim_house import ClaimHouse
from tests.house import eventually, on_sqlite, with_policy, wrong

QUOKKA = DemoAccount(
    "planted-quokka",
    ("quokka@planted.example", "+44 7700 900765"),
    ("planted-earlier-2019",),
    recovery_codes=("PLNT-7531", "PLNT-8642"),
)
NEW = "planted-new-password-88"
DECOY = "nobody@planted.example"
BRIEF = with_policy(hold_one_replaced=timedelta(seconds=2))
BROWSER = Browser("planted-cookie", "203.0.113.77/32", "PlantedBrowser on PlantedOS")
WORDS = (
    "planted",
    "quokka.",
    "quokka@",
    "-quokka",
    "7700900765",
    "7700 900765",
    "PLNT-",
    "PLNT7531",
    "203.0.113.77",
    NEW,
)
"""None so short, or so plain, that random hex or base64 could spell it."""


class Words:
    """What must not be found, and where it was."""

    def __init__(self) -> None:
        self.words: list[bytes] = [word.lower().encode() for word in WORDS]
        self.codes: list[str] = []
        self.found: list[str] = []

    def add(self, *secrets: str | None) -> None:
        self.words += [secret.lower().encode() for secret in secrets if secret]

    def add_code(self, code: str | None) -> None:
        """Six digits are only themselves when they stand alone: random hex has some too."""
        assert code
        self.codes.append(code)

    def search(self, where: str, content: bytes | str) -> None:
        raw = content.encode() if isinstance(content, str) else content
        lower = raw.lower()
        self.found += [f"{where}: {word.decode()}" for word in self.words if word in lower]
        for code in self.codes:
            if re.search(rf"(?<![0-9A-Za-z.+/:-]){code}(?![0-9A-Za-z+/-])".encode(), raw):
                self.found.append(f"{where}: {code}")


async def open_with(house, typed):
    """As the web does it, with everything that it knows of the browser."""
    async with house.database.write() as session:
        opened = await intake.open_recovery(
            session,
            house.rings,
            identify(typed, "GB"),
            BROWSER,
            key=f"planted-form-{typed}",
            policy=with_policy(),
            starts_per_network=1000,
        )
    await house.gateway.start(opened.case)
    return opened


async def live_through_it_all(house, words):
    """A recovery by username, contact, wrong and right code, wrong and right second proof; a link; a decoy."""
    async with house.database.write() as session:
        await _add_account(session, house.rings, QUOKKA, await database_time(session))
    opened = await open_with(house, "planted-quokka")
    await house.until(opened.reference, State.AWAITING_CONTACT)
    await house.give_contact(opened, "Quokka@Planted.example")
    message = await house.message(opened.reference)
    words.add_code(message.code)
    words.add_code(wrong(message.code))
    words.add(message.link, opened.secret)
    await house.submit(opened, wrong(message.code))
    await house.submit(opened, message.code)
    await house.second_proof(opened, "PLNT-0000")
    await house.second_proof(opened, "PLNT-7531")
    await house.set_password(opened, NEW)
    await house.until_told("password-changed", times=2)

    linked = await open_with(house, "+44 7700 900765")
    sms = await house.message(linked.reference)
    words.add_code(sms.code)
    words.add(sms.link, linked.secret)
    browser = await house.link_browser(linked.reference, "planted-second-cookie")
    words.add(browser.secret)
    await house.use_link(browser, sms.link)
    await house.withdraw(browser)

    decoy = await open_with(house, DECOY)
    await house.until(decoy.reference, State.AWAITING_CODE)
    await house.submit(decoy, "123987")
    words.add_code("123987")
    await house.skip(decoy.reference, timedelta(minutes=10))
    await house.until(decoy.reference, State.AWAITING_RESEND)
    letters = [*house.outbox.mail.taken, *house.outbox.text.taken]
    words.add(*re.findall(r"/not-me/([\w-]+)", " ".join(letter.text for letter in letters)))
    return [opened, linked, decoy]


async def live_through_a_claim(house, words):
    """Everything that people write or type in a claim, up to the new password and the stop by another contact."""
    claims = ClaimHouse(house)
    opened = await claims.opens("claimant@planted.example", browser="planted-laptop", policy=BRIEF)
    first = await house.message(opened.reference)
    words.add_code(first.code)
    words.add(first.link, opened.secret)
    await claims.submit(opened, wrong(first.code))
    await claims.submit(opened, first.code)
    texts = {
        "username": "planted-quokka",
        "email": "quokka@planted.example",
        "phone": "+44 7700 900765",
        "created": "2019-03",
        "devices": "the planted tablet",
        "what": "planted words about a planted loss",
    }
    await claims.gives(opened, password="planted-earlier-2019", **texts)
    await says(house, opened, Audience.DESK, "a planted note", lambda name: WriteNote("sam", name), claims)
    await says(house, opened, Audience.CLAIMANT, "a planted message", lambda name: SendMessage("sam", name), claims)
    await claims.tell(opened, Reveal("sam", "contact"))
    async with house.database.write() as session:
        upload = Upload("image/png", b"planted pixels in a planted picture")
        count = await files.keep(session, house.rings, opened.reference, [upload])
    await claims.tell(opened, Reply(house.holder(opened), "message/of-the-claimant", count))
    await claims.until_case(opened, lambda case: not case.files_waiting)
    plan = next(iter((await claims.contact_ids("planted-quokka")).values()))
    await claims.approved(opened, plan)
    await claims.until(opened, ClaimState.PROBATION)
    second = await house.message(opened.reference, 2)
    words.add(second.link)
    browser = await claims.uses_link(opened, second.link, "planted-third-cookie")
    words.add(browser.secret)
    await claims.sets_password(browser, "planted-password-of-a-claim")
    await house.until_told("handed-back", times=2)
    await claims.objects(opened, "handed-back")
    await claims.until_case(opened, lambda case: case.frozen_at)
    await house.until_told("hand-back-stopped", times=2)
    letters = [*house.outbox.mail.taken, *house.outbox.text.taken]
    words.add(*re.findall(r"/(?:not-me|access)/([\w-]+)", " ".join(letter.text for letter in letters)))
    return opened


async def says(house, opened, audience, text, command, claims):
    """What an agent writes, as the desk keeps it."""
    async with house.database.write() as session:
        name = await intake_desk.write_text(
            session,
            house.rings,
            reference=opened.reference,
            audience=audience,
            author="sam",
            text=text,
            token=f"{text}-{opened.reference}".encode().hex(),
        )
    await claims.tell(opened, command(name))


async def histories(eve, ids):
    """Every event of these workflows as the server keeps it."""
    for workflow in ids:
        request = GetWorkflowExecutionHistoryRequest(
            namespace=eve.namespace, execution=WorkflowExecution(workflow_id=workflow)
        )
        while True:
            page = await eve.workflow_service.get_workflow_execution_history(request)
            for event in page.history.events:
                yield f"{workflow} event {event.event_id}", event.SerializeToString()
            if not page.next_page_token:
                break
            request.next_page_token = page.next_page_token


def tables(file: Path):
    """Every value of every column."""
    with closing(sqlite3.connect(file)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in names:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    yield f"{table}.{column}", "" if value is None else str(value)


@on_sqlite
async def test_no_planted_word_is_kept_in_the_open(house, eve, settings, caplog):
    words = Words()
    with structlog.testing.capture_logs() as said, caplog.at_level(logging.DEBUG):
        cases = await live_through_it_all(house, words)
        claimed = await live_through_a_claim(house, words)
        ids = [workflow_id(Kind.RECOVERY, case.reference) for case in cases]
        ids.append(workflow_id(Kind.CLAIM, claimed.reference))
        assert len(words.words) > len(WORDS) + 5, "nothing was planted"
        for workflow in ids:
            description = await eve.get_workflow_handle(workflow).describe()
            words.search(f"{workflow} description", description.raw_description.SerializeToString())
            words.search(f"{workflow} id", workflow)
        request = ListWorkflowExecutionsRequest(namespace=eve.namespace)
        listed = await eventually(
            lambda: eve.workflow_service.list_workflow_executions(request),
            lambda listed: len(listed.executions) >= len(ids),
        )
        words.search("visibility", listed.SerializeToString())
        seen = 0
        async for where, raw in histories(eve, ids):
            words.search(where, raw)
            seen += 1
        assert seen > 200, "histories were empty"
        await house.stop_worker()
    assert said, "nobody said anything"
    for entry in said:
        words.search("our log", repr(entry))
    for record in caplog.records:
        words.search(f"log of {record.name}", f"{record.getMessage()} {record.exc_text or ''}")
    file = Path(settings.database_url.removeprefix("sqlite:///"))
    found = list(tables(file))
    for sealed in ("case_person.sealed", "evidence_item.sealed", "message.sealed", "evidence_file.content"):
        assert any(column == sealed and value for column, value in found), sealed
    for where, value in found:
        words.search(where, value)
    for part in (file, file.with_name(f"{file.name}-wal")):
        if part.exists():
            words.search(f"bytes of {part.name}", part.read_bytes())
    assert words.found == []


@on_sqlite
async def test_the_search_would_find_a_planted_word(house, eve):
    """The positive control: a plain argument is readable, so what the search does not find is not there."""
    words = Words()
    opened = await house.open("ada@example.com")
    await house.message(opened.reference)
    await eve.get_workflow_handle(workflow_id(Kind.RECOVERY, opened.reference)).signal("owner_objected", "planted")
    await house.idle(opened.reference)
    async for where, raw in histories(eve, [workflow_id(Kind.RECOVERY, opened.reference)]):
        words.search(where, raw)
    assert any("planted" in found for found in words.found)


@on_sqlite
async def test_what_goes_wrong_is_not_told_in_the_open_either(house, eve, monkeypatch):
    """A provider repeats the address in its error: pending activities and their failures are sealed too."""
    words = Words()

    async def repeats_the_address(message):
        raise ValueError(f"550 no such user {message.address} planted")

    monkeypatch.setattr(house.outbox, "send_code", repeats_the_address)
    words.add("ada@example.com")
    opened = await house.open("ada@example.com")
    handle = eve.get_workflow_handle(workflow_id(Kind.RECOVERY, opened.reference))

    async def pending():
        description = (await handle.describe()).raw_description
        return [activity for activity in description.pending_activities if activity.HasField("last_failure")]

    (activity,) = await eventually(pending, bool)
    assert activity.last_failure.message == "Encoded failure"
    words.search("pending activity", activity.SerializeToString())
    assert words.found == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("quokka@planted.example", b"quokka"), ("+44 7700 900765", b"7700900765"), ("planted-quokka", b"planted")],
)
@on_sqlite
async def test_the_opening_row_alone_holds_nothing_personal(database, rings, settings, typed, kept):
    """Before any worker, before Temporal: what the web wrote down is sealed or a digest."""
    async with database.write() as session:
        await intake.open_recovery(
            session,
            rings,
            identify(typed, "GB"),
            BROWSER,
            key="form",
            policy=with_policy(),
            starts_per_network=1000,
        )
    await database.close()
    file = Path(settings.database_url.removeprefix("sqlite:///"))
    content = b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))
    for word in (kept, b"planted-cookie", b"203.0.113.77", b"PlantedBrowser"):
        assert word not in content
