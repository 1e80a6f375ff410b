"""Read models of the monthly report: which months there are, each school at the end of one, and what broke in it.

A verdict is that of the newest school-day of the month that was evaluated, as progress over time has it. What the
registry says of a school is what it says now.
"""

from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, func, select

from collector.domain.periods import first_before
from collector.domain.words import OutageLabel, OutageState
from collector.store.queries.judging.outages import REGIONAL
from collector.store.queries.pages.schools import Measure
from collector.store.tables.availability import LOCAL_OUTAGES
from collector.store.tables.judgement import EVALUATIONS, SCHOOL_MONTHS
from collector.store.tables.judgement import PERIOD_VERDICTS as VERDICTS
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.tables.proofs import PACKS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

MONTH: Final = "month"


class MonthCount(NamedTuple):
    """Schools with one verdict at the end of one month."""

    first_day: str
    verdict: str
    schools: int


class SchoolRow(NamedTuple):  # made by the thousand
    """A school at the end of a month; the numbers are None where nothing of it was judged in the month."""

    code: str
    name: str
    area: str | None
    provider: str | None
    pupils: int | None
    contract_mbps: float | None
    verdict: str | None
    verdict_before: str | None  # at the end of the month before
    day: str | None  # of the verdict
    n: int | None
    attained: int | None
    median_bps: int | None
    target_bps: int | None
    target_profile: str | None  # whose rule gave the target; None: the series' own
    profile_version: str | None


class OutageRow(NamedTuple):
    """A regional outage that began in a month."""

    is_ours: bool  # it was the collector, not the schools
    is_none: bool  # it was taken back: diaries that came later say otherwise
    from_ms: int
    to_ms: int | None  # None: it goes on
    pupil_hours: float | None  # of the schools that the reader sees; None: nobody knows


class Tests(NamedTuple):
    """The tests of a month."""

    made: int
    voting: int  # of them, those that count


class AreaMiddle(NamedTuple):
    """Where the schools of an area lie, on the whole."""

    area: str
    latitude: float
    longitude: float


def months_judged(snapshot: Snapshot, measure: Measure) -> tuple[str, str] | None:
    """Return the first days of the first and the last month with a verdict; None: nothing was ever judged."""
    day = VERDICTS.c.first_day
    of_months = select(day).where(*_of_months(measure)).limit(1)  # by `min` and `max` all of them would be read
    first, last = (of_months.order_by(order).scalar_subquery() for order in (day, day.desc()))
    found = snapshot.connection.execute(select(first, last)).one()
    return None if found[0] is None else (found[0], found[1])


def counts_by_month(snapshot: Snapshot, measure: Measure, from_day: str) -> list[MonthCount]:
    """Return the schools by month and verdict; an index has all that is read.

    Args:
        snapshot: What is shown.
        measure: Which verdicts.
        from_day: The first day of the first month.
    """
    by = (VERDICTS.c.first_day, VERDICTS.c.verdict)
    query = select(*by, func.count()).where(*_of_months(measure), VERDICTS.c.first_day >= from_day).group_by(*by)
    return [MonthCount._make(row) for row in snapshot.connection.execute(query)]


def _of_months(measure: Measure) -> tuple[ColumnElement[bool], ...]:
    table = VERDICTS.c
    return table.way == MONTH, table.profile == measure.profile, table.metric == measure.metric


