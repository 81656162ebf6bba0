"""Every page for claimants, as people meet it: with scripts and without, by keyboard, on a narrow screen, in the dark,
for who hears it instead of seeing it, on paper, with a slow connection, in two tabs, and after going back.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.conftest import make_settings
from tests.e2e.claim_scenes import CLAIM_NAMES
from tests.e2e.journeys import SETTLES, choose_password, enter_code, heading, start
from tests.e2e.scenes import NAMES as OTHER_NAMES
from tests.e2e.scenes import Scene, Stage, new_stage
from tests.e2e.town import People

NAMES = (*OTHER_NAMES, *CLAIM_NAMES)

NARROW = {"width": 320, "height": 640}
"""WCAG 2.2, 1.4.10: 1280 pixels wide at 400 %."""
HTML_VALIDATE = "html-validate@10.9.0"
BROKEN = "broken.html"
LIFETIME = 240
"""Seconds that the validator may take, its download included."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory, sqlite_template, rings, settings_keys) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    settings = make_settings(f"sqlite:///{folder / 'unused.db'}", settings_keys, folder)
    built = new_stage(folder, sqlite_template, rings, settings)
    built.start()
    yield built
    built.stop()


@pytest.fixture
def visitors(browser: Browser, stage: Stage) -> Iterator[People]:
    stage.thaw()
    gathered = People(browser, stage)  # type: ignore[arg-type] # of a town it needs the address only
    expect.set_options(timeout=SETTLES)
    yield gathered
    expect.set_options(timeout=None)
    gathered.leave()
    assert gathered.complaints == []


def shown(visitors: People, stage: Stage, scene: Scene, **options: Any) -> Page:
    """The page of a scene, in a browser that holds its case."""
    page = visitors.person(**options)
    cookies = [{"name": name, "value": value, "url": stage.url} for name, value in stage.cookies.items()]
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.goto(scene.path)
    for name, value in scene.fields:
        page.fill(f"[name={name}]", value)
    if scene.button:
        page.click(f"main button:has-text('{scene.button}')")
        expect(page.locator("main h1, .error-summary").first).to_be_visible()
        page.wait_for_load_state()
    return page


# ---- what a page must stand -----------------------------------------------------------------------------------------


def is_narrow(page: Page) -> None:
    """Nothing is wider than the screen, so nobody scrolls sideways."""
    page.set_viewport_size(NARROW)
    wide = page.evaluate("""() => [...document.querySelectorAll('body *')].filter(element => {
        const box = element.getBoundingClientRect();
        return box.right > innerWidth + 0.5 && getComputedStyle(element).visibility !== 'hidden'
            && !element.closest('.vh') && !element.closest('[aria-hidden]');
    }).map(element => element.outerHTML.slice(0, 120))""")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), wide


def is_accessible(page: Page) -> None:
    """axe finds nothing: rules of WCAG 2.0 to 2.2, levels A and AA, and its best practices."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


STOPS = """() => {
    const wanted = 'a[href], button, input, select, textarea, summary, [tabindex]';
    const named = new Set();
    return [...document.querySelectorAll(wanted)].filter(element => {
        if (element.disabled || element.type === 'hidden' || element.tabIndex < 0) return false;
        if (!element.checkVisibility({ visibilityProperty: true })) return false;
        if (element.type !== 'radio') return true;
        const first = !named.has(element.name);
        named.add(element.name);
        return first;
    }).map(element => element.outerHTML.slice(0, 100));
}"""
STOP = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    return {
        name: element.outerHTML.slice(0, 100),
        ring: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
        seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
}"""


