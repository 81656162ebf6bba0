"""The clock acts, and the page says so: nobody has to press reload, and nothing that is being typed is lost."""

from dataclasses import replace
from datetime import timedelta

from playwright.sync_api import expect

from tests.e2e.journeys import heading
from tests.e2e.seeds import HASTY, behind, hand_to, open_case

SOON = replace(
    HASTY,
    version="soon",
    codes_per_case=3,
    cooldowns=(timedelta(seconds=6),),
    code_lifetime=timedelta(seconds=14),
)


def test_new_code_is_offered_when_the_cooldown_ends_and_the_old_one_is_called_over(town, people):
    opened = behind(town, lambda desk: open_case(desk, "ada@example.com", SOON))
    ada = people.person()
    hand_to(ada, town, opened)
    again = ada.get_by_role("button", name="Send again")
    expect(again).to_be_disabled()
    ada.fill("input[name=code]", "12")
    expect(again).to_be_enabled(timeout=20_000)
    expect(ada.locator("input[name=code]")).to_have_value("12")
    expect(heading(ada)).to_have_text("That code no longer works", timeout=30_000)
    ada.get_by_role("button", name="Send a new code").click()
    expect(heading(ada)).to_have_text("Enter the code", timeout=20_000)
    assert town.code("ada@example.com", opened.reference, 2)
