"""Read models of one school's page: its tests, days, devices and flags."""

from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, false, func, or_, select, tuple_

from agent.wire.vocabulary import DeviceState
from collector.domain.words import OPEN_STATES, SPEED
from collector.store.queries.judging import delays
from collector.store.queries.pages.schools import Measure
from collector.store.queries.schools import calendars_of
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import EVALUATIONS, FLAGS, SCHOOL_DAYS
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import CALENDAR_DAYS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class Speed:
    """One measurement as pictures and sentences about many take it."""

    device: str
    started_ms: int
    download_bps: int | None
    download_lower_bound: bool | None
    upload_bps: int | None
    medium: str | None
    link_bps: int | None
    votes: bool | None
    exclusion: str | None


@dataclass(frozen=True)
class TestRow(Speed):
    """One measurement as the table of tests shows it."""

    __test__ = False  # for pytest: no test class

    rid: str
    status: str
    failure_code: str | None
    tier: str
    trigger: str
    time_quality: str
    download_half_width_pct: float | None
    upload_lower_bound: bool | None
    idle_rtt_ms: float | None
    loaded_download_rtt_ms: float | None
    download_bytes: int | None
    upload_bytes: int | None


@dataclass(frozen=True)
class TestFilter:
    """Which tests of a school."""

    __test__ = False  # for pytest: no test class

    from_ms: int | None = None
    to_ms: int | None = None  # not included
    counts: bool | None = None  # True: voting only; False: set aside only
    device: str = ""  # of this one only
    exclusion: str = ""  # set aside for this reason only
    engine: str = ""
    medium: str = ""  # by which the computer was connected
    keys: frozenset[tuple[str, str]] | None = None  # exactly these: device and rid
    least_bps: int | None = None  # download of at least so much
    below_bps: int | None = None  # and of less than that
    late_ms: float | None = None  # answers came later than this while it filled the line, see `delays.loaded_ms`
    times: tuple[tuple[int, int], ...] | None = None  # begun within one of these: first moment, and the one after


@dataclass(frozen=True)
class DayRow:
    """One local day of a school."""

    day: str
    is_open: bool
    suppressed: str | None
    measurements: int
    voting: int
    median_download_bps: int | None
    median_upload_bps: int | None
    median_idle_rtt_ms: float | None


@dataclass(frozen=True)
class SchoolDevice:
    """One device of a school."""

    device: str
    state: str
    os: str | None
    agent_version: str | None
    last_contact_ms: int | None
    clock_offset_ms: int | None


@dataclass(frozen=True)
class SchoolFlag:
    """One flag of a school, open or past."""

    flag_id: str
    kind: str
    state: str
    severity: str | None
    below_since: str
    opened_on: str
    closed_on: str | None
    is_stale: bool

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN_STATES

    @property
    def is_slow(self) -> bool:
        """Whether it is open and of the speed: what is said beside a verdict is of such a flag."""
        return self.is_open and self.kind == SPEED


