"""What the availability of a few schools is worked out from, and what is written of it. Nothing here commits."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Select, delete, func, insert, or_, select

from collector.store.queries import newness
from collector.store.queries.pieces import in_pieces, plain_rows
from collector.store.tables.availability import AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES
from collector.store.tables.devices import ASSIGNMENTS
from collector.store.tables.measurements import DIARY
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork

_DAY: Final = AVAILABILITY_DAYS.c
_NOW: Final = AVAILABILITY_NOW.c
_RUN: Final = DIARY.c


class Run(NamedTuple):  # made by the hundred thousand
    """The part of a diary run that says whether a line was up."""

    school: str
    device: str
    from_ms: int  # corrected
    to_ms: int
    state: str
    time_quality: str
    clock_off_ms: int | None
    received_ms: int


class Stay(NamedTuple):
    """A time in which a device belonged to a school."""

    school: str
    device: str
    from_ms: int
    to_ms: int | None  # None: still


@dataclass(frozen=True)
class DayRow:
    """One local day of a school, as it is stored."""

    school: str
    day: str
    is_open: bool
    good_slots: int
    down_slots: int
    unobserved_slots: int
    availability: float | None
    coverage: float | None
    learnt_ms: int | None
    start_ms: int
    spans: str
    states: str
    late: str | None
    seal: int | None = None


@dataclass(frozen=True)
class NowRow:
    """The last school days of a school, as they are stored."""

    school: str
    as_of: str
    from_day: str | None
    last_day: str | None
    days: int
    good_slots: int
    down_slots: int
    unobserved_slots: int
    availability: float | None
    coverage: float | None


@dataclass(frozen=True)
class OutageRow:
    """One outage of one school, as it is stored."""

    school: str
    from_ms: int
    seen_ms: int
    to_ms: int | None
    down_slots: int
    school_slots: int
    word: str
    learnt_ms: int | None
    seal: int | None = None


Sealed = TypeVar("Sealed", DayRow, OutageRow)


def seal_of(row: DayRow | OutageRow) -> int:
    """Return the seal of a row: a checksum of all that stands in it."""
    said = dict(vars(row))
    del said["seal"]
    return zlib.crc32(repr(list(said.values())).encode())


def sealed(row: Sealed) -> Sealed:
    """Return a row with its seal."""
    return replace(row, seal=seal_of(row))


_RUN_COLUMNS: Final = [_RUN[name] for name in Run._fields]
_DAY_COLUMNS: Final = [_DAY[name] for name in DayRow.__dataclass_fields__]
_NOW_COLUMNS: Final = [_NOW[name] for name in NowRow.__dataclass_fields__]
_OUTAGE_COLUMNS: Final = [LOCAL_OUTAGES.c[name] for name in OutageRow.__dataclass_fields__]


def runs(snapshot: Snapshot, schools: Sequence[str], from_ms: int, until_ms: int, reach_ms: int) -> list[Run]:
    """Return the runs that lie in a time, even in part, of some schools; in no order.

    Args:
        snapshot: The database.
        schools: A few.
        from_ms: Beginning of the time.
        until_ms: Its end, not included.
        reach_ms: No computer that was on is believed for longer than so much in one run.
    """
    of_them = _RUN.school.in_(schools) & (_RUN.from_ms < until_ms)
    seen = select(*_RUN_COLUMNS).where(of_them, _RUN.from_ms > from_ms - reach_ms, _RUN.boot_id.is_not(None))
    away = select(*_RUN_COLUMNS).where(of_them, _RUN.to_ms > from_ms, _RUN.boot_id.is_(None))
    return [Run._make(row) for query in (seen, away) for row in snapshot.connection.execute(query).all()]


def first_moments(snapshot: Snapshot, schools: Iterable[str]) -> dict[str, int]:
    """Return when the first run of each school began, corrected."""
    found: dict[str, int] = {}
    for some in in_pieces(schools):
        query = select(_RUN.school, func.min(_RUN.from_ms)).where(_RUN.school.in_(some)).group_by(_RUN.school)
        found |= {row[0]: row[1] for row in snapshot.connection.execute(query)}
    return found


def stays(snapshot: Snapshot, schools: Sequence[str]) -> list[Stay]:
    """Return which devices belonged to some schools, and when."""
    of_them = ASSIGNMENTS.c.school.in_(schools)
    query = select(*[ASSIGNMENTS.c[name] for name in Stay._fields]).where(of_them)
    return [Stay._make(row) for row in snapshot.connection.execute(query)]


def days_since(snapshot: Snapshot, schools: Sequence[str], from_day: str) -> dict[str, list[DayRow]]:
    """Return the stored days of some schools since a local day, oldest first, by school."""
    return _by_school(snapshot, schools, select(*_DAY_COLUMNS).where(_DAY.day >= from_day))


def days_before(snapshot: Snapshot, schools: Sequence[str], before: str) -> dict[str, list[DayRow]]:
    """Return the stored days of some schools before a local day, oldest first, by school."""
    return _by_school(snapshot, schools, select(*_DAY_COLUMNS).where(_DAY.day < before))


def _by_school(snapshot: Snapshot, schools: Sequence[str], query: Select[Any]) -> dict[str, list[DayRow]]:
    found: dict[str, list[DayRow]] = {school: [] for school in schools}
    query = query.where(_DAY.school.in_(schools)).order_by(_DAY.school, _DAY.day)
    for row in snapshot.connection.execute(query).all():
        found[row[0]].append(DayRow(*row))
    return found


def states_of_day(snapshot: Snapshot, day: str) -> list[tuple[str, int, str]]:
    """Return one local day of every school: its code, when the day begins, and what was said slot by slot."""
    found = list(snapshot.connection.scalars(select(_NOW.school)))
    rows: list[tuple[str, int, str]] = []
    for some in in_pieces(sorted(found)):
        query = select(_DAY.school, _DAY.start_ms, _DAY.states).where(_DAY.school.in_(some), _DAY.day == day)
        rows += [(school, start_ms, states) for school, start_ms, states in plain_rows(snapshot, query)]
    return rows


def outages_between(snapshot: Snapshot, from_ms: int, to_ms: int) -> list[tuple[str, int, int]]:
    """Return the outages of one school each that began in a time: school, beginning, and when it was last seen down."""
    row = LOCAL_OUTAGES.c
    query = select(row.school, row.from_ms, row.seen_ms).where(row.from_ms >= from_ms, row.from_ms < to_ms)
    return [(one[0], one[1], one[2]) for one in snapshot.connection.execute(query).all()]


def first_days(snapshot: Snapshot, schools: Sequence[str]) -> dict[str, str]:
    """Return the first stored day of each school that has one."""
    query = select(_DAY.school, func.min(_DAY.day)).where(_DAY.school.in_(schools)).group_by(_DAY.school)
    return {row[0]: row[1] for row in snapshot.connection.execute(query)}


def now_rows(snapshot: Snapshot, schools: Sequence[str] | None = None) -> dict[str, NowRow]:
    """Return the last school days of schools: of some, or of all."""
    query = select(*_NOW_COLUMNS)
    if schools is not None:
        query = query.where(_NOW.school.in_(schools))
    return {row[0]: NowRow(*row) for row in snapshot.connection.execute(query).all()}


def has_losses(snapshot: Snapshot) -> bool:
    """Return whether there are runs and nothing that was worked out from them: somebody deleted it."""
    heard = select(_RUN.rid).where(_RUN.school.is_not(None)).limit(1)
    if snapshot.connection.execute(heard).first() is None:
        return False
    tables = (AVAILABILITY_DAYS, AVAILABILITY_NOW)
    return any(snapshot.connection.execute(select(one.c.school).limit(1)).first() is None for one in tables)


def astray(snapshot: Snapshot) -> list[str]:
    """Return the schools of which days or outages are stored and nothing that these came to: somebody wrote or deleted.

    A few looks into indexes for each school of the registry.
    """
    has_now = select(_NOW.school).where(_NOW.school == SCHOOLS.c.code).exists()
    rows = [select(one.c.school).where(one.c.school == SCHOOLS.c.code) for one in (AVAILABILITY_DAYS, LOCAL_OUTAGES)]
    query = select(SCHOOLS.c.code).where(~has_now, or_(*(one.exists() for one in rows)))
    return sorted(snapshot.connection.scalars(query))


def forget(unit: UnitOfWork, schools: Sequence[str]) -> None:
    """Delete what is stored of schools of which no run ever came: somebody wrote it."""
    for table in (AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES):
        unit.connection.execute(delete(table).where(table.c.school.in_(schools)))
    newness.raise_availability(unit)


def outages(snapshot: Snapshot, schools: Sequence[str], since_ms: int = 0) -> dict[str, list[OutageRow]]:
    """Return the outages of some schools that were not over before a moment, oldest first, by school."""
    row = LOCAL_OUTAGES.c
    lasting = or_(row.to_ms.is_(None), row.to_ms > since_ms)
    found: dict[str, list[OutageRow]] = {school: [] for school in schools}
    query = select(*_OUTAGE_COLUMNS).where(row.school.in_(schools), lasting).order_by(row.school, row.from_ms)
    for one in snapshot.connection.execute(query):
        found[one[0]].append(OutageRow(*one))
    return found


def write_days(unit: UnitOfWork, gone: Sequence[tuple[str, str]], rows: Sequence[DayRow]) -> None:
    """Write days over those that are there.

    Args:
        unit: The transaction.
        gone: School and day of rows that are no longer right; those in `rows` are among them.
        rows: What is right.
    """
    by_school: dict[str, list[str]] = {}
    for school, day in gone:
        by_school.setdefault(school, []).append(day)
    for school, days in by_school.items():
        for some in in_pieces(days):
            unit.connection.execute(delete(AVAILABILITY_DAYS).where(_DAY.school == school, _DAY.day.in_(some)))
    _insert(unit, AVAILABILITY_DAYS, [vars(row) for row in rows])


def write_now(unit: UnitOfWork, rows: Sequence[NowRow]) -> None:
    """Write the last school days of some schools over what is there."""
    unit.connection.execute(delete(AVAILABILITY_NOW).where(_NOW.school.in_([row.school for row in rows])))
    _insert(unit, AVAILABILITY_NOW, [vars(row) for row in rows])
    newness.raise_availability(unit)


def write_outages(unit: UnitOfWork, since_ms: Mapping[str, int], rows: Sequence[OutageRow]) -> None:
    """Write the outages of some schools that began at a moment or later, over those that are there.

    Args:
        unit: The transaction.
        since_ms: By school, the moment; what began before stays.
        rows: What began since.
    """
    for school, moment in since_ms.items():
        old = (LOCAL_OUTAGES.c.school == school) & (LOCAL_OUTAGES.c.from_ms >= moment)
        unit.connection.execute(delete(LOCAL_OUTAGES).where(old))
    _insert(unit, LOCAL_OUTAGES, [vars(row) for row in rows])


def _insert(unit: UnitOfWork, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        unit.connection.execute(insert(table), rows)
