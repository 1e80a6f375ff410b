"""Read models of progress over time: the newest evaluation of each school within a month or a week."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, func, select, union_all

from collector.domain.periods import first_before
from collector.domain.words import Verdict
from collector.store.queries.pages.schools import NO_VERDICT, Measure
from collector.store.tables.judgement import EVALUATIONS
from collector.store.tables.judgement import PERIOD_VERDICTS as VERDICTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

FELL, RECOVERED = "FELL", "RECOVERED"  # beside a verdict and NO_VERDICT: the schools behind one number
FELL_FROM: Final = (Verdict.MEETS.value, Verdict.BORDERLINE.value)


class ProgressFilter(NamedTuple):
    """Of which schools; an empty text means all."""

    area: str = ""
    provider: str = ""
    technology: str = ""


class Tally(NamedTuple):
    """Schools with the same verdict in a period, and the same in the period before."""

    first_day: str  # of the period
    verdict: str
    verdict_before: str | None
    profile_version: str
    target_profile: str  # whose version that is
    schools: int


class StandingRow(NamedTuple):
    """A school with its newest evaluation of a period, and its verdict of the period before."""

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
    target_profile: str | None  # None: the deployment's own
    verdict_before: str | None


def _of_schools(wanted: ProgressFilter) -> list[ColumnElement[bool]]:
    return [SCHOOLS.c[name] == value for name, value in wanted._asdict().items() if value]


def count_schools(snapshot: Snapshot, wanted: ProgressFilter) -> int:
    """Return how many schools the registry has now."""
    query = select(func.count()).select_from(SCHOOLS).where(*_of_schools(wanted))
    return int(snapshot.connection.execute(query).scalar_one())


def _where(measure: Measure, way: str, wanted: ProgressFilter) -> list[ColumnElement[bool]]:
    table = VERDICTS.c
    conditions = [table.way == way, table.profile == measure.profile, table.metric == measure.metric]
    if some := _of_schools(wanted):
        conditions.append(table.school.in_(select(SCHOOLS.c.code).where(*some)))
    return conditions


def tallies(
    snapshot: Snapshot, measure: Measure, way: str, firsts: Collection[str], wanted: ProgressFilter
) -> list[Tally]:
    """Return the schools of some periods, counted by their verdicts; an index has all that is read.

    Args:
        snapshot: Where to look.
        measure: Which verdicts.
        way: month or week.
        firsts: The first days of the periods.
        wanted: Which schools.
    """
    table = VERDICTS.c
    by = (table.first_day, table.verdict, table.verdict_before, table.profile_version, table.target_profile)
    query = select(*by, func.count()).where(*_where(measure, way, wanted), table.first_day.in_(firsts)).group_by(*by)
    rows = snapshot.connection.execute(query)
    return [Tally._make((*some, target or measure.profile, schools)) for *some, target, schools in rows]


def middle_ratios(
    snapshot: Snapshot, measure: Measure, way: str, judged: Mapping[str, int], wanted: ProgressFilter
) -> dict[str, float]:
    """Return what the school in the middle typically has of its target, by the first day of each period.

    Args:
        snapshot: Where to look.
        measure: Which verdicts.
        way: month or week.
        judged: How many schools of each period have enough data: the one or two in the middle are gone to by an index.
        wanted: Which schools.
    """
    table = VERDICTS.c
    parts: list[Select[Any]] = []
    for first, schools in judged.items():
        if schools:
            middle = (
                select(table.first_day, table.ratio)
                .where(*_where(measure, way, wanted), table.first_day == first, table.ratio.is_not(None))
                .order_by(table.ratio)
                .offset((schools - 1) // 2)
                .limit(2 - schools % 2)
                .subquery()
            )
            parts.append(select(middle.c.first_day, middle.c.ratio))
    found: dict[str, list[float]] = {}
    if parts:
        for first, ratio in snapshot.connection.execute(union_all(*parts)):
            found.setdefault(first, []).append(ratio)
    return {first: sum(ratios) / len(ratios) for first, ratios in found.items()}


def standing_rows(
    snapshot: Snapshot,
    measure: Measure,
    way: str,
    first: str,
    which: str,
    wanted: ProgressFilter,
    limit: int | None,
) -> list[StandingRow]:
    """Return the schools behind one number of a period, in the order of their codes.

    Args:
        snapshot: Where to look.
        measure: Which verdicts.
        way: month or week.
        first: The first day of the period.
        which: A verdict, NO_VERDICT, FELL or RECOVERED.
        wanted: Which schools.
        limit: At most so many; None for all.
    """
    before = VERDICTS.alias("before")
    names = ("median_bps", "target_bps", "n")
    query = (
        select(
            *(SCHOOLS.c[name] for name in ("code", "name", "area", "provider")),
            VERDICTS.c.verdict,
            *(EVALUATIONS.c[name] for name in names),
            *(VERDICTS.c[name] for name in ("day", "profile_version", "target_profile")),
            before.c.verdict,
        )
        .select_from(_standings(measure, way, first, before))
        .where(*_of_schools(wanted), _is(which, VERDICTS.c.verdict, before.c.verdict))
        .order_by(SCHOOLS.c.code)
        .limit(limit)
    )
    return [StandingRow._make(row) for row in snapshot.connection.execute(query)]


def _standings(measure: Measure, way: str, first: str, before: Any) -> FromClause:
    earlier = first_before(way, date.fromisoformat(first)).isoformat()
    source: FromClause = SCHOOLS
    for table, day in ((VERDICTS, first), (before, earlier)):
        of_school = (table.c.school == SCHOOLS.c.code) & (table.c.way == way) & (table.c.first_day == day)
        of_series = (table.c.profile == measure.profile) & (table.c.metric == measure.metric)
        source = source.outerjoin(table, of_school & of_series)
    own = (EVALUATIONS.c.school == VERDICTS.c.school) & (EVALUATIONS.c.day == VERDICTS.c.day)
    same = (EVALUATIONS.c.profile == measure.profile) & (EVALUATIONS.c.metric == measure.metric)
    return source.outerjoin(EVALUATIONS, own & same)


def _is(which: str, verdict: ColumnElement[Any], before: ColumnElement[Any]) -> ColumnElement[bool]:
    if which == NO_VERDICT:
        return verdict.is_(None)
    if which == FELL:
        return (verdict == Verdict.BELOW.value) & before.in_(FELL_FROM)
    if which == RECOVERED:
        return (verdict == Verdict.MEETS.value) & (before == Verdict.BELOW.value)
    return verdict == which
