"""A house and a web in front of it, on each of the databases: what operators do is done to a running service."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import Result
from fastapi import FastAPI
from temporalio.client import Client
from typer.testing import CliRunner

import cli
from connection import data_converter
from development import namespace
from operations.rings import RingName, ring_of
from settings import Settings
from storage.engine import Database
from storage.keys import Rings
from tests.house import House, connected, housed
from tests.operations.front import Operator, web_of

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


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Operator:
    """Types a command, with the settings of a house."""
    monkeypatch.chdir(tmp_path)

    async def types(house: House, *words: str) -> Result:
        settings = house.settings
        for name in RingName:
            monkeypatch.setenv(name.variable, ring_of(settings, name).text())
        monkeypatch.setenv("REINSTATE_MODE", "development")
        monkeypatch.setenv("REINSTATE_DATABASE_URL", settings.database_url)
        monkeypatch.setenv("TEMPORAL_ADDRESS", house.client.service_client.config.target_host)
        monkeypatch.setenv("TEMPORAL_NAMESPACE", house.client.namespace)
        return await asyncio.to_thread(CliRunner().invoke, cli.app, list(words))

    return types
