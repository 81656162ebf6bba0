"""What people do in a browser, one function a step, so that a journey reads like a story."""

from typing import Any

from playwright.sync_api import Page, expect

from development.people import DESK_PASSWORD
from tests.e2e.town import Town, code_in

SETTLES = 15_000
"""Milliseconds that a page may take to change by itself on a busy machine."""


def start(page: Page, typed: str) -> str:
    """Type into the one box; the reference of the case."""
    page.goto("/")
    page.fill("input[name=identifier]", typed)
    page.click("text=Send me a code")
    page.wait_for_url("**/case/*")
    return page.url.rpartition("/")[2]


def enter_code(page: Page, code: str) -> None:
    page.fill("input[name=code]", code)
    page.click("text=Check the code")


def prove(page: Page, town: Town, typed: str, to: str) -> dict[str, Any]:
    """Start with what is typed and enter the code of the message; the message."""
    message = town.code(to, start(page, typed))
    enter_code(page, code_in(message))
    return message


def choose_password(page: Page, password: str) -> None:
    expect(heading(page)).to_have_text("Choose a new password", timeout=SETTLES)
    page.fill("input[name=new_password]", password)
    page.click("text=Set the new password")


def is_back(page: Page, username: str) -> None:
    expect(heading(page)).to_have_text("You can sign in again", timeout=SETTLES)
    expect(page.locator("main")).to_contain_text(username)


def heading(page: Page) -> Any:
    return page.locator("main h1").first


def sign_in(page: Page, identifier: str, password: str) -> None:
    """Sign in to the demo platform."""
    page.goto("/dev/login")
    page.fill("input[name=identifier]", identifier)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_load_state()


def is_signed_in_as(page: Page, username: str) -> None:
    expect(heading(page)).to_have_text(f"Signed in as {username}")


def is_signed_out(page: Page) -> None:
    page.goto("/dev/login")
    expect(page.locator("input[name=password]")).to_be_visible()


# ---- claims ---------------------------------------------------------------------------------------------------------


def make_claim(page: Page, contact: str, what: str = "The phone is gone, and the mailbox with it.") -> str:
    """From guided help to a claim that waits for the proof of that contact; the reference."""
    page.goto("/start")
    page.get_by_role("link", name="I no longer have that phone or mailbox").click()
    page.get_by_role("link", name="I have neither: make a claim").click()
    page.fill("input[name=contact]", contact)
    page.fill("textarea[name=what]", what)
    page.get_by_role("button", name="Send me a code").click()
    page.wait_for_url("**/case/*")
    return page.url.rpartition("/")[2]


def send_claim(page: Page, town: Town, contact: str, **evidence: str) -> str:
    """A claim with a proved contact and this evidence, read once more and sent; the reference."""
    reference = make_claim(page, contact)
    enter_code(page, code_in(town.code(contact, reference)))
    expect(heading(page)).to_have_text("What do you still know about the account?", timeout=SETTLES)
    for name, text in evidence.items():
        page.fill(f"[name={name}]", text)
    page.get_by_role("button", name="Continue to check").click()
    expect(heading(page)).to_have_text("Check your answers")
    page.get_by_role("button", name="Send my claim").click()
    expect(heading(page)).to_have_text("Your claim was sent", timeout=SETTLES)
    page.get_by_role("link", name="See where it stands").click()
    expect(heading(page)).to_have_text("Your claim is in review")
    return reference


def at_the_desk(page: Page, name: str) -> Page:
    """Sign in as this agent; the same page."""
    page.goto("/desk/sign-in")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", DESK_PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/desk")
    return page


def open_from_the_queue(page: Page, reference: str) -> None:
    page.goto("/desk")
    page.locator("tr", has_text=reference).locator("[data-open]").click()
    expect(heading(page)).to_contain_text(reference)


def take(page: Page) -> None:
    page.locator("#case-head").get_by_role("button", name="Take the case").click()
    expect(page.locator("#case-head")).to_contain_text("Yours for", timeout=SETTLES)


def decide(page: Page, outcome: str, **choices: str) -> None:
    """Choose an outcome with what belongs to it (`plan`, `reason`, `text`) and send it; the page says the rest."""
    page.check(f"#o-{outcome}")
    if plan := choices.get("plan"):
        page.check(f"input[name=plan][value='{plan}']")
    if reason := choices.get("reason"):
        page.select_option(f"#reason_{outcome}", reason)
    if text := choices.get("text"):
        page.fill("#text", text)
    page.locator("#decide button.btn-go").click()


def second_approval(page: Page, reference: str) -> None:
    """The second person, from the list of proposals."""
    page.goto("/desk/approvals")
    proposal = page.locator("article.proposal", has_text=reference)
    proposal.get_by_role("button", name="Approve the hand-back").click()
    expect(page.locator("article.proposal", has_text=reference)).to_have_count(0, timeout=SETTLES)
