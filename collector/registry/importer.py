"""Schools from a CSV file into the registry: row by row, each refused one with a sentence, the others stored.

The same file again changes nothing. A school that is not in the file stays as it is, and so does a column that the
file does not have. What decides a target is dated: it holds from today on, and days before keep what held then.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from collector.domain.calendars import local_day
from collector.registry import columns, csvfile, names
from collector.registry.columns import CellError, Context, Value
from collector.store.queries import facts, judgement, schools
from collector.store.queries.schools import FACT_COLUMNS, School
from collector.store.unit import UnitOfWork

# Columns of our own export that are not the registry's to say.
_PASSED_OVER = frozenset({"is_demo", "created_at", "updated_at"})
_EXTRA = "extra"  # of our own export: the columns that we do not know, as JSON
_KNOWN = _PASSED_OVER | {_EXTRA}
_PLAIN = tuple(name for name in columns.COLUMNS if name != "code")
# What the windows for tests follow from: devices ask for their settings again.
_OF_WINDOWS = ("opening", "timezone", "area")


@dataclass(frozen=True)
class RowError:
    """A row that was not stored."""

    line: int  # of the file, on which the row begins
    column: str
    sentence: str

    def __str__(self) -> str:
        return f"Line {self.line}, column {self.column}: {self.sentence}"


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or would do."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: tuple[RowError, ...] = ()
    skipped_empty: int = 0
    unknown_columns: tuple[str, ...] = ()  # kept beside the others
    dry_run: bool = False
    what: str = "school"  # one of them
    cleaned: tuple[tuple[int, str], ...] = ()  # (line, column) of cells that held what no table can show

    @property
    def refused_rows(self) -> int:
        """How many rows were not stored."""
        return len({error.line for error in self.errors})

    def lines(self) -> list[str]:
        """Return the report as sentences, the refused rows first."""
        lines = [str(error) for error in self.errors]
        are = "is" if self.unchanged == 1 else "are"
        lines.append(
            f"{counted(self.added, self.what)} {self._were(self.added)} added, {self.changed} changed, "
            f"{self.unchanged} {are} as in the file."
        )
        if refused := self.refused_rows:
            lines.append(f"{counted(refused, 'row')} {self._were(refused)} refused, the others {self._were(2)} taken.")
        if self.cleaned:
            line, column = self.cleaned[0]
            first = "" if len(self.cleaned) == 1 else "the first "
            lines.append(
                f"Line breaks, tabs or characters that cannot be seen {self._were(2)} taken out of "
                f"{counted(len(self.cleaned), 'cell')}: {first}in line {line}, column {column}."
            )
        if self.skipped_empty:
            lines.append(f"Empty rows passed over: {self.skipped_empty}.")
        if self.unknown_columns:
            lines.append(f"Kept, but not used: {', '.join(self.unknown_columns)}.")
        return lines

    def _were(self, count: int) -> str:
        if self.dry_run:
            return "would be"
        return "was" if count == 1 else "were"


def counted(count: int, one: str) -> str:
    """Return a number with its noun, which is given in the singular."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


@dataclass
class _Plan:
    """What is to be written."""

    add: list[dict[str, Any]] = field(default_factory=list)
    change: list[tuple[School, dict[str, Any]]] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


def import_schools(
    unit: UnitOfWork,
    source: Path | bytes,
    *,
    now_ms: int,
    dry_run: bool = False,
    is_demo: bool = False,
    default_timezone: str = "UTC",
) -> ImportReport:
    """Bring the schools of a file into the registry; the caller commits.

    Args:
        unit: The transaction to write in; nothing is written on a dry run.
        source: The file or its content.
        now_ms: The collector's time; facts that change hold from its local day on.
        dry_run: Only say what would be done.
        is_demo: Mark new schools as invented.
        default_timezone: Of schools without one.

    Raises:
        CollectorError: If the file as a whole cannot be used; nothing is stored then.
    """
    raw, place = read_source(source)
    table = csvfile.read(raw, columns.COLUMNS, place)
    for required in columns.REQUIRED:
        if required not in table.headings:
            raise csvfile.refuse(
                f"{place} has no heading {required}.", f"Its headings are: {', '.join(filter(None, table.headings))}."
            )
    unknown = tuple(h for h in table.headings if h and h not in columns.COLUMNS and h not in _KNOWN)
    if len(unknown) > columns.EXTRA_COLUMNS:
        raise csvfile.refuse(f"{place} has {len(unknown)} columns that we do not know.", "Remove some.")
    plan = _plan(table, schools.by_code(unit), now_ms, is_demo)
    if not dry_run:
        _write(unit, plan, now_ms, default_timezone)
    return ImportReport(
        added=len(plan.add),
        changed=len(plan.change),
        unchanged=plan.unchanged,
        errors=tuple(plan.errors),
        skipped_empty=table.skipped_empty,
        unknown_columns=unknown,
        dry_run=dry_run,
        cleaned=cleaned_cells(table),
    )


