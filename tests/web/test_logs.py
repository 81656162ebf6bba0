"""Nothing personal in a log line, and routes instead of paths."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

import logs
from tests.web.stage import Browser, FakeGateway


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("no mailbox for ada@example.com", "ada@example.com"),
        ("call +44 7700 900001 later", "7700 900001"),
        ("typed 123456", "123456"),
        ("typed 123 456", "123 456"),
        ("GET /link/7F3KQ2M9XA.zKf4yF91fK HTTP/1.1", "zKf4yF91fK"),
        ("GET /not-me/abcDEF123", "abcDEF123"),
    ],
)
def test_what_is_personal_is_taken_out(text: str, gone: str) -> None:
    assert gone not in logs.redacted(text)
    assert logs.REDACTED in logs.redacted(text)


def test_what_is_not_personal_stays() -> None:
    said = "case 7F3KQ2M9XA code handed over in 12.5 ms at 2026-11-23T12:00:00"
    assert logs.redacted(said) == said


def test_a_field_named_after_a_secret_is_never_written() -> None:
    entry: dict[str, Any] = {"event": "x", "new_password": "hunter2", "token": "t", "status": 404}
    assert logs.redact(None, "info", entry) == {
        "event": "x",
        "new_password": logs.REDACTED,
        "token": logs.REDACTED,
        "status": 404,
    }


@pytest.fixture
def configured() -> Iterator[None]:
    """Logs as a process of ours sets them up, and as pytest likes them afterwards."""
    root = logging.getLogger()
    handlers, level, was = list(root.handlers), root.level, structlog.get_config()
    logs.configure()
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**was)


async def test_the_access_log_names_routes(ada: Browser, gateway: FakeGateway) -> None:
    with capture_logs() as lines:
        reference = await ada.ask("ada@example.com")
        await ada.get(gateway.link(reference))
        await ada.get("/nothing/at/all")
    routes = [line["route"] for line in lines if line["event"] == "answered"]
    assert routes == ["/", "/recover", "/case/{reference}", "/link/{name}", "(none)"]
    assert reference not in str(lines)
    assert "ada@example.com" not in str(lines)


async def test_a_logger_that_has_spoken_can_still_be_listened_to(ada: Browser, configured: None) -> None:
    await ada.get("/")
    logs.configure()  # another process of ours, in the same test run
    with capture_logs() as lines:
        await ada.get("/")
    assert [line["route"] for line in lines if line["event"] == "answered"] == ["/"]
