"""One browser tab over plain HTTP: it keeps cookies, and presses the button again when something did not answer."""

import re
import time
from collections import Counter
from dataclasses import dataclass
from html import unescape

import httpx2

from storage.intake import Opened

PATIENCE = 120.0
"""Seconds that this person goes on trying. A few are enough, unless the machine is very busy."""
PAUSE = 0.3
TIMEOUT = 20.0
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Sec-Fetch-Site": "same-origin",
}
AWAY = "no answer"
_opened: list["Tab"] = []


def close_all() -> None:
    """At the end of a test, however it ended."""
    while _opened:
        _opened.pop().close()


@dataclass(frozen=True)
class Form:
    """A form as it was seen: sent again it is the same form, with the same key."""

    action: str
    hidden: dict[str, str]


class Tab:
    def __init__(self, url: str, *, cookies: dict[str, str] | None = None) -> None:
        _opened.append(self)
        self._client = httpx2.Client(base_url=url, headers=HEADERS, timeout=TIMEOUT, cookies=cookies)
        self.page, self.path = "", ""
        self.heard: Counter[int | str] = Counter()
        """How often each status was answered, and how often nothing was."""

    def close(self) -> None:
        self._client.close()

    @property
    def cookies(self) -> dict[str, str]:
        return dict(self._client.cookies)

    def hold(self, opened: Opened) -> None:
        """Take over a case that was not opened here, as its cookie would."""
        self._client.cookies.set(f"reinstate_{opened.reference}", opened.secret)

    # ---- once ----

    def try_to_open(self, path: str) -> int | str:
        """Load a page; the status, or `AWAY`."""
        return self._ask("GET", path)

    def try_to_send(self, form: Form, **fields: str) -> int | str:
        """Press the button; the status, or `AWAY`. After 303 the next page is looked at by `open`."""
        return self._ask("POST", form.action, {**form.hidden, **fields})

    def _ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> int | str:
        try:
            answer = self._client.request(method, path, data=fields)
        except httpx2.TransportError:
            self.heard[AWAY] += 1
            return AWAY
        self.heard[answer.status_code] += 1
        self.path = answer.headers.get("Location", path) if answer.status_code == 303 else path
        if "text/html" in answer.headers.get("Content-Type", ""):
            self.page = answer.text
        return answer.status_code

    # ---- until it works ----

    def open(self, path: str) -> str:
        """Load a page, and load it again while nothing answers."""
        self._until(lambda: self.try_to_open(path))
        return self.page

    def send(self, form: Form, **fields: str) -> int | str:
        """Press the button, and press it again while nothing answers: the same form with the same key."""
        return self._until(lambda: self.try_to_send(form, **fields))

    def form(self, path: str, action: str) -> Form:
        """The form on that page, as soon as the page has it: pages change by themselves."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.open(path)
            found = form_on(self.page, action)
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError(f"{path} has no form for {action}: {self.said}")

    def _until(self, ask):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            status = ask()
            if status not in {503, AWAY}:
                return status
            time.sleep(PAUSE)
        raise AssertionError(f"nothing answered within {PATIENCE:.0f} s: {dict(self.heard)}")

    @property
    def said(self) -> str:
        """The main part of the page as text, in one line."""
        main = re.search(r"<main.*?</main>", self.page, re.DOTALL)
        text = re.sub(r"<[^>]+>", " ", main[0] if main else self.page)
        return " ".join(unescape(text).split())


def form_on(page: str, action: str) -> Form | None:
    """The form whose address ends so."""
    for address, inner in re.findall(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", page, re.DOTALL):
        if address.endswith(action):
            pairs = re.findall(r"<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\"", inner)
            return Form(unescape(address), {name: unescape(value) for name, value in pairs})
    return None