def cleaned_cells(table: csvfile.CsvFile) -> tuple[tuple[int, str], ...]:
    """Return line and column of the cells that held what no table can show."""
    return tuple(
        (row.line, table.headings[at])
        for row in table.rows
        for at in sorted(row.cleaned)
        if at < len(table.headings) and table.headings[at]
    )


def read_source(source: Path | bytes) -> tuple[bytes, str]:
    """Return the content of a file, and what sentences call it.

    Raises:
        CollectorError: If it cannot be read.
    """
    if isinstance(source, bytes):
        return source, "The file"
    try:
        return source.read_bytes(), str(source)
    except OSError as error:
        raise csvfile.refuse(f"{source} cannot be read ({error.strerror}).") from error


def _plan(table: csvfile.CsvFile, known: dict[str, School], now_ms: int, is_demo: bool) -> _Plan:
    plan = _Plan()
    context = Context(table.delimiter)
    lines_of: dict[str, int] = {}
    for row in table.rows:
        given, extra, wrong = _parse(row, table.headings, context)
        code = given.get("code")
        if isinstance(code, str) and (first := lines_of.setdefault(code, row.line)) != row.line:
            wrong.append(("code", f"'{code}' stands in line {first} already."))
        school = known.get(str(code))
        before = {name: getattr(school, name) for name in columns.COLUMNS} if school else {}
        if not wrong:
            wrong += columns.check_together({**before, **given}, given)
        if wrong:
            plan.errors += [RowError(row.line, column, sentence) for column, sentence in wrong]
        elif school is None:
            plan.add.append(_new(given, extra, now_ms, is_demo))
        elif changes := _changes(school, given, extra):
            plan.change.append((school, changes))
        else:
            plan.unchanged += 1
    return plan


def _parse(
    row: csvfile.Row, headings: tuple[str, ...], context: Context
) -> tuple[dict[str, Value], dict[str, str], list[tuple[str, str]]]:
    given: dict[str, Value] = {}
    extra: dict[str, str] = {}
    wrong = csvfile.faults(row, headings)
    damaged = {column for column, _sentence in wrong}
    cells = row.cells + ("",) * (len(headings) - len(row.cells))
    for heading, cell in zip(headings, cells, strict=False):
        parse = columns.COLUMNS.get(heading)
        try:
            if parse is not None:
                given[heading] = parse(cell, context)
            elif heading == _EXTRA:
                extra |= columns.parse_extra(cell, context)
            elif heading and heading not in _PASSED_OVER:
                extra[heading] = str(columns.free_text(cell, context) or "")
        except CellError as error:
            if heading not in damaged:
                wrong.append((heading, str(error)))
    return given, extra, wrong


def _new(given: dict[str, Value], extra: dict[str, str], now_ms: int, is_demo: bool) -> dict[str, Any]:
    kept = {key: value for key, value in extra.items() if value}
    return {
        **dict.fromkeys(columns.COLUMNS),
        **given,
        **_name_keys(str(given["name"]), str(given["code"])),
        "extra": json.dumps(kept, ensure_ascii=False, sort_keys=True),
        "is_demo": is_demo,
        "created_ms": now_ms,
        "updated_ms": now_ms,
    }


def _name_keys(name: str, code: str) -> dict[str, str]:
    return {"name_folded": names.fold(name), "name_order": names.order_key(name, code)}


def _changes(school: School, given: dict[str, Value], extra: dict[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: given[name] for name in _PLAIN if name in given and given[name] != getattr(school, name)
    }
    kept = {key: value for key, value in {**school.extra, **extra}.items() if value}
    if kept != school.extra:
        changes["extra"] = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    if "name" in changes:
        changes |= _name_keys(str(changes["name"]), school.code)
    return changes


def _write(unit: UnitOfWork, plan: _Plan, now_ms: int, default_timezone: str) -> None:
    schools.add(unit, plan.add)
    days_of = schools.calendar_days(unit)
    for school, changes in plan.change:
        schools.change(unit, school.code, {**changes, "updated_ms": now_ms})
        if any(name in changes for name in FACT_COLUMNS):
            zone = changes.get("timezone", school.timezone) or default_timezone
            today = local_day(now_ms, ZoneInfo(zone)).isoformat()
            dated = {name: changes.get(name, getattr(school, name)) for name in FACT_COLUMNS}
            schools.set_facts(unit, school.code, today, dated)
            judgement.reopen_days(unit, today, [school.code])  # today may have been judged already
        if "timezone" in changes or (
            "area" in changes
            and not days_of.keys().isdisjoint(map(schools.area_calendar, (school.area or "", changes["area"] or "")))
        ):
            # Its days begin at another moment, or other days are holidays: all of them are folded again.
            schools.unjudge(unit, school.code)
    if any(not changes.keys().isdisjoint(_OF_WINDOWS) for _school, changes in plan.change):
        facts.raise_settings_version(unit)
