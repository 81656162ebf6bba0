"""What agents set for themselves: the second factor, keys, and where they are signed in."""

import base64
import importlib.util
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlmodel import col

from development.people import DESK_PASSWORD
from storage import desk
from storage.engine import Database
from storage.keys import Rings
from storage.models import AgentEventRow, AgentRow, AgentSessionRow
from tests.web.desk import at_the_desk
from tests.web.pages import faults_of
from tests.web.stage import Browser, browser, hidden
from web.desk import factor
from web.services import Services

SETUP = "/desk/settings/second-factor"
needs_picture = pytest.mark.skipif(importlib.util.find_spec("segno") is None, reason="an environment before its lock")


@pytest.fixture(autouse=True)
def _no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are looked at without the picture; it has its own test."""
    monkeypatch.setattr(factor, "picture", lambda text: text[:0])


def shown_secret(page: str) -> bytes:
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found
    return base64.b32decode(found[1].replace(" ", ""))


def code_of(secret: bytes, later: int = 0) -> str:
    return desk.totp(secret, int(datetime.now(UTC).timestamp()) // desk.TOTP_STEP + later)


async def sets_up(agent: Browser) -> bytes:
    """The secret, once it is in use."""
    await agent.get(SETUP)
    secret = shown_secret(agent.page)
    await agent.post(SETUP, totp=code_of(secret), password=DESK_PASSWORD)
    assert "On. A code from your authenticator" in agent.said
    return secret


async def deeds(database: Database, agent: str) -> list[str]:
    async with database.read() as session:
        mine = select(AgentEventRow).where(col(AgentEventRow.agent) == agent).order_by(col(AgentEventRow.number))
        return [row.kind for row in (await session.execute(mine)).scalars()]


async def test_a_second_factor_is_set_up_used_and_removed(app: FastAPI, database: Database) -> None:
    kim = await at_the_desk(app, "kim")
    await kim.get("/desk/settings")
    assert "Off. Whoever learns your password" in kim.said
    assert faults_of(kim.page) == []
    secret = await sets_up(kim)
    again = browser(app, address="192.0.2.11")
    await again.get("/desk/sign-in")
    await again.post("/desk/sign-in", name="kim", password=DESK_PASSWORD, totp="")
    assert again.title == "Error: Sign in"
    await again.post("/desk/sign-in", name="kim", password=DESK_PASSWORD, totp=code_of(secret, 1))
    assert again.address == "/desk"
    await kim.get(f"{SETUP}/remove")
    assert faults_of(kim.page) == []
    await kim.post(f"{SETUP}/remove", password=DESK_PASSWORD, totp="")
    assert "The password or the code is not correct" in kim.said
    await kim.post(f"{SETUP}/remove", password=DESK_PASSWORD, totp=code_of(secret, -1))
    assert "Off. Whoever learns your password" in kim.said
    assert await deeds(database, "kim") == ["signed_in", "set_up_factor", "signed_in", "removed_factor"]


async def test_nothing_is_asked_before_a_code_was_right(app: FastAPI, database: Database) -> None:
    kim = await at_the_desk(app, "kim")
    await kim.get(SETUP)
    secret = shown_secret(kim.page)
    assert faults_of(kim.page) == []
    for fields, said in [
        ({"totp": code_of(secret, 9), "password": DESK_PASSWORD}, "The code is not correct"),
        ({"totp": "٣٣٣٣٣٣", "password": DESK_PASSWORD}, "The code is not correct"),
        ({"totp": code_of(secret), "password": "wrong"}, "The password is not correct"),
    ]:
        answer = await kim.post(SETUP, **fields)
        assert answer.status_code == 422
        assert said in kim.said
        assert kim.title == "Error: Set up a second factor"
        assert shown_secret(kim.page) == secret
        assert faults_of(kim.page) == []
    async with database.read() as session:
        assert (await session.get_one(AgentRow, "kim")).totp_sealed == ""


async def test_the_code_that_set_it_up_opens_nothing(app: FastAPI) -> None:
    kim = await at_the_desk(app, "kim")
    await kim.get(SETUP)
    secret = shown_secret(kim.page)
    code = code_of(secret)
    await kim.post(SETUP, totp=code, password=DESK_PASSWORD)
    eve = browser(app, address="192.0.2.66")
    await eve.get("/desk/sign-in")
    assert (await eve.post("/desk/sign-in", name="kim", password=DESK_PASSWORD, totp=code)).status_code == 422


async def test_a_secret_that_another_session_was_shown_is_not_taken(app: FastAPI, database: Database) -> None:
    kim, sam = await at_the_desk(app, "kim"), await at_the_desk(app, "sam")
    await sam.get(SETUP)
    secret, sealed = shown_secret(sam.page), hidden(sam.page, SETUP)["secret"]
    answer = await kim.client.post(SETUP, data={"secret": sealed, "totp": code_of(secret), "password": DESK_PASSWORD})
    assert answer.status_code == 303
    answer = await kim.client.post(SETUP, data={"secret": "x:y", "totp": code_of(secret), "password": DESK_PASSWORD})
    assert answer.status_code == 303
    async with database.read() as session:
        assert (await session.get_one(AgentRow, "kim")).totp_sealed == ""


async def test_too_many_wrong_passwords_shut_the_set_up_too(app: FastAPI) -> None:
    kim = await at_the_desk(app, "kim")
    await kim.get(SETUP)
    for _ in range(desk.SIGN_INS):
        await kim.post(SETUP, totp="000000", password="wrong")
    answer = await kim.post(SETUP, totp="000000", password=DESK_PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_code_is_used_up_for_good_not_for_an_hour(
    database: Database, rings: Rings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last half minute of an hour and the first of the next one share a code."""
    secret, hour = desk.new_totp(), datetime(2026, 11, 23, 12, tzinfo=UTC)
    fits = []
    for now in (hour - timedelta(seconds=10), hour + timedelta(seconds=10)):

        async def clock(_session: object, now: datetime = now) -> datetime:
            return now

        monkeypatch.setattr(desk, "database_time", clock)
        async with database.write() as session:
            step = int((hour - timedelta(seconds=10)).timestamp()) // desk.TOTP_STEP
            fits.append(await desk.totp_is_new(session, "kim", secret, desk.totp(secret, step)))
    assert fits == [True, False]


