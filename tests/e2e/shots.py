"""`make shots`: every page that a person can reach within a minute, in both widths and both schemes.

Not a test: it walks through a fresh instance and leaves pictures for somebody to look at.
"""

import argparse
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from playwright.sync_api import Page, sync_playwright

from bench import desk_cases
from development.people import AGENTS, DESK_PASSWORD
from development.terminal import say
from development.tools import CHROMIUM_FLAGS, chromium
from tests.e2e.seeds import settings_of
from tests.e2e.shots_claims import ClaimTour
from tests.e2e.town import People, Town, TownOutOfTime, code_in, link_in
from web.claim.topics import TOPICS

WIDTHS = (1440, 390)
DESK_WIDTHS = (1440, 1024, 390)
HEIGHT = 900
PAST, OPEN = 9000, 90
"""Cases of a year beside the ones that are walked through, for lists and figures; how many of them are open."""
PICTURES = {
    "desk-sign-in": ("desk-sign-in", 1024),
    "desk-queue": ("desk-queue", 1440),
    "desk-claim-review": ("desk-case", 1440),
    "desk-approvals": ("desk-approvals", 1440),
    "desk-deliveries": ("desk-deliveries", 1440),
    "desk-figures": ("desk-figures", 1440),
    "desk-audit-checked": ("desk-audit", 1440),
}
"""What `docs/desk.md` shows: the file, and how wide it is; the upper part of the page, in the light."""
SCHEMES = ("light", "dark")
NEW_PASSWORD = "orchard-window-lantern-42"


class Album:
    """Takes the pictures of a page as it is now: `<name>-<width>-<scheme>.png`."""

    def __init__(self, folder: Path, complaints: list[str], docs: Path | None = None) -> None:
        """`docs`: where the pictures of `docs/desk.md` go, if they are to be taken anew."""
        self._folder, self._complaints, self._docs = folder, complaints, docs
        self.count = self._seen = 0
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str) -> None:
        for width in DESK_WIDTHS if name.startswith("desk-") else WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                picture = self._folder / f"{name}-{width}-{scheme}.png"
                # Hiding the caret would leave empty style attributes behind, which our policy forbids.
                page.screenshot(path=picture, full_page=True, animations="disabled", caret="initial")
                self.count += 1
        self._for_docs(page, name)
        say(f"  {name}" + "".join(f"\n    ! {text}" for text in self._complaints[self._seen :]))
        self._seen = len(self._complaints)

    def _for_docs(self, page: Page, name: str) -> None:
        if self._docs and name in PICTURES:
            file, width = PICTURES[name]
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=self._docs / f"{file}.png", animations="disabled", caret="initial")


