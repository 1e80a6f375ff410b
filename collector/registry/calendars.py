"""Days that differ from the weekly opening hours, from a CSV file with `calendar,date,kind,note`."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from collector.domain.said import Said
from collector.domain.words import DayKind
from collector.registry import columns, csvfile
from collector.registry.columns import CellError, Context
from collector.registry.importer import require_headings
from collector.registry.plan import CALENDAR, Change, Line, Plan
from collector.store.queries import facts, schools
from collector.store.queries.judging import judgement
from collector.store.queries.schools import EVERYBODY, CalendarDay, School, area_calendar, calendars_of, school_calendar
from collector.store.unit import Snapshot, UnitOfWork

COLUMNS = ("calendar", "date", "kind", "note")
REQUIRED = COLUMNS[:3]
_YEARS = range(1970, 2200)  # those in which measurements can lie


@dataclass(frozen=True)
class _Known:
    """What the rows of a file are held against."""

    days: Mapping[tuple[str, str], CalendarDay]
    areas: frozenset[str]
    codes: frozenset[str]


def plan_calendar(snapshot: Snapshot, table: csvfile.CsvFile, place: str) -> Plan:
    """Return what a table would do to the calendars.

    `calendar` is "default", an area, or a school's code; where an area and a school are called the same, "area:" or
    "school:" stands before the name.

    Raises:
        CollectorError: If it cannot be used as a whole.
    """
    require_headings(table, REQUIRED, place)
    registry = schools.by_code(snapshot)
    areas = frozenset(one.area for one in registry.values() if one.area)
    known = _Known(schools.list_calendar_days(snapshot), areas, frozenset(registry))
    plan = Plan(CALENDAR, table)
    lines_of: dict[tuple[str, str], int] = {}
    for row in table.rows:
        cells = {**dict.fromkeys(COLUMNS, ""), **dict(zip(table.headings, row.cells, strict=False))}
        given, wrong = _parse(cells, known, Context(table.delimiter))
        faults = csvfile.faults(row, table.headings)
        wrong = [*(one for one in wrong if one[0] not in dict(faults)), *faults]
        key = (given.calendar, given.day)
        if not wrong and (first := lines_of.setdefault(key, row.line)) != row.line:
            said = Said(
                "%(day)s of the calendar %(calendar)s stands in line %(line)s already.",
                day=given.day,
                calendar=given.calendar,
                line=first,
            )
            wrong.append(("date", said))
        if wrong:
            plan.refuse(row.line, wrong)
            continue
        before = known.days.get(key)
        if given == before:
            plan.unchanged += 1
        else:
            plan.lines.append(Line(row.line, subject_of(*key), given.calendar, before is None, _changes(before, given)))
    plan.absent = len(known.days.keys() - lines_of.keys())
    return plan


def subject_of(calendar: str, day: str) -> str:
    """Return what the history calls a day of a calendar."""
    return f"{day} {calendar}"


def key_of(subject: str) -> tuple[str, str]:
    """Return the calendar and the day that `subject_of` named."""
    day, _blank, calendar = subject.partition(" ")
    return calendar, day


def _changes(before: CalendarDay | None, given: CalendarDay) -> tuple[Change, ...]:
    pairs = ((name, getattr(before, name, None), getattr(given, name)) for name in ("kind", "note"))
    return tuple(Change(name, old, new) for name, old, new in pairs if old != new)


def write_calendar(unit: UnitOfWork, lines: Iterable[Line]) -> None:
    """Store days of calendars, and let what follows from them be worked out again.

    Args:
        unit: The transaction to write in.
        lines: Rows whose `before` is what the calendars have now.
    """
    lines = list(lines)
    if not lines:
        return
    known = schools.list_calendar_days(unit)
    days: list[CalendarDay] = []
    touched: list[CalendarDay] = []  # those that make a difference to the judgement
    for line in lines:
        key = key_of(line.subject)
        values = {change.field: change.after for change in line.changes}
        before = known.get(key)
        note = values.get("note", before.note if before else None)
        day = CalendarDay(
            *key, str(values.get("kind", before.kind if before else "")), None if note is None else str(note)
        )
        days.append(day)
        if before is None or before.kind != day.kind:
            touched.append(day)
    schools.set_calendar_days(unit, days)
    follow(unit, touched)


def remove_days(unit: UnitOfWork, subjects: Iterable[str]) -> None:
    """Take days out of their calendars."""
    known = schools.list_calendar_days(unit)
    gone = [known[key] for key in map(key_of, subjects) if key in known]
    schools.remove_calendar_days(unit, gone)
    follow(unit, gone)


def follow(unit: UnitOfWork, touched: Sequence[CalendarDay]) -> None:
    """Let the judgement and the windows of devices follow days that changed."""
    if touched:
        _reopen(unit, touched, schools.by_code(unit).values())
        facts.raise_settings_version(unit)


def _parse(cells: Mapping[str, str], known: _Known, context: Context) -> tuple[CalendarDay, list[tuple[str, Said]]]:
    """Return a day, and (column, sentence) for each cell that cannot be taken."""
    wrong: list[tuple[str, Said]] = []
    calendar = ""
    try:
        calendar = _calendar(" ".join(cells["calendar"].split()), known)
    except CellError as error:
        wrong.append(("calendar", error.said))
    if not _is_day(cells["date"]):
        said = Said("%(cell)s is not a date; write it as 2026-12-24.", cell=columns.shown(cells["date"]))
        wrong.append(("date", said))
    kind = cells["kind"].lower()
    if kind not in set(DayKind):
        said = Said(
            "%(cell)s is unknown; write %(kinds)s.", cell=columns.shown(cells["kind"]), kinds=", ".join(DayKind)
        )
        wrong.append(("kind", said))
    note: str | None = None
    try:
        note = str(columns.free_text(cells["note"], context) or "") or None
    except CellError as error:
        wrong.append(("note", error.said))
    return CalendarDay(calendar, cells["date"], kind, note), wrong


def _calendar(name: str, known: _Known) -> str:
    """Return the stored name of the calendar that a cell means.

    Raises:
        CellError: If it means none, or may mean two.
    """
    if name.casefold() == EVERYBODY:
        return EVERYBODY
    kind, mark, rest = name.partition(":")
    kind, rest = kind.strip().casefold(), rest.strip()
    is_area, is_school = (kind, mark) == ("area", ":"), (kind, mark) == ("school", ":")
    area = rest if is_area else name
    code = rest if is_school else name
    of_area = not is_school and area in known.areas
    of_school = not is_area and code in known.codes
    if of_area and of_school:
        raise CellError(
            "%(cell)s is an area and a school; write area:%(name)s or school:%(name)s.",
            cell=columns.shown(name),
            name=name,
        )
    if of_area:
        return area_calendar(area)
    if of_school:
        return school_calendar(code)
    raise _unknown_calendar(name, known)


def _unknown_calendar(name: str, known: _Known) -> CellError:
    if not name:
        return CellError("the calendar is missing: write default, an area, or a school's code.")
    cell = columns.shown(name)
    near = difflib.get_close_matches(name[: columns.TEXT_CHARS], _all_names(known), n=1, cutoff=0.75)
    if near:
        return CellError("no area and no school is called %(cell)s; did you mean %(near)s?", cell=cell, near=near[0])
    return CellError("no area and no school is called %(cell)s; write default, an area, or a school's code.", cell=cell)


def _all_names(known: _Known) -> list[str]:
    names = {EVERYBODY, *known.areas, *known.codes}
    return [*names, *map(area_calendar, known.areas), *map(school_calendar, known.codes)]


def _is_day(text: str) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    return day.isoformat() == text and day.year in _YEARS


def _reopen(unit: UnitOfWork, touched: Iterable[CalendarDay], registry: Iterable[School]) -> None:
    """Let the schools that follow a calendar be folded again from its first day that changed."""
    first: dict[str, str] = {}
    for one in touched:
        first[one.calendar] = min(one.day, first.get(one.calendar, one.day))
    if EVERYBODY in first:
        judgement.reopen_days(unit, first[EVERYBODY])
    concerned: dict[str, list[str]] = {}
    for school in registry:
        if days := [first[name] for name in calendars_of(school.code, school.area) if name in first]:
            concerned.setdefault(min(days), []).append(school.code)
    for day, codes in concerned.items():
        judgement.reopen_days(unit, day, codes)
