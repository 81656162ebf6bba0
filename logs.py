"""Logs for every process: JSON in production, readable lines in development, and nothing personal in either.

A last processor takes out what looks like an address, a number, a code or a token, in case a library says one.
"""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

REDACTED = "[redacted]"
_EMAIL = re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+")
_PHONE = re.compile(r"(?<![\w.:\-/])\+\d[\d\s\-().]{6,}\d")
_CODE = re.compile(r"(?<![\w.:\-/])\d{3}[ \u2009\u00a0]?\d{3}(?![\w.:\-/])")
_TOKEN = re.compile(r"(/link/|/not-me/|/appeal/)[^\s\"'?#]+")
_SECRET_NAMES = re.compile(r"password|secret|token|authorization|cookie|proof|code", re.IGNORECASE)
PLAIN_FIELDS = frozenset({"event", "level", "timestamp", "logger", "status", "milliseconds", "route", "method"})
"""Fields that we write ourselves; a number in them is no code."""


def redacted(text: str) -> str:
    """The text without e-mail addresses, phone numbers, six-digit codes and tokens of links."""
    for pattern in (_EMAIL, _PHONE, _CODE):
        text = pattern.sub(REDACTED, text)
    return _TOKEN.sub(rf"\1{REDACTED}", text)


def redact(_logger: Any, _name: str, entry: EventDict) -> EventDict:
    """The last word before a line is written."""
    for name, value in entry.items():
        if name not in PLAIN_FIELDS and _SECRET_NAMES.search(name):
            entry[name] = REDACTED
        elif isinstance(value, str) and name not in PLAIN_FIELDS - {"event"}:
            entry[name] = redacted(value)
        elif not isinstance(value, int | float | bool | str | None):
            entry[name] = redacted(str(value))
    return entry


def configure(*, level: str = "INFO", as_json: bool = True) -> None:
    """Send structlog and the standard library's logging through the same processors to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A logger that remembers its first configuration cannot be listened to by a test afterwards.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.getLevelName(level)
    # Paths hold references and tokens; `web/access_log.py` writes route templates instead.
    logging.getLogger("uvicorn.access").disabled = True
