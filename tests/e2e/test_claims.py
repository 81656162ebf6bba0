"""People decide: claims from the first question to `/dev/login`, in real browsers, through days that are skipped.

What counts is what `/dev/login` shows and what the mails said.
"""

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from storage import directory
from storage.identifiers import identify
from tests.e2e.journeys import (
    SETTLES,
    at_the_desk,
    choose_password,
    decide,
    heading,
    is_back,
    is_signed_in_as,
    open_from_the_queue,
    prove,
    second_approval,
    send_claim,
    sign_in,
    take,
)
from tests.e2e.seeds import behind, claim_of, skip
from tests.e2e.town import TownOutOfTime, link_in

DAY = timedelta(days=1)
LARKFIELD = ZoneInfo("Europe/London")
AGENTS = ("Sam", "Kim", "Lee")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownOutOfTime]:
    built = TownOutOfTime(tmp_path_factory.mktemp("town"))
    built.start()
    yield built
    built.stop()


def days_pass(town, reference, length):
    behind(town, lambda desk: skip(desk, reference, length))


def stands(town, reference, *states):
    """The claim, once it is in one of these states."""
    return behind(town, lambda desk: claim_of(desk, reference, lambda case: case.state in states))


def promises(message, moment):
    """The message names the minute, as messages write it; lines may break anywhere."""
    there = moment.astimezone(LARKFIELD)
    assert f"{there:%H:%M %Z on %a %-d %b %Y}" in " ".join(message["text"].split())


def names_no_agent(message):
    assert not [name for name in AGENTS if name in message["text"] + message["subject"]]


def test_nia_who_has_no_contact_gets_the_account_back_through_two_agents(town, people):
    nia, sam, kim, new = people.person(), people.person(), people.person(), "nia.new@example.org"
    evidence = {
        "username": "nia",
        "password_1": "nia-first-2018",
        "created": "March 2018",
        "devices": "Safari on an iPad",
    }
    reference = send_claim(nia, town, new, **evidence)
    received = town.message(new, containing="We have your claim")
    names_no_agent(received)

    open_from_the_queue(at_the_desk(sam, "sam"), reference)
    take(sam)
    decide(sam, "approve", reason="evidence_fits", text="Everything fits.")
    expect(sam.locator("#decide")).to_contain_text("proposed", timeout=SETTLES)
    expect(heading(nia)).to_have_text("A second person checks your claim", timeout=SETTLES)
    second_approval(at_the_desk(kim, "kim"), reference)
    expect(heading(nia)).to_have_text("Your claim is approved", timeout=SETTLES)

    held = stands(town, reference, "cooling_off")
    assert held.hold_until - held.since == 30 * DAY
    approved = town.message(new, containing="was approved")
    promises(approved, held.hold_until)
    names_no_agent(approved)

    days_pass(town, reference, 30 * DAY)
    stands(town, reference, "probation")
    mail = town.message(new, containing="is back: set a password")
    names_no_agent(mail)
    nia.goto(link_in(mail))
    nia.get_by_role("button", name="Go on here").click()
    choose_password(nia, "kettle under the stairs")
    expect(heading(nia)).to_have_text("You can sign in again", timeout=SETTLES)
    sign_in(nia, "nia", "kettle under the stairs")
    is_signed_in_as(nia, "nia")
    main = nia.locator("main")
    expect(main).to_contain_text(new)
    expect(main).to_contain_text("are held until")
    expect(main).to_contain_text(reference)

    days_pass(town, reference, 30 * DAY)
    stands(town, reference, "recovered")
    nia.goto(f"/case/{reference}")
    expect(heading(nia)).to_have_text("The account is yours")
    names_no_agent(town.message(new, containing="stays yours"))


def replaced(town, username, address):
    """The opaque id of a contact, which a plan of an approval names."""

    async def look(desk):
        async with desk.database.read() as session:
            rings = desk.settings.rings()
            (ref,) = await directory.owners(session, rings, identify(username, "GB"))
            return {one.address: one.id for one in await directory.contacts(session, rings, ref)}[address]

    return behind(town, look)


def approve(people, town, reference, plan):
    """sam proposes to replace that contact, kim agrees; the pages of the two."""
    sam, kim = at_the_desk(people.person(), "sam"), at_the_desk(people.person(), "kim")
    open_from_the_queue(sam, reference)
    take(sam)
    decide(sam, "approve", plan=plan, reason="evidence_fits")
    expect(sam.locator("#decide")).to_contain_text("proposed", timeout=SETTLES)
    second_approval(kim, reference)
    return sam, kim


def all_hear_of_it(town, contacts, times):
    """Each contact has heard of the hand-back so often, with a way to stop it; the newest messages."""
    words = "to be handed to somebody", "Somebody is to get"
    found = []
    for contact, said in zip(contacts, (words[0], words[0], words[1]), strict=True):
        message = town.message(contact, times, containing=said)
        assert len(town.messages(contact, containing=said)) == times
        assert "/not-me/" in message["text"]
        names_no_agent(message)
        found.append(message)
    return found


