"""What pages show of all schools at once, worked out again from the evaluations in the transaction that writes them.

Nothing is counted on from what stood there: the rows of a school are made anew from the day on that changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, delete, func, insert, select, union

from collector.domain.periods import WAYS, first_before, first_day
from collector.domain.words import Verdict
from collector.store.many import insert_new
from collector.store.queries import newness
from collector.store.queries.pieces import in_pieces, plain_rows
from collector.store.tables.judgement import EVALUATIONS, NEWEST_EVALUATIONS, PERIOD_VERDICTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork

_JUDGED = ("school", "day", "verdict", "median_bps", "target_bps", "profile_version", "target_profile")


@dataclass(frozen=True)
class Series:
    """Whose evaluations."""

    profile: str
    metric: str


def renew(unit: UnitOfWork, series: Series, schools: Sequence[str], from_day: str) -> None:
    """Make the rows of some schools anew.

    Args:
        unit: The transaction that changed their evaluations.
        series: Which evaluations.
        schools: Codes.
        from_day: The first local day whose evaluation may have changed.
    """
    for some in in_pieces(schools):
        _renew_newest(unit, series, some)
        _renew_periods(unit, series, some, date.fromisoformat(from_day))
    newness.raise_verdicts(unit)


def wrong_newest(snapshot: Snapshot, series: Series) -> list[str]:
    """Return the schools whose newest evaluation is not the one that stands there as such: somebody wrote over it.

    The newest day of each school is one look into the key of `evaluations`.
    """
    table, newest = EVALUATIONS.c, NEWEST_EVALUATIONS
    mine = (table.profile == series.profile) & (table.metric == series.metric)
    codes = union(select(SCHOOLS.c.code.label("school")), select(newest.c.school)).subquery()
    last = select(func.max(table.day)).where(mine, table.school == codes.c.school).correlate(codes).scalar_subquery()
    rows = _newest_rows(series, select(codes.c.school, last.label("day")).subquery())
    stored = select(*newest.c).where(newest.c.profile == series.profile, newest.c.metric == series.metric)
    found = [set(map(tuple, snapshot.connection.execute(query).all())) for query in (rows, stored)]
    return sorted({row[0] for row in found[0] ^ found[1]})


def _newest_rows(series: Series, last: Subquery) -> Select[Any]:
    """Return what stands in `newest_evaluations` of the schools and days of a subquery."""
    table = EVALUATIONS.c
    return (
        select(*table)
        .select_from(EVALUATIONS)
        .join(last, (last.c.school == table.school) & (last.c.day == table.day))
        .where(table.profile == series.profile, table.metric == series.metric)
    )


def _renew_newest(unit: UnitOfWork, series: Series, schools: Sequence[str]) -> None:
    newest, table = NEWEST_EVALUATIONS.c, EVALUATIONS.c
    stale = newest.school.in_(schools) & (newest.profile == series.profile) & (newest.metric == series.metric)
    unit.connection.execute(delete(NEWEST_EVALUATIONS).where(stale))
    of_series = (table.profile == series.profile) & (table.metric == series.metric)
    last = (
        select(table.school, func.max(table.day).label("day"))
        .where(table.school.in_(schools), of_series)
        .group_by(table.school)
        .subquery()
    )
    names = [column.name for column in EVALUATIONS.c]
    unit.connection.execute(insert(NEWEST_EVALUATIONS).from_select(names, _newest_rows(series, last)))


def _renew_periods(unit: UnitOfWork, series: Series, schools: Sequence[str], from_day: date) -> None:
    made = PERIOD_VERDICTS.c
    rows: list[dict[str, Any]] = []
    for way in WAYS:
        first = first_day(way, from_day)
        stale = made.school.in_(schools) & (made.profile == series.profile) & (made.metric == series.metric)
        stale &= (made.way == way) & (made.first_day >= first.isoformat())
        unit.connection.execute(delete(PERIOD_VERDICTS).where(stale))
        for school, newest in _newest_by_period(unit, series, schools, way, first_before(way, first)).items():
            of_way = {"school": school, "profile": series.profile, "metric": series.metric, "way": way}
            rows += [of_way | row for row in _periods(way, newest, first)]
    insert_new(unit, PERIOD_VERDICTS, rows)


def _newest_by_period(
    snapshot: Snapshot, series: Series, schools: Sequence[str], way: str, since: date
) -> dict[str, dict[date, Any]]:
    """Return by school the newest evaluation of each period since a day, by the first day of the period."""
    table = EVALUATIONS.c
    mine = table.school.in_(schools) & (table.profile == series.profile) & (table.metric == series.metric)
    # Of the key alone: an evaluation is a wide row, and only one of each period is asked for.
    keys = select(table.school, table.day).where(mine, table.day >= since.isoformat())
    last: ColumnElement[str] = table.day
    if way == "month":
        last = func.max(table.day)
        keys = keys.with_only_columns(table.school, last).group_by(table.school, func.substr(table.day, 1, 7))
    newest = {
        school: {_first_day(way, day): day for _school, day in some}
        for school, some in groupby(plain_rows(snapshot, keys.order_by(table.school, last)), key=itemgetter(0))
    }
    query = select(*(table[name] for name in _JUDGED))
    judged = {
        (row.school, row.day): row
        for days in in_pieces(sorted({day for one in newest.values() for day in one.values()}))
        for row in snapshot.connection.execute(query.where(mine, table.day.in_(days))).all()
    }
    return {school: {at: judged[school, day] for at, day in one.items()} for school, one in newest.items()}


@lru_cache(maxsize=10_000)
def _first_day(way: str, day: str) -> date:
    return first_day(way, date.fromisoformat(day))


def _periods(way: str, newest: Mapping[date, Any], since: date) -> list[dict[str, Any]]:
    """Return one row for each period since one with an evaluation, from the newest one of each, of one school."""
    found = []
    for first, row in newest.items():
        if first < since:
            continue
        before = newest.get(first_before(way, first))
        is_judged = row.verdict != Verdict.INSUFFICIENT and row.median_bps is not None
        found.append(
            {
                "first_day": first.isoformat(),
                "day": row.day,
                "verdict": row.verdict,
                "verdict_before": before.verdict if before is not None else None,
                "ratio": row.median_bps / row.target_bps if is_judged else None,
                "profile_version": row.profile_version,
                "target_profile": row.target_profile,
            }
        )
    return found
