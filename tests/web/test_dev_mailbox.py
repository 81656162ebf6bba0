"""The mailbox of development: everything that was caught, in full, and with no power over our own pages."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from development.catcher import CaughtMessage, keep
from settings import Settings
from tests.web.pages import faults_of
from tests.web.stage import Browser, browser
from web.app import create_app
from web.dev.messages import contents_of, title_of

LINK = "http://localhost:8000/link/7F3KQ2M9XA.Ab-c_d"
NOT_ME = "http://localhost:8000/not-me/Ef-g_h"
TEXT = f"""Your code for your Larkfield account

    204518

It works until 14:41.

{LINK}

{NOT_ME}

Case 7F3K-Q2M9-XA
"""
SMS = f"""731046 is your code for your Larkfield account. Or go on here:
{LINK}

@localhost #731046"""


def a_mail(name: str = "1", **changes: str) -> CaughtMessage:
    fields = {
        "id": name,
        "at": f"2026-11-24T14:31:0{name}+00:00",
        "channel": "email",
        "to": "ada@example.com",
        "sender": "help@larkfield.example",
        "subject": "Your code <for> you",
        "text": TEXT,
        "html": "<p style='color:red'>Your code</p><script>alert(1)</script>",
        "message_id": f"<{name}@localhost>",
        "headers": "Subject: Your code\nX-Planted: <b>",
    }
    return CaughtMessage(**{**fields, **changes})  # type: ignore[arg-type]


def a_text(name: str = "2") -> CaughtMessage:
    return a_mail(name, channel="sms", to="+447700900003", subject="", text=SMS, html="", headers="host: localhost")


@pytest.fixture
def mailbox(settings: Settings) -> Path:
    return settings.mailbox


async def test_an_empty_mailbox_says_so(ada: Browser) -> None:
    await ada.get("/dev/mailbox")
    assert "Nothing caught yet" in ada.said
    assert faults_of(ada.page) == []
    assert (await ada.get("/dev/mailbox.json")).json() == []


async def test_json_lists_every_delivery_oldest_first(ada: Browser, mailbox: Path) -> None:
    keep(mailbox, a_text("2"))
    keep(mailbox, a_mail("1"))
    keep(mailbox, a_mail("3"))
    found = (await ada.get("/dev/mailbox.json")).json()
    assert [message["id"] for message in found] == ["1", "2", "3"]
    assert list(found[0]) == ["id", "at", "channel", "to", "subject", "text", "html"]
    assert found[1] == {
        "id": "2",
        "at": "2026-11-24T14:31:02+00:00",
        "channel": "sms",
        "to": "+447700900003",
        "subject": "",
        "text": SMS,
        "html": "",
    }


async def test_the_newest_message_is_open(ada: Browser, mailbox: Path) -> None:
    keep(mailbox, a_mail("1"))
    keep(mailbox, a_text("2"))
    await ada.get("/dev/mailbox")
    assert "731 046" in ada.said
    assert f'href="{LINK}"' in ada.page
    assert 'href="/case/7F3K-Q2M9-XA"' in ada.page
    assert faults_of(ada.page) == []


async def test_a_message_shows_its_code_links_and_headers(ada: Browser, mailbox: Path) -> None:
    keep(mailbox, a_mail("1"))
    await ada.get("/dev/mailbox/1")
    assert "204 518" in ada.said
    assert f'<a class="btn btn-go" href="{LINK}">Open the link in the message</a>' in ada.page
    assert f'href="{NOT_ME}"' in ada.page
    assert "Your code &lt;for&gt; you" in ada.page
    await ada.get("/dev/mailbox/1?part=headers")
    assert "X-Planted: &lt;b&gt;" in ada.page
    assert faults_of(ada.page) == []


async def test_html_is_shown_on_a_page_of_its_own_without_any_power(ada: Browser, mailbox: Path) -> None:
    keep(mailbox, a_mail("1"))
    answer = await ada.get("/dev/mailbox/1/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "<script>" in answer.text  # as it was sent; the browser does not run it
    await ada.get("/dev/mailbox/1")
    assert "alert(1)" not in ada.page


async def test_what_is_not_there_is_not_found(ada: Browser, mailbox: Path) -> None:
    keep(mailbox, a_text("2"))
    for path in ("/dev/mailbox/9", "/dev/mailbox/2/html", "/dev/mailbox/..%2f..%2fetc"):
        assert (await ada.get(path)).status_code == 404


async def test_the_page_asks_for_news_and_hears_only_news(ada: Browser, mailbox: Path) -> None:
    keep(mailbox, a_mail("1"))
    await ada.get("/dev/mailbox")
    assert 'hx-get="/dev/mailbox?newest=1"' in ada.page
    assert (await ada.get("/dev/mailbox?newest=1")).status_code == 204
    keep(mailbox, a_mail("2"))
    assert (await ada.get("/dev/mailbox?newest=1")).status_code == 200
    assert (await ada.get("/dev/mailbox/1?newest=1")).status_code == 200


async def test_an_emptied_mailbox_is_news(ada: Browser, mailbox: Path) -> None:
    keep(mailbox, a_mail("1"))
    await ada.get("/dev/mailbox")
    await ada.post("/dev/mailbox/empty")
    assert "Nothing caught yet" in ada.said
    assert (await ada.get("/dev/mailbox?newest=1")).status_code == 200
    assert (await ada.get("/dev/mailbox?newest=")).status_code == 204


async def test_only_development_has_it(settings: Settings) -> None:
    app: FastAPI = create_app(settings.model_copy(update={"mode": "production", "public_url": "https://help.example"}))
    paths = {getattr(route, "path", "") for route in app.routes}
    assert not {path for path in paths if path.startswith(("/dev", "/patterns"))}


def test_a_phone_number_is_no_code() -> None:
    assert contents_of(a_mail(text="Call +44 7700 900001\n900001x")).code == ""


def test_a_message_without_a_code_has_only_its_link() -> None:
    found = contents_of(a_mail(text=f"Your link\n\n{LINK}\n"))
    assert (found.code, found.link, found.not_me, found.reference) == ("", LINK, "", "7F3KQ2M9XA")


def test_a_text_message_is_called_by_its_first_line() -> None:
    assert title_of(a_text()) == "731046 is your code for your Larkfield account. Or go on here:"
    assert title_of(a_mail(subject="", text="")) == "(no text)"


async def test_every_pattern_is_shown(app: FastAPI) -> None:
    visitor = browser(app)
    assert (await visitor.get("/patterns")).status_code == 200
    assert "Waiting for the code" in visitor.said
