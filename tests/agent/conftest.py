"""What the modules about the daemon share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.agent_lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    made.spool.close()
