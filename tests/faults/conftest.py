"""Towns to be hurt. These tests take minutes, so they come after all others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.town import Town

pytest.register_assert_rewrite("tests.faults.ledger", "tests.faults.walk")

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """On SQLite, as `make run` starts it."""
    built = Town(tmp_path_factory.mktemp("town"))
    built.start()
    yield built
    built.stop()
