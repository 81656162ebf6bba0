"""A house for every test: each with a namespace of its own on the server that skips time."""

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
async def client(temporal_server: str, settings: Settings) -> Client:
    converter = data_converter(settings.payload_ring(), refuse_plain=False)
    opened = await connected(temporal_server, f"test-{os.getpid()}-{next(_numbers)}", converter)
    return await in_a_namespace_of_its_own(opened)


@pytest.fixture
async def house(client: Client, settings: Settings, database: Database, rings: Rings) -> AsyncIterator[House]:
    async with housed(client, settings, database, rings) as built:
        yield built
