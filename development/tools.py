"""`python -m development.tools`: what the tests need besides Python, found or got, before `make test` runs them.

With CI=true nothing may be missing. Elsewhere it says in one line what will be skipped.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from development import stack_tools, vendor
from development.clamav import clamd_program
from development.postgres import postgres_programs
from development.temporal_binary import NoServer, server_binary
from development.terminal import say
from settings import Settings

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
"""In containers there is no sandbox, and nothing of a test needs the net."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def is_ci() -> bool:
    """Whether a missing tool is a failure."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def chromium() -> Path | None:
    """A browser for Playwright: the system's, or the one that Playwright has downloaded; None when there is none."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return Path(found)
    asked = subprocess.run([sys.executable, "-c", _PLAYWRIGHTS_OWN], capture_output=True, text=True, check=False)
    path = Path(asked.stdout.strip() or "/nonexistent")
    return path if asked.returncode == 0 and path.is_file() else None


_PLAYWRIGHTS_OWN = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def ensure_temporal() -> str | None:
    """Which server the workflow tests will use."""
    try:
        binary = server_binary()
    except NoServer as reason:
        say(str(reason))
        return None
    return f"Temporal {'.'.join(map(str, binary.version))}"


def ensure_postgres() -> str | None:
    """Which PostgreSQL the storage tests will use, besides SQLite."""
    found = postgres_programs() or (postgres_programs() if _apt_install("postgresql") else None)
    return f"PostgreSQL {found.parts[-2]}" if found else None


def ensure_chromium() -> str | None:
    """Which browser the journeys will use."""
    found = chromium() or (chromium() if _apt_install("chromium") or _playwright_install() else None)
    return found.name if found else None


def ensure_clamd() -> str | None:
    """Which scanner the tests of uploads will use, with a signature of their own."""
    found = clamd_program() or (clamd_program() if _apt_install("clamav-daemon") else None)
    return found.name if found else None


def ensure_htmx() -> str | None:
    """The files from the CDN, without which browser tests would depend on it."""
    cdn = str(Settings.model_fields["htmx_url"].default)
    return vendor.PACKAGE if vendor.fetch(cdn) else None


def ensure_stack() -> str | None:
    """What the production-like stack is made with, besides PostgreSQL: no other server than that of production."""
    try:
        server_binary(kind="server")
    except NoServer as reason:
        say(str(reason))
        return None
    return "SQL tool, compose schema" if stack_tools.sql_tool() and stack_tools.compose_schema() else None


NEEDED: dict[str, Callable[[], str | None]] = {
    "a Temporal server (workflow tests, journeys)": ensure_temporal,
    "PostgreSQL (its half of the storage tests)": ensure_postgres,
    "Temporal's SQL tool and the compose schema (the stack)": ensure_stack,
    "clamd (the scan of files)": ensure_clamd,
    "a browser (journeys, screenshots)": ensure_chromium,
    "htmx (journeys, screenshots)": ensure_htmx,
}


def _apt_install(package: str) -> bool:
    """Only as root, and only where there is apt."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    say(f"installing {package} ...")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", package]):
        done = subprocess.run([apt, *arguments], env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            say(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-500:]}")
    return done.returncode == 0


def _playwright_install() -> bool:
    """Needs no root; the libraries of the system may still be missing, which the first test would say."""
    say("asking Playwright to download Chromium ...")
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main() -> None:
    found = {need: ensure() for need, ensure in NEEDED.items()}
    say("tools: " + ", ".join(name for name in found.values() if name))
    missing = [need for need, name in found.items() if name is None]
    if missing and is_ci():
        sys.exit("missing: " + ", ".join(missing))
    if missing:
        say("missing, so tests will be skipped: " + ", ".join(missing))


if __name__ == "__main__":
    main()
