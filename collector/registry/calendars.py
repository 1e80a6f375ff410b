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
from collector.store.queries.schools import EVERYBODY, CalendarDay, School
from collector.store.unit import UnitOfWork

COLUMNS = ("calendar", "date", "kind", "note")
REQUIRED = COLUMNS[:3]
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
    calendars: frozenset[str]


def import_calendar(unit: UnitOfWork, source: Path | bytes, *, dry_run: bool = False) -> ImportReport:
    """Bring the days of a file into the calendars; the caller commits.

    What was judged of the schools concerned is folded again from the first day that changes, and devices ask for
    their windows again.

    Args:
        unit: The transaction to write in; nothing is written on a dry run.
        source: The file or its content. `calendar` is "default", an area, or a school's code.
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
    names = frozenset({EVERYBODY, *registry, *(one.area for one in registry.values() if one.area)})
    plan = _plan(table, _Known(schools.list_calendar_days(unit), names))
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
        given, wrong = _parse(cells, known.calendars, Context(table.delimiter))
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


def _parse(
    cells: Mapping[str, str], calendars: frozenset[str], context: Context
) -> tuple[CalendarDay, list[tuple[str, str]]]:
    """Return a day, and (column, sentence) for each cell that cannot be taken."""
    wrong: list[tuple[str, str]] = []
    calendar = " ".join(cells["calendar"].split())
    calendar = EVERYBODY if calendar.casefold() == EVERYBODY else calendar
    if calendar not in calendars:
        wrong.append(("calendar", _unknown_calendar(calendar, calendars)))
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


def _unknown_calendar(name: str, calendars: frozenset[str]) -> str:
    if not name:
        return f"the calendar is missing: write {EVERYBODY}, an area, or a school's code."
    near = difflib.get_close_matches(name[: columns.TEXT_CHARS], calendars, n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else f"write {EVERYBODY}, an area, or a school's code."
    return f"no area and no school is called {columns.shown(name)}; {hint}"


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
        if days := [first[name] for name in (school.area, school.code) if name in first]:
            concerned.setdefault(min(days), []).append(school.code)
    for day, codes in concerned.items():
        judgement.reopen_days(unit, day, codes)
