"""The list of open cases: what is due first stands on top, and nothing personal stands in it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from fastapi import FastAPI

from domain.case import grouped
from domain.claim import Claim, Reason
from domain.claim_events import Taken
from domain.policy import CURRENT_POLICY
from storage import queue
from storage.engine import Database
from storage.keys import Rings
from tests.desk_cases import claim_to_review, reference
from tests.web.desk import asks_for_help, at_the_desk
from tests.web.pages import faults_of
from tests.web.stage import Browser, FakeGateway
from web.services import Services


@pytest.fixture
def services(services: Services) -> Services:
    return replace(services, policy=replace(CURRENT_POLICY, codes_per_case=1))


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


async def test_an_empty_list_says_so(app: FastAPI) -> None:
    sam = await at_the_desk(app)
    assert sam.title == "Waits for the desk: 0"
    assert "Nothing waits for the desk" in sam.said
    assert faults_of(sam.page) == []


async def test_all_kinds_of_case_stand_together_by_what_is_due_first(
    app: FastAPI, ada: Browser, database: Database, rings: Rings, now: datetime
) -> None:
    asking = (await asks_for_help(ada)).rpartition("/")[2]
    await claim_to_review(database, rings, 1, now - timedelta(days=2))
    await claim_to_review(database, rings, 2, now - timedelta(hours=3, minutes=20), reason=Reason.COMPROMISED)
    sam = await at_the_desk(app)
    late, soon = grouped(reference(1)), grouped(reference(2))
    assert sam.said.index(late) < sam.said.index(soon) < sam.said.index(asking)
    assert "1 overdue" in sam.said
    assert "1 due in the next hour" in sam.said
    assert "Recovery by e-mail asked for help" in sam.said
    assert "overdue 24 hours" in sam.said
    assert "due in 40 min" in sam.said
    assert faults_of(sam.page) == []


async def test_neither_names_nor_addresses_stand_in_it(app: FastAPI, ada: Browser, eve: Browser) -> None:
    await asks_for_help(ada)
    await eve.ask("+44 7700 900002")
    sam = await at_the_desk(app)
    for address in ("/desk", "/desk?view=all"):
        await sam.get(address)
        for planted in ("ada@", "a•••@", "7700", "900002", ">ada<"):
            assert planted not in sam.page


async def test_views_kinds_states_and_reasons_can_be_chosen(
    app: FastAPI, ada: Browser, eve: Browser, database: Database, rings: Rings, now: datetime
) -> None:
    asking = (await asks_for_help(ada)).rpartition("/")[2]
    waiting = grouped(await eve.ask("olu@example.com"))
    claim = grouped((await claim_to_review(database, rings, 1, now)).reference)
    sam = await at_the_desk(app)
    for query, title, shown in [
        ("", "Waits for the desk: 2", {asking, claim}),
        ("?view=all", "Everything open: 3", {asking, waiting, claim}),
        ("?state=awaiting_help", "Out of codes: 1", {asking}),
        ("?view=all&kind=claim", "Open claims: 1", {claim}),
        ("?view=all&kind=recovery", "Open recoveries: 2", {asking, waiting}),
        ("?reason=contact", "Contact lost or changed: 1", {claim}),
        ("?reason=compromised", "Compromised: 0", set()),
        ("?view=mine", "Mine: 0", set()),
        ("?view=nonsense&kind=nonsense&state=nonsense&reason=nonsense", "Waits for the desk: 2", {asking, claim}),
        ("?kind=recovery&state=cooling_off&after=nonsense", "Waits for the desk: 1", {asking}),
    ]:
        await sam.get(f"/desk{query}")
        assert sam.title == title
        assert {one for one in (asking, waiting, claim) if one in sam.said} == shown
        assert faults_of(sam.page) == []


async def test_long_lists_have_pages(
    app: FastAPI, database: Database, rings: Rings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue.page_of, "__kwdefaults__", {"after": None, "before": None, "size": 2})
    for number in range(5):
        await claim_to_review(database, rings, number, now)
    sam = await at_the_desk(app)
    seen = []
    while True:
        seen.append([number for number in range(5) if grouped(reference(number)) in sam.said])
        further = link_of(sam.page, "next")
        if not further:
            break
        await sam.get(further)
    assert seen == [[0, 1], [2, 3], [4]]
    await sam.get(link_of(sam.page, "prev"))
    assert grouped(reference(2)) in sam.said
    assert link_of(sam.page, "prev")


def link_of(page: str, rel: str) -> str:
    return unescape(page.partition(f'rel="{rel}" href="')[2].partition('"')[0])


async def test_whose_a_case_is_stands_in_its_row_until_the_lease_ends(
    app: FastAPI, gateway: FakeGateway, database: Database, rings: Rings, now: datetime
) -> None:
    case = await claim_to_review(database, rings, 1, now)
    gateway.cases[case.reference] = case
    await gateway.happen(case.reference, Taken(now, "kim", now + timedelta(minutes=10)))
    sam, kim = await at_the_desk(app), await at_the_desk(app, "kim")
    assert "Kim until" in sam.said
    assert "yours until" in kim.said
    await kim.get("/desk?view=mine")
    assert grouped(case.reference) in kim.said
    await gateway.happen(case.reference, Taken(now, "kim", now - timedelta(seconds=1)))
    await sam.get("/desk?view=free")
    assert "Kim" not in sam.said
    assert grouped(case.reference) in sam.said


async def test_a_page_that_asks_again_hears_nothing_until_something_changed(
    app: FastAPI, ada: Browser, database: Database, rings: Rings, now: datetime
) -> None:
    await claim_to_review(database, rings, 1, now)
    sam = await at_the_desk(app)
    again = again_of(sam.page)
    assert (await sam.get(again)).status_code == 204
    await asks_for_help(ada, "vip@example.com")
    answer = await sam.get(again)
    assert answer.status_code == 200
    assert "autofocus" not in answer.text


def again_of(page: str) -> str:
    """What the page asks every few seconds."""
    return unescape(page.partition('hx-get="')[2].partition('"')[0])


async def test_every_role_may_look_and_those_who_decide_may_take(app: FastAPI) -> None:
    for name in ("sam", "kim", "lee", "ina", "max"):
        agent = await at_the_desk(app, name)
        assert name.capitalize() in agent.page
        assert ("Take the next case" in agent.said) == (name in {"sam", "kim", "lee"})
        assert ('href="/desk/audit"' in agent.page) == (name in {"lee", "ina", "max"})


async def test_strangers_and_claimants_see_nothing(ada: Browser) -> None:
    await ada.ask("ada@example.com")
    for address in ("/desk", "/desk/search", "/desk/bulk", "/desk/nonsense"):
        answer = await ada.get(address)
        assert answer.status_code in {303, 404}
        assert answer.headers.get("Location", "/desk/sign-in").startswith("/desk/sign-in")
    assert (await ada.post("/desk/next", follow=False)).headers["Location"] == "/desk/sign-in"
    assert (await ada.post("/desk/search", follow=False, q="ada")).headers["Location"] == "/desk/sign-in"


async def test_what_is_not_there_and_what_a_role_does_not_open_looks_like_the_desk(app: FastAPI) -> None:
    ina = await at_the_desk(app, "ina")
    assert (await ina.get("/desk/nonsense")).status_code == 404
    assert ina.title == "There is no such page"
    assert "Queue" in ina.page
    answer = await ina.post("/desk/next", follow=False)
    assert answer.status_code == 403
    assert ina.title == "Not for your role"
    assert "your role is now auditor" in ina.said
    assert faults_of(ina.page) == []


# ---- take the next -------------------------------------------------------------------------------------------------


async def ready(
    gateway: FakeGateway, database: Database, rings: Rings, number: int, at: datetime, **more: str
) -> Claim:
    """A claim that waits for review, and that the gateway knows."""
    case = await claim_to_review(database, rings, number, at)
    gateway.cases[case.reference] = case
    return case


async def test_two_agents_who_take_the_next_case_get_two(
    app: FastAPI, gateway: FakeGateway, database: Database, rings: Rings, now: datetime
) -> None:
    first = await ready(gateway, database, rings, 1, now - timedelta(hours=2))
    second = await ready(gateway, database, rings, 2, now - timedelta(hours=1))
    sam, kim = await at_the_desk(app), await at_the_desk(app, "kim")
    went = [(await one.post("/desk/next", follow=False)).headers["Location"] for one in (sam, kim)]
    assert went == [f"/desk/cases/{grouped(one.reference)}" for one in (first, second)]
    assert [gateway.cases[one.reference].assignee for one in (first, second)] == ["sam", "kim"]  # type: ignore[union-attr]
    lee = await at_the_desk(app, "lee")
    assert (await lee.post("/desk/next", follow=False)).headers["Location"] == "/desk?view=free"


async def test_who_is_a_moment_too_late_gets_the_one_after(
    app: FastAPI, gateway: FakeGateway, database: Database, rings: Rings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await ready(gateway, database, rings, 1, now - timedelta(hours=2))
    second = await ready(gateway, database, rings, 2, now - timedelta(hours=1))
    free = queue.free_cases

    async def then_kim_takes_it(*arguments: object) -> object:
        found = await free(*arguments)  # type: ignore[arg-type]
        gateway.cases[first.reference] = replace(first, assignee="kim", lease_until=now + timedelta(minutes=9))
        return found

    monkeypatch.setattr(queue, "free_cases", then_kim_takes_it)
    sam = await at_the_desk(app)
    answer = await sam.post("/desk/next", follow=False)
    assert answer.headers["Location"] == f"/desk/cases/{grouped(second.reference)}"


async def test_the_same_form_sent_twice_takes_one_case(
    app: FastAPI, gateway: FakeGateway, database: Database, rings: Rings, now: datetime
) -> None:
    for number in (1, 2):
        await ready(gateway, database, rings, number, now)
    sam = await at_the_desk(app)
    went = {(await sam.post("/desk/next", follow=False, key="once")).headers["Location"] for _ in range(2)}
    assert went == {f"/desk/cases/{grouped(reference(1))}"}


async def test_nobody_takes_what_they_may_not_decide(
    app: FastAPI, gateway: FakeGateway, database: Database, rings: Rings, now: datetime
) -> None:
    case = await ready(gateway, database, rings, 1, now)
    gateway.cases[case.reference] = case
    async with database.write() as session:
        row = await session.get_one(queue.CaseRow, case.reference)
        row.snapshot = {**row.snapshot, "with_lead": True}
    sam, lee = await at_the_desk(app), await at_the_desk(app, "lee")
    assert (await sam.post("/desk/next", follow=False)).headers["Location"] == "/desk?view=free"
    assert (await lee.post("/desk/next", follow=False)).headers["Location"].endswith(grouped(case.reference))


async def test_with_no_claim_free_the_first_recovery_that_asks_is_opened(app: FastAPI, ada: Browser) -> None:
    address = await asks_for_help(ada)
    sam = await at_the_desk(app)
    assert (await sam.post("/desk/next", follow=False)).headers["Location"] == address


# ---- several at once -----------------------------------------------------------------------------------------------


async def test_my_cases_can_be_released_together_after_a_preview(
    app: FastAPI, gateway: FakeGateway, database: Database, rings: Rings, now: datetime
) -> None:
    cases = [await ready(gateway, database, rings, number, now) for number in (1, 2, 3)]
    for case, agent in zip(cases, ("sam", "sam", "kim"), strict=True):
        await gateway.happen(case.reference, Taken(now, agent, now + timedelta(minutes=10)))
    sam = await at_the_desk(app)
    await sam.get("/desk?view=mine")
    assert "Release the chosen cases" in sam.said
    assert faults_of(sam.page) == []
    names = [grouped(case.reference) for case in cases]
    await sam.get("/desk/bulk?" + "&".join(f"case={name}" for name in names))
    assert sam.title == "Release 2 cases"
    assert "1 of the chosen cases is not yours any more" in sam.said
    assert faults_of(sam.page) == []
    sent = {"case": names, "key": "once"}
    for _ in range(2):
        answer = await sam.client.post("/desk/bulk", data=sent)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/desk?view=mine&released=2")
    assert [gateway.cases[case.reference].assignee for case in cases] == ["", "", "kim"]  # type: ignore[union-attr]
    await sam.get("/desk?view=mine&released=2")
    assert "2 cases are free again" in sam.said
    assert (await sam.client.post("/desk/bulk", data={"case": names, "key": "again"})).status_code == 409


# ---- search --------------------------------------------------------------------------------------------------------


async def test_a_reference_in_full_opens_its_case_and_its_beginning_lists_it(app: FastAPI, ada: Browser) -> None:
    name = await ada.ask("ada@example.com")
    await ada.get(f"/case/{name}/withdraw")
    await ada.post(f"/case/{grouped(name)}/withdraw")
    sam = await at_the_desk(app)
    answer = await sam.post("/desk/search", follow=False, q=f" {grouped(name).lower()} ")
    assert answer.headers["Location"] == f"/desk/cases/{grouped(name)}"
    await sam.post("/desk/search", q=name[:5].lower())
    assert grouped(name) in sam.said
    assert "closed" in sam.said
    assert faults_of(sam.page) == []


async def test_exactly_what_a_claimant_typed_finds_their_cases_and_tells_nothing_else(
    app: FastAPI, ada: Browser, eve: Browser
) -> None:
    by_mail, by_phone = grouped(await ada.ask("Ada@Example.com")), grouped(await eve.ask("+44 7700 900001"))
    sam = await at_the_desk(app)
    for typed, found in [
        ("ada@example.com", {by_mail}),
        ("07700 900001", {by_phone}),
        ("ada@example.co", set()),
        ("ada@%", set()),
        ("ada", set()),
        ("olu@example.com", set()),
    ]:
        await sam.post("/desk/search", q=typed)
        assert {one for one in (by_mail, by_phone) if one in sam.said} == found
        assert ("It says nothing about whether there is such an account" in sam.said) == (not found)
    assert (await sam.post("/desk/search", q=" ")).status_code == 422
    assert sam.title == "Error: Find a case"


async def test_a_search_stays_out_of_addresses_and_logs(
    app: FastAPI, ada: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    await ada.ask("ada@example.com")
    sam = await at_the_desk(app)
    answer = await sam.post("/desk/search", q="ada@example.com")
    assert answer.url.query == b""
    assert "ada@" not in capsys.readouterr().out
