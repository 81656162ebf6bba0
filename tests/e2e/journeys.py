"""What people do in a browser, one function a step, so that a journey reads like a story."""

from typing import Any

from playwright.sync_api import Page, expect

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
