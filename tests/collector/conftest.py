"""A database of its own for every test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.store.open import Store, create
from tests.fakes.collector_world import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = create(tmp_path / "data")
    yield made
    made.close()
