"""The web on a stage: SQLite, the demo people, a gateway that plays the workflow."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from settings import Settings
from storage.engine import Database
from storage.keys import Rings
from tests.web.stage import Browser, FakeGateway, browser
from web.app import create_app
from web.live import Watch
from web.render import Pages
from web.services import Services


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages do not differ between databases; `tests/storage` and `tests/workflows` run on both."""
    return sqlite_url


@pytest.fixture
def gateway(database: Database, rings: Rings) -> FakeGateway:
    return FakeGateway(database, rings)


@pytest.fixture
def services(settings: Settings, database: Database, rings: Rings, gateway: FakeGateway) -> Services:
    return Services(
        settings=settings,
        database=database,
        rings=rings,
        gateway=gateway,  # type: ignore[arg-type]
        pages=Pages(settings),
        watch=Watch(database, every=0.02),
    )


@pytest.fixture
async def app(services: Services) -> AsyncIterator[FastAPI]:
    app = create_app(services=services)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def ada(app: FastAPI) -> AsyncIterator[Browser]:
    made = browser(app)
    yield made
    await made.client.aclose()


@pytest.fixture
async def eve(app: FastAPI) -> AsyncIterator[Browser]:
    made = browser(app, address="198.51.100.66")
    yield made
    await made.client.aclose()
