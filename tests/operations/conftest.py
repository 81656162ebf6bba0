"""A house and a web in front of it, on each of the databases: what operators do is done to a running service."""

import itertools
import os
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from temporalio.client import Client

from connection import data_converter
from development import namespace
from settings import Settings
from storage.engine import Database
from storage.keys import Rings
from tests.house import House, connected, housed
from tests.operations.front import web_of

_numbers = itertools.count(1)


@pytest.fixture
async def client(temporal_server: str, settings: Settings) -> Client:
    converter = data_converter(settings.payload_ring(), refuse_plain=False)
    opened = await connected(temporal_server, f"operations-{os.getpid()}-{next(_numbers)}", converter)
    await namespace.make_ready(opened)
    return opened


@pytest.fixture
async def house(client: Client, settings: Settings, database: Database, rings: Rings) -> AsyncIterator[House]:
    async with housed(client, settings, database, rings) as built:
        yield built


@pytest.fixture
async def app(house: House) -> AsyncIterator[FastAPI]:
    async with web_of(house) as built:
        yield built