def is_walked_by_keyboard(page: Page) -> None:
    """Tab stops at everything that can be used, in the order of the page, where it is seen, with a ring around it."""
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); getSelection().removeAllRanges(); }")
    expected, walked = page.evaluate(STOPS), []
    for _ in range(len(expected) + 1):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:  # the browser's own bar, between the end and the beginning
            continue
        assert stop["ring"], f"no ring around {stop['name']}"
        assert stop["seen"], f"out of sight: {stop['name']}"
        walked.append(stop["name"])
    first = expected.index(walked[0])  # where the focus was: an error summary or a title may have had it
    assert walked[: len(expected)] == expected[first:] + expected[:first]
    assert "skip" in expected[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_with_scripts(stage, visitors, name):
    scene = stage.scene(name)
    page = shown(visitors, stage, scene, color_scheme="light", reduced_motion="reduce")
    is_accessible(page)
    is_walked_by_keyboard(page)
    page.emulate_media(color_scheme="dark")
    is_accessible(page)
    is_narrow(page)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_page_without_scripts(stage, visitors, name):
    """The same title, and nothing on it that would need a script: every button belongs to a form, and sends it."""
    scene = stage.scene(name)
    without = shown(visitors, stage, scene, scripts=False)
    expect(heading(without)).to_be_visible()
    if not scene.button:
        expect(heading(shown(visitors, stage, scene))).to_have_text(heading(without).inner_text())
    for button in without.locator("button:visible").all():
        assert button.get_attribute("type") == "submit"
        assert button.locator("xpath=ancestor::form").count() == 1
    without.set_viewport_size(NARROW)
    assert without.locator("main").bounding_box()["width"] <= NARROW["width"]


def test_every_page_is_valid_html(stage, tmp_path):
    """As html-validate sees them: its recommended rules and those for accessibility, all pages in one run.

    Three rules are off: spaces at the end of a line and long titles harm nobody, and pages that wait for us load
    themselves again without scripts, and say so. The answer goes to a file, since node cuts what it writes to a pipe.
    """
    npx = shutil.which("npx")
    if npx is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have npm: html-validate comes from there")
        pytest.skip("no npm")
    shutil.copy(Path(__file__).with_name("htmlvalidate.json"), tmp_path / ".htmlvalidate.json")
    files = [f"{number:02}-{re.sub(r'[^a-z]+', '-', name)}.html" for number, name in enumerate(NAMES)]
    for name, file in zip(NAMES, files, strict=True):
        (tmp_path / file).write_text(stage.html(stage.scene(name)))
    (tmp_path / BROKEN).write_text("<p><div></p>")
    command = [npx, "--yes", HTML_VALIDATE, "--formatter", "json", BROKEN, *files]
    with (tmp_path / "found.json").open("w") as answer:
        subprocess.run(command, cwd=tmp_path, stdout=answer, timeout=LIFETIME, check=False)
    reports = json.loads((tmp_path / "found.json").read_text())
    found = {Path(report["filePath"]).name: [one["message"] for one in report["messages"]] for report in reports}
    assert found.pop(BROKEN)  # it does look
    assert {file: messages for file, messages in found.items() if messages} == {}


CASES = ("code", "help asked", "recovered", "banned", "frozen", "stopped by the owner")


@pytest.mark.parametrize("name", CASES)
def test_a_case_on_paper_shows_facts_and_nothing_to_press(stage, visitors, name):
    scene = stage.scene(name)
    page = shown(visitors, stage, scene)
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator(f"text={scene.path.rpartition('/')[2]}").first).to_be_visible()
    expect(heading(page)).to_be_visible()
    expect(page.locator("main time:visible, aside time:visible").first).to_be_visible()
    for hidden in ("button", ".btn", ".skip", ".foot"):
        expect(page.locator(f"{hidden}:visible")).to_have_count(0)
    assert len(page.pdf()) > 1000


# ---- what people do -------------------------------------------------------------------------------------------------


def test_going_back_shows_the_case_as_it_is(stage, visitors):
    """The code was accepted; the page before is not a form that would be refused."""
    ada = visitors.person()
    reference = start(ada, "ada@example.com")
    enter_code(ada, stage.gateway.code(reference.replace("-", "")))
    expect(heading(ada)).to_have_text("Choose a new password")
    ada.goto("/help/no-message")
    ada.go_back()
    expect(heading(ada)).to_have_text("Choose a new password")
    choose_password(ada, "seven quiet lamps")
    expect(heading(ada)).to_have_text("You can sign in again")


