"""The lists of the desk in a real browser: heard, walked by keyboard, at both widths, in the dark, without scripts.

The web stands on a port with the stage's gateway in the place of Temporal, and cases as they lie in SQL.
"""

import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from development.people import DESK_PASSWORD
from domain.case import grouped
from domain.claim import Reason
from domain.claim_events import Taken
from storage.models import NoticeRow
from tests.conftest import make_settings
from tests.desk_cases import claim_to_review, recovery_begun, reference
from tests.e2e.journeys import SETTLES
from tests.e2e.scenes import Stage, new_stage
from tests.e2e.town import People

WIDTHS = (1024, 1440)
PAGES = (
    "/desk",
    "/desk?view=all",
    "/desk?view=mine",
    "/desk?view=escalated",
    f"/desk/bulk?case={grouped(reference(21))}",
    "/desk/search",
    "/desk/deliveries",
    "/desk/dashboard",
    "/desk/audit",
    "/desk/audit?log=desk",
    "/desk/settings",
    "/desk/settings/second-factor",
    "/desk/nonsense",
)
TO_SEE = [page for page in PAGES if importlib.util.find_spec("segno") or not page.endswith("second-factor")]


async def filled(stage: Stage) -> None:
    """Sixty cases, one of them taken by lee, and a few messages."""
    now = datetime.now(UTC)
    for number in range(30):
        reason = Reason.COMPROMISED if number % 5 == 0 else Reason.CONTACT
        begun = now - timedelta(hours=number, minutes=7)
        case = await claim_to_review(stage.database, stage.rings, number, begun, reason=reason)
        stage.gateway.cases[case.reference] = case
        if number == 21:
            await stage.gateway.happen(case.reference, Taken(now, "lee", now + timedelta(minutes=10)))
    for number in range(30, 60):
        await recovery_begun(stage.database, stage.rings, number, now - timedelta(minutes=number))
    async with stage.database.write() as session:
        for number, (state, error) in enumerate([("handed_over", ""), ("failed", "Undeliverable"), ("queued", "")]):
            session.add(
                NoticeRow(
                    name=f"notice-{number}",
                    case_ref=reference(1),
                    template="code",
                    channel="email",
                    state=state,
                    attempts=1,
                    address="",
                    subject="",
                    message_id="",
                    made_at=now,
                    handed_over_at=now if state == "handed_over" else None,
                    error=error,
                )
            )


@pytest.fixture(scope="module")
def stage(tmp_path_factory, sqlite_template, rings, settings_keys) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    settings = make_settings(f"sqlite:///{folder / 'unused.db'}", settings_keys, folder)
    built = new_stage(folder, sqlite_template, rings, settings)
    built.start()
    built.run(filled(built))
    yield built
    built.stop()


@pytest.fixture
def people(browser: Browser, stage: Stage) -> Iterator[People]:
    gathered = People(browser, stage)  # type: ignore[arg-type] # of a town it needs the address only
    expect.set_options(timeout=SETTLES)
    yield gathered
    expect.set_options(timeout=None)
    gathered.leave()
    assert gathered.complaints == []


