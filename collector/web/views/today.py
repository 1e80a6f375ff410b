"""What came in today, as the overview shows it."""

from dataclasses import replace
from typing import Final

from collector.store.queries.pages import overview
from collector.store.queries.pages.overview import Today
from collector.store.unit import Snapshot
from collector.web.desk import Desk
from collector.web.views import remembered

_SETTLED_MS: Final = 120_000  # what came before that is written, or nobody was told that it is


def look(snapshot: Snapshot, parts: Desk, midnight_ms: int) -> Today:
    """Return what was heard and measured since a midnight.

    PostgreSQL needs a tenth of a second to count the tests of a country's day. So there those that had come when
    something was evaluated last are counted once, and only the newer ones by each page.

    Args:
        snapshot: What is shown.
        parts: The moment and the verdicts.
        midnight_ms: UTC milliseconds.
    """
    if overview.counts_from_index(snapshot):
        return overview.today(snapshot, midnight_ms)

    def settle() -> tuple[int, int]:
        until_ms = parts.now_ms - _SETTLED_MS
        return until_ms, overview.tests_before(snapshot, midnight_ms, until_ms)

    until_ms, settled = remembered.of_votes("tests_today", snapshot, parts.measure, settle, midnight_ms)
    newer = overview.today(snapshot, midnight_ms, until_ms)
    return replace(newer, measurements=settled + newer.measurements)
