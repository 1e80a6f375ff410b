"""A database of its own for every test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.open import Store
from tests.fakes.collector_world import FakeClock
from tests.fakes.empty_store import empty_store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = empty_store(tmp_path / "data")
    yield made
    made.close()