def at_the_desk(people: People, name: str = "lee", **options: Any) -> Page:
    page = people.person(**options)
    page.goto("/desk/sign-in")
    page.fill("#name", name)
    page.fill("#password", DESK_PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/desk")
    return page


def is_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"


def is_not_too_wide(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), f"{page.url} at {width}"


def test_every_list_can_be_heard_and_fits(people: People) -> None:
    """One browser for all of them: axe in both schemes, both widths, and the narrow one for good measure."""
    page = at_the_desk(people, color_scheme="light", reduced_motion="reduce")
    for path in TO_SEE:
        page.emulate_media(color_scheme="light")
        page.goto(path)
        expect(page.locator("h1")).to_have_count(1)
        for width in (*WIDTHS, 320):
            is_not_too_wide(page, width)
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": 1024, "height": 900})
            page.emulate_media(color_scheme=scheme)
            is_accessible(page)


def test_what_was_found_checked_and_refused_can_be_heard_too(people: People) -> None:
    page = at_the_desk(people)
    page.fill("#q", reference(2)[:8])
    page.click("text=Find the case")
    expect(page.locator("h1")).to_contain_text("Find a case")
    is_accessible(page)
    page.goto("/desk/audit")
    page.click("text=Check the chains")
    expect(page.locator("#chain")).to_contain_text("whole")
    is_accessible(page)
    ina = at_the_desk(people, "sam")
    ina.goto("/desk/audit")
    expect(ina.locator("h1")).to_have_text("Not for your role")
    is_accessible(ina)


STOPS = """() => [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex]')].filter(
    (one) => !one.disabled && one.type !== 'hidden' && one.tabIndex >= 0
        && one.checkVisibility({ visibilityProperty: true })).length"""
STOP = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    return {
        name: one.outerHTML.slice(0, 90),
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
        y: Math.round(box.top + scrollY), x: Math.round(box.left),
    };
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_the_tabulator_walks_through_the_queue_in_the_order_of_the_page(people: People, width: int) -> None:
    page = at_the_desk(people)
    page.set_viewport_size({"width": width, "height": 900})
    count, stops = page.evaluate(STOPS), []
    for _ in range(count):
        page.keyboard.press("Tab")
        if stop := page.evaluate(STOP):
            stops.append(stop)
    assert "skip" in stops[0]["name"]
    assert all(stop["ring"] and stop["seen"] for stop in stops), [stop for stop in stops if not stop["ring"]]
    rows = [stop for stop in stops if "data-open" in stop["name"]]
    assert len(rows) == 30
    assert [row["y"] for row in rows] == sorted(row["y"] for row in rows)
    names = " ".join(stop["name"] for stop in stops)
    assert names.index("Take the next") < names.index('id="q"') < names.index("data-open")


def test_single_keys_walk_open_find_and_help(people: People) -> None:
    page = at_the_desk(people, "kim")
    first = page.locator("[data-open]").nth(0)
    third = page.locator("[data-open]").nth(2)
    page.keyboard.press("j")
    expect(first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(third).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("j")
    address = third.get_attribute("href")
    page.keyboard.press("?")
    expect(page.locator("#all-keys")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.locator("#all-keys")).to_be_hidden()
    expect(third).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("jkn?")
    assert page.locator("#q").input_value() == "jkn?"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(third).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")


def test_one_key_takes_the_next_case_and_a_setting_switches_keys_off(people: People) -> None:
    page = at_the_desk(people, "sam")
    page.keyboard.press("n")
    page.wait_for_url("**/desk/cases/*")
    page.goto("/desk?view=mine")
    expect(page.locator("[data-open]")).to_have_count(1)
    page.goto("/desk/settings")
    page.click("text=Switch keys off")
    page.goto("/desk")
    expect(page.locator("kbd")).to_have_count(0)
    page.keyboard.press("n")
    page.keyboard.press("?")
    expect(page.locator("h1")).to_contain_text("Waits for the desk")
    page.goto("/desk/settings")
    page.click("text=Switch keys on")


def test_without_scripts_everything_is_a_link_or_a_form(people: People) -> None:
    page = at_the_desk(people, "lee", scripts=False)
    expect(page.locator("[data-keys]")).to_be_hidden()
    page.select_option("#f-reason", "compromised")
    page.click("text=Filter the list")
    expect(page.locator("h1")).to_contain_text("Compromised")
    page.goto("/desk?view=mine")
    page.check(f"[value='{grouped(reference(21))}']")
    page.click("text=Release the chosen cases")
    expect(page.locator("h1")).to_have_text("Release 1 case")
    page.click("text=Keep them")
    page.goto("/desk/dashboard")
    page.click("summary >> nth=0")
    expect(page.locator("figure table").first).to_be_visible()


def test_the_list_changes_by_itself_and_keeps_the_place(people: People, stage: Stage) -> None:
    page = at_the_desk(people, "kim")
    page.keyboard.press("j")
    page.keyboard.press("j")
    held = page.locator("[data-open]").nth(1).get_attribute("href")
    before = page.locator("[data-open]").count()
    late = datetime.now(UTC) - timedelta(days=40)
    stage.run(claim_to_review(stage.database, stage.rings, 99, late))
    expect(page.locator("[data-open]")).to_have_count(before + 1, timeout=SETTLES)
    expect(page.locator(f"[data-open][href='{held}']")).to_be_focused()
