"""Schools from a file into the registry: row by row, each refused one with a sentence, the others stored.

The same file again changes nothing. A school that is not in the file stays as it is, and so does a column that the
file does not have. What decides a target is dated: it holds from today on, and days before keep what held then.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.wire import infile
from collector.domain.calendars import local_day
from collector.domain.said import Said
from collector.registry import columns, csvfile, giga, names
from collector.registry.columns import CellError, Context
from collector.registry.plan import (
    EXTRA,
    PROBLEM,
    SCHOOLS,
    Change,
    Line,
    Plan,
    RowError,
    Value,
)
from collector.store.queries import facts, schools
from collector.store.queries.judging import judgement
from collector.store.queries.schools import FACT_COLUMNS, School
from collector.store.unit import Snapshot, UnitOfWork

# Columns of our own export that are not the registry's to say, and what an annotated file says of itself.
_PASSED_OVER = frozenset({"is_demo", "created_at", "updated_at", PROBLEM})
_EXTRA = "extra"  # of our own export: the columns that we do not know, as JSON
_KNOWN = _PASSED_OVER | {_EXTRA}
_PLAIN = tuple(name for name in columns.COLUMNS if name != "code")
# What the windows for tests follow from: devices ask for their settings again.
_OF_WINDOWS = ("opening", "timezone", "area")

Fields = dict[str, Value]  # of one school: our columns, and EXTRA with the name of each that we do not know


def read_source(source: Path) -> bytes:
    """Return the content of a file.

    Raises:
        CollectorError: If it is no ordinary file, is too large, or cannot be read.
    """
    try:
        return infile.read(source, csvfile.MAX_BYTES)
    except infile.TooLargeError as error:
        raise csvfile.too_large(str(source), error.size_bytes) from error
    except OSError as error:
        raise csvfile.refuse(
            Said("%(file)s cannot be read (%(reason)s).", file=str(source), reason=str(error.strerror))
        ) from error


def require_headings(table: csvfile.CsvFile, required: Iterable[str], place: str) -> None:
    """Refuse a table that lacks one.

    Raises:
        CollectorError: With the headings that it has.
    """
    for heading in required:
        if heading not in table.headings:
            raise csvfile.refuse(
                Said("%(file)s has no heading %(heading)s.", file=place, heading=heading),
                Said("Its headings are: %(headings)s.", headings=", ".join(filter(None, table.headings))),
            )


def plan_schools(snapshot: Snapshot, table: csvfile.CsvFile, place: str) -> Plan:
    """Return what a table would do to the schools.

    Raises:
        CollectorError: If it cannot be used as a whole.
    """
    table, theirs = giga.renamed(table)
    require_headings(table, columns.REQUIRED, place)
    unknown = tuple(h for h in table.headings if h and h not in columns.COLUMNS and h not in _KNOWN)
    if len(unknown) > columns.EXTRA_COLUMNS:
        raise csvfile.refuse(
            Said("%(file)s has %(count)s columns that we do not know.", file=place, count=len(unknown)),
            Said("Remove some."),
        )
    plan = Plan(SCHOOLS, table, unknown_columns=unknown, theirs=theirs)
    known = schools.by_code(snapshot)
    bare = {code.lstrip("0"): code for code in known}
    context = Context(table.delimiter)
    lines_of: dict[str, int] = {}
    for row in table.rows:
        given, wrong = _parse(row, table.headings, context)
        code = given.get("code")
        if isinstance(code, str) and (first := lines_of.setdefault(code, row.line)) != row.line:
            wrong.append(("code", Said("'%(code)s' stands in line %(line)s already.", code=code, line=first)))
        school = known.get(str(code))
        before = fields_of(school) if school else {}
        if not wrong:
            wrong += columns.check_together({**before, **given}, given)
        if wrong:
            plan.refuse(row.line, wrong)
            continue
        _take(plan, row.line, given, school, bare)
    plan.absent = len(known.keys() - lines_of.keys())
    return plan


def _take(plan: Plan, line: int, given: Fields, school: School | None, bare: Mapping[str, str]) -> None:
    code, name = str(given["code"]), str(given["name"])
    before = fields_of(school) if school else {}
    changes = tuple(
        Change(field, before.get(field), value) for field, value in given.items() if value != before.get(field)
    )
    if not changes:
        plan.unchanged += 1
        return
    plan.lines.append(Line(line, code, name, school is None, changes))
    near = bare.get(code.lstrip("0")) if school is None else None
    if near is not None:
        said = Said("'%(code)s' is new, but there is '%(near)s'. Codes keep their zeros.", code=code, near=near)
        plan.warnings.append(RowError(line, plan.called("code"), said))


def fields_of(school: School) -> Fields:
    """Return what an import can change of a school."""
    return {
        **{name: getattr(school, name) for name in columns.COLUMNS},
        **{f"{EXTRA}{name}": value for name, value in school.extra.items()},
    }


def _parse(row: csvfile.Row, headings: tuple[str, ...], context: Context) -> tuple[Fields, list[tuple[str, Said]]]:
    given: Fields = {}
    wrong = csvfile.faults(row, headings)
    damaged = {column for column, _sentence in wrong}
    cells = row.cells + ("",) * (len(headings) - len(row.cells))
    for heading, cell in zip(headings, cells, strict=False):
        parse = columns.COLUMNS.get(heading)
        try:
            if parse is not None:
                given[heading] = parse(cell, context)
            elif heading == _EXTRA:
                given |= {f"{EXTRA}{key}": value or None for key, value in columns.parse_extra(cell, context).items()}
            elif heading and heading not in _PASSED_OVER:
                given[f"{EXTRA}{heading}"] = columns.free_text(cell, context) or None
        except CellError as error:
            if heading not in damaged:
                wrong.append((heading, error.said))
    return given, wrong


def write_schools(unit: UnitOfWork, lines: Iterable[Line], *, now_ms: int, default_timezone: str) -> None:
    """Store schools and changes of schools, and what follows from them.

    Args:
        unit: The transaction to write in.
        lines: Rows whose `before` is what the registry has now.
        now_ms: Facts that change hold from its local day on.
        default_timezone: Of schools without one.
    """
    lines = list(lines)
    known = schools.by_code(unit, [line.subject for line in lines if not line.is_new])
    new = [_new({c.field: c.after for c in line.changes}, now_ms) for line in lines if line.is_new]
    schools.add(unit, new)
    days_of = schools.calendar_days(unit)
    moves_windows = False
    for line in lines:
        if line.is_new:
            continue
        school = known[line.subject]
        values = _values(school, line.changes)
        schools.change(unit, school.code, {**values, "updated_ms": now_ms})
        _follow(unit, school, values, now_ms, default_timezone, days_of)
        moves_windows = moves_windows or not values.keys().isdisjoint(_OF_WINDOWS)
    if moves_windows:
        facts.raise_settings_version(unit)


def _new(given: Fields, now_ms: int) -> dict[str, Any]:
    kept = {name.removeprefix(EXTRA): value for name, value in given.items() if name.startswith(EXTRA) and value}
    return {
        **dict.fromkeys(columns.COLUMNS),
        **{name: value for name, value in given.items() if name in columns.COLUMNS},
        **_name_keys(str(given["name"]), str(given["code"])),
        "extra": json.dumps(kept, ensure_ascii=False, sort_keys=True),
        "is_demo": False,
        "created_ms": now_ms,
        "updated_ms": now_ms,
    }


def _name_keys(name: str, code: str) -> dict[str, str]:
    return {"name_folded": names.fold(name), "name_order": names.order_key(name, code)}


def _values(school: School, changes: Iterable[Change]) -> dict[str, Any]:
    """Return the columns of the table that changes mean."""
    values: dict[str, Any] = {change.field: change.after for change in changes if change.field in _PLAIN}
    extra = {c.field.removeprefix(EXTRA): c.after for c in changes if c.field.startswith(EXTRA)}
    if extra:
        kept = {key: value for key, value in {**school.extra, **extra}.items() if value}
        values["extra"] = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    if "name" in values:
        values |= _name_keys(str(values["name"]), school.code)
    return values


def _follow(
    unit: UnitOfWork,
    school: School,
    values: Mapping[str, Any],
    now_ms: int,
    default_timezone: str,
    days_of: Mapping[str, object],
) -> None:
    """Let what was judged of a school be judged again as far as its changes reach."""
    if any(name in values for name in FACT_COLUMNS):
        zone = values.get("timezone", school.timezone) or default_timezone
        today = local_day(now_ms, ZoneInfo(zone)).isoformat()
        dated = {name: values.get(name, getattr(school, name)) for name in FACT_COLUMNS}
        schools.set_facts(unit, school.code, today, dated)
        judgement.reopen_days(unit, today, [school.code])  # today may have been judged already
    if "timezone" in values or (
        "area" in values
        and not days_of.keys().isdisjoint(map(schools.area_calendar, (school.area or "", values["area"] or "")))
    ):
        # Its days begin at another moment, or other days are holidays: all of them are folded again.
        schools.unjudge(unit, school.code)
        judgement.reopen_days(unit, schools.FIRST_DAY, [school.code])  # of the old days none may stay
