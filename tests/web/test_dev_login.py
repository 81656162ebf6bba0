"""The demo platform: an effect on an account counts only if this page shows it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlmodel import col

from development.people import ACCOUNTS
from domain.case import grouped
from domain.decisions import ALL, KEEP
from storage import directory
from storage.engine import Database
from storage.keys import Rings
from storage.models import AccountRow, AccountSessionRow
from tests.activities.claimants import Town
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway, browser
from web.dev.login import age_of

NEW_PASSWORD = "quiet harbour lamp"
REFS = {account.username: account.ref for account in ACCOUNTS}


async def signs_in(person: Browser, identifier: str, password: str = "") -> Any:
    await person.get("/dev/login")
    return await person.post("/dev/login", identifier=identifier, password=password or f"{identifier}-current-2025")


@pytest.mark.parametrize("name", ["ada", "ADA", "ada@example.com", "+44 7700 900001", "07700 900001"])
async def test_any_name_of_the_account_opens_it(ada: Browser, name: str) -> None:
    answer = await signs_in(ada, name, "ada-current-2025")
    assert answer.status_code == 200
    assert ada.title == "Signed in as ada"
    assert faults_of(ada.page) == []


async def test_the_account_shows_its_things(app: FastAPI, ada: Browser) -> None:
    phone = browser(app, agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1")
    await signs_in(phone, "olu")
    await signs_in(ada, "olu")
    for said in (
        "Username olu",
        "Standing Active",
        "olu@work.example.com",
        "+447700900002",
        "8 of 8 saved recovery codes unused",
        "Firefox on Linux This one",
        "Safari on an iPhone",
    ):
        assert said in ada.said


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong"), ("ada", "ada-first-2019"), ("nobody", "ada-current-2025"), ("", ""), ("a b@", "x")],
)
async def test_wrong_and_unknown_are_told_the_same(ada: Browser, name: str, password: str) -> None:
    await ada.get("/dev/login")
    answer = await ada.post("/dev/login", identifier=name, password=password)
    assert answer.status_code == 422
    assert "The name or the password is not correct" in ada.said
    assert faults_of(ada.page) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [("ben", "is banned for good"), ("tom", "is banned until"), ("dee", "is being deleted: on")],
)
async def test_a_shut_account_says_why(ada: Browser, name: str, says: str) -> None:
    answer = await signs_in(ada, name)
    assert answer.status_code == 403
    assert says in ada.said
    assert "Set-Cookie" not in answer.headers
    assert faults_of(ada.page) == []


async def test_why_it_is_shut_is_only_for_who_knows_the_password(ada: Browser) -> None:
    await signs_in(ada, "ben", "wrong")
    assert "banned" not in ada.said


async def test_a_frozen_account_says_until_when(ada: Browser, database: Database) -> None:
    now = datetime.now(UTC)
    async with database.write() as session:
        await directory.freeze(session, REFS["ada"], now=now, until=now + timedelta(hours=72))
    await signs_in(ada, "ada")
    assert "is frozen, until" in ada.said


async def test_a_hand_back_shows_in_contacts_and_held_changes(ada: Browser, database: Database, rings: Rings) -> None:
    """Which claim put a contact in and took another off, and until when changes are held."""
    town = Town(database, rings)
    claim = await town.opens("ada@new.example.com")
    await town.hands_back(claim, ALL)
    async with database.write() as session:
        until = datetime.now(UTC) + timedelta(days=30)
        await session.execute(
            update(AccountRow).where(col(AccountRow.ref) == REFS["ada"]).values(probation_until=until)
        )
    await signs_in(ada, "ada")
    for said in (
        f"put in by the claim {grouped(claim)}",
        "Former contacts",
        f"taken off by the claim {grouped(claim)}",
        "of contacts and second factor are held until",
    ):
        assert said in ada.said
    assert ada.said.index("ada@new.example.com") < ada.said.index("Former contacts") < ada.said.index("ada@example.com")
    assert faults_of(ada.page) == []


async def test_who_signs_in_by_a_former_contact_does_not(ada: Browser, database: Database, rings: Rings) -> None:
    town = Town(database, rings)
    await town.takes_off("ada", "ada@example.com", days_ago=1)
    assert (await signs_in(ada, "ada@example.com", "ada-current-2025")).status_code == 422
    assert (await signs_in(ada, "ada")).status_code == 200


async def test_a_frozen_account_names_the_claim(ada: Browser, database: Database, rings: Rings) -> None:
    town = Town(database, rings)
    claim = await town.opens("ada@new.example.com")
    await signs_in(ada, "ada")
    await town.freezes(claim)
    async with database.write() as session:  # a session that slipped through, so that the page is seen
        await session.execute(update(AccountSessionRow).values(ended_at=None, ended_by=""))
    await ada.get("/dev/login")
    assert f"Frozen by the claim {grouped(claim)}" in ada.said
    assert faults_of(ada.page) == []


async def test_a_session_that_a_claim_ended_says_so(ada: Browser, database: Database, rings: Rings) -> None:
    town = Town(database, rings)
    claim = await town.opens("ada@new.example.com")
    await signs_in(ada, "ada")
    await town.hands_back(claim, KEEP)
    await ada.get("/dev/login")
    assert f"The claim {grouped(claim)} ended this session at" in ada.said


async def test_a_ban_that_is_over_is_over(ada: Browser, database: Database) -> None:
    async with database.write() as session:
        past = datetime.now(UTC) - timedelta(minutes=1)
        await session.execute(update(AccountRow).where(col(AccountRow.ref) == REFS["tom"]).values(standing_until=past))
    await signs_in(ada, "tom")
    assert ada.title == "Signed in as tom"


async def test_signing_out_ends_only_this_session(app: FastAPI, ada: Browser) -> None:
    phone = browser(app, agent="Mozilla/5.0 (iPhone) Safari/604.1")
    await signs_in(phone, "ada")
    await signs_in(ada, "ada")
    await ada.post("/dev/logout")
    assert ada.title == "Sign in"
    await phone.get("/dev/login")
    assert phone.title == "Signed in as ada"
    assert "Signed out at" in phone.said


async def test_after_a_recovery_the_old_session_is_told_which_case_ended_it(
    app: FastAPI, ada: Browser, eve: Browser, gateway: FakeGateway
) -> None:
    await signs_in(eve, "ada")
    reference = await ada.ask("ada@example.com")
    await ada.post(f"{ada.address}/code", code=gateway.code(reference))
    await ada.post(f"{ada.address.removesuffix('/code')}/password", new_password=NEW_PASSWORD)
    await eve.get("/dev/login")
    assert eve.title == "You were signed out"
    assert "set a new password and ended this session at" in eve.said
    assert reference[:4] in eve.said
    assert faults_of(eve.page) == []
    # It says so as often as it is asked, until somebody signs in.
    await eve.get("/dev/login")
    assert eve.title == "You were signed out"
    assert (await signs_in(eve, "ada")).status_code == 422
    await signs_in(eve, "ada", NEW_PASSWORD)
    assert eve.title == "Signed in as ada"
    assert "by the recovery case" in eve.said
    assert faults_of(eve.page) == []


@pytest.mark.parametrize(
    ("days", "says"), [(0, "less than a minute ago"), (3, "3 days ago"), (61, "2 months ago"), (640, "21 months ago")]
)
def test_the_age_of_a_password_is_rounded(days: int, says: str) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert age_of(now - timedelta(days=days), now) == says
