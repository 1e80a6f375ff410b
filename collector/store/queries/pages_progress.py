"""Read models of progress over time: the newest evaluation of each school within a period."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

from collector.store.queries.pages_schools import Measure
from collector.store.tables.judgement import EVALUATIONS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

_MANY = 2000


class ProgressFilter(NamedTuple):
    """Of which schools; an empty text means all."""

    area: str = ""
    provider: str = ""
    technology: str = ""


class Standing(NamedTuple):
    """The verdict of a school that held at the end of a period."""

    code: str
    verdict: str
    median_bps: int | None
    target_bps: int
    profile_version: str


class StandingRow(NamedTuple):
    """The same with the school and the day of the verdict."""

    code: str
    name: str
    area: str | None
    provider: str | None
    verdict: str | None  # None: none in the period
    median_bps: int | None
    target_bps: int | None
    n: int | None
    day: str | None
    profile_version: str | None


def _newest_within(measure: Measure, first: str, last: str) -> ColumnElement[bool]:
    """Return the condition that joins a school with its newest evaluation of some days, by the primary key."""
    other = EVALUATIONS.alias("newer")
    newest = (
        select(func.max(other.c.day))
        .where(
            other.c.school == SCHOOLS.c.code,
            other.c.profile == measure.profile,
            other.c.metric == measure.metric,
            other.c.day.between(first, last),
        )
        .scalar_subquery()
    )
    return (
        (EVALUATIONS.c.school == SCHOOLS.c.code)
        & (EVALUATIONS.c.profile == measure.profile)
        & (EVALUATIONS.c.metric == measure.metric)
        & (EVALUATIONS.c.day == newest)
    )


def codes(snapshot: Snapshot, wanted: ProgressFilter) -> list[str]:
    """Return the schools that the registry has now, by code."""
    where = [SCHOOLS.c[name] == value for name, value in wanted._asdict().items() if value]
    return list(snapshot.connection.scalars(select(SCHOOLS.c.code).where(*where).order_by(SCHOOLS.c.code)))


def standings(snapshot: Snapshot, measure: Measure, first: str, last: str) -> list[Standing]:
    """Return the newest evaluation within some days, both included, of every school that has one."""
    names = ("verdict", "median_bps", "target_bps", "profile_version")
    # An outer join keeps SQLite to one look into the primary key a school, instead of a walk over all evaluations.
    query = select(SCHOOLS.c.code, *(EVALUATIONS.c[name] for name in names)).select_from(
        SCHOOLS.outerjoin(EVALUATIONS, _newest_within(measure, first, last))
    )
    return [Standing(*row) for row in snapshot.connection.execute(query).all() if row[1] is not None]


def standing_rows(
    snapshot: Snapshot, measure: Measure, some: Sequence[str], first: str, last: str
) -> list[StandingRow]:
    """Return some schools with their newest evaluation within some days, in the order of their codes."""
    names = ("verdict", "median_bps", "target_bps", "n", "day", "profile_version")
    query = (
        select(
            *(SCHOOLS.c.code, SCHOOLS.c.name, SCHOOLS.c.area, SCHOOLS.c.provider),
            *(EVALUATIONS.c[name] for name in names),
        )
        .select_from(SCHOOLS.outerjoin(EVALUATIONS, _newest_within(measure, first, last)))
        .order_by(SCHOOLS.c.code)
    )
    found: list[StandingRow] = []
    for start in range(0, len(some), _MANY):
        rows = snapshot.connection.execute(query.where(SCHOOLS.c.code.in_(some[start : start + _MANY])))
        found += [StandingRow(*row) for row in rows]
    return found
