"""From a template and what it is about to the words of a message.

`mail/<notice>/` holds `subject.txt`, `body.txt`, `body.html` and `sms.txt`. A template knows `platform`, `case`
(reference), `policy`, `objection` ("this was not me", or None), `way` (a one-time link into the case, or None), and
what its notice adds:

code, claim-code  `issue`, `code` (None: only the link), `link`, `issued_at`
hand-back-link    `issue`, `link`, `issued_at`, `username`
way-back          `asked_at`
claim-...         `happened_at`, `until` (what is promised, or None), `because` (the state of the case)
others            these, and `username`

`objection.may_object` is False for a contact that is younger than what is disputed: it is told, without a button.
A name that nobody gave is an error, never an empty place. Numbers come from the policy, times from the case.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from domain.case import grouped

MAIL = Path(__file__).parent.parent / "mail"
LINE = 72  # RFC 3676 section 4.2 advises at most 78; quoted once or twice, 72 still fits
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Platform:
    """The platform as its people know it. `accent` is a colour for light pages, or empty for ours."""

    name: str
    sender: str
    help: str
    public_url: str
    time_zone: str = "Europe/London"
    accent: str = ""

    @property
    def url(self) -> str:
        return self.public_url.rstrip("/")

    @property
    def host(self) -> str:
        return urlsplit(self.public_url).hostname or "localhost"


@dataclass(frozen=True)
class Letter:
    subject: str
    text: str
    html: str


class Renderer:
    """All templates are read at the start: one that is broken stops the worker, not a message at night."""

    def __init__(self, platform: Platform, folder: Path = MAIL) -> None:
        self.platform = platform
        self._zone = ZoneInfo(platform.time_zone)
        self._templates = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(["html"], default=False),
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["platform"] = platform
        self._templates.filters |= {"moment": self._moment, "clock": self._clock, "duration": duration}
        self._templates.filters["reference"] = grouped
        for name in self._templates.list_templates(extensions=["txt", "html"]):
            self._templates.get_template(name)

    def letter(self, template: str, context: Mapping[str, object]) -> Letter:
        subject = " ".join(self._render(f"{template}/subject.txt", context).split())
        return Letter(
            subject=subject,
            text=wrapped(self._render(f"{template}/body.txt", context)),
            html=self._render(f"{template}/body.html", {**context, "subject": subject}),
        )

    def text(self, template: str, context: Mapping[str, object]) -> str:
        return self._render(f"{template}/sms.txt", context).strip()

    def _render(self, name: str, context: Mapping[str, object]) -> str:
        return self._templates.get_template(name).render(context)

    def _clock(self, at: datetime) -> str:
        """`14:41 GMT`, in the platform's zone."""
        local = at.astimezone(self._zone)
        zone = local.tzname() or ""
        return f"{local:%H:%M} {f'UTC{zone}' if zone[:1] in '+-' else zone}"

    def _moment(self, at: datetime) -> str:
        """`14:41 GMT on Tue 24 Nov 2026`: a mail may be read on any day, so the day is always there."""
        local = at.astimezone(self._zone)
        return f"{self._clock(at)} on {WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year}"


def duration(length: timedelta) -> str:
    """In words, nothing rounded: `10 minutes`, `24 hours`, `7 days`, `1 minute 30 seconds`. One day is `24 hours`."""
    seconds = int(length.total_seconds())
    days, rest = divmod(seconds, 86400)
    units = [("day", days)] if days > 1 else []
    hours, rest = divmod(rest if days > 1 else seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    units += [("hour", hours), ("minute", minutes), ("second", seconds)]
    return " ".join(f"{count} {unit}{'' if count == 1 else 's'}" for unit, count in units if count) or "0 seconds"


def wrapped(text: str) -> str:
    """Paragraphs broken at `LINE`; addresses and indented lines stay as they are."""
    lines = (line if line.startswith(("http", " ")) else _broken(line) for line in text.strip().splitlines())
    return "\n".join(lines) + "\n"


def _broken(line: str) -> str:
    return textwrap.fill(line, LINE, break_long_words=False, break_on_hyphens=False)
