"""A house in which only encrypted arguments are taken, as in production, and a door for whoever has no key."""

import itertools
import os
from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from connection import data_converter
from settings import Settings
from storage.engine import Database
from storage.keys import Rings
from tests.house import House, connected, housed, in_a_namespace_of_its_own

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """The namespace of this test."""
    return f"security-{os.getpid()}-{next(_numbers)}"


@pytest.fixture
async def client(temporal_server: str, settings: Settings, name: str) -> Client:
    opened = await connected(temporal_server, name, data_converter(settings.payload_ring(), refuse_plain=True))
    return await in_a_namespace_of_its_own(opened)


@pytest.fixture
async def house(client: Client, settings: Settings, database: Database, rings: Rings) -> AsyncIterator[House]:
    async with housed(client, settings, database, rings) as built:
        yield built


@pytest.fixture
async def eve(temporal_server: str, name: str) -> Client:
    """Somebody who can write to the namespace, and has none of our keys."""
    return await Client.connect(temporal_server, namespace=name)
