"""Hazards, the schools in them and their call lists: reading and writing. Nothing here commits."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from agent.wire.vocabulary import DiaryState
from collector.domain.availability import CLOCK_OFF_MS, LONGEST_MS
from collector.domain.diary_states import Hears, words_of
from collector.domain.hazards.standing import Entry
from collector.domain.outages import presence
from collector.domain.slots import SLOT_MS
from collector.domain.words import TimeQuality
from collector.store.queries import contacts
from collector.store.queries.contacts import MINUTE_MS
from collector.store.tables.devices import DEVICES
from collector.store.tables.hazards import HAZARD_CALLS, HAZARD_SCHOOLS, HAZARDS
from collector.store.tables.judgement import NEWEST_EVALUATIONS
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork

_DAY_MS = 86_400_000  # no run of a diary is longer
_WORKED = words_of(Hears.WORKS)  # words of the diary with which the school's own line worked
_AWAY = words_of(Hears.NOTHING)  # and those that say nothing of it


@dataclass(frozen=True)
class Hazard:
    """One hazard or drill."""

    hazard_id: str
    name: str
    kind: str
    is_drill: bool
    shape: str  # GeoJSON; empty: areas alone
    areas: tuple[str, ...]
    begins_ms: int
    ends_ms: int | None
    declared_ms: int
    declared_by: str
    version: int
    schools: int
    checked_ms: int | None = None

    def as_of_ms(self, now_ms: int) -> int:
        """Return the moment for which standings are worked out: now, or its end."""
        return now_ms if self.ends_ms is None else min(now_ms, self.ends_ms)


@dataclass(frozen=True)
class Placed:
    """A school with what decides whether it lies in a hazard, and when its days begin."""

    code: str
    longitude: float | None
    latitude: float | None
    area: str | None
    timezone: str | None
    is_demo: bool


@dataclass(frozen=True)
class Heard:
    """What has been heard of a school since a hazard began."""

    first_heard_ms: int | None
    last_contact_ms: int | None
    word: str | None
    newest_bps: int | None


@dataclass(frozen=True)
class Call:
    """One line of a call list's record."""

    call_id: str
    hazard_id: str
    school: str
    seq: int
    at_ms: int
    by: str
    deed: str
    way: str | None = None
    answer: str | None = None
    note: str | None = None
    undoes: str | None = None

    @property
    def entry(self) -> Entry:
        """What the fold of the record takes of it."""
        return Entry(self.call_id, self.seq, self.at_ms, self.by, self.deed, self.answer, self.undoes)


_COLUMNS = [HAZARDS.c[name] for name in Hazard.__dataclass_fields__]
_CALLS = [HAZARD_CALLS.c[name] for name in Call.__dataclass_fields__]


def _hazard(row: Any) -> Hazard:
    values = dict(row._mapping)
    return Hazard(**{**values, "areas": tuple(json.loads(values["areas"]))})


def find(snapshot: Snapshot, hazard_id: str) -> Hazard | None:
    """Return a hazard, None where there is none that the reader sees."""
    row = snapshot.connection.execute(select(*_COLUMNS).where(HAZARDS.c.hazard_id == hazard_id)).first()
    return _hazard(row) if row is not None else None


def newest(snapshot: Snapshot, limit: int) -> list[Hazard]:
    """Return hazards: the open ones first, then the newest."""
    ended = HAZARDS.c.ends_ms.is_not(None)
    order = (ended, HAZARDS.c.begins_ms.desc(), HAZARDS.c.hazard_id.desc())
    return [_hazard(row) for row in snapshot.connection.execute(select(*_COLUMNS).order_by(*order).limit(limit))]


def open_ones(snapshot: Snapshot) -> list[Hazard]:
    """Return every hazard without an end, drills too."""
    return [_hazard(row) for row in snapshot.connection.execute(select(*_COLUMNS).where(HAZARDS.c.ends_ms.is_(None)))]


def to_renew(snapshot: Snapshot, ended_ms: int, checked_ms: int) -> list[Hazard]:
    """Return every hazard without an end, and of those that ended lately whoever was not looked at for a while.

    Args:
        snapshot: The database.
        ended_ms: Ended at this moment or later.
        checked_ms: Looked at before this moment, or never.
    """
    is_old = HAZARDS.c.checked_ms.is_(None) | (HAZARDS.c.checked_ms < checked_ms)
    wanted = HAZARDS.c.ends_ms.is_(None) | ((HAZARDS.c.ends_ms >= ended_ms) & is_old)
    return [_hazard(row) for row in snapshot.connection.execute(select(*_COLUMNS).where(wanted))]


