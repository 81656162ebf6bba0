"""The door of the desk: who gets in, for how long, and what a stranger learns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlmodel import col

from development.people import DESK_PASSWORD
from storage import desk
from storage.engine import Database
from storage.keys import Rings
from storage.models import AgentRow, AgentSessionRow
from tests.web.desk import at_the_desk
from tests.web.pages import faults_of
from tests.web.stage import Browser

SECRET = b"12345678901234567890"
"""Of RFC 6238, appendix B."""


async def knocks(person: Browser, name: str, password: str = DESK_PASSWORD, **fields: str) -> Any:
    await person.get("/desk/sign-in")
    return await person.post("/desk/sign-in", follow=False, name=name, password=password, **fields)


async def test_an_agent_gets_in_and_out(app: FastAPI, eve: Browser) -> None:
    answer = await knocks(eve, "sam", totp="")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    await eve.get("/desk")
    assert faults_of(eve.page) == []
    await eve.post("/desk/sign-out")
    assert eve.title == "Sign in"
    assert (await eve.get("/desk")).headers["Location"] == "/desk/sign-in?then=%2Fdesk"


async def test_a_session_that_was_ended_does_not_come_back_with_its_cookie(app: FastAPI) -> None:
    sam = await at_the_desk(app)
    kept = dict(sam.client.cookies)
    await sam.post("/desk/sign-out")
    sam.client.cookies.update(kept)
    assert (await sam.get("/desk")).status_code == 303


@pytest.mark.parametrize(("name", "password"), [("sam", "wrong"), ("nobody", DESK_PASSWORD), ("", ""), ("sam", "")])
async def test_unknown_and_wrong_are_told_the_same(eve: Browser, name: str, password: str) -> None:
    answer = await knocks(eve, name, password)
    assert answer.status_code == 422
    assert eve.title == "Error: Sign in"
    assert "Name, password or code is not correct" in eve.said
    assert 'value="wrong"' not in eve.page
    assert faults_of(eve.page) == []


async def test_too_many_wrong_passwords_shut_the_door_for_a_while(app: FastAPI, eve: Browser) -> None:
    for _ in range(desk.SIGN_INS):
        assert (await knocks(eve, "sam", "wrong")).status_code == 422
    answer = await knocks(eve, "sam")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= desk.WINDOW.total_seconds()
    assert eve.title.startswith("Wait until")
    assert faults_of(eve.page) == []
    # Sam sits elsewhere, and is not kept out.
    await at_the_desk(app, "sam")


async def test_passwords_that_were_right_are_not_counted(eve: Browser) -> None:
    for _ in range(desk.SIGN_INS + 2):
        assert (await knocks(eve, "kim")).status_code == 303
        await eve.get("/desk")
        await eve.post("/desk/sign-out")


async def test_signing_in_as_oneself_clears_no_count_of_others(eve: Browser) -> None:
    """Guess names and passwords, sign in with one's own, and go on guessing from the same place."""
    for number in range(desk.SIGN_INS_PER_NETWORK - 1):
        assert (await knocks(eve, f"name{number}", "wrong")).status_code == 422
    assert (await knocks(eve, "kim")).status_code == 303
    await eve.post("/desk/sign-out")
    assert (await knocks(eve, "sam", "wrong")).status_code == 422
    assert (await knocks(eve, "sam", "wrong")).status_code == 429


async def test_the_door_leads_back_to_the_page_that_was_asked_for_and_nowhere_else(eve: Browser) -> None:
    await eve.get("/desk/sign-in?then=/desk/cases/7F3K-Q2M9-XA")
    answer = await eve.post("/desk/sign-in", follow=False, name="sam", password=DESK_PASSWORD)
    assert answer.headers["Location"] == "/desk/cases/7F3K-Q2M9-XA"
    for elsewhere in ("//evil.example/desk", "https://evil.example/desk", "/dev/mailbox", "/desk\\evil"):
        answer = await eve.client.get("/desk/sign-in", params={"then": elsewhere})
        assert answer.headers["Location"] == "/desk"


async def in_the_past(database: Database, **times: timedelta) -> None:
    """Move these times of every session back."""
    async with database.write() as session:
        await session.execute(update(AgentSessionRow).values({name: before(ago) for name, ago in times.items()}))


def before(ago: timedelta) -> datetime:
    return datetime.now(UTC) - ago


async def seen_at(database: Database) -> datetime:
    async with database.read() as session:
        return (await session.execute(select(col(AgentSessionRow.seen_at)))).scalars().one()


def present_step() -> int:
    return int(datetime.now(UTC).timestamp()) // desk.TOTP_STEP


async def test_half_an_hour_without_work_ends_the_session(app: FastAPI, database: Database) -> None:
    sam = await at_the_desk(app)
    await in_the_past(database, seen_at=desk.IDLE - timedelta(minutes=1))
    assert (await sam.get("/desk")).status_code == 200
    # That click was work: the half hour began anew.
    assert (await sam.get("/desk")).status_code == 200
    await in_the_past(database, seen_at=desk.IDLE)
    assert (await sam.get("/desk")).status_code == 303


async def test_what_a_page_asks_by_itself_is_no_work(app: FastAPI, database: Database) -> None:
    sam = await at_the_desk(app)
    await in_the_past(database, seen_at=desk.IDLE - timedelta(seconds=2))
    then = await seen_at(database)
    assert (await sam.get("/desk?seen=something")).status_code == 200
    assert await seen_at(database) == then


async def test_ten_hours_end_every_session(app: FastAPI, database: Database) -> None:
    sam = await at_the_desk(app)
    await in_the_past(database, made_at=desk.ABSOLUTE)
    assert (await sam.get("/desk")).status_code == 303


async def test_whoever_has_left_is_out_with_the_next_click(app: FastAPI, database: Database) -> None:
    sam = await at_the_desk(app)
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == "sam").values(is_active=False))
    assert (await sam.get("/desk")).status_code == 303


async def test_a_signed_out_page_is_led_to_the_door_by_htmx(app: FastAPI) -> None:
    sam = await at_the_desk(app)
    await sam.client.post("/desk/sign-out")
    answer = await sam.get("/desk?seen=x", **{"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith("/desk/sign-in")


async def test_a_second_factor_is_asked_where_one_is_set_up(eve: Browser, database: Database, rings: Rings) -> None:
    await has_totp(database, rings, "kim")
    step = present_step()
    code = desk.totp(SECRET, step)
    assert (await knocks(eve, "kim", totp="")).status_code == 422
    assert (await knocks(eve, "kim", totp=desk.totp(SECRET, step - 5))).status_code == 422
    assert (await knocks(eve, "kim", totp=f"{code[:3]} {code[3:]}")).status_code == 303


async def test_a_code_of_the_second_factor_works_once(
    app: FastAPI, eve: Browser, ada: Browser, database: Database, rings: Rings
) -> None:
    await has_totp(database, rings, "kim")
    code = desk.totp(SECRET, present_step())
    assert (await knocks(ada, "kim", totp=code)).status_code == 303
    assert (await knocks(eve, "kim", totp=code)).status_code == 422


async def has_totp(database: Database, rings: Rings, name: str) -> None:
    sealed = desk.seal_totp(rings.row, name, SECRET)
    async with database.write() as session:
        await session.execute(update(AgentRow).where(col(AgentRow.name) == name).values(totp_sealed=sealed))


@pytest.mark.parametrize(("second", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_rfc_6238(second: int, code: str) -> None:
    assert desk.totp(SECRET, second // desk.TOTP_STEP) == code