class Tour:
    """Walks through the product, one person after the other."""

    def __init__(self, town: Town, people: People, album: Album) -> None:
        self._town, self._people, self._album = town, people, album

    def walks(self) -> dict[str, Callable[[], None]]:
        """Every walk by its name, in their order."""
        return {
            "pages": self.pages_without_a_case,
            "code": self.ada_recovers_by_code,
            "link": self.ada_opens_the_link_elsewhere,
            "username": self.vip_types_a_username,
            "factor": self.olu_has_a_second_factor,
            "banned": self.ben_is_banned,
            "guesses": self.somebody_guesses,
            "year": self.a_year_passes,
            "desk": self.the_desk,
            "claims": ClaimTour(self._town, self._people, self._album).everything,
            "platform": self.the_platform,
        }

    def pages_without_a_case(self) -> None:
        page = self._people.person()
        addresses = {"claim-home": "/", "help-start": "/start", "claim-claim": "/claim", "claim-find": "/find"}
        addresses |= {f"help-{topic}": f"/help/{topic}" for topic in TOPICS}
        addresses |= {"not-found": "/case/ABCD-EFGH-JK", "patterns": "/patterns"}
        for name, address in addresses.items():
            page.goto(address)
            self._album.take(page, name)
        page.goto("/")
        submit(page, "/recover", identifier="ada@")
        self._album.take(page, "claim-home-wrong")

    def ada_recovers_by_code(self) -> None:
        page = self._people.person()
        self._start(page, "ada@example.com")
        self._album.take(page, "claim-code")
        right = code_in(self._town.message("ada@example.com"))
        submit(page, "/code", code="000000" if right != "000000" else "000001")
        self._album.take(page, "claim-code-wrong")
        page.goto(page.url.partition("/code")[0] + "/withdraw")
        self._album.take(page, "claim-withdraw")
        page.go_back()
        submit(page, "/code", code=right)
        self._album.take(page, "claim-password")
        submit(page, "/password", new_password="password12")
        self._album.take(page, "claim-password-wrong")
        submit(page, "/password", new_password=NEW_PASSWORD)
        page.get_by_role("heading", name="You can sign in again").wait_for()
        self._album.take(page, "claim-recovered")
        self._objection(page)

    def _objection(self, page: Page) -> None:
        notice = self._town.message("ada@example.com", containing="changed")
        page.goto(link_in(notice, "/not-me/"))
        self._album.take(page, "claim-objection")
        submit(page, "/not-me/")
        self._album.take(page, "claim-objection-done")

    def ada_opens_the_link_elsewhere(self) -> None:
        first, second = self._people.person(), self._people.person()
        self._start(first, "olu@work.example.com")
        second.goto(link_in(self._town.message("olu@work.example.com")))
        self._album.take(second, "claim-link")
        submit(second, "/link/")
        first.reload()
        self._album.take(first, "claim-elsewhere")

    def vip_types_a_username(self) -> None:
        page = self._people.person()
        self._start(page, "vip")
        self._album.take(page, "claim-contact")
        submit(page, "/contact", contact="vip")
        self._album.take(page, "claim-contact-wrong")

    def olu_has_a_second_factor(self) -> None:
        page = self._people.person()
        self._start(page, "olu@example.com")
        submit(page, "/code", code=code_in(self._town.message("olu@example.com")))
        self._album.take(page, "claim-second-proof")
        submit(page, "/second-proof", proof="OLUA-9999")
        self._album.take(page, "claim-second-proof-wrong")

    def ben_is_banned(self) -> None:
        page = self._people.person()
        self._start(page, "ben@example.com")
        submit(page, "/code", code=code_in(self._town.message("ben@example.com")))
        self._album.take(page, "claim-referred")

    def somebody_guesses(self) -> None:
        page = self._people.person()
        self._start(page, "tom@example.com")
        wrong = "000000" if code_in(self._town.message("tom@example.com")) != "000000" else "000001"
        for _ in range(5):
            submit(page, "/code", code=wrong)
        self._album.take(page, "claim-resend")

    def a_year_passes(self) -> None:
        """Cases as they lie in SQL, so that lists and figures have something to show."""
        settings = settings_of(self._town)
        # A thread of its own: Playwright's loop already runs in this one.
        with patch.object(desk_cases, "AGENTS", tuple(AGENTS)[:3]), ThreadPoolExecutor(1) as thread:
            how_many = {"cases": PAST, "open_cases": OPEN, "now": datetime.now(UTC)}
            thread.submit(desk_cases.fill, settings.database_url, settings.rings(), **how_many).result()

    def the_desk(self) -> None:
        page = self._people.person()
        page.goto("/desk/sign-in")
        self._album.take(page, "desk-sign-in")
        submit(page, "/desk/sign-in", name="kim", password=DESK_PASSWORD)
        self._album.take(page, "desk-queue")
        page.goto("/desk?view=all")
        self._album.take(page, "desk-queue-all")
        page.locator("[data-open]").first.click()
        self._album.take(page, "desk-case")
        submit_search(page, "ada@example.com")
        self._album.take(page, "desk-found")
        addresses = {"deliveries": "deliveries", "figures": "dashboard", "settings": "settings"}
        for name, place in addresses.items():
            page.goto(f"/desk/{place}")
            self._album.take(page, f"desk-{name}")
        page.goto("/desk/settings/second-factor")
        self._album.take(page, "desk-second-factor")
        page.goto("/desk/audit")
        self._album.take(page, "desk-refused")
        self._audit()

    def _audit(self) -> None:
        page = self._people.person()
        page.goto("/desk/sign-in")
        submit(page, "/desk/sign-in", name="lee", password=DESK_PASSWORD)
        page.goto("/desk/audit")
        self._album.take(page, "desk-audit")
        page.get_by_role("button", name="Check the chains").click()
        page.locator("#chain").wait_for()
        self._album.take(page, "desk-audit-checked")

    def the_platform(self) -> None:
        page = self._people.person()
        page.goto("/dev/mailbox")
        self._album.take(page, "dev-mailbox")
        page.goto("/dev/login")
        self._album.take(page, "dev-login")
        submit(page, "/dev/login", identifier="pat", password="pat-current-2025")
        self._album.take(page, "dev-account")

    def _start(self, page: Page, identifier: str) -> None:
        page.goto("/")
        submit(page, "/recover", identifier=identifier)


def submit_search(page: Page, typed: str) -> None:
    page.goto("/desk/search")
    page.fill("#q", typed)
    page.get_by_role("button", name="Find the case").click()
    page.locator("h1 .n").wait_for()


def submit(page: Page, action: str, **fields: str) -> None:
    """Fill in the form that goes there and press its button."""
    form = page.locator(f'form[action*="{action}"]').first
    for name, value in fields.items():
        form.locator(f'[name="{name}"]').fill(value)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        form.locator('[type="submit"]').first.click()
    page.wait_for_load_state()
    page.locator(".htmx-request").first.wait_for(state="detached")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=Path("var/shots"))
    parser.add_argument("--docs", type=Path, help="take the pictures of the documentation anew, into this folder")
    parser.add_argument("--only", nargs="+", metavar="WALK", help="pages, code, claims, year, desk, ...")
    arguments = parser.parse_args()
    into: Path = arguments.into
    path = chromium()
    if path is None:
        raise SystemExit("no browser: python -m development.tools gets one")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        town = TownOutOfTime(Path(folder))
        say("starting an instance of its own ...")
        town.start()
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        people = People(browser, town)
        album = Album(into, people.complaints, arguments.docs)
        try:
            for name, walk in Tour(town, people, album).walks().items():
                if not arguments.only or name in arguments.only:
                    walk()
        finally:
            people.leave()
            browser.close()
            town.stop()
    say(f"{album.count} pictures in {into}")
    if people.complaints:
        raise SystemExit(f"the browser complained {len(people.complaints)} times, see above")


if __name__ == "__main__":
    main()
