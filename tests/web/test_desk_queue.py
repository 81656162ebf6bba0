"""The list of open cases: what waits for the desk stands first, and nothing personal stands in it."""

from dataclasses import replace
from html import unescape

import pytest
from fastapi import FastAPI

from domain.case import grouped
from domain.policy import CURRENT_POLICY
from tests.web.desk import asks_for_help, at_the_desk, uses_up
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from web.services import Services


@pytest.fixture
def services(services: Services) -> Services:
    return replace(services, policy=replace(CURRENT_POLICY, codes_per_case=1))


async def test_an_empty_list_says_so(app: FastAPI) -> None:
    sam = await at_the_desk(app)
    assert sam.title == "Open recoveries"
    assert "No open case here" in sam.said
    assert faults_of(sam.page) == []


async def test_a_case_that_asks_for_help_stands_first(app: FastAPI, ada: Browser, eve: Browser) -> None:
    waiting = await eve.ask("olu@example.com")
    asking = grouped((await asks_for_help(ada)).rpartition("/")[2].replace("-", ""))
    sam = await at_the_desk(app)
    assert sam.said.index(asking) < sam.said.index(grouped(waiting))
    assert "1 waits for the desk" in sam.said
    assert "Recovery by e-mail asked for help" in sam.said
    assert "Waiting for the code" in sam.said
    assert faults_of(sam.page) == []


async def test_neither_names_nor_addresses_stand_in_it(app: FastAPI, ada: Browser, eve: Browser) -> None:
    await asks_for_help(ada)
    await eve.ask("+44 7700 900002")
    sam = await at_the_desk(app)
    for planted in ("ada@", "a•••@", "7700", "900002", ">ada<"):
        assert planted not in sam.page


async def test_states_and_kinds_can_be_chosen(app: FastAPI, ada: Browser, eve: Browser) -> None:
    asking = (await uses_up(ada)).rpartition("/")[2]
    waiting = grouped(await eve.ask("olu@example.com"))
    sam = await at_the_desk(app)
    await sam.get("/desk?state=awaiting_help")
    assert asking in sam.said
    assert waiting not in sam.said
    await sam.get("/desk?kind=claim")
    assert sam.title == "Open claims"
    assert asking not in sam.said
    await sam.get("/desk?kind=nonsense&state=nonsense")
    assert asking in sam.said
    assert waiting in sam.said


async def test_the_beginning_of_a_reference_finds_cases_and_all_of_it_opens_one(app: FastAPI, ada: Browser) -> None:
    reference = await ada.ask("ada@example.com")
    sam = await at_the_desk(app)
    await sam.get(f"/desk?q={reference[:4].lower()}")
    assert grouped(reference) in sam.said
    await sam.get("/desk?q=%25_")
    assert grouped(reference) in sam.said
    answer = await sam.get(f"/desk?q={grouped(reference).lower()}")
    assert answer.headers["Location"] == f"/desk/cases/{grouped(reference)}"


async def test_a_closed_case_is_found_by_its_reference(app: FastAPI, ada: Browser) -> None:
    reference = await ada.ask("ada@example.com")
    await ada.get(f"/case/{reference}/withdraw")
    await ada.post(f"/case/{grouped(reference)}/withdraw")
    sam = await at_the_desk(app)
    assert grouped(reference) not in sam.said
    assert (await sam.get(f"/desk?q={reference}")).status_code == 303


async def test_a_page_that_asks_again_hears_nothing_until_something_changed(
    app: FastAPI, ada: Browser, gateway: FakeGateway
) -> None:
    await ada.ask("ada@example.com")
    sam = await at_the_desk(app)
    again = again_of(sam.page)
    assert (await sam.get(again)).status_code == 204
    await uses_up(ada, "vip@example.com")
    answer = await sam.get(again)
    assert answer.status_code == 200
    assert "autofocus" not in answer.text


def again_of(page: str) -> str:
    """What the page asks every few seconds."""
    return unescape(page.partition('hx-get="')[2].partition('"')[0])


async def test_every_role_may_look(app: FastAPI) -> None:
    for name in ("sam", "kim", "lee", "ina", "max"):
        agent = await at_the_desk(app, name)
        assert name.capitalize() in agent.page


async def test_strangers_and_claimants_see_nothing(ada: Browser) -> None:
    await ada.ask("ada@example.com")
    answer = await ada.get("/desk")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/desk/sign-in")
