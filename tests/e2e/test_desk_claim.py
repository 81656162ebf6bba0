"""A claim at the desk in a real browser: heard, by keyboard only, without scripts, and changing by itself."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from development.people import DESK_PASSWORD
from domain.case import grouped
from domain.claim_events import ReplySent
from storage import macros
from tests.conftest import make_settings
from tests.e2e.journeys import SETTLES
from tests.e2e.scenes import Stage, new_stage
from tests.e2e.town import People
from tests.web import claims
from tests.web.stage import browser as another_browser
from tests.web.test_desk_claim_page import WAYS

WIDTHS = (1024, 1440)
SOON = 1000
"""Milliseconds in which the page shows what became of a decision, once the case has answered."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory, sqlite_template, rings, settings_keys) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    settings = make_settings(f"sqlite:///{folder / 'unused.db'}", settings_keys, folder)
    built = new_stage(folder, sqlite_template, rings, settings)
    built.start()
    built.run(_with_texts(built))
    yield built
    built.stop()


async def _with_texts(stage: Stage) -> None:
    async with stage.database.write() as session:
        for name, outcome in (("Hello", macros.MESSAGE), ("Ask for it", "ask")):
            await macros.save(
                session,
                name=outcome,
                title=name,
                outcome=outcome,
                reason="",
                language="en",
                text="About {reference}: {items}",
                agent="lee",
            )


@pytest.fixture
def people(browser: Browser, stage: Stage) -> Iterator[People]:
    gathered = People(browser, stage)  # type: ignore[arg-type] # of a town it needs the address only
    expect.set_options(timeout=SETTLES)
    yield gathered
    expect.set_options(timeout=None)
    gathered.leave()
    assert gathered.complaints == []


