"""Everybody who can get an account back by themselves, in a real browser; what counts is what `/dev/login` shows."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.journeys import (
    choose_password,
    enter_code,
    heading,
    is_back,
    is_signed_in_as,
    is_signed_out,
    prove,
    sign_in,
    start,
)
from tests.e2e.town import code_in, link_in


def test_ada_gets_back_by_the_code_of_an_email_and_her_old_session_ends(town, people):
    old = people.person()
    sign_in(old, "ada", "ada-current-2025")
    is_signed_in_as(old, "ada")
    ada = people.person()
    prove(ada, town, "ada@example.com", "ada@example.com")
    choose_password(ada, "seven quiet lamps")
    is_back(ada, "ada")
    is_signed_out(old)
    expect(old.locator("main")).to_contain_text("ended")
    sign_in(old, "ada", "ada-current-2025")
    expect(old.locator(".error-summary")).to_be_visible()
    sign_in(old, "ada", "seven quiet lamps")
    is_signed_in_as(old, "ada")
    for contact in ("ada@example.com", "+447700900001"):
        assert "/not-me/" in town.message(contact, containing="password")["text"]


def test_without_scripts_the_same_forms_lead_to_the_same_end(town, people):
    vip = people.person(scripts=False)
    reference = start(vip, "vip@example.com")
    message = town.code("vip@example.com", reference)
    enter_code(vip, "not a code")
    expect(vip.locator(".error-summary")).to_be_visible()
    enter_code(vip, code_in(message))
    choose_password(vip, "paper boats in june")
    is_back(vip, "vip")
    sign_in(vip, "vip", "paper boats in june")
    is_signed_in_as(vip, "vip")


def test_after_a_username_the_contact_is_typed_in_full(town, people):
    vip = people.person()
    reference = start(vip, "vip")
    expect(vip.locator("main")).not_to_contain_text("example.com")
    vip.fill("input[name=contact]", "+44 7700 900004")
    vip.click("main button.btn-go")
    message = town.code("+447700900004", reference)
    enter_code(vip, code_in(message))
    choose_password(vip, "winter train to york")
    is_back(vip, "vip")


def test_pat_who_has_only_a_phone_gets_back_by_text_message(town, people):
    pat = people.person(viewport={"width": 390, "height": 800})
    message = prove(pat, town, "07700 900003", "+447700900003")
    assert re.search(r"^@localhost #\d{6}$", message["text"].splitlines()[-1])
    choose_password(pat, "green door by the sea")
    is_back(pat, "pat")
    sign_in(pat, "+44 7700 900003", "green door by the sea")
    is_signed_in_as(pat, "pat")


def test_olu_needs_a_saved_recovery_code_besides_the_mailbox(town, people):
    olu = people.person()
    prove(olu, town, "olu@example.com", "olu@example.com")
    proof = olu.locator("input[name=proof]")
    proof.fill("OLUA-9999")
    olu.click("main button.btn-go")
    expect(olu.locator(".error-summary")).to_be_visible()
    proof.fill("olua 0002")
    olu.click("main button.btn-go")
    choose_password(olu, "old maps of lagos")
    is_back(olu, "olu")
    sign_in(olu, "olu", "old maps of lagos")
    is_signed_in_as(olu, "olu")


@pytest.mark.parametrize(
    ("who", "word"), [("ben", "banned"), ("tom", "banned"), ("dee", "deleted")], ids=["ben", "tom", "dee"]
)
def test_how_the_account_stands_is_told_only_after_the_proof(town, people, who, word):
    page = people.person()
    reference = start(page, f"{who}@example.com")
    message = town.code(f"{who}@example.com", reference)
    expect(heading(page)).to_have_text("Enter the code")
    assert word not in page.content()
    enter_code(page, code_in(message))
    expect(heading(page)).to_contain_text(word)
    if who != "ben":
        expect(page.locator("main time").first).to_be_visible()


def test_the_link_of_the_mail_finishes_in_the_browser_that_opens_it(town, people):
    """eve starts for ada; ada opens the link in her own browser: the case is ada's from then on."""
    eve, ada = people.person(), people.person()
    reference = start(eve, "ada@example.com")
    message = town.code("ada@example.com", reference)
    ada.goto(link_in(message))
    expect(eve.locator("main h1")).to_have_text("Enter the code")  # looking at a link uses nothing up
    ada.click("main button.btn-go")
    expect(heading(ada)).to_have_text("Choose a new password")
    expect(eve.locator("main")).to_contain_text("another browser", timeout=15_000)
    answer = eve.request.post(f"/case/{reference}/password", form={"key": "k", "new_password": "eve was here 2026"})
    assert answer.status == 404
    choose_password(ada, "nine kites over leeds")
    is_back(ada, "ada")
    sign_in(ada, "ada", "nine kites over leeds")
    is_signed_in_as(ada, "ada")


def test_an_unknown_name_gets_the_same_page_and_no_message(town, people):
    eve = people.person()
    before = len(town.mail())
    start(eve, "nobody@example.com")
    expect(heading(eve)).to_have_text("Enter the code")
    expect(eve.locator("main")).to_contain_text("n•••@example.com")
    enter_code(eve, "123456")
    expect(eve.locator(".error-summary")).to_contain_text("not correct")
    assert len(town.mail()) == before


def test_pressing_twice_and_going_back_makes_no_second_case(town, people):
    ada = people.person(scripts=False)
    ada.goto("/")
    ada.fill("input[name=identifier]", "somebody@example.com")
    key = ada.locator("input[name=key]").input_value()
    ada.click("text=Send me a code")
    first = ada.url
    again = ada.request.post("/recover", form={"key": key, "identifier": "somebody@example.com"})
    assert again.url == first


def test_this_was_not_me_freezes_the_account_and_says_what_comes_next(town, people):
    eve, pat = people.person(), people.person()
    earlier = len(town.messages("+447700900003", containing="was changed"))
    prove(eve, town, "+44 7700 900003", "+447700900003")
    choose_password(eve, "eve took the phone")
    is_back(eve, "pat")
    notice = town.message("+447700900003", earlier + 1, containing="was changed")
    pat.goto(link_in(notice, "/not-me/"))
    pat.click("main form button[type=submit]")
    expect(pat.locator("main")).to_contain_text("frozen", timeout=15_000)
    sign_in(pat, "pat", "eve took the phone")
    expect(pat.locator("main")).to_contain_text("frozen")
