"""Read models of the overview: how many schools had which verdict week by week, open flags, what came in today."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from agent.wire.vocabulary import DeviceState
from collector.domain.words import OPEN_STATES, Verdict
from collector.store.queries.facts import LAST_EVALUATION_MS
from collector.store.queries.pages.availability import Slots
from collector.store.queries.pages.flags import is_held, is_resting, source
from collector.store.queries.pages.schools import Measure, of_contract
from collector.store.tables.availability import AVAILABILITY_NOW
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import FLAG_WORK, FLAGS, PERIOD_VERDICTS
from collector.store.tables.judgement import NEWEST_EVALUATIONS as NEWEST
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.people import FACTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

_DAY_LONG: Final = 10  # signs of a day


@dataclass(frozen=True)
class FlagCounts:
    """Open flags of one kind."""

    kind: str
    flags: int
    taken: int
    recovering: int
    stale: int
    held: int  # on hold for an outage or a hazard
    under_contract: int  # of the speed: at schools that get much less than what is paid for
    oldest: str  # day on which the oldest one opened
    oldest_id: str


@dataclass(frozen=True)
class Freshness:
    """How new everything is; None where there is nothing yet."""

    last_received_ms: int | None
    last_judged_day: str | None
    last_evaluation_ms: int | None


@dataclass(frozen=True)
class Today:
    """What was heard and measured since a moment."""

    schools_heard: int
    measurements: int


def verdicts_by_week(snapshot: Snapshot, measure: Measure, weeks: Collection[str]) -> dict[str, dict[str, int]]:
    """Return the number of schools by the newest verdict that each had within a week, by week and verdict.

    Args:
        snapshot: Where to look.
        measure: Which verdicts.
        weeks: The Mondays.
    """
    table = PERIOD_VERDICTS.c
    query = (
        select(table.first_day, table.verdict, func.count())
        .where(table.way == "week", table.first_day.in_(weeks))
        .where(table.profile == measure.profile, table.metric == measure.metric)
        .group_by(table.first_day, table.verdict)
    )
    found: dict[str, dict[str, int]] = {week: {} for week in weeks}
    for week, verdict, schools in snapshot.connection.execute(query):
        found[week][verdict] = int(schools)
    return found


@dataclass(frozen=True)
class Change:
    """How many schools met their target in a week and meet it now, of those that are judged both times."""

    schools: int
    met: int
    meet: int


def change_since(snapshot: Snapshot, measure: Measure, monday: str) -> dict[str | None, Change]:
    """Return what has become of the schools that were judged in a week, by area.

    Args:
        snapshot: Where to look.
        measure: Which verdicts.
        monday: The week.
    """
    then, now = PERIOD_VERDICTS.c, NEWEST.c
    same = (now.school == then.school) & (now.profile == then.profile) & (now.metric == then.metric)
    query = (
        select(
            SCHOOLS.c.area,
            func.count(),
            func.sum(case((then.verdict == Verdict.MEETS, 1), else_=0)),
            func.sum(case((now.verdict == Verdict.MEETS, 1), else_=0)),
        )
        .select_from(PERIOD_VERDICTS.join(NEWEST, same).join(SCHOOLS, SCHOOLS.c.code == now.school))
        .where(then.way == "week", then.first_day == monday)
        .where(then.profile == measure.profile, then.metric == measure.metric)
        .where(then.verdict != Verdict.INSUFFICIENT, now.verdict != Verdict.INSUFFICIENT)
        .group_by(SCHOOLS.c.area)
    )
    return {area: Change(*counts) for area, *counts in snapshot.connection.execute(query)}


def seen_slots(snapshot: Snapshot) -> Slots:
    """Return what was seen of the lines of all schools in their last school days."""
    now = AVAILABILITY_NOW.c
    good, down = snapshot.connection.execute(select(func.sum(now.good_slots), func.sum(now.down_slots))).one()
    return Slots(int(good or 0), int(down or 0))


def open_flags(snapshot: Snapshot, measure: Measure, now_ms: int) -> list[FlagCounts]:
    """Return the flags that are open or recovering and not snoozed, by kind, the most frequent first."""
    oldest = func.min(FLAGS.c.opened_on.op("||")(FLAGS.c.flag_id))  # days are equally long: by day, then by name

    def count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(case((and_(*conditions), 1)))

    query = (
        select(
            FLAGS.c.kind,
            func.count().label("flags"),
            count(FLAG_WORK.c.owner.is_not(None)),
            count(FLAGS.c.state == "recovering"),
            count(FLAGS.c.is_stale),
            count(is_held()),
            count(*of_contract("under")),
            oldest,
        )
        .select_from(source(measure))
        .where(FLAGS.c.state.in_(OPEN_STATES), ~is_resting(now_ms))
        .group_by(FLAGS.c.kind)
        .order_by(func.count().desc(), FLAGS.c.kind)
    )
    return [
        FlagCounts(kind, flags, taken, recovering, stale, held, under, first[:_DAY_LONG], first[_DAY_LONG:])
        for kind, flags, taken, recovering, stale, held, under, first in snapshot.connection.execute(query)
    ]


def _last_received(snapshot: Snapshot) -> Select[tuple[int | None]]:
    """Return when the newest test came: of the country by the index of that, of a part of it by school.

    Of a part, the newest test that each school has is looked at: the index of all would be walked through until one of
    them comes, and their tests of all years would be read to find the one that came last.
    """
    if snapshot.scope.is_whole:
        return select(func.max(MEASUREMENTS.c.received_ms))
    of_school = select(MEASUREMENTS.c.received_ms).where(MEASUREMENTS.c.school == SCHOOLS.c.code)
    newest = of_school.order_by(MEASUREMENTS.c.started_ms.desc()).limit(1).correlate(SCHOOLS).scalar_subquery()
    return select(func.max(newest)).select_from(SCHOOLS)


def freshness(snapshot: Snapshot, measure: Measure) -> Freshness:
    """Return how new everything is."""
    fact = select(FACTS.c.value).where(FACTS.c.name == LAST_EVALUATION_MS).scalar_subquery()
    received = _last_received(snapshot).scalar_subquery()
    judged = (
        select(func.max(NEWEST.c.day))
        .where(NEWEST.c.profile == measure.profile, NEWEST.c.metric == measure.metric)
        .scalar_subquery()
    )
    row = snapshot.connection.execute(select(received, judged, fact)).one()
    return Freshness(row[0], row[1], int(row[2]) if row[2] is not None and str(row[2]).isdigit() else None)


def today(snapshot: Snapshot, since_ms: int, received_ms: int | None = None) -> Today:
    """Return what was heard and measured since a moment; retired devices are not counted.

    Args:
        snapshot: What is shown.
        since_ms: The moment, UTC milliseconds.
        received_ms: Only tests that came then or later are counted; None: all.
    """
    heard = (DEVICES.c.state != DeviceState.REVOKED) & (DEVICES.c.last_contact_ms >= since_ms)
    seen = select(DEVICES.c.school).where(heard).group_by(DEVICES.c.school).subquery()  # quicker than counting distinct
    schools = select(func.count()).select_from(seen).scalar_subquery()
    came = () if received_ms is None else (MEASUREMENTS.c.received_ms >= received_ms,)
    row = snapshot.connection.execute(select(schools, _begun(since_ms, *came).scalar_subquery())).one()
    return Today(int(row[0]), int(row[1]))


def tests_before(snapshot: Snapshot, since_ms: int, received_ms: int) -> int:
    """Return how many tests began since a moment and had come before another one."""
    query = _begun(since_ms, MEASUREMENTS.c.received_ms < received_ms)
    return int(snapshot.connection.execute(query).scalar_one())


def counts_from_index(snapshot: Snapshot) -> bool:
    """Return whether new tests are counted from an index alone; PostgreSQL looks whether each of them may be seen."""
    return snapshot.connection.dialect.name == "sqlite"


def _begun(since_ms: int, *came: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(MEASUREMENTS).where(MEASUREMENTS.c.started_ms >= since_ms, *came)
