"""Each end-to-end test gets a deployment of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import World
from tests.fakes import postgres


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()
    print(one.logs()[-8_000:])  # shown beside a test that failed
    assert "Traceback" not in one.logs()


@pytest.fixture
def world_on_server(tmp_path: Path) -> Iterator[World]:
    """A deployment whose collector keeps everything in PostgreSQL."""
    if postgres.programs() is None:
        pytest.skip("no PostgreSQL: tests/tools.sh installs it")
    with postgres.running() as server:
        one = World(tmp_path, server.create("walk"))
        yield one
        one.close()
        print(one.logs()[-8_000:])
        assert "Traceback" not in one.logs()