def count(snapshot: Snapshot) -> tuple[int, int]:
    """Return how many hazards there are, and how many of them are open."""
    is_open = func.sum(HAZARDS.c.ends_ms.is_(None).cast(HAZARDS.c.version.type))
    total, still = snapshot.connection.execute(select(func.count(), is_open).select_from(HAZARDS)).one()
    return int(total), int(still or 0)


def placed_schools(snapshot: Snapshot) -> list[Placed]:
    """Return every school that the reader sees, in the order of codes."""
    columns = [SCHOOLS.c[name] for name in Placed.__dataclass_fields__]
    return [Placed(*row) for row in snapshot.connection.execute(select(*columns).order_by(SCHOOLS.c.code))]


def add(unit: UnitOfWork, hazard: Hazard, members: Mapping[str, tuple[str, str | None]], profile: str) -> None:
    """Store a hazard with its schools and how each of them stands now.

    Args:
        unit: The transaction to write in.
        hazard: With the number of its schools.
        members: First and last local day of each school, by code.
        profile: Whose verdicts are the baseline.
    """
    values = {**asdict(hazard), "areas": json.dumps(list(hazard.areas), ensure_ascii=False)}
    unit.connection.execute(insert(HAZARDS).values(**values))
    verdicts, devices = _verdicts(unit, profile), _devices(unit)
    rows = [
        {
            "hazard_id": hazard.hazard_id,
            "school": code,
            "from_day": days[0],
            "to_day": days[1],
            "usual_contact_ms": devices.get(code, (None, 0))[0],
            "usual_verdict": verdicts.get(code, (None, None))[0],
            "usual_bps": verdicts.get(code, (None, None))[1],
            "usual_devices": devices.get(code, (None, 0))[1],
        }
        for code, days in members.items()
    ]
    unit.connection.execute(insert(HAZARD_SCHOOLS), rows)


def _verdicts(snapshot: Snapshot, profile: str) -> dict[str, tuple[str | None, int | None]]:
    newest_of = NEWEST_EVALUATIONS.c
    query = select(newest_of.school, newest_of.verdict, newest_of.median_bps).where(newest_of.profile == profile)
    return {row[0]: (row[1], row[2]) for row in snapshot.connection.execute(query)}


def _devices(snapshot: Snapshot) -> dict[str, tuple[int | None, int]]:
    query = select(DEVICES.c.school, func.max(DEVICES.c.last_contact_ms), func.count())
    query = query.where(DEVICES.c.state != "revoked").group_by(DEVICES.c.school)
    return {row[0]: (row[1], row[2]) for row in snapshot.connection.execute(query)}


def set_dates(unit: UnitOfWork, hazard: Hazard, days: Mapping[str, tuple[str, str | None]]) -> bool:
    """Write the dates of a hazard and the local days of its schools, and return whether nobody had changed it.

    Args:
        unit: The transaction to write in.
        hazard: With its new dates, and the version that it had when they were decided.
        days: First and last local day, by school.
    """
    same = (HAZARDS.c.hazard_id == hazard.hazard_id) & (HAZARDS.c.version == hazard.version)
    done = unit.connection.execute(
        update(HAZARDS)
        .where(same)
        .values(begins_ms=hazard.begins_ms, ends_ms=hazard.ends_ms, version=hazard.version + 1)
        .returning(HAZARDS.c.hazard_id)
    )
    if done.first() is None:
        return False
    set_days(unit, hazard.hazard_id, days)
    return True


def set_days(unit: UnitOfWork, hazard_id: str, days: Mapping[str, tuple[str, str | None]]) -> None:
    """Write the local days of schools in a hazard."""
    if days:
        this = (HAZARD_SCHOOLS.c.hazard_id == hazard_id) & (HAZARD_SCHOOLS.c.school == bindparam("of"))
        statement = update(HAZARD_SCHOOLS).where(this).values(from_day=bindparam("first"), to_day=bindparam("last"))
        rows = [{"of": code, "first": first, "last": last} for code, (first, last) in days.items()]
        unit.connection.execute(statement, rows)


def days_of(snapshot: Snapshot, hazard_id: str) -> dict[str, tuple[str, str | None]]:
    """Return the stored local days of each school in a hazard, by code."""
    query = select(HAZARD_SCHOOLS.c.school, HAZARD_SCHOOLS.c.from_day, HAZARD_SCHOOLS.c.to_day)
    query = query.where(HAZARD_SCHOOLS.c.hazard_id == hazard_id)
    return {row[0]: (row[1], row[2]) for row in snapshot.connection.execute(query)}