def school_rows(snapshot: Snapshot, measure: Measure, first: str) -> list[SchoolRow]:
    """Return every school at the end of a month, by code.

    Args:
        snapshot: What is shown.
        measure: Which verdicts.
        first: The first day of the month.
    """
    before, source = VERDICTS.alias("before"), SCHOOLS
    earlier = first_before(MONTH, date.fromisoformat(first)).isoformat()
    joined: Any = source
    for table, day in ((VERDICTS, first), (before, earlier)):
        of_school = (table.c.school == SCHOOLS.c.code) & (table.c.way == MONTH) & (table.c.first_day == day)
        joined = joined.outerjoin(
            table, of_school & (table.c.profile == measure.profile) & (table.c.metric == measure.metric)
        )
    own = (EVALUATIONS.c.school == VERDICTS.c.school) & (EVALUATIONS.c.day == VERDICTS.c.day)
    same = (EVALUATIONS.c.profile == measure.profile) & (EVALUATIONS.c.metric == measure.metric)
    query = (
        select(
            *(SCHOOLS.c[name] for name in ("code", "name", "area", "provider")),
            func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift),
            SCHOOLS.c.contract_download_mbps,
            *(VERDICTS.c.verdict, before.c.verdict, VERDICTS.c.day),
            *(EVALUATIONS.c[name] for name in ("n", "attained", "median_bps", "target_bps")),
            *(VERDICTS.c.target_profile, VERDICTS.c.profile_version),
        )
        .select_from(joined.outerjoin(EVALUATIONS, own & same))
        .order_by(SCHOOLS.c.code)
    )
    return [SchoolRow._make(row) for row in snapshot.connection.execute(query).all()]


def outages(snapshot: Snapshot, from_ms: int, until_ms: int) -> list[OutageRow]:
    """Return the regional outages that began in a time.

    Args:
        snapshot: What is shown; who sees a part of the country gets the pupil-hours of that part.
        from_ms: Beginning of the time, UTC milliseconds.
        until_ms: Its end, not included.
    """
    row, members = OUTAGES.c, OUTAGE_SCHOOLS.c
    mine = select(func.sum(members.pupil_hours)).where(members.outage_id == row.outage_id).correlate(OUTAGES)
    hours = row.pupil_hours if snapshot.scope.is_whole else mine.scalar_subquery()
    query = select(row.label, row.state, row.from_ms, func.coalesce(row.to_ms, row.closed_ms), hours)
    query = query.where(row.kind == REGIONAL, row.opened_ms.is_not(None))
    query = query.where(row.from_ms >= from_ms, row.from_ms < until_ms).order_by(row.from_ms)
    return [
        OutageRow(label == OutageLabel.COLLECTOR.value, state == OutageState.RETRACTED.value, *rest)
        for label, state, *rest in snapshot.connection.execute(query).all()
    ]


def count_local_outages(snapshot: Snapshot, from_ms: int, until_ms: int) -> int:
    """Return how many outages of one school alone began in a time, `until_ms` not included."""
    begins = LOCAL_OUTAGES.c.from_ms
    query = select(func.count()).select_from(LOCAL_OUTAGES).where(begins >= from_ms, begins < until_ms)
    return int(snapshot.connection.scalar(query) or 0)


def tests_of(snapshot: Snapshot, first: str) -> Tests:
    """Return how many tests there were in a month and how many of them count; an index has all that is read.

    Args:
        snapshot: What is shown.
        first: The first day of the month, as each school has it.
    """
    made = SCHOOL_MONTHS.c
    query = select(func.sum(made.measurements), func.sum(made.voting)).where(made.first_day == first)
    made_n, voting_n = snapshot.connection.execute(query).one()
    return Tests(int(made_n or 0), int(voting_n or 0))


def schools_with_pack(snapshot: Snapshot, tests: int, until_ms: int) -> set[str]:
    """Return the schools of which an evidence pack with so many tests that count was made before a moment."""
    query = select(PACKS.c.school).where(PACKS.c.tests >= tests, PACKS.c.made_ms < until_ms).distinct()
    return set(snapshot.connection.scalars(query))


def area_middles(snapshot: Snapshot) -> list[AreaMiddle]:
    """Return where the schools of each area lie on the whole, of those whose place is known."""
    school = SCHOOLS.c
    query = (
        select(school.area, func.avg(school.latitude), func.avg(school.longitude))
        .where(school.area.is_not(None), school.latitude.is_not(None), school.longitude.is_not(None))
        .group_by(school.area)
        .order_by(school.area)
    )
    return [AreaMiddle(area, float(lat), float(lon)) for area, lat, lon in snapshot.connection.execute(query)]
