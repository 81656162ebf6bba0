"""The web process: `create_app` builds it from the settings; tests pass their own services."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

import logs
from connection import connect
from settings import Settings, load
from storage.engine import Database
from web import metrics, probes
from web.access_log import AccessLog
from web.claim import case, claim_steps, evidence, find, guide, home, later, link, objection, open_claim, steps
from web.desk.routes import router as desk_router
from web.errors import REFUSED_ORIGIN, REFUSED_SIZE, install
from web.gateway import Gateway
from web.live import Watch
from web.render import Pages
from web.security import OwnPagesOnly, SecurityHeaders, SmallBodies
from web.services import Services

STATIC = Path(__file__).parent / "static"
YEAR = 31_536_000
PATIENCE = 5.0
"""Seconds that a person waits for the database, as for a case (`web.gateway.BUDGET`)."""


class Static(StaticFiles):
    """Our own files. Their addresses change with their content (`Pages.static`), so browsers keep them for a year."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        answer = super().file_response(*arguments, **options)
        answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return answer


async def services_from(settings: Settings) -> Services:
    """What the process works with. Temporal may be away: its client connects when it is first needed."""
    database = Database(settings.database_url, patience=PATIENCE)
    client = await connect(settings, lazy=True, for_people=True)
    return Services(
        settings=settings,
        database=database,
        rings=settings.rings(),
        gateway=Gateway(client),
        pages=Pages(settings),
        watch=Watch(database),
    )


def create_app(settings: Settings | None = None, services: Services | None = None) -> FastAPI:
    """The application. `services` replaces database, gateway and the rest, for tests."""
    settings = services.settings if services else settings or load()
    if services is None:
        logs.configure(level=settings.log_level, as_json=not settings.is_development)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = services or await services_from(settings)
        watch: Watch = app.state.services.watch
        poller = asyncio.create_task(watch.run())
        try:
            yield
        finally:
            await watch.stop()
            poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await poller
            if services is None:
                await app.state.services.database.close()

    app = FastAPI(
        title="Reinstate",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # it would send people to whatever host the request names
    )
    app.state.settings, app.state.metrics = settings, metrics.Metrics()
    _mount(app, settings)
    install(app)
    # The last added is the first to see a request.
    app.add_middleware(SmallBodies, refuse=REFUSED_SIZE)
    app.add_middleware(OwnPagesOnly, settings=settings, refuse=REFUSED_ORIGIN)
    app.add_middleware(SecurityHeaders, settings=settings)
    app.add_middleware(AccessLog)
    app.add_middleware(metrics.Measured, metrics=app.state.metrics)
    return app


def _mount(app: FastAPI, settings: Settings) -> None:
    claims = (open_claim, evidence, claim_steps, find)  # before `case`, which takes every other address below a case
    for module in (home, *claims, case, steps, link, objection, guide, later, probes, metrics):
        app.include_router(module.router)
    app.include_router(desk_router)
    if settings.platform_accent:
        app.add_api_route("/platform.css", _accent(settings.platform_accent))
    if settings.is_development:
        # Imported here: what they need is installed only where people develop.
        from web.dev.routes import router as dev_router  # noqa: PLC0415

        app.include_router(dev_router)
    app.mount("/static", Static(directory=STATIC), name="static")


def _accent(colour: str) -> Any:
    """The platform's own colour for light pages, as a style sheet, since the policy allows no inline style."""
    if not re.fullmatch(r"#[0-9a-fA-F]{3,8}", colour):
        raise SystemExit("settings: REINSTATE_PLATFORM_ACCENT must be a colour such as #0a5c68")
    sheet = f"@layer tokens {{ :root {{ --accent: light-dark({colour}, #6fc9d3); }} }}\n"

    async def platform_css(request: Request) -> Response:  # noqa: ARG001
        return PlainTextResponse(sheet, media_type="text/css")

    return platform_css
