"""Schools, their dated facts and calendars: reading and writing. Nothing here commits."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from collector.store.queries.pieces import in_pieces
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import CALENDAR_DAYS, SCHOOL_FACTS, SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork

FACT_COLUMNS = (
    "students_total",
    "students_peak_shift",
    "staff",
    "education_level",
    "technology",
    "contract_download_mbps",
    "contract_upload_mbps",
    "opening",
    "area",
)
FIRST_DAY = "0001-01-01"
EVERYBODY = "default"  # the calendar that holds for all schools


@dataclass(frozen=True)
class School:
    """One school as the registry has it."""

    code: str
    name: str
    latitude: float | None
    longitude: float | None
    area: str | None
    timezone: str | None
    opening: str | None
    education_level: str | None
    students_total: int | None
    students_peak_shift: int | None
    staff: int | None
    provider: str | None
    technology: str | None
    contract_download_mbps: float | None
    contract_upload_mbps: float | None
    shelter: bool | None
    phone: str | None
    extra: dict[str, str]
    is_demo: bool
    created_ms: int
    updated_ms: int


@dataclass(frozen=True)
class DatedFacts:
    """What decides a school's target and which of its tests count, from a local day on."""

    valid_from: str
    students_total: int | None
    students_peak_shift: int | None
    staff: int | None
    education_level: str | None
    technology: str | None
    contract_download_mbps: float | None
    contract_upload_mbps: float | None
    opening: str | None  # None: the default hours
    area: str | None  # decides which target holds


@dataclass(frozen=True)
class CalendarDay:
    """A day of a calendar that differs from the weekly opening hours."""

    calendar: str  # EVERYBODY, or what `area_calendar` or `school_calendar` returns
    day: str
    kind: str  # holiday | closure | open
    note: str | None


def area_calendar(area: str) -> str:
    """Return the name under which the calendar of an area is stored; no school's is called so."""
    return f"area:{area}"


def school_calendar(code: str) -> str:
    """Return the name under which the calendar of one school is stored; no area's is called so."""
    return f"school:{code}"


def calendars_of(code: str, area: str | None) -> tuple[str, ...]:
    """Return the calendars that hold for a school, the nearest last: it wins where two name the same day."""
    return (EVERYBODY, *((area_calendar(area),) if area else ()), school_calendar(code))


_COLUMNS = [SCHOOLS.c[name] for name in School.__dataclass_fields__]
_EXTRA = list(School.__dataclass_fields__).index("extra")
_FACTS = [SCHOOL_FACTS.c[name] for name in DatedFacts.__dataclass_fields__]


def _school(row: Row[Any]) -> School:
    values = list(row)
    values[_EXTRA] = {} if row[_EXTRA] == "{}" else json.loads(row[_EXTRA])
    return School(*values)


def facts_on(dated: Sequence[DatedFacts], day: str) -> DatedFacts | None:
    """Return the facts of a local day out of those of a school, oldest first; None where there are none so early."""
    valid = [facts for facts in dated if facts.valid_from <= day]
    return valid[-1] if valid else None


def find(snapshot: Snapshot, code: str) -> School | None:
    """Return a school by its code, None where there is none."""
    row = snapshot.connection.execute(select(*_COLUMNS).where(SCHOOLS.c.code == code)).first()
    return _school(row) if row is not None else None


def codes(snapshot: Snapshot) -> list[str]:
    """Return the code of every school that the reader sees, in order."""
    return list(snapshot.connection.scalars(select(SCHOOLS.c.code).order_by(SCHOOLS.c.code)))


def by_code(snapshot: Snapshot, codes: Iterable[str] | None = None) -> dict[str, School]:
    """Return schools by code, in the database's order of codes: the given ones, or all."""
    ordered = select(*_COLUMNS).order_by(SCHOOLS.c.code)
    if codes is None:
        return {row[0]: _school(row) for row in snapshot.connection.execute(ordered).all()}
    found: dict[str, School] = {}
    for some in in_pieces(codes):
        query = ordered.where(SCHOOLS.c.code.in_(some))
        found.update({row[0]: _school(row) for row in snapshot.connection.execute(query).all()})
    return found


def count(snapshot: Snapshot) -> int:
    """Return how many schools there are."""
    return int(snapshot.connection.execute(select(func.count()).select_from(SCHOOLS)).scalar_one())


def count_areas(snapshot: Snapshot) -> int:
    """Return how many areas the schools name."""
    query = select(func.count(func.distinct(SCHOOLS.c.area))).where(SCHOOLS.c.area != "")
    return int(snapshot.connection.execute(query).scalar_one())


