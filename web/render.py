"""Pages: one Jinja environment, one `page()`. Templates get words, times and the platform's name from here."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from domain.case import grouped
from settings import Settings
from web import words
from web.desk import lists
from web.times import Calendar, length, relative, span

HERE = Path(__file__).parent
HTMX_SHA384 = "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"
SSE_SHA384 = "sha384-v8HvucQ+ohQhMg0arboXc5049yNR46QKMjphs7YDch+Wm7zpfK5XVS01f26mQDJV"
"""Of dist/htmx.min.js and dist/ext/hx-sse.min.js in htmx.org 4.0.1, computed from the npm tarball."""


@dataclass(frozen=True)
class Script:
    url: str
    integrity: str


def htmx_scripts(settings: Settings) -> tuple[Script, Script]:
    """The two files of htmx, from the CDN or from our own `/static`."""
    base = settings.htmx_url.rstrip("/")
    return Script(f"{base}/htmx.min.js", HTMX_SHA384), Script(f"{base}/ext/hx-sse.min.js", SSE_SHA384)


def fresh_key() -> str:
    """For the hidden field of a form: every page rendered again has a new one."""
    return secrets.token_urlsafe(16)


class Pages:
    """Renders. Built once per process."""

    def __init__(self, settings: Settings) -> None:
        self.calendar = Calendar(ZoneInfo(settings.time_zone))
        self._settings = settings
        self._versions: dict[str, str] = {}
        self.environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=settings.is_development,
        )
        self.environment.globals.update(self._globals())
        self.environment.filters.update(grouped=grouped, span=span, length_of=length, capitalised=words.capitalised)

    def _globals(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "platform": settings.platform_name,
            "platform_sender": settings.platform_sender,
            "platform_help": settings.platform_help,
            "has_accent": bool(settings.platform_accent),
            "is_development": settings.is_development,
            "takes_documents": settings.uploads.documents,
            "scripts": htmx_scripts(settings),
            "static": self.static,
            "fresh_key": fresh_key,
            "words": words,
            "lists": lists,
            "calendar": self.calendar,
            "relative": relative,
        }

    def static(self, name: str) -> str:
        """The address of a static file; it changes with the file, so browsers may keep it for long."""
        if name not in self._versions:
            self._versions[name] = sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
        return f"/static/{name}?v={self._versions[name]}"

    def text(self, template: str, **context: Any) -> str:
        return self.environment.get_template(template).render(**context)


def is_htmx(request: Request) -> bool:
    """Whether htmx asks. It gets the same page and takes its `#main` out of it."""
    return request.headers.get("HX-Request") == "true"


def page(request: Request, template: str, *, status: int = 200, may_focus: bool = True, **context: Any) -> HTMLResponse:
    """The template as an answer. For htmx the title gets the focus if it may; others move it themselves."""
    pages: Pages = request.app.state.services.pages
    now = context.pop("now", None) or datetime.now(UTC)
    focus = Markup(' tabindex="-1" autofocus') if may_focus and is_htmx(request) else Markup(' tabindex="-1"')
    frame = {"desk": getattr(request.state, "desk", None), "path": request.url.path}
    body = pages.text(template, now=now, focus=focus, **(frame | context))
    return HTMLResponse(body, status_code=status, headers={"Vary": "HX-Request"})