def press_stop(people, message):
    """The owner opens the link of that message, in a browser that has no case; the page afterwards."""
    owner = people.person(viewport={"width": 390, "height": 844})
    owner.goto(link_in(message, "/not-me/"))
    owner.get_by_role("button", name="Stop it: this was not me").click()
    expect(heading(owner)).to_have_text("It is stopped", timeout=SETTLES)
    return owner


def test_all_contacts_of_olu_hear_of_it_three_times_and_the_last_message_stops_it(town, people):
    contacts = ("olu@example.com", "olu@work.example.com", "+447700900002")
    eve, lee, olu = people.person(), people.person(), people.person()
    known = {"username": "olu", "email": contacts[0], "phone": "+44 7700 900002", "created": "March 2025"}
    reference = send_claim(eve, town, "eve@example.net", **known)
    sam, _ = approve(people, town, reference, replaced(town, "olu", contacts[0]))
    held = stands(town, reference, "cooling_off")
    length = held.hold_until - held.since
    assert length == 7 * DAY
    for message in all_hear_of_it(town, contacts, 1):
        promises(message, held.hold_until)
    days_pass(town, reference, length / 2)
    assert "half of it is over" in all_hear_of_it(town, contacts, 2)[0]["text"]
    days_pass(town, reference, length * 0.4)
    last, *_ = all_hear_of_it(town, contacts, 3)
    assert "the last message before that" in last["text"]

    press_stop(people, last)
    behind(town, lambda desk: claim_of(desk, reference, lambda case: case.state == "contested" and case.frozen_at))
    sign_in(olu, "olu", "olu-current-2025")
    expect(heading(olu)).to_have_text("You cannot sign in now")
    expect(olu.locator("main")).to_contain_text("frozen")
    expect(heading(eve)).to_have_text("Somebody objected to your claim", timeout=SETTLES)
    for contact in contacts:
        names_no_agent(town.message(contact, containing="was stopped"))

    sam.reload()
    expect(sam.locator("#decide")).to_contain_text("somebody else decides")
    expect(sam.locator("#o-stop")).to_be_disabled()
    open_from_the_queue(at_the_desk(lee, "lee"), reference)
    take(lee)
    decide(lee, "stop", reason="owner_objected", text="The owner has objected.")
    expect(lee.locator("#decide")).to_contain_text("The decision was taken", timeout=SETTLES)
    stands(town, reference, "stopped")
    town.message(contacts[0], containing="no longer frozen")
    sign_in(olu, "olu", "olu-current-2025")
    is_signed_in_as(olu, "olu")
    expect(olu.locator("main")).not_to_contain_text("eve@example.net")
    expect(heading(eve)).to_contain_text("stopped", timeout=SETTLES)


def test_a_hand_back_is_stopped_in_its_probation_and_rolled_back_by_another_agent(town, people):
    eve, thief, ada = people.person(), people.person(), people.person()
    known = {"username": "ada", "password_1": "ada-first-2019", "created": "March 2019", "phone": "+44 7700 900001"}
    reference = send_claim(eve, town, "eve@example.org", **known)
    approve(people, town, reference, replaced(town, "ada", "ada@example.com"))
    stands(town, reference, "cooling_off")
    days_pass(town, reference, 7 * DAY)
    stands(town, reference, "probation")
    eve.goto(link_in(town.message("eve@example.org", containing="is back: set a password")))
    eve.get_by_role("button", name="Go on here").click()
    choose_password(eve, "eve is in the house")
    expect(heading(eve)).to_have_text("You can sign in again", timeout=SETTLES)
    sign_in(thief, "ada", "eve is in the house")
    is_signed_in_as(thief, "ada")
    expect(thief.locator("main")).to_contain_text("eve@example.org")

    notice = town.message("ada@example.com", containing="was handed back")  # the contact that was taken off
    names_no_agent(notice)
    press_stop(people, notice)
    behind(town, lambda desk: claim_of(desk, reference, lambda case: case.state == "contested" and case.frozen_at))
    thief.goto("/dev/login")
    expect(thief.locator("input[name=password]")).to_be_visible()  # signed out, and the account is frozen
    lee = at_the_desk(people.person(), "lee")
    open_from_the_queue(lee, reference)
    take(lee)
    decide(lee, "undo", reason="owner_objected")
    stands(town, reference, "undone")
    expect(lee.locator("main")).to_contain_text("Put the contacts back", timeout=SETTLES)
    names_no_agent(town.message("ada@example.com", containing="was undone"))

    sign_in(thief, "ada", "eve is in the house")
    expect(thief.locator(".error-summary")).to_be_visible()
    prove(ada, town, "ada@example.com", "ada@example.com")
    choose_password(ada, "a quilt of nine colours")
    is_back(ada, "ada")
    sign_in(ada, "ada", "a quilt of nine colours")
    is_signed_in_as(ada, "ada")
    contacts = ada.locator("section[aria-labelledby=contacts]")
    expect(contacts.locator("ul").first).to_contain_text("ada@example.com")
    expect(contacts.locator("ul").first).not_to_contain_text("eve@example.org")
