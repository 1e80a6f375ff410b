"""The delay of busy lines as it is stored: of one test, and of the school days that a window reaches back to."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import ColumnElement, case, func, select

from collector.domain.slow_response import DelayDay
from collector.store.queries.pieces import plain_rows
from collector.store.tables.judgement import SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.unit import Snapshot

_DAY = SCHOOL_DAYS.c
_COLUMNS = (
    *(_DAY.school, _DAY.day, _DAY.voting, _DAY.loaded_n, _DAY.loaded_slow_n, _DAY.loaded_limit_ms),
    *(_DAY.median_loaded_ms, _DAY.median_idle_rtt_ms),
)


def loaded_ms() -> ColumnElement[float | None]:
    """Return within which time 95 of 100 answers came while a test filled the line, in the slower direction.

    NULL for a test that does not tell idle and loaded by one method: methods are never compared with each other.
    """
    row = MEASUREMENTS.c
    down_ms, up_ms = row.loaded_download_p95_ms, row.loaded_upload_p95_ms
    later_ms = case((up_ms > func.coalesce(down_ms, 0.0), up_ms), else_=down_ms)
    return case((row.loaded_method == row.idle_method, later_ms))


def days_between(snapshot: Snapshot, schools: Sequence[str], first: str, before: str) -> Mapping[str, list[DelayDay]]:
    """Return the school days from a local day on and before another, oldest first, by school.

    Of days that were worked out before delays were kept nothing is known: they have no test that tells one.
    """
    found: dict[str, list[DelayDay]] = {}
    query = select(*_COLUMNS).where(_DAY.school.in_(schools), _DAY.day >= first, _DAY.day < before)
    rows = plain_rows(snapshot, query.order_by(_DAY.school, _DAY.day))
    for school, day, voting, n, slow, limit_ms, loaded, idle in rows:
        one = DelayDay(date.fromisoformat(day), voting, n or 0, slow or 0, limit_ms, loaded, idle)
        found.setdefault(school, []).append(one)
    return found
