"""A web process in front of a house."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from click.testing import Result
from fastapi import FastAPI

from tests.house import House
from web.app import create_app
from web.live import Watch
from web.render import Pages
from web.services import Services

Operator = Callable[..., Awaitable[Result]]
"""Types a command of `reinstate`, with the settings of a house."""


@asynccontextmanager
async def web_of(house: House) -> AsyncIterator[FastAPI]:
    """The web with the keys of this house."""
    services = Services(
        settings=house.settings,
        database=house.database,
        rings=house.rings,
        gateway=house.gateway,
        pages=Pages(house.settings),
        watch=Watch(house.database),
    )
    app = create_app(services=services)
    async with app.router.lifespan_context(app):
        yield app