def add(unit: UnitOfWork, rows: list[dict[str, Any]]) -> None:
    """Store new schools, every column given, `extra` as JSON text; their facts hold from the beginning."""
    if not rows:
        return
    unit.connection.execute(insert(SCHOOLS), rows)
    facts = [
        {"school": row["code"], "valid_from": FIRST_DAY, **{name: row.get(name) for name in FACT_COLUMNS}}
        for row in rows
    ]
    unit.connection.execute(delete(SCHOOL_FACTS).where(SCHOOL_FACTS.c.school == bindparam("of")), _of(rows))
    unit.connection.execute(insert(SCHOOL_FACTS), facts)


def _of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"of": row["code"]} for row in rows]


def change(unit: UnitOfWork, code: str, values: Mapping[str, Any]) -> None:
    """Change columns of a school."""
    unit.connection.execute(update(SCHOOLS).where(SCHOOLS.c.code == code).values(**values))


def set_facts(unit: UnitOfWork, code: str, valid_from: str, facts: Mapping[str, Any]) -> None:
    """Let facts hold from a local day on; those of earlier days stay as they were."""
    at_day = (SCHOOL_FACTS.c.school == code) & (SCHOOL_FACTS.c.valid_from == valid_from)
    unit.connection.execute(delete(SCHOOL_FACTS).where(at_day))
    unit.connection.execute(insert(SCHOOL_FACTS).values(school=code, valid_from=valid_from, **facts))


def facts_of(snapshot: Snapshot, codes: Iterable[str]) -> dict[str, list[DatedFacts]]:
    """Return the dated facts of schools, oldest first."""
    wanted = list(codes)
    found: dict[str, list[DatedFacts]] = {code: [] for code in wanted}
    for some in in_pieces(wanted):
        query = (
            select(SCHOOL_FACTS.c.school, *_FACTS)
            .where(SCHOOL_FACTS.c.school.in_(some))
            .order_by(SCHOOL_FACTS.c.school, SCHOOL_FACTS.c.valid_from)
        )
        for row in snapshot.connection.execute(query).all():
            found[row[0]].append(DatedFacts(*row[1:]))
    return found


def calendar_days(snapshot: Snapshot, names: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
    """Return what differs from the weekly hours: calendar -> local day -> kind (holiday, closure, open).

    Args:
        snapshot: The database.
        names: Of calendars, a few; None for all.
    """
    found: dict[str, dict[str, str]] = {}
    query = select(CALENDAR_DAYS.c.calendar, CALENDAR_DAYS.c.day, CALENDAR_DAYS.c.kind)
    if names is not None:
        query = query.where(CALENDAR_DAYS.c.calendar.in_(list(names)))
    for calendar, day, kind in snapshot.connection.execute(query):
        found.setdefault(calendar, {})[day] = kind
    return found


def list_calendar_days(snapshot: Snapshot) -> dict[tuple[str, str], CalendarDay]:
    """Return every day of every calendar, by calendar and day."""
    query = select(*[CALENDAR_DAYS.c[name] for name in CalendarDay.__dataclass_fields__])
    return {(row[0], row[1]): CalendarDay(*row) for row in snapshot.connection.execute(query)}


def set_calendar_days(unit: UnitOfWork, days: Sequence[CalendarDay]) -> None:
    """Store days of calendars, replacing those that are there."""
    if not days:
        return
    same = (CALENDAR_DAYS.c.calendar == bindparam("of")) & (CALENDAR_DAYS.c.day == bindparam("on"))
    unit.connection.execute(delete(CALENDAR_DAYS).where(same), [{"of": one.calendar, "on": one.day} for one in days])
    unit.connection.execute(insert(CALENDAR_DAYS), [asdict(one) for one in days])


def remove_calendar_days(unit: UnitOfWork, days: Sequence[CalendarDay]) -> None:
    """Take days out of their calendars."""
    if days:
        same = (CALENDAR_DAYS.c.calendar == bindparam("of")) & (CALENDAR_DAYS.c.day == bindparam("on"))
        unit.connection.execute(
            delete(CALENDAR_DAYS).where(same), [{"of": one.calendar, "on": one.day} for one in days]
        )


def unjudge(unit: UnitOfWork, code: str, from_ms: int = 0) -> None:
    """Let the next evaluation look at a school's measurements again, from a moment on."""
    rows = (MEASUREMENTS.c.school == code) & (MEASUREMENTS.c.started_ms >= from_ms)
    unit.connection.execute(update(MEASUREMENTS).where(rows).values(votes=None, exclusion=None))
