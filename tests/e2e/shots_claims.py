"""The pictures of claims: one that is handed back, one that is stopped, and the desk beside them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from playwright.sync_api import Page, expect

from storage import directory
from storage.identifiers import identify
from tests.e2e.journeys import (
    at_the_desk,
    decide,
    enter_code,
    heading,
    is_signed_in_as,
    make_claim,
    second_approval,
    send_claim,
    sign_in,
    take,
)
from tests.e2e.seeds import Desk, behind, claim_of, skip
from tests.e2e.town import People, Town, code_in, link_in

DAY = timedelta(days=1)
HEARD_AGAIN = 2
"""How often the older contacts hear of a hold after its beginning."""
NIA = {"username": "nia", "password_1": "nia-first-2018", "created": "March 2018", "devices": "Safari on an iPad"}
NEW = "nia.new@example.org"
PASSWORD = "kettle-under-the-stairs-7"


class Album(Protocol):
    """Whatever takes the pictures of a page as it is now."""

    def take(self, page: Page, name: str) -> None: ...


class ClaimTour:
    """Walks through claims: needs a town whose cases can run ahead."""

    def __init__(self, town: Town, people: People, album: Album) -> None:
        self._town, self._people, self._album = town, people, album
        self._desk: dict[str, Page] = {}

    def everything(self) -> None:
        reference = self._nia_makes_a_claim()
        self._the_desk_asks_and_approves(reference)
        self._nia_is_back(reference)
        self._olu_stops_eve()
        self._broken_into()

    # ---- nia ----

    def _nia_makes_a_claim(self) -> str:
        nia = self._nia = self._people.person()
        nia.goto("/claim?reason=contact")
        self._album.take(nia, "claim-claim-start")
        reference = make_claim(nia, NEW)
        self._album.take(nia, "claim-claim-code")
        enter_code(nia, code_in(self._town.code(NEW, reference)))
        expect(heading(nia)).to_contain_text("What do you still know")
        self._album.take(nia, "claim-evidence")
        for name, text in NIA.items():
            nia.fill(f"[name={name}]", text)
        nia.get_by_role("button", name="Continue to check").click()
        expect(heading(nia)).to_have_text("Check your answers")
        self._album.take(nia, "claim-check")
        nia.get_by_role("button", name="Send my claim").click()
        expect(heading(nia)).to_have_text("Your claim was sent")
        self._album.take(nia, "claim-sent")
        nia.get_by_role("link", name="See where it stands").click()
        self._until(nia, "Your claim is in review", "claim-review")
        return reference

    def _the_desk_asks_and_approves(self, reference: str) -> None:
        sam, nia = self._at_the_desk("sam", reference), self._nia
        take(sam)
        self._album.take(sam, "desk-claim-review")
        sam.check("#o-ask")
        sam.check("#items input[value=devices]")
        sam.fill("#text", "Where did you use the account last, and on which device?")
        self._album.take(sam, "desk-claim-asking")
        sam.locator("#decide button.btn-go").click()
        self._settled(sam, "The decision was taken", "desk-claim-asked")
        nia.reload()
        self._album.take(nia, "claim-question")
        nia.fill("textarea[name=message]", "On the iPad in the kitchen, until last Sunday.")
        nia.get_by_role("button", name="Send the message").click()
        self._until(nia, "Your claim is in review", "claim-answered")
        sam.reload()
        decide(sam, "approve", reason="evidence_fits", text="Month, device and an earlier password fit.")
        self._settled(sam, "proposed", "desk-claim-proposed")
        kim = at_the_desk(self._people.person(), "kim")
        kim.goto("/desk/approvals")
        self._album.take(kim, "desk-approvals")
        second_approval(kim, reference)
        self._album.take(kim, "desk-approvals-none")
        self._until(nia, "Your claim is approved", "claim-approved")
        sam.reload()
        self._album.take(sam, "desk-claim-cooling-off")

    def _nia_is_back(self, reference: str) -> None:
        nia, sam = self._nia, self._desk["sam"]
        self._pass(reference, 30 * DAY, lambda case: case.state == "probation")
        nia.reload()
        self._album.take(nia, "claim-handed-back")
        nia.goto(link_in(self._town.message(NEW, containing="is back: set a password")))
        self._album.take(nia, "claim-password-link")
        nia.get_by_role("button", name="Go on here").click()
        self._until(nia, "Choose a new password", "claim-new-password")
        nia.fill("input[name=new_password]", PASSWORD)
        nia.click("text=Set the new password")
        self._until(nia, "You can sign in again", "claim-probation")
        sam.reload()
        self._album.take(sam, "desk-claim-probation")
        sign_in(nia, "nia", PASSWORD)
        is_signed_in_as(nia, "nia")
        self._album.take(nia, "dev-account-handed-back")
        self._pass(reference, 30 * DAY, lambda case: case.state == "recovered")
        nia.goto(f"/case/{reference}")
        self._album.take(nia, "claim-recovered-by-people")
        sam.reload()
        self._album.take(sam, "desk-claim-recovered")

    # ---- eve, and olu who stops her ----

    def _olu_stops_eve(self) -> None:
        eve, olu = self._people.person(), self._people.person()
        known = {"username": "olu", "email": "olu@example.com", "created": "March 2025"}
        reference = send_claim(eve, self._town, "eve@example.net", **known)
        sam = self._at_the_desk("sam", reference)
        decide(sam, "approve", plan=self._contact("olu", "olu@example.com"), reason="evidence_fits")
        expect(sam.locator("#decide")).to_contain_text("proposed")
        second_approval(at_the_desk(self._people.person(), "kim"), reference)
        self._pass(reference, 6.5 * DAY, lambda case: len(case.told) == HEARD_AGAIN)
        olu.goto(link_in(self._town.message("olu@example.com", 3, containing="to be handed"), "/not-me/"))
        self._album.take(olu, "claim-stop")
        olu.get_by_role("button", name="Stop it: this was not me").click()
        self._until(olu, "It is stopped", "claim-stopped-now")
        self._wait(reference, lambda case: case.frozen_at)
        self._until(eve, "Somebody objected to your claim", "claim-contested")
        lee = self._at_the_desk("lee", reference)
        self._album.take(lee, "desk-claim-contested")
        lee.goto("/desk/approvals")
        self._album.take(lee, "desk-approvals-contested")
        lee.goto("/desk/macros")
        self._album.take(lee, "desk-macros")
        lee.go_back()
        lee.goto(f"/desk/cases/{reference}")
        decide(lee, "stop", reason="owner_objected", text="The owner has objected.")
        self._settled(lee, "The decision was taken", "desk-claim-stopped")
        self._until(eve, "stopped", "claim-stopped")

    def _broken_into(self) -> None:
        """vip, whose contact is proved: frozen at once."""
        vip = self._people.person()
        vip.goto("/claim")
        self._album.take(vip, "claim-reason")
        vip.goto("/claim?reason=compromised")
        vip.fill("input[name=contact]", "vip@example.com")
        vip.fill("textarea[name=what]", "Somebody writes to my friends from it.")
        vip.get_by_role("button", name="Send me a code").click()
        vip.wait_for_url("**/case/*")
        reference = vip.url.rpartition("/")[2]
        enter_code(vip, code_in(self._town.code("vip@example.com", reference)))
        self._wait(reference, lambda case: case.frozen_at)
        vip.reload()
        self._album.take(vip, "claim-frozen-at-once")
        lee = self._at_the_desk("lee", reference)
        self._album.take(lee, "desk-claim-frozen")

    # ---- how ----

    def _at_the_desk(self, name: str, reference: str) -> Page:
        page = self._desk.get(name) or at_the_desk(self._people.person(), name)
        self._desk[name] = page
        page.goto(f"/desk/cases/{reference}")
        return page

    def _until(self, page: Page, title: str, name: str) -> None:
        expect(heading(page)).to_contain_text(title, timeout=30_000)
        self._album.take(page, name)

    def _settled(self, page: Page, words: str, name: str) -> None:
        expect(page.locator("#decide")).to_contain_text(words, timeout=30_000)
        self._album.take(page, name)

    def _wait(self, reference: str, holds: Callable[..., object]) -> None:
        behind(self._town, lambda desk: claim_of(desk, reference, holds))

    def _pass(self, reference: str, length: timedelta, holds: Callable[..., object]) -> None:
        behind(self._town, lambda desk: skip(desk, reference, length))
        self._wait(reference, holds)

    def _contact(self, username: str, address: str) -> str:
        async def look(desk: Desk) -> str:
            async with desk.database.read() as session:
                rings = desk.settings.rings()
                (ref,) = await directory.owners(session, rings, identify(username, "GB"))
                return {one.address: one.id for one in await directory.contacts(session, rings, ref)}[address]

        return behind(self._town, look)
