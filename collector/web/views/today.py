"""What came in today, as the overview shows it."""

from dataclasses import dataclass
from typing import Final

from collector.store.queries.pages import overview
from collector.store.unit import Snapshot
from collector.web.desk import Desk
from collector.web.views import remembered

_SETTLED_MS: Final = 120_000  # what came before that is written, or nobody was told that it is


@dataclass(frozen=True)
class Today:
    """What was heard and measured since midnight."""

    schools_heard: int
    measurements: int


def look(snapshot: Snapshot, parts: Desk, midnight_ms: int) -> Today:
    """Return what was heard and measured since a midnight.

    Args:
        snapshot: What is shown.
        parts: The moment and the verdicts.
        midnight_ms: UTC milliseconds.
    """
    return Today(overview.schools_heard(snapshot, midnight_ms), _measurements(snapshot, parts, midnight_ms))


def _measurements(snapshot: Snapshot, parts: Desk, midnight_ms: int) -> int:
    """Return the tests of today.

    PostgreSQL needs a tenth of a second for those of a country. So there those that had come when something was
    evaluated last are counted once, and only the newer ones by each page.
    """
    if overview.counts_from_index(snapshot):
        return overview.count_tests(snapshot, midnight_ms)

    def settle() -> tuple[int, int]:
        until_ms = parts.now_ms - _SETTLED_MS
        return until_ms, overview.count_tests_before(snapshot, midnight_ms, until_ms)

    until_ms, settled = remembered.of_votes("tests_today", snapshot, parts.measure, settle, midnight_ms)
    return settled + overview.count_tests_after(snapshot, midnight_ms, until_ms)