def zones_of(snapshot: Snapshot, hazard_id: str) -> dict[str, str | None]:
    """Return the time zone of each school in a hazard, None where it has none of its own."""
    query = (
        select(HAZARD_SCHOOLS.c.school, SCHOOLS.c.timezone)
        .select_from(HAZARD_SCHOOLS.outerjoin(SCHOOLS, SCHOOLS.c.code == HAZARD_SCHOOLS.c.school))
        .where(HAZARD_SCHOOLS.c.hazard_id == hazard_id)
    )
    return {row[0]: row[1] for row in snapshot.connection.execute(query)}


# --- what is heard --------------------------------------------------------------------------------------------------


def heard(snapshot: Snapshot, hazard: Hazard, as_of_ms: int) -> dict[str, Heard]:
    """Return what the rows say of each school between the beginning of a hazard and a moment.

    The first time heard is the earliest test that gave a figure or run of the diary in which the line worked, by the
    time of the school; where there is neither, the last contact. What came after the moment says nothing of it.
    """
    contacts = _contacts(snapshot, hazard, as_of_ms)
    query = select(HAZARD_SCHOOLS.c.school, *_since(hazard.begins_ms, as_of_ms))
    query = query.where(HAZARD_SCHOOLS.c.hazard_id == hazard.hazard_id)
    found = {}
    for row in snapshot.connection.execute(query):
        contact = contacts.get(row.school)
        firsts = [max(one, hazard.begins_ms) for one in (row.tested_ms, row.worked_ms) if one is not None]
        ends = [row.last_worked_ms, as_of_ms, row.last_worked_from_ms + LONGEST_MS] if row.last_worked_ms else []
        lasts = [one for one in (contact, min(ends, default=None), *firsts) if one is not None]
        first = min(firsts) if firsts else contact
        found[row.school] = Heard(first, max(lasts, default=None), _word(row), row.newest_bps)
    return found


def _word(row: Any) -> str | None:
    """Return the newest word of the diary; of several computers one that gets through decides."""
    if row.told is None:
        return row.any_word  # type: ignore[no-any-return]  # a column of text
    has_other_worked = row.last_worked_ms is not None and row.last_worked_ms > row.told_from_ms + SLOT_MS
    return DiaryState.OK.value if has_other_worked and row.told not in _WORKED else str(row.told)


def _contacts(snapshot: Snapshot, hazard: Hazard, as_of_ms: int) -> dict[str, int]:
    """Return when each school was last heard between the beginning of a hazard and a moment.

    Of a school that was heard after the moment it is asked in which minute of the day before it was.
    """
    newest = {code: ms for code, ms in _devices_of(snapshot, hazard.hazard_id).items() if ms is not None}
    found = {code: ms for code, ms in newest.items() if hazard.begins_ms <= ms <= as_of_ms}
    later = sorted(code for code, ms in newest.items() if ms > as_of_ms)
    first, last = max(hazard.begins_ms, as_of_ms - _DAY_MS) // MINUTE_MS, as_of_ms // MINUTE_MS
    for code, hours in (contacts.rows_between(snapshot, first, last, later) if later else {}).items():
        if minutes := [one for one in presence.minutes_of(hours) if first <= one <= last]:
            found[code] = min(max(minutes[-1] * MINUTE_MS, hazard.begins_ms), as_of_ms)
    return found


def _devices_of(snapshot: Snapshot, hazard_id: str) -> dict[str, int | None]:
    of_it = select(HAZARD_SCHOOLS.c.school).where(HAZARD_SCHOOLS.c.hazard_id == hazard_id)
    query = select(DEVICES.c.school, func.max(DEVICES.c.last_contact_ms)).where(DEVICES.c.school.in_(of_it))
    query = query.where(DEVICES.c.state != "revoked").group_by(DEVICES.c.school)
    return {row[0]: row[1] for row in snapshot.connection.execute(query)}