async def test_where_everybody_needs_a_factor_the_desk_opens_after_it(app: FastAPI, services: Services) -> None:
    strict = services.settings.model_copy(update={"desk_second_factor": True})
    app.state.services = replace(services, settings=strict)
    kim = browser(app, address="192.0.2.12")
    await kim.get("/desk/sign-in")
    answer = await kim.post("/desk/sign-in", follow=False, name="kim", password=DESK_PASSWORD, totp="")
    assert answer.status_code == 303
    for closed in ("/desk", "/desk/cases/7F3K-Q2M9-XA", "/desk/search", "/desk/audit"):
        assert (await kim.get(closed)).headers["Location"] == SETUP
    assert (await kim.post("/desk/next", follow=False)).headers["Location"] == SETUP
    await kim.get(SETUP)
    assert "Everybody at this desk needs one" in kim.said
    await sets_up(kim)
    assert (await kim.get("/desk")).status_code == 200


async def test_keys_can_be_switched_off_and_on(app: FastAPI) -> None:
    sam = await at_the_desk(app)
    assert "desk-keys.js" in sam.page
    assert 'id="all-keys"' in sam.page
    await sam.get("/desk/settings")
    await sam.post("/desk/settings/keys")
    assert "Single keys are off" in sam.said
    assert faults_of(sam.page) == []
    await sam.get("/desk")
    assert "desk-keys.js" not in sam.page
    assert 'id="all-keys"' not in sam.page
    await sam.get("/desk/settings")
    await sam.post("/desk/settings/keys")
    assert "Single keys are on" in sam.said


async def test_other_sessions_of_mine_can_be_ended_and_nobody_elses(app: FastAPI, database: Database) -> None:
    here, there, elsewhere = [await at_the_desk(app) for _ in range(3)]
    kim = await at_the_desk(app, "kim")
    await here.get("/desk/settings")
    assert "Where you are signed in 3" in here.said
    assert faults_of(here.page) == []
    async with database.read() as session:
        rows = await session.execute(select(AgentSessionRow).where(col(AgentSessionRow.agent) == "kim"))
        of_kim = rows.scalar_one().digest[: desk.SESSION_NAME]
    await here.client.post("/desk/settings/sessions", data={"session": of_kim})
    await here.client.post("/desk/settings/sessions", data={"session": "%"})
    assert (await kim.get("/desk")).status_code == 200
    await here.get("/desk/settings")
    assert "Where you are signed in 3" in here.said
    one = re.search(r'name="session" value="([0-9a-f]+)"', here.page)
    assert one
    await here.post("/desk/settings/sessions", session=one[1])
    assert "Where you are signed in 2" in here.said
    await here.client.post("/desk/settings/sessions", data={"session": ""})
    answers = [(await agent.get("/desk")).status_code for agent in (here, there, elsewhere, kim)]
    assert answers == [200, 303, 303, 200]


async def test_a_role_that_was_taken_away_is_gone_with_the_next_click(app: FastAPI, database: Database) -> None:
    sam = await at_the_desk(app)
    assert "Take the next case" in sam.said
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(role="auditor"))
    answer = await sam.post("/desk/next", follow=False)
    assert answer.status_code == 403
    assert "your role is now auditor" in sam.said


@needs_picture
def test_the_picture_is_an_svg_without_any_style(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    drawn = factor.picture(factor.address(b"1" * 20, "Larkfield & Sons", "kim"))
    assert drawn.startswith("<svg viewBox=")
    assert "style" not in drawn
    address = factor.address(b"1" * 20, "Larkfield & Sons", "kim")
    assert address.startswith("otpauth://totp/Larkfield%20%26%20Sons%20desk%3Akim?secret=GEYT")
