"""Days that differ from the weekly opening hours, from a CSV file with `calendar,date,kind,note`."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from collector.domain.words import DayKind
from collector.registry import columns, csvfile
from collector.registry.columns import CellError, Context
from collector.registry.importer import ImportReport, RowError, cleaned_cells, read_source
from collector.store.queries import facts, judgement, schools
from collector.store.queries.schools import EVERYBODY, CalendarDay, School, area_calendar, calendars_of, school_calendar
from collector.store.unit import UnitOfWork

COLUMNS = ("calendar", "date", "kind", "note")
REQUIRED = COLUMNS[:3]
_WRITE = f"write {EVERYBODY}, an area, or a school's code."
_YEARS = range(1970, 2200)  # those in which measurements can lie


@dataclass
class _Plan:
    """What is to be written."""

    days: list[CalendarDay] = field(default_factory=list)
    added: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    touched: list[CalendarDay] = field(default_factory=list)  # those that make a difference to the judgement


@dataclass(frozen=True)
class _Known:
    """What the rows of a file are held against."""

    days: Mapping[tuple[str, str], CalendarDay]
    areas: frozenset[str]
    codes: frozenset[str]


def import_calendar(unit: UnitOfWork, source: Path | bytes, *, dry_run: bool = False) -> ImportReport:
    """Bring the days of a file into the calendars; the caller commits.

    What was judged of the schools concerned is folded again from the first day that changes, and devices ask for
    their windows again.

    Args:
        unit: The transaction to write in; nothing is written on a dry run.
        source: The file or its content. `calendar` is "default", an area, or a school's code; where an area and a
            school are called the same, "area:" or "school:" stands before the name.
        dry_run: Only say what would be done.

    Raises:
        CollectorError: If the file as a whole cannot be used; nothing is stored then.
    """
    raw, place = read_source(source)
    table = csvfile.read(raw, COLUMNS, place)
    for required in REQUIRED:
        if required not in table.headings:
            raise csvfile.refuse(
                f"{place} has no heading {required}.", f"Its headings are: {', '.join(filter(None, table.headings))}."
            )
    registry = schools.by_code(unit)
    areas = frozenset(one.area for one in registry.values() if one.area)
    plan = _plan(table, _Known(schools.list_calendar_days(unit), areas, frozenset(registry)))
    if not dry_run and plan.days:
        schools.set_calendar_days(unit, plan.days)
        if plan.touched:
            _reopen(unit, plan.touched, registry.values())
            facts.raise_settings_version(unit)
    return ImportReport(
        added=plan.added,
        changed=len(plan.days) - plan.added,
        unchanged=plan.unchanged,
        errors=tuple(plan.errors),
        skipped_empty=table.skipped_empty,
        unknown_columns=(),
        dry_run=dry_run,
        what="day",
        cleaned=cleaned_cells(table),
    )


def _plan(table: csvfile.CsvFile, known: _Known) -> _Plan:
    plan = _Plan()
    lines_of: dict[tuple[str, str], int] = {}
    for row in table.rows:
        cells = {**dict.fromkeys(COLUMNS, ""), **dict(zip(table.headings, row.cells, strict=False))}
        given, wrong = _parse(cells, known, Context(table.delimiter))
        faults = csvfile.faults(row, table.headings)
        wrong = [*(one for one in wrong if one[0] not in dict(faults)), *faults]
        key = (given.calendar, given.day)
        if not wrong and (first := lines_of.setdefault(key, row.line)) != row.line:
            wrong.append(("date", f"{given.day} of the calendar {given.calendar} stands in line {first} already."))
        if wrong:
            plan.errors += [RowError(row.line, column, sentence) for column, sentence in wrong]
            continue
        before = known.days.get(key)
        if given == before:
            plan.unchanged += 1
            continue
        plan.days.append(given)
        plan.added += before is None
        if before is None or before.kind != given.kind:
            plan.touched.append(given)
    return plan


def _parse(cells: Mapping[str, str], known: _Known, context: Context) -> tuple[CalendarDay, list[tuple[str, str]]]:
    """Return a day, and (column, sentence) for each cell that cannot be taken."""
    wrong: list[tuple[str, str]] = []
    calendar = ""
    try:
        calendar = _calendar(" ".join(cells["calendar"].split()), known)
    except CellError as error:
        wrong.append(("calendar", str(error)))
    if not _is_day(cells["date"]):
        wrong.append(("date", f"{columns.shown(cells['date'])} is not a date; write it as 2026-12-24."))
    kind = cells["kind"].lower()
    if kind not in set(DayKind):
        wrong.append(("kind", f"{columns.shown(cells['kind'])} is unknown; write {', '.join(DayKind)}."))
    note: str | None = None
    try:
        note = str(columns.free_text(cells["note"], context) or "") or None
    except CellError as error:
        wrong.append(("note", str(error)))
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
        raise CellError(f"{columns.shown(name)} is an area and a school; write area:{name} or school:{name}.")
    if of_area:
        return area_calendar(area)
    if of_school:
        return school_calendar(code)
    raise CellError(_unknown_calendar(name, known))


def _unknown_calendar(name: str, known: _Known) -> str:
    if not name:
        return f"the calendar is missing: {_WRITE}"
    near = difflib.get_close_matches(name[: columns.TEXT_CHARS], _all_names(known), n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else _WRITE
    return f"no area and no school is called {columns.shown(name)}; {hint}"


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