def at_the_desk(people: People, name: str, **options: Any) -> Page:
    page = people.person(**options)
    page.goto("/desk/sign-in")
    page.fill("#name", name)
    page.fill("#password", DESK_PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/desk")
    return page


def begun(stage: Stage, name: str = "awaiting_review") -> str:
    """A claim that has come so far; its address at the desk."""
    stage.gateway.later, stage.gateway.at_work = timedelta(0), True
    visitor = another_browser(stage.app)
    reference = stage.run(WAYS[name][0](visitor, stage.gateway))
    stage.gateway.at_work = True
    return f"/desk/cases/{grouped(reference)}"


def reference_in(address: str) -> str:
    return address.rpartition("/")[2].replace("-", "")


def is_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.parametrize("name", WAYS)
def test_every_state_is_heard_and_seen(stage: Stage, people: People, name: str) -> None:
    address = begun(stage, name)
    for scheme in ("light", "dark"):
        page = at_the_desk(people, "lee", color_scheme=scheme, reduced_motion="reduce")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(address)
            fits(page)
            is_accessible(page)


def test_lists_of_the_case_page_are_heard_too(stage: Stage, people: People) -> None:
    begun(stage, "awaiting_second_approval")
    begun(stage, "contested")
    lee = at_the_desk(people, "lee", reduced_motion="reduce")
    for address in ("/desk/approvals", "/desk/macros", "/desk/macros?edit=ask"):
        for width in WIDTHS:
            lee.set_viewport_size({"width": width, "height": 900})
            lee.goto(address)
            fits(lee)
            is_accessible(lee)


def test_a_claim_is_decided_by_keyboard_only(stage: Stage, people: People) -> None:
    address = begun(stage)
    lee = at_the_desk(people, "lee")
    lee.goto(address)
    lee.keyboard.press("t")
    expect(lee.get_by_role("button", name="Give it back")).to_be_visible()
    lee.keyboard.press("m")
    lee.keyboard.type("Hello, n and t are only letters here.")
    expect(lee.locator("#message-text")).to_have_value("Hello, n and t are only letters here.")
    lee.keyboard.press("Tab")
    while lee.evaluate("document.activeElement.textContent.trim()") != "Send to the claimant":
        lee.keyboard.press("Tab")
    lee.keyboard.press("Enter")
    expect(lee.locator("article", has_text="only letters here")).to_be_visible()
    lee.keyboard.press("a")
    lee.keyboard.press("Tab")
    lee.keyboard.press("Space")  # the first of them
    lee.keyboard.press("ArrowDown")
    expect(lee.locator("#o-deny")).to_be_checked()
    lee.keyboard.press("Tab")
    lee.keyboard.press("N")  # "Not enough…", in the list of reasons
    assert lee.evaluate("document.activeElement.name") == "reason_deny"
    lee.select_option("[name=reason_deny]", "not_enough_evidence")
    for _ in range(10):
        lee.keyboard.press("Tab")
        if lee.evaluate("document.activeElement.innerText.trim()") == "Deny the claim":
            break
    lee.keyboard.press("Enter")
    expect(lee.get_by_text("Sent, not yet answered")).to_be_visible()
    stage.run(stage.gateway.hear_decision())
    expect(lee.get_by_text("The decision was taken")).to_be_visible(timeout=SOON)


def test_what_is_typed_stays_while_the_page_changes(stage: Stage, people: People) -> None:
    address = begun(stage)
    sam = at_the_desk(people, "sam")
    sam.goto(address)
    sam.fill("#note-text", "half a note")
    sam.check("[name=outcome][value=ask]")
    sam.check("[name=items][value=devices]")
    sam.fill("#text", "half a question")
    reply = ReplySent(stage.gateway._now(), "message/none", 0)
    stage.run(stage.gateway.happen(reference_in(address), reply))
    expect(sam.locator("#log")).to_contain_text("Claimant wrote to the desk", timeout=SOON * 3)
    assert sam.input_value("#note-text") == "half a note"
    assert sam.input_value("#text") == "half a question"
    assert sam.is_checked("[name=items][value=devices]")
    assert sam.is_checked("[name=outcome][value=ask]")
    # A note is its own form: the decision that is being written stays.
    sam.click("text=Keep as desk note")
    expect(sam.locator("article", has_text="half a note")).to_be_visible()
    assert sam.input_value("#text") == "half a question"
    expect(sam.locator("#log")).to_contain_text("Sam wrote a note for the desk", timeout=SOON * 3)
    assert sam.input_value("#text") == "half a question"


def test_what_is_shown_once_stays_until_the_page_is_left(stage: Stage, people: People) -> None:
    address = begun(stage)
    sam = at_the_desk(people, "sam")
    sam.goto(address)
    sam.locator("button[name=what][value=contact]").click()
    expect(sam.locator("#shown")).to_contain_text("nia.new@example.net")
    expect(sam.locator("#log")).to_contain_text("Sam looked at something hidden", timeout=SOON * 3)
    expect(sam.locator("#shown")).to_contain_text("nia.new@example.net")
    sam.goto(address)
    expect(sam.locator("#shown")).to_be_empty()


def test_others_are_seen_coming_writing_and_going(stage: Stage, people: People) -> None:
    address = begun(stage)
    sam, kim = at_the_desk(people, "sam"), at_the_desk(people, "kim")
    sam.goto(address)
    kim.goto(address)
    expect(sam.locator("#people")).to_contain_text("Kim is reading")
    kim.locator("#note-text").press_sequentially("x")
    expect(sam.locator("#people")).to_contain_text("Kim is writing")
    kim.goto("/desk")
    expect(sam.locator("#people")).not_to_contain_text("Kim")


def test_a_text_and_a_preview_come_with_and_without_scripts(stage: Stage, people: People) -> None:
    for scripts in (True, False):
        address = begun(stage)
        sam = at_the_desk(people, "sam", scripts=scripts)
        sam.goto(address)
        sam.check("[name=outcome][value=ask]")
        sam.check("[name=items][value=devices]")
        sam.select_option("#macro", "ask")
        sam.locator("#decide").get_by_role("button", name="Use it").click()
        expect(sam.locator("#text")).to_have_value(re.compile("About .*: devices"))
        sam.get_by_role("button", name="Show what it does").click()
        expect(sam.locator("#preview")).to_contain_text("Question from the desk")
        assert sam.is_checked("[name=items][value=devices]")
        sam.get_by_role("button", name="Ask for more").click()
        expect(sam.get_by_text("Sent, not yet answered")).to_be_visible()


def test_two_agents_hand_an_account_back_without_scripts(stage: Stage, people: People) -> None:
    # Olu, because nia's account has got new contacts by what other tests here have handed back.
    visitor = another_browser(stage.app)
    reference = stage.run(
        claims.sends(
            visitor, stage.gateway, {"username": "olu", "created": "March 2020"}, contact="olu.new@example.net"
        )
    )
    address = f"/desk/cases/{grouped(reference)}"
    sam, kim = (at_the_desk(people, name, scripts=False) for name in ("sam", "kim"))
    sam.goto(address)
    sam.click("text=Take the case")
    sam.fill("#message-text", "We look at it.")
    sam.click("text=Send to the claimant")
    expect(sam.locator("article", has_text="We look at it.")).to_be_visible()
    sam.fill("#note-text", "Only us.")
    sam.click("text=Keep as desk note")
    expect(sam.locator("article", has_text="Only us.")).to_be_visible()
    sam.check("[name=outcome][value=approve]")
    sam.check("[name=plan][value=all]")
    sam.select_option("[name=reason_approve]", "evidence_fits")
    sam.fill("#text", "Month and tablet fit.")
    sam.get_by_role("button", name="Propose approval").click()
    expect(sam.get_by_text("Sent, not yet answered")).to_be_visible()
    stage.run(stage.gateway.hear_decision())
    kim.goto("/desk/approvals")
    card = kim.locator("article", has_text=address.rpartition("/")[2])
    expect(card).to_contain_text("Month and tablet fit.")
    card.get_by_role("button", name="Approve the hand-back").click()
    stage.run(stage.gateway.hear_decision())
    assert stage.gateway.cases[reference_in(address)].state == "cooling_off"