def _since(begins_ms: int, as_of_ms: int) -> list[Any]:
    """Return, for each school, looks into an index: first test, first and last good run, newest words and speed."""
    tests, runs = MEASUREMENTS.c, DIARY.c
    tested = (tests.school == HAZARD_SCHOOLS.c.school) & tests.started_ms.between(begins_ms, as_of_ms)
    tested = tested & tests.download_bps.is_not(None) & tests.retracted_ms.is_(None)
    lived = (runs.school == HAZARD_SCHOOLS.c.school) & runs.from_ms.between(begins_ms - _DAY_MS, as_of_ms)
    lived = lived & (runs.to_ms > begins_ms)
    is_known = (runs.time_quality != TimeQuality.BOUNDED.value) | (runs.clock_off_ms <= CLOCK_OFF_MS)
    worked = lived & is_known & runs.state.in_(_WORKED)
    tells = lived & is_known & runs.state.not_in(_AWAY)

    def newest(column: Any, condition: Any, table: Any, at_ms: Any) -> Any:
        query = select(column).where(condition).order_by(at_ms.desc(), table.device, table.rid)
        return query.limit(1).scalar_subquery()

    return [
        select(func.min(tests.started_ms)).where(tested).scalar_subquery().label("tested_ms"),
        select(func.min(runs.from_ms)).where(worked).scalar_subquery().label("worked_ms"),
        newest(runs.to_ms, worked, runs, runs.from_ms).label("last_worked_ms"),
        newest(runs.from_ms, worked, runs, runs.from_ms).label("last_worked_from_ms"),
        newest(runs.state, tells, runs, runs.from_ms).label("told"),
        newest(runs.from_ms, tells, runs, runs.from_ms).label("told_from_ms"),
        newest(runs.state, lived, runs, runs.from_ms).label("any_word"),
        newest(tests.download_bps, tested, tests, tests.started_ms).label("newest_bps"),
    ]


def kept_heard(snapshot: Snapshot, hazard_id: str) -> dict[str, Heard]:
    """Return what is stored of what was heard."""
    columns = [HAZARD_SCHOOLS.c[name] for name in Heard.__dataclass_fields__]
    query = select(HAZARD_SCHOOLS.c.school, *columns).where(HAZARD_SCHOOLS.c.hazard_id == hazard_id)
    return {row[0]: Heard(*row[1:]) for row in snapshot.connection.execute(query)}


def set_heard(unit: UnitOfWork, hazard_id: str, changed: Mapping[str, Heard], now_ms: int) -> None:
    """Write what was heard of schools, and when that was worked out."""
    if changed:
        this = (HAZARD_SCHOOLS.c.hazard_id == hazard_id) & (HAZARD_SCHOOLS.c.school == bindparam("of"))
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in Heard.__dataclass_fields__}
        rows = [
            {"of": code, **{f"new_{name}": value for name, value in asdict(one).items()}}
            for code, one in changed.items()
        ]
        unit.connection.execute(update(HAZARD_SCHOOLS).where(this).values(**values), rows)
    unit.connection.execute(update(HAZARDS).where(HAZARDS.c.hazard_id == hazard_id).values(checked_ms=now_ms))


# --- who called whom ------------------------------------------------------------------------------------------------


def calls(snapshot: Snapshot, hazard_id: str, school: str | None = None) -> dict[str, list[Call]]:
    """Return the records of a hazard by school, each in order."""
    query = select(*_CALLS).where(HAZARD_CALLS.c.hazard_id == hazard_id)
    query = query.where(HAZARD_CALLS.c.school == school) if school is not None else query
    found: dict[str, list[Call]] = {}
    for row in snapshot.connection.execute(query.order_by(HAZARD_CALLS.c.school, HAZARD_CALLS.c.seq)):
        found.setdefault(row.school, []).append(Call(*row))
    return found


def add_call(unit: UnitOfWork, call: Call) -> None:
    """Add a line to the record of a school."""
    unit.connection.execute(insert(HAZARD_CALLS).values(**asdict(call)))


def is_member(snapshot: Snapshot, hazard_id: str, school: str) -> bool:
    """Return whether a school lies in a hazard and the reader sees it."""
    query = select(HAZARD_SCHOOLS.c.school).where(HAZARD_SCHOOLS.c.hazard_id == hazard_id)
    return snapshot.connection.execute(query.where(HAZARD_SCHOOLS.c.school == school)).first() is not None


def phones(snapshot: Snapshot, hazard_id: str, codes: Sequence[str] | None = None) -> dict[str, str]:
    """Return the telephones of schools in a hazard that have one; who reads them is written down by the caller."""
    query = (
        select(SCHOOLS.c.code, SCHOOLS.c.phone)
        .join(HAZARD_SCHOOLS, HAZARD_SCHOOLS.c.school == SCHOOLS.c.code)
        .where(HAZARD_SCHOOLS.c.hazard_id == hazard_id, SCHOOLS.c.phone.is_not(None))
    )
    query = query.where(SCHOOLS.c.code.in_(list(codes))) if codes is not None else query
    return {row[0]: row[1] for row in snapshot.connection.execute(query)}