@pytest.mark.parametrize("scripts", [True, False])
def test_going_back_to_the_start_leads_to_the_same_case_or_a_new_one(stage, visitors, scripts):
    """The same name again is the same case; another name is another."""
    ada = visitors.person(scripts=scripts)
    first = start(ada, "back-one@example.com")
    ada.go_back()
    ada.fill("input[name=identifier]", "back-two@example.com")
    ada.click("text=Send me a code")
    ada.wait_for_url("**/case/*")
    assert ada.url.rpartition("/")[2] != first
    expect(heading(ada)).to_have_text("Enter the code")


def test_of_two_tabs_the_other_one_follows_by_itself(stage, visitors):
    one = visitors.person()
    reference = start(one, "ada@example.com")
    two = one.context.new_page()
    two.goto(f"/case/{reference}")
    expect(heading(two)).to_have_text("Enter the code")
    enter_code(one, stage.gateway.code(reference.replace("-", "")))
    expect(heading(one)).to_have_text("Choose a new password")
    expect(heading(two)).to_have_text("Choose a new password", timeout=10_000)


def test_without_scripts_the_older_tab_is_shown_the_case_as_it_is(stage, visitors):
    one = visitors.person(scripts=False)
    reference = start(one, "ada@example.com")
    two = one.context.new_page()
    two.goto(f"/case/{reference}")
    code = stage.gateway.code(reference.replace("-", ""))
    enter_code(one, code)
    expect(heading(one)).to_have_text("Choose a new password")
    enter_code(two, code)
    expect(two.locator(".error-summary")).to_contain_text("moved on")
    expect(heading(two)).to_have_text("Choose a new password")


def test_a_slow_connection_loses_and_doubles_nothing(stage, visitors):
    """400 ms there and back, 50 KB a second; whoever presses twice has pressed once."""
    ada = visitors.person()
    line = ada.context.new_cdp_session(ada)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 20_000}
    line.send("Network.emulateNetworkConditions", slow)
    reference = start(ada, "ada@example.com")
    before = len(stage.gateway.told)
    ada.fill("input[name=code]", stage.gateway.code(reference.replace("-", "")))
    ada.dblclick("text=Check the code")
    expect(heading(ada)).to_have_text("Choose a new password", timeout=15_000)
    assert len({update for _, update in stage.gateway.told[before:]}) == 1
    expect(ada.locator(".error-summary")).to_have_count(0)


def test_without_a_connection_the_page_keeps_what_was_typed(stage, visitors):
    ada = visitors.person()
    reference = start(ada, "ada@example.com")
    code = stage.gateway.code(reference.replace("-", ""))
    ada.context.set_offline(True)
    with ada.expect_event("requestfailed", lambda request: request.method == "POST"):
        enter_code(ada, code)
    ada.context.set_offline(False)
    expect(ada.locator("input[name=code]")).to_have_value(code)
    ada.click("text=Check the code")
    expect(heading(ada)).to_have_text("Choose a new password")
    away = ("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
    visitors.complaints[:] = [one for one in visitors.complaints if not any(word in one for word in away)]


def test_a_restored_session_opens_the_case_again(stage, visitors, browser):
    """A browser that crashed and kept its session cookies."""
    ada = visitors.person()
    reference = start(ada, "ada@example.com")
    kept = ada.context.storage_state()
    ada.context.close()
    again = visitors.person(storage_state=kept)
    again.goto(f"/case/{reference}")
    expect(heading(again)).to_have_text("Enter the code")
    enter_code(again, stage.gateway.code(reference.replace("-", "")))
    expect(heading(again)).to_have_text("Choose a new password")
