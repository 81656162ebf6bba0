"""The one box."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from storage.engine import Database
from storage.models import CaseRow
from tests.web.stage import Browser, FakeGateway
from web.gateway import Unavailable


def without_chance(page: str) -> str:
    """The page without what differs by chance: keys, references, and the time of the day."""
    page = re.sub(r'name="key" value="[^"]*"', "", page)
    page = re.sub(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}", "REFERENCE", page)
    page = re.sub(r"\d{4}-\d\d-\d\dT[\d:+]+", "TIME", page)
    return re.sub(r"\b\d\d:\d\d(:\d\d)?\b", "CLOCK", page)


async def cases(database: Database) -> int:
    async with database.read() as session:
        return int((await session.execute(select(func.count()).select_from(CaseRow))).scalar_one())


async def test_the_one_box_opens_a_case(ada: Browser) -> None:
    await ada.get("/")
    answer = await ada.post("/recover", follow=False, identifier="ada@example.com")
    assert answer.status_code == 303
    assert re.fullmatch(r"/case/[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}", answer.headers["Location"])
    await ada.get(answer.headers["Location"])
    assert ada.title == "Enter the code"
    assert "a•••@example.com" in ada.said


async def test_known_and_unknown_people_see_the_same_pages(ada: Browser, eve: Browser) -> None:
    pages = []
    for visitor, name in ((ada, "ada@example.com"), (eve, "abc@example.com")):
        await visitor.get("/")
        first = await visitor.post("/recover", follow=False, identifier=name)
        await visitor.get(first.headers["Location"])
        pages.append((first.status_code, without_chance(visitor.page).replace(name, "WHO")))
    assert pages[0] == pages[1]


async def test_banned_and_deleted_accounts_look_like_any_other_before_the_proof(ada: Browser, eve: Browser) -> None:
    await ada.ask("ben@example.com")
    await eve.ask("zed@example.com")
    same = [without_chance(visitor.page).replace(name, "") for visitor, name in ((ada, "ben"), (eve, "zed"))]
    assert same[0].replace("b•••", "").replace("z•••", "") == same[1].replace("b•••", "").replace("z•••", "")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Write a username, an e-mail address or a phone number"),
        ("ada@", "Write an e-mail address with an @"),
        ("two words", "Write a username without spaces"),
        ("x" * 300, "That is too long"),
    ],
)
async def test_what_is_no_name_is_said_at_the_field(ada: Browser, typed: str, says: str) -> None:
    await ada.get("/")
    answer = await ada.post("/recover", identifier=typed)
    assert answer.status_code == 422
    assert ada.title.startswith("Error: ")
    assert ada.said.count(says) == 2  # in the summary and at the field
    assert typed in answer.text


async def test_an_error_page_has_a_new_key(ada: Browser) -> None:
    first = (await ada.get("/")).text
    second = (await ada.post("/recover", identifier="")).text
    keys = [re.search(r'name="key" value="([^"]+)"', page) for page in (first, second)]
    assert keys[0]
    assert keys[1]
    assert keys[0][1] != keys[1][1]


async def test_pressing_twice_opens_one_case(ada: Browser, database: Database) -> None:
    await ada.get("/")
    await ada.client.get("/help/other")
    sent = {"identifier": "ada@example.com", "key": "the-same-key-twice"}
    first = await ada.client.post("/recover", data=sent)
    second = await ada.client.post("/recover", data=sent)
    assert first.headers["Location"] == second.headers["Location"]
    assert await cases(database) == 1


async def test_while_temporal_is_away_the_case_is_kept(ada: Browser, gateway: FakeGateway, database: Database) -> None:
    gateway.trouble = Unavailable("away")
    await ada.ask("ada@example.com")
    assert ada.title == "We are sending the code"
    assert await cases(database) == 1


async def test_a_network_that_starts_too_much_is_refused_visibly(ada: Browser, eve: Browser) -> None:
    names = [f"name{number}" for number in range(31)]
    answers = [await ada.client.post("/recover", data={"identifier": name}) for name in names]
    assert [answer.status_code for answer in answers] == [303] * 30 + [429]
    assert (await eve.client.post("/recover", data={"identifier": "name"})).status_code == 303


async def test_too_many_messages_to_one_address_get_a_time(ada: Browser, gateway: FakeGateway) -> None:
    answers = [(await ada.client.post("/recover", data={"identifier": "ada@example.com"})) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) <= timedelta(hours=1).total_seconds()
    assert "You can try again from" in answers[-1].text
