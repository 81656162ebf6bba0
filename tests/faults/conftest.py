"""Towns to be hurt. These tests take minutes, so they come after all others."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from development.postgres import Cluster, postgres_programs
from tests.e2e.town import Town
from tests.faults.outages import running
from tests.faults.tab import close_all

pytest.register_assert_rewrite("tests.faults.ledger", "tests.faults.walk")

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport]:
    """What the processes said last, and how busy the machine was: a wait that was too short looks like a fault."""
    report = yield
    if report.failed and HERE in item.path.parents:
        report.sections.append(("load of the machine", " ".join(f"{load:.1f}" for load in os.getloadavg())))
        for name, built in getattr(item, "funcargs", {}).items():
            if isinstance(built, Town):
                report.sections += [(f"{name}: {log.name}", end_of(log)) for log in built.var.glob("logs/*.log")]
    return report


def end_of(log: Path, lines: int = 40) -> str:
    return "\n".join(log.read_text(errors="replace")[-20_000:].splitlines()[-lines:])


@pytest.fixture(autouse=True)
def tabs_are_closed() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """On SQLite, as `make run` starts it."""
    with running(Town(tmp_path_factory.mktemp("town"))) as built:
        yield built


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    programs = postgres_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have PostgreSQL's server binaries: python -m development.tools installs them")
        pytest.skip("no PostgreSQL server binaries (python -m development.tools)")
    built = Cluster(programs)
    yield built
    built.stop()


@pytest.fixture(scope="session")
def postgres_town(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running(Town(tmp_path_factory.mktemp("town"), REINSTATE_DATABASE_URL=cluster.start())) as built:
        yield built
