"""A town and a browser per file; each test brings its people."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from development.tools import chromium
from tests.e2e.town import People, Town

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a file: while it is there, Playwright's loop runs in this thread, and no test of another file could."""
    path = chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a browser: python -m development.tools installs it")
        pytest.skip("no Chromium (python -m development.tools)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    built = Town(tmp_path_factory.mktemp("town"))
    built.start()
    yield built
    built.stop()


@pytest.fixture
def people(browser: Browser, town: Town) -> Iterator[People]:
    gathered = People(browser, town)
    yield gathered
    gathered.leave()
    assert gathered.complaints == []
