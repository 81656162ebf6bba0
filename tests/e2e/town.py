"""The product as `make run` starts it, and people who use it in real browsers."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Route

from development.ports import free_block
from development.temporal_server import DevServer
from development.vendor import FILES, vendored

ROOT = Path(__file__).parents[2]
CDN = re.compile(r"^https://cdn\.jsdelivr\.net/npm/htmx\.org@[^/]+/dist/(.+)$")
READY_WITHIN = 90.0


class Town:
    """One instance of `reinstate dev`, with its own folder and ports."""

    def __init__(self, folder: Path, **variables: str) -> None:
        """`variables` are set in its environment, such as `REINSTATE_DATABASE_URL`."""
        self.var, self.port, self._variables = folder / "var", free_block(), variables
        self.url = f"http://localhost:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it, or start it again; the seconds until it was ready."""
        begun = time.monotonic()
        self.var.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "cli.py", "dev", "--port", str(self.port), "--var", str(self.var)]
        with (self.var / "town.log").open("ab") as log:
            environment = {**os.environ, **self._variables}
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
        wait_until(lambda: "Ctrl-C" in self.words() and self.answers("/readyz"), READY_WITHIN, self.words)
        return time.monotonic() - begun

    def stop(self) -> float:
        """SIGTERM; the seconds until everything was gone."""
        begun = time.monotonic()
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
        (self.var / "town.log").unlink(missing_ok=True)
        return time.monotonic() - begun

    def words(self) -> str:
        log = self.var / "town.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def children(self) -> dict[str, int]:
        """Process ids of what it started, by a word of their command line."""
        assert self._process
        found: dict[str, int] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_text()
            except OSError:
                continue
            if parent == self._process.pid:
                for name, word in WORDS.items():
                    if word in command:
                        found[name] = int(entry.name)
        return found

    def kill(self, name: str) -> None:
        """`kill -9` one of our own children."""
        os.kill(self.children()[name], signal.SIGKILL)

    def mail(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self.url + "/dev/mailbox.json", timeout=5) as answer:
            return list(json.load(answer))

    def messages(self, to: str, *, containing: str = "") -> list[dict[str, Any]]:
        return [one for one in self.mail() if one["to"] == to and containing in one["text"] + str(one["subject"])]

    def message(self, to: str, number: int = 1, *, containing: str = "") -> dict[str, Any]:
        """The message with that number to somebody, once it has come."""
        return dict(wait_until(lambda: self.messages(to, containing=containing)[number - 1 :], 20, self.words)[0])

    def code(self, to: str, reference: str, number: int = 1) -> dict[str, Any]:
        """The message with the code number of that case."""
        return self.message(to, number, containing=f"/link/{reference.replace('-', '')}.")


class TownOutOfTime(Town):
    """A town whose Temporal lets single cases run ahead; everything else is as `make run` starts it."""

    def __init__(self, folder: Path) -> None:
        self._temporal = DevServer(folder / "temporal")
        super().__init__(folder)

    def start(self) -> float:
        self._variables["TEMPORAL_ADDRESS"] = self._temporal.start(time_skipping=True)
        return super().start()

    def stop(self) -> float:
        seconds = super().stop()
        self._temporal.stop()
        return seconds


WORDS = {"worker": "worker.py", "web": "cli.py\0web", "catcher": "catcher", "temporal": "var/temporal/"}


def wait_until(look: Callable[[], Any], seconds: float, say: Callable[[], str] = lambda: "") -> Any:
    """What `look` finds, as soon as it finds something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"did not happen within {seconds:.0f} s\n{say()[-3000:]}")


def code_in(message: dict[str, Any]) -> str:
    found = re.search(r"(?<![\d#])\d{6}(?!\d)", message["text"])
    assert found, message["text"]
    return found.group()


def link_in(message: dict[str, Any], path: str = "/link/") -> str:
    found = re.search(rf"https?://\S+{path}\S+", message["text"])
    assert found, message["text"]
    return found.group()


class People:
    """Browsers of single people: nothing is shared between two of them."""

    def __init__(self, browser: Browser, town: Town) -> None:
        self._browser, self._town = browser, town
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def person(self, *, scripts: bool = True, **options: Any) -> Page:
        """A page of somebody new. Whatever the console complains about is a finding."""
        context = self._browser.new_context(java_script_enabled=scripts, base_url=self._town.url, **options)
        context.route(CDN, _from_the_tarball)
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)  # a busy machine
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self._listen(line.text, line.type))
        return page

    def _listen(self, text: str, kind: str) -> None:
        # Chromium reports every answer of 4xx and 5xx so; we give 422, 404 and 503 on purpose, and tests look at them.
        if kind == "error" and "the server responded with a status of" not in text:
            self.complaints.append(text)

    def leave(self) -> None:
        for context in self._contexts:
            context.close()
        self._contexts.clear()


def _from_the_tarball(route: Route) -> None:
    """The CDN's files come from the npm package of the same version, so the integrity check is under test too."""
    found = CDN.match(route.request.url)
    path = vendored(found.group(1)) if found and found.group(1) in FILES else None
    if path is None:
        route.abort()
        return
    headers = {"content-type": "application/javascript", "access-control-allow-origin": "*"}
    route.fulfill(body=path.read_bytes(), headers=headers)
