"""What all tests share: keys, both databases, a Temporal server that skips time. Each is made once, at first use."""

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from development.people import load_people
from development.postgres import Cluster, postgres_programs
from development.temporal_server import DevServer
from settings import Settings
from storage import migrate
from storage.engine import Database
from storage.keys import Ring, Rings

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def rings() -> Rings:
    return Rings(*(Ring.fresh(f"{name}-1") for name in ("issue", "digest", "index", "decision", "row", "audit")))


def _furnish(url: str, rings: Rings) -> None:
    """Tables, and the demo people: everybody's tests live in the same small town."""
    migrate.upgrade(url)

    async def move_in() -> None:
        database = Database(url)
        await load_people(database, rings, datetime.now(UTC))
        await database.close()

    asyncio.run(move_in())


class Postgres:
    """A running cluster, and databases in it that are copies of one furnished template."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, name: str) -> str:
        return f"{self._url.rpartition('/')[0]}/{name}"

    def create(self, name: str, template: str = "template0") -> str:
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_server(rings: Rings) -> Iterator[Postgres]:
    programs = postgres_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have PostgreSQL's server binaries: python -m development.tools installs them")
        pytest.skip("no PostgreSQL server binaries (python -m development.tools)")
    cluster = Cluster(programs)
    server = Postgres(cluster.start())
    _furnish(server.create("reinstate_template"), rings)
    yield server
    cluster.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, rings: Rings) -> Path:
    file = tmp_path_factory.mktemp("template") / "template.db"
    _furnish(f"sqlite:///{file}", rings)
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    file = tmp_path / "reinstate.db"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    yield postgres_server.create(name, "reinstate_template")
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs on both databases."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def settings_keys(rings: Rings) -> dict[str, str]:
    names = ("issue", "digest", "index", "decision", "row", "audit")
    keys = {f"{name}_keys": getattr(rings, name).text() for name in names}
    return {**keys, "payload_keys": Ring.fresh("payload-1").text()}


@pytest.fixture
def settings(database_url: str, settings_keys: dict[str, str], tmp_path: Path) -> Settings:
    return make_settings(database_url, settings_keys, tmp_path)


def make_settings(url: str, keys: dict[str, str], folder: Path, **more: object) -> Settings:
    values = {"mode": "development", "database_url": url, "mailbox": folder / "mailbox", **keys, **more}
    return Settings(_env_file=None, **values)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that skips time."""
    server = DevServer(tmp_path_factory.mktemp("temporal"))
    yield server.start(time_skipping=True)
    server.stop()
