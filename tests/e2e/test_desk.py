"""Agents at work on cases, in real browsers: by keyboard, without scripts, two at once, and while a worker dies."""

import os
import signal

from playwright.sync_api import expect

from domain.case import grouped
from tests.e2e.journeys import SETTLES, at_the_desk, decide, heading
from tests.e2e.seeds import behind, claims_in_review, note, use_up_the_codes
from tests.e2e.test_matrix import is_accessible, is_walked_by_keyboard

IN_A_ROW = 20
A_MOMENT = 1000
"""Milliseconds in which a word of a page has certainly arrived."""
WITHOUT_SCRIPTS = 3
WIDTHS = (1024, 1440)
TO_REVIEW, CHANGES = 4, 8
"""Events of a claim until it is reviewed, and how many more come while its page is open."""


def open_case(page, reference):
    page.goto(f"/desk/cases/{reference}")
    expect(heading(page)).to_contain_text(reference)


def claims(town, count, name):
    """So many claims of people whom nobody knows, waiting for the desk; their references."""
    return behind(town, lambda desk: claims_in_review(desk, town, count, name))


# ---- by keyboard ----------------------------------------------------------------------------------------------------


def tab_to(page, selector):
    """Press Tab until this has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no way to {selector}")


def deny_by_keyboard(page):
    """`a` leads to the decision; arrows choose, Tab goes on, Enter sends."""
    page.keyboard.press("a")
    tab_to(page, "#decide input[type=radio]")
    page.keyboard.press("Space")
    for _ in range(5):
        if page.evaluate("document.activeElement.value") == "deny":
            break
        page.keyboard.press("ArrowDown")
    tab_to(page, "#reason_deny")
    page.keyboard.type("There is no s")
    tab_to(page, "#decide button.btn-go")
    page.keyboard.press("Enter")


def test_twenty_cases_in_a_row_are_decided_by_keyboard_only(town, people):
    waiting = set(claims(town, IN_A_ROW, "row"))
    sam, decided = at_the_desk(people.person(), "sam"), []
    sam.keyboard.press("j")
    expect(sam.locator("[data-open]").first).to_be_focused()
    sam.keyboard.press("Enter")
    sam.wait_for_url("**/desk/cases/*")
    sam.keyboard.press("t")
    while True:
        expect(sam.locator("#case-head")).to_contain_text("Yours for", timeout=SETTLES)
        decided.append(sam.url.rpartition("/")[2])
        deny_by_keyboard(sam)
        expect(sam.locator("#decide")).to_contain_text("The decision was taken", timeout=SETTLES)
        if len(decided) == IN_A_ROW:
            break
        sam.keyboard.press("n")
        sam.wait_for_url(lambda url: url.rpartition("/")[2] not in {*decided, "decision"})
    assert set(decided) == waiting
    sam.keyboard.press("q")
    expect(sam.locator(".empty")).to_contain_text("Nothing waits for the desk")


def test_without_scripts_the_same_is_done_with_forms(town, people):
    claims(town, WITHOUT_SCRIPTS, "plain")
    kim = at_the_desk(people.person(scripts=False), "kim")
    for _ in range(WITHOUT_SCRIPTS):
        kim.goto("/desk")
        kim.get_by_role("button", name="Take the next case").click()
        expect(kim.locator("#case-head")).to_contain_text("Yours for")
        decide(kim, "deny", reason="no_such_account", text="We know no account of this name.")
        said = kim.locator("#decide")
        for _ in range(20):  # nothing changes by itself: this reader reloads
            if "The decision was taken" in said.inner_text():
                break
            kim.goto(kim.url.replace("/decision", ""))
        expect(said).to_contain_text("The decision was taken")


# ---- two at once ----------------------------------------------------------------------------------------------------


def test_two_agents_see_each_other_and_only_one_gets_the_case(town, people):
    (reference,) = claims(town, 1, "two")
    sam, kim = at_the_desk(people.person(), "sam"), at_the_desk(people.person(), "kim")
    open_case(sam, reference)
    open_case(kim, reference)
    expect(kim.locator("#people")).to_contain_text("Sam is reading", timeout=SETTLES)
    expect(sam.locator("#people")).to_contain_text("Kim is reading", timeout=SETTLES)
    sam.fill("#note-text", "I have seen this contact before")
    expect(kim.locator("#people")).to_contain_text("Sam is writing", timeout=SETTLES)
    sam.get_by_role("button", name="Take the case").click()
    expect(sam.locator("#case-head")).to_contain_text("Yours for", timeout=SETTLES)
    expect(sam.locator("#note-text")).to_have_value("I have seen this contact before")
    expect(kim.locator("#case-head")).to_contain_text("Sam has it", timeout=SETTLES)
    kim.goto("/desk?view=all")
    expect(kim.locator("tr", has_text=reference)).to_contain_text("Sam")


def test_what_a_page_said_last_counts_although_what_it_said_first_was_slow(town, people):
    (reference,) = claims(town, 1, "slow")
    sam, kim = at_the_desk(people.person(), "sam"), at_the_desk(people.person(), "kim")
    open_case(kim, reference)
    held = []

    def hold_the_first(route):
        if route.request.method == "POST" and not held:
            held.append(route)
        else:
            route.continue_()

    sam.route("**/presence", hold_the_first)
    open_case(sam, reference)
    sam.fill("#note-text", "I have seen this contact before")
    sam.wait_for_timeout(A_MOMENT)
    held[0].continue_()
    sam.wait_for_timeout(A_MOMENT)
    kim.reload()
    expect(kim.locator("#people")).to_contain_text("Sam is writing", timeout=3 * A_MOMENT)  # before it is said again


def test_a_decision_on_an_old_version_is_refused_with_what_changed(town, people):
    (reference,) = claims(town, 1, "old")
    sam, lee = at_the_desk(people.person(), "sam"), at_the_desk(people.person(scripts=False), "lee")
    open_case(lee, reference)
    open_case(sam, reference)
    sam.check("#o-ask")
    sam.check("#items input[value=created]")
    sam.locator("#decide button.btn-go").click()
    expect(sam.locator("#decide")).to_contain_text("The decision was taken", timeout=SETTLES)
    decide(lee, "deny", reason="no_such_account", text="There is no such account.")
    expect(lee.locator(".error-summary")).to_contain_text("was not taken")
    expect(lee.locator("#decide")).to_contain_text("What has happened since you opened the page")
    expect(lee.locator("#decide")).to_contain_text("Sam")


def test_a_page_that_changes_often_keeps_one_stream_and_stays_alive(town, people):
    """A browser has six connections for us: a stream left behind with each change would soon be all of them."""
    (reference,) = claims(town, 1, "streams")
    kim, streams = at_the_desk(people.person(), "kim"), set()

    def ended(request):
        streams.discard(request)

    kim.on("request", lambda request: streams.add(request) if "/events" in request.url else None)
    kim.on("requestfinished", ended)
    kim.on("requestfailed", ended)
    open_case(kim, reference)
    for number in range(1, CHANGES + 1):
        behind(town, lambda desk, number=number: note(desk, reference, number))
        expect(kim.locator("#log")).to_contain_text(f"{TO_REVIEW + number} events", timeout=SETTLES)
    assert len(streams) == 1
    kim.reload()
    expect(heading(kim)).to_contain_text(reference)


# ---- faults ---------------------------------------------------------------------------------------------------------


def test_decision_whose_worker_is_killed_waits_and_is_shown_when_one_is_back(town, people):
    (reference,) = claims(town, 1, "killed")
    sam = at_the_desk(people.person(), "sam")
    open_case(sam, reference)
    worker = town.children()["worker"]
    os.kill(worker, signal.SIGSTOP)  # a dead one would be started again at once
    try:
        decide(sam, "deny", reason="no_such_account")
        expect(sam.locator("#decide")).to_contain_text("not yet answered", timeout=SETTLES)
    finally:
        os.kill(worker, signal.SIGKILL)
    expect(sam.locator("#decide")).to_contain_text("The decision was taken", timeout=2 * SETTLES)
    timeline = sam.locator(".rail")
    expect(timeline).to_contain_text("denied", ignore_case=True)


# ---- heard and walked -----------------------------------------------------------------------------------------------


def is_heard_and_fits(page, address):
    """In both widths of the desk and in both schemes."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address)
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), (address, width)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            is_accessible(page)


def test_the_door_and_the_case_of_a_recovery_are_heard_and_fit(town, people):
    opened = behind(town, lambda desk: use_up_the_codes(desk, "nobody-at-the-door@example.com"))
    kim = people.person()
    is_heard_and_fits(kim, "/desk/sign-in")
    at_the_desk(kim, "kim")
    is_heard_and_fits(kim, f"/desk/cases/{grouped(opened.reference)}")


def test_the_tabulator_walks_through_a_claim_and_through_approvals(town, people):
    (reference,) = claims(town, 1, "walk")
    kim = at_the_desk(people.person(), "kim")
    for address in (f"/desk/cases/{reference}", "/desk/approvals"):
        kim.goto(address)
        is_walked_by_keyboard(kim)
