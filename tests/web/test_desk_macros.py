"""Texts at hand: leads write them, agents use them, and what they hold stays text."""

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from domain.decisions import ALL
from storage import macros
from storage.engine import Database
from storage.macros import PLACEHOLDERS, filled, unknown_placeholders
from storage.models import MacroRow
from tests.web import claims
from tests.web.desk import at_the_desk, case_page
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway, hidden

QUESTION = {"title": "Ask for a bill", "outcome": "ask", "reason": "", "language": "en"}


async def rows(database: Database) -> list[MacroRow]:
    async with database.read() as session:
        return list((await session.execute(select(MacroRow).order_by(MacroRow.title))).scalars())  # type: ignore[arg-type]


async def put(database: Database, name: str, text: str, outcome: str = "ask", title: str = "") -> None:
    async with database.write() as session:
        await macros.save(
            session,
            name=name,
            title=title or name,
            outcome=outcome,
            reason="",
            language="en",
            text=text,
            agent="lee",
        )


@pytest.fixture(autouse=True)
async def none_at_first(database: Database) -> None:
    async with database.write() as session:
        for row in await macros.every(session):
            await macros.remove(session, row.name)


async def test_leads_write_them(app: FastAPI, database: Database) -> None:
    lee = await at_the_desk(app, "lee")
    await lee.get("/desk/macros")
    assert faults_of(lee.page) == []
    page = lee.page
    for _ in range(2):  # the same form twice is one text
        lee.page = page
        await lee.post("/desk/macros", **QUESTION, text="Send {items} until {due}.")
    (row,) = await rows(database)
    assert (row.title, row.outcome, row.text, row.changed_by) == (
        "Ask for a bill",
        "ask",
        "Send {items} until {due}.",
        "lee",
    )
    await lee.get(f"/desk/macros?edit={row.name}")
    assert faults_of(lee.page) == []
    await lee.post("/desk/macros", **QUESTION, text="Another")
    (row,) = await rows(database)
    assert row.text == "Another"
    await lee.get(f"/desk/macros?edit={row.name}")
    await lee.post("/desk/macros", **QUESTION, text="Another", do="remove")
    assert await rows(database) == []


@pytest.mark.parametrize("name", ["sam", "kim", "ina", "max"])
async def test_others_read_them(app: FastAPI, database: Database, name: str) -> None:
    await put(database, "m", "Words")
    agent = await at_the_desk(app, name)
    await agent.get("/desk/macros")
    assert "Words" in agent.said
    assert "Keep the text" not in agent.said
    assert (await agent.post("/desk/macros", **QUESTION, text="Mine")).status_code == 403
    assert [row.text for row in await rows(database)] == ["Words"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"title": " "}, "Give it a title"),
        ({"title": "x" * 81}, "Give it a title"),
        ({"outcome": "rewrite"}, "Choose what it is for"),
        ({"reason": "evidence_fits"}, "Choose a reason that goes with it"),
        ({"language": "english please"}, "Write the language as a short code"),
        ({"language": ""}, "Write the language as a short code"),
        ({"text": ""}, "Write the text"),
        ({"text": "Dear {name}"}, "{name} means nothing"),
        ({"text": "x" * 5000}, "That is too long"),
    ],
)
async def test_what_cannot_be_kept_is_said_and_not_lost(
    app: FastAPI, database: Database, changed: dict[str, str], says: str
) -> None:
    lee = await at_the_desk(app, "lee")
    await lee.get("/desk/macros")
    answer = await lee.post("/desk/macros", **{**QUESTION, "text": "Kept words", **changed})
    assert answer.status_code == 422
    assert says in lee.said
    assert faults_of(lee.page) == []
    if "text" not in changed:
        assert "Kept words</textarea>" in lee.page
    assert await rows(database) == []


async def test_a_preview_keeps_nothing(app: FastAPI, database: Database) -> None:
    lee = await at_the_desk(app, "lee")
    await lee.get("/desk/macros")
    await lee.post("/desk/macros", **QUESTION, text="About {reference}: <i>{items}</i>", do="preview")
    assert "About 7F3K-Q2M9-XA: <i>earlier passwords, devices</i>" in lee.said
    assert "&lt;i&gt;" in lee.page
    assert await rows(database) == []


async def test_a_text_comes_into_the_message_without_script(
    app: FastAPI, ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    reference = await claims.sends(ada, gateway)
    await put(database, "hello", "Hello from {agent} about {reference}. <b>Write to {help}</b>", outcome="message")
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    assert '<option value="hello">hello</option>' in sam.page
    told = len(gateway.told)
    await sam.post(f"{case_page(reference)}/message", do="macro", macro="hello", text="")
    assert faults_of(sam.page) == []
    assert f"Hello from Sam about {case_page(reference).rpartition('/')[2]}" in sam.page
    assert "&lt;b&gt;Write to" in sam.page
    assert len(gateway.told) == told


async def test_a_text_comes_into_the_decision_with_its_date(
    app: FastAPI, ada: Browser, gateway: FakeGateway, database: Database
) -> None:
    reference = await claims.sends(ada, gateway)
    await put(database, "ask", "Send {items} until {due}. {unknown} {{due}}")
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    sent = hidden(sam.page, f"{case_page(reference)}/decision")
    fields = {"do": "macro", "macro": "ask", "outcome": "ask", "items": "devices"}
    await sam.post(f"{case_page(reference)}/preview", **{**sent, **fields})
    assert faults_of(sam.page) == []
    assert "Send devices until " in sam.page
    assert "until {due}" not in sam.page
    assert 'value="devices" checked' in sam.page
    assert gateway.decided == []


async def test_a_text_of_no_name_is_refused(app: FastAPI, ada: Browser, gateway: FakeGateway) -> None:
    reference = await claims.sends(ada, gateway)
    sam = await at_the_desk(app)
    await sam.get(case_page(reference))
    fields = {"do": "macro", "macro": "nothing", "text": "typed"}
    assert (await sam.post(f"{case_page(reference)}/message", **fields)).status_code == 422
    assert ">\ntyped</textarea>" in sam.page
    assert faults_of(sam.page) == []
    assert (await sam.post(f"{case_page(reference)}/preview", **fields, plan=ALL)).status_code == 422
    assert faults_of(sam.page) == []


def test_what_stands_in_braces() -> None:
    assert filled("{reference} {due} {}", {"reference": "R", "due": "{help}", "help": "H"}) == "R {help} {}"
    assert unknown_placeholders("{reference} {x} {} { due }") == ["x", "", " due "]
    assert filled("{due}", {"due": ""}) == "{due}"
    assert all(unknown_placeholders(f"{{{name}}}") == [] for name in PLACEHOLDERS)
