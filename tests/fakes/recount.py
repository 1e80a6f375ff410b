"""What the summaries of evaluations have to say, counted anew from every row, the plain way."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from collector.store.open import Store
from collector.store.tables.judgement import (
    EVALUATIONS,
    NEWEST_EVALUATIONS,
    PERIOD_VERDICTS,
    SCHOOL_DAYS,
    SCHOOL_MONTHS,
)

Rows = dict[tuple[str, ...], dict[str, Any]]


def rows(store: Store, table: Any) -> Rows:
    """Return every row by its primary key."""
    with store.reader() as snapshot:
        found = [dict(row) for row in snapshot.connection.execute(select(table)).mappings()]
    return {tuple(row[column.name] for column in table.primary_key): row for row in found}


def newest(store: Store) -> Rows:
    found: Rows = {}
    for (school, profile, metric, _day), row in sorted(rows(store, EVALUATIONS).items()):
        found[school, profile, metric] = row
    return found


def _first(way: str, day: date) -> date:
    return day.replace(day=1) if way == "month" else day - timedelta(days=day.weekday())


def by_period(store: Store) -> Rows:
    found: Rows = {}
    for (*series, day), row in sorted(rows(store, EVALUATIONS).items()):
        for way in ("month", "week"):
            first = _first(way, date.fromisoformat(day))
            before = found.get((*series, way, _first(way, first - timedelta(days=1)).isoformat()))
            found[*series, way, first.isoformat()] = {
                **{name: row[name] for name in ("school", "profile", "metric", "day", "verdict")},
                **{name: row[name] for name in ("profile_version", "target_profile")},
                "way": way,
                "first_day": first.isoformat(),
                "verdict_before": before["verdict"] if before else None,
                "ratio": None if row["verdict"] == "INSUFFICIENT" else row["median_bps"] / row["target_bps"],
            }
    return found


def by_month(store: Store) -> Rows:
    found: Rows = {}
    for (school, day), row in sorted(rows(store, SCHOOL_DAYS).items()):
        key = (school, f"{day[:7]}-01")
        sums = found.setdefault(
            key, {"school": key[0], "first_day": key[1], "used_bytes": 0, "measurements": 0, "voting": 0}
        )
        sums["used_bytes"] += row["used_bytes"] or 0
        sums["measurements"] += row["measurements"]
        sums["voting"] += row["voting"]
        is_uncounted = row["used_bytes"] is None and row["measurements"]
        sums["uncounted_days"] = sums.get("uncounted_days", 0) + bool(is_uncounted)
    return found


def check(store: Store) -> None:
    """Fail where a summary says something else than the evaluations and the days do."""
    assert rows(store, NEWEST_EVALUATIONS) == newest(store)
    assert rows(store, PERIOD_VERDICTS) == by_period(store)
    assert rows(store, SCHOOL_MONTHS) == by_month(store)
