"""Each end-to-end test gets a deployment of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()
    print(one.logs()[-8_000:])  # shown beside a test that failed
    assert "Traceback" not in one.logs()
