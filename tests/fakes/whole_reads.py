"""Statements that read a table whole which grows with every day, found out by asking SQLite how it goes about them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, event

GROWING: Final = (
    *("measurements", "diary", "evaluations", "school_days", "availability_days", "condition_days", "local_outages"),
    *("site_days", "network_days", "flag_events", "audit", "notices", "notice_items", "registry_changes"),
)
_SCAN: Final = re.compile(rf"SCAN (?:{'|'.join(GROWING)})\b(.*)")
_ALL_OF_SCHOOLS: Final = re.compile(rf"SEARCH (?:{'|'.join(GROWING)})\b(.*) \(school=\?\)$")


@contextmanager
def noted(*, of_many_schools: bool = False) -> Iterator[list[str]]:
    """Note the statements that read one of those tables whole.

    One with a limit may go along an index: it stops. Names of its own hide a table, and so does a subquery's.

    Args:
        of_many_schools: What reads all there is of schools is noted too: of one school it is little.
    """
    found: list[str] = []

    def look(_connection: Any, cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if not statement.startswith(("SELECT", "WITH")):
            return
        plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        scans = [scan for row in plan if (scan := _SCAN.match(row[3]))]
        scans += [scan for row in plan if of_many_schools and (scan := _ALL_OF_SCHOOLS.match(row[3]))]
        found.extend(statement for scan in scans if "LIMIT" not in statement or "USING" not in scan.group(1))

    event.listen(Engine, "after_cursor_execute", look)
    try:
        yield found
    finally:
        event.remove(Engine, "after_cursor_execute", look)