def conditions_of(wanted: TestFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter on the table of measurements."""
    row = MEASUREMENTS.c
    by_value = (
        (wanted.from_ms, row.started_ms.__ge__),
        (wanted.to_ms, row.started_ms.__lt__),
        (wanted.device or None, row.device.__eq__),
        (wanted.exclusion or None, row.exclusion.__eq__),
        (wanted.engine or None, row.engine.__eq__),
        (wanted.medium or None, row.medium.__eq__),
        (wanted.least_bps, row.download_bps.__ge__),
        (wanted.below_bps, row.download_bps.__lt__),
        (wanted.late_ms, delays.loaded_ms().__gt__),
    )
    conditions: list[ColumnElement[bool]] = [compare(value) for value, compare in by_value if value is not None]
    if wanted.counts is not None:
        conditions.append(row.votes.is_(True) if wanted.counts else row.votes.is_not(True))
    if wanted.keys is not None:
        conditions.append(tuple_(row.device, row.rid).in_(sorted(wanted.keys)))
    if wanted.times is not None:
        within = (and_(row.started_ms >= first, row.started_ms < after) for first, after in wanted.times)
        conditions.append(or_(false(), *within))
    return conditions


def _where(code: str, wanted: TestFilter) -> list[ColumnElement[bool]]:
    return [MEASUREMENTS.c.school == code, *conditions_of(wanted)]


Row = TypeVar("Row", bound=Speed)


def speeds(snapshot: Snapshot, code: str, wanted: TestFilter, limit: int) -> list[Speed]:
    """Return the measurements of a school, newest first by corrected time."""
    return tests_as(Speed, snapshot, code, wanted, limit)


def tests_as(
    kind: type[Row], snapshot: Snapshot, code: str, wanted: TestFilter, limit: int, offset: int = 0
) -> list[Row]:
    """Return the measurements of a school with the columns of a kind of row, newest first by corrected time."""
    columns = [MEASUREMENTS.c[name] for name in kind.__dataclass_fields__]
    query = (
        select(*columns)
        .where(*_where(code, wanted))
        .order_by(MEASUREMENTS.c.started_ms.desc(), MEASUREMENTS.c.device, MEASUREMENTS.c.rid)
        .limit(limit)
        .offset(offset)
    )
    return [kind(*row) for row in snapshot.connection.execute(query).all()]


_EVERY = MEASUREMENTS.alias("every")  # made once: it has a hundred columns


def latest(snapshot: Snapshot, code: str, limit: int) -> tuple[list[TestRow], int]:
    """Return the newest measurements of a school, and how many it has altogether, in one question."""
    columns = [MEASUREMENTS.c[name] for name in TestRow.__dataclass_fields__]
    total = select(func.count()).select_from(_EVERY).where(_EVERY.c.school == code).scalar_subquery()
    query = (
        select(*columns, total.label("total"))
        .where(MEASUREMENTS.c.school == code)
        .order_by(MEASUREMENTS.c.started_ms.desc(), MEASUREMENTS.c.device, MEASUREMENTS.c.rid)
        .limit(limit)
    )
    found = snapshot.connection.execute(query).all()
    return [TestRow(*row[:-1]) for row in found], int(found[0].total) if found else 0


def count_tests(snapshot: Snapshot, code: str, wanted: TestFilter) -> int:
    """Return how many measurements of a school a filter lists."""
    query = select(func.count()).select_from(MEASUREMENTS).where(*_where(code, wanted))
    return int(snapshot.connection.execute(query).scalar_one())


def days(snapshot: Snapshot, code: str, from_day: str) -> list[DayRow]:
    """Return the local days of a school since one, oldest first."""
    columns = [SCHOOL_DAYS.c[name] for name in DayRow.__dataclass_fields__]
    query = (
        select(*columns)
        .where(SCHOOL_DAYS.c.school == code, SCHOOL_DAYS.c.day >= from_day)
        .order_by(SCHOOL_DAYS.c.day)
        .limit(1000)
    )
    return [DayRow(*row) for row in snapshot.connection.execute(query)]


def days_off(snapshot: Snapshot, code: str, area: str | None, from_day: str) -> dict[str, str]:
    """Return the holidays and closures of a school since a day; its own calendar beats its area's."""
    names = calendars_of(code, area)
    query = select(CALENDAR_DAYS.c.calendar, CALENDAR_DAYS.c.day, CALENDAR_DAYS.c.kind).where(
        CALENDAR_DAYS.c.calendar.in_(names), CALENDAR_DAYS.c.day >= from_day
    )
    found: dict[str, str] = {}
    for _calendar, day, kind in sorted(snapshot.connection.execute(query), key=lambda row: names.index(row[0])):
        found[day] = kind
    return {day: kind for day, kind in found.items() if kind != "open"}


def devices(snapshot: Snapshot, code: str, limit: int = 100) -> list[SchoolDevice]:
    """Return the devices of a school that are not retired, the last one heard first."""
    columns = [DEVICES.c[name] for name in SchoolDevice.__dataclass_fields__]
    query = (
        select(*columns)
        .where(DEVICES.c.school == code, DEVICES.c.state != DeviceState.REVOKED)
        .order_by(DEVICES.c.last_contact_ms.is_(None), DEVICES.c.last_contact_ms.desc(), DEVICES.c.device)
        .limit(limit)
    )
    return [SchoolDevice(**row) for row in snapshot.connection.execute(query).mappings()]


def standing_since(snapshot: Snapshot, measure: Measure, code: str, verdict: str) -> str | None:
    """Return the first day of those in a row, up to the newest judged one, on which a school had this verdict.

    Args:
        snapshot: The database.
        measure: The series of evaluations.
        code: Of the school.
        verdict: That of its newest evaluation.
    """
    row = EVALUATIONS.c
    series = (row.school == code) & (row.profile == measure.profile) & (row.metric == measure.metric)
    other = select(func.max(row.day)).where(series, row.verdict != verdict).scalar_subquery()
    first: str | None = snapshot.connection.scalar(
        select(func.min(row.day)).where(series, row.day > func.coalesce(other, ""))
    )
    return first


def flags(snapshot: Snapshot, code: str, limit: int = 50) -> list[SchoolFlag]:
    """Return the flags of a school, the newest first."""
    columns = [FLAGS.c[name] for name in SchoolFlag.__dataclass_fields__]
    query = (
        select(*columns).where(FLAGS.c.school == code).order_by(FLAGS.c.opened_on.desc(), FLAGS.c.flag_id).limit(limit)
    )
    return [SchoolFlag(**row) for row in snapshot.connection.execute(query).mappings()]
