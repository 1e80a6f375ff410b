"""Files into the registry with a history: looked at first, applied exactly as they were shown, taken back again.

A plan is worked out anew from the kept file whenever somebody looks; who confirms says the hash of the plan that they
saw, and a plan that has become another one meanwhile is shown again instead of being applied.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.wire import forms
from collector.domain.said import Said
from collector.errors import CollectorError
from collector.ports import Ports
from collector.registry import calendars, columns, csvfile, giga, importer
from collector.registry.plan import CALENDAR, SCHOOLS, WHOLE, Line, Plan, Value
from collector.store import locks
from collector.store.queries import imports
from collector.store.queries.imports import APPLIED, LOOKED_AT, Import, StoredChange
from collector.store.unit import Snapshot, UnitOfWork

REGISTRY = "the registry"  # held by who changes it
KEPT_FILES = 20
LOOK_MS = 7 * 86_400_000  # a file that was looked at and left is forgotten after it
_NAME_CHARS = 120
_THE_FILE = Said("The file")
_HEADINGS = columns.COLUMNS.keys() | giga.KNOWN | set(calendars.COLUMNS)


@dataclass(frozen=True)
class Deed:
    """Who does it, when, and for a deployment with which zone."""

    actor: str
    ports: Ports
    default_timezone: str


@dataclass(frozen=True)
class Source:
    """A file that has been read. That takes seconds for a large one, and is done before anything is locked."""

    raw: bytes
    table: csvfile.CsvFile


def read(raw: bytes, place: str = _THE_FILE, *, max_rows: int = csvfile.MAX_ROWS) -> Source:
    """Return the rows of a file.

    Args:
        raw: CSV or XLSX.
        place: What sentences call the file.
        max_rows: A file with more is refused.

    Raises:
        CollectorError: If the file as a whole cannot be used.
    """
    return Source(raw, csvfile.read(raw, _HEADINGS, place, max_rows))


def plan_file(snapshot: Snapshot, source: Source, place: str = _THE_FILE, *, kind: str | None = None) -> Plan:
    """Return what a file would do; its headings say whether it has schools or days of calendars.

    Args:
        snapshot: What it is held against.
        source: The file.
        place: What sentences call the file.
        kind: Which of the two it has to be; None for either.

    Raises:
        CollectorError: If the file as a whole cannot be used.
    """
    table = source.table
    is_calendar = {"calendar", "date"} <= set(table.headings)
    if kind == CALENDAR or (kind is None and is_calendar):
        return calendars.plan_calendar(snapshot, table, place)
    return importer.plan_schools(snapshot, table, place)


def look_at(unit: UnitOfWork, source: Source, file_name: str, deed: Deed) -> Import:
    """Keep a file so that it can be looked at and confirmed; the registry stays as it is.

    Raises:
        CollectorError: If the file as a whole cannot be used.
    """
    plan = plan_file(unit, source)
    now_ms = deed.ports.clock.now_ms()
    one = _import(plan, source.raw, file_name, deed, now_ms)
    imports.add_import(unit, one, zlib.compress(source.raw, 6))
    imports.forget_files(unit, one.import_id, KEPT_FILES, now_ms - LOOK_MS)
    return one


def _import(plan: Plan, raw: bytes, file_name: str, deed: Deed, now_ms: int) -> Import:
    return Import(
        import_id=forms.uuid7(now_ms, deed.ports.randomness.token_bytes(10)),
        kind=plan.kind,
        state=LOOKED_AT,
        file_name=shown_name(file_name),
        file_hash=hashlib.sha256(raw).hexdigest(),
        made_ms=now_ms,
        made_by=deed.actor,
        applied_ms=None,
        added=plan.added,
        changed=plan.changed,
        unchanged=plan.unchanged,
        refused=plan.refused_rows,
        undoes=None,
    )


def shown_name(file_name: str) -> str:
    """Return a file's name as it is kept: without folders and what cannot be printed."""
    name = file_name.replace("\\", "/").rpartition("/")[2]
    name = "".join(sign for sign in name if sign.isprintable()).strip()
    return name[-_NAME_CHARS:] or "file"


def source_of(snapshot: Snapshot, import_id: str, *, max_rows: int = csvfile.MAX_ROWS) -> Source | None:
    """Return the file of an import, None where it is not kept any more.

    Raises:
        CollectorError: If it cannot be used as a whole.
    """
    kept = imports.find_file(snapshot, import_id)
    return read(zlib.decompress(kept), max_rows=max_rows) if kept is not None else None


def apply(unit: UnitOfWork, one: Import, source: Source | None, seen: str, deed: Deed) -> Plan | None:
    """Do what somebody saw; None where it would not be the same any more, and nothing is changed then.

    Args:
        unit: The transaction to write in; the caller commits.
        one: An import that was looked at.
        source: Its file; None where it is not kept any more.
        seen: The digest of the plan that was shown.
        deed: Who confirms.

    Raises:
        CollectorError: If the file as a whole cannot be used any more.
    """
    locks.hold(unit, (REGISTRY,))
    found = imports.find_import(unit, one.import_id)  # somebody else may have confirmed it since it was read
    if source is None or found is None or found.state != LOOKED_AT:
        return None
    plan = plan_file(unit, source, kind=one.kind)
    if plan.digest() != seen:
        return None
    _carry_out(unit, plan.kind, plan.lines, one.import_id, deed)
    now_ms = deed.ports.clock.now_ms()
    imports.change_import(
        unit,
        one.import_id,
        state=APPLIED,
        applied_ms=now_ms,
        made_by=deed.actor,
        added=plan.added,
        changed=plan.changed,
        unchanged=plan.unchanged,
        refused=plan.refused_rows,
    )
    return plan


def bring(
    unit: UnitOfWork, source: Source, file_name: str, place: str, deed: Deed, *, kind: str, dry_run: bool
) -> tuple[Plan, str]:
    """Bring a file in at once, as a command does; return the plan and its place in the history.

    Args:
        unit: The transaction to write in; nothing is written on a dry run. The caller commits.
        source: The file.
        file_name: What the history calls it.
        place: What sentences call it.
        deed: Who does it.
        kind: What the file has to hold.
        dry_run: Only say what would be done.

    Raises:
        CollectorError: If the file as a whole cannot be used.
    """
    locks.hold(unit, (REGISTRY,))
    plan = plan_file(unit, source, place, kind=kind)
    if dry_run:
        return plan, ""
    one = _import(plan, source.raw, file_name, deed, deed.ports.clock.now_ms())
    imports.add_import(unit, one, zlib.compress(source.raw, 6))
    imports.forget_files(unit, one.import_id, KEPT_FILES, one.made_ms - LOOK_MS)
    _carry_out(unit, kind, plan.lines, one.import_id, deed)
    imports.change_import(unit, one.import_id, state=APPLIED, applied_ms=one.made_ms)
    return plan, one.import_id


def _carry_out(unit: UnitOfWork, kind: str, lines: list[Line], import_id: str, deed: Deed) -> None:
    write(unit, kind, lines, deed)
    imports.add_changes(unit, import_id, as_changes(lines))


def write(unit: UnitOfWork, kind: str, lines: list[Line], deed: Deed) -> None:
    """Store rows of schools or of calendars, and what follows from them."""
    if kind == SCHOOLS:
        importer.write_schools(unit, lines, now_ms=deed.ports.clock.now_ms(), default_timezone=deed.default_timezone)
    else:
        calendars.write_calendar(unit, lines)


def as_changes(lines: Iterable[Line], removed: Mapping[str, Mapping[str, Value]] | None = None) -> list[StoredChange]:
    """Return what was done as the history keeps it: rows that were removed, then rows that are new or changed."""
    found: list[tuple[str, str, str | None, str | None]] = [
        (subject, WHOLE, to_json(dict(old)), None) for subject, old in (removed or {}).items()
    ]
    for line in lines:
        if line.is_new:
            found.append((line.subject, WHOLE, None, to_json({one.field: one.after for one in line.changes})))
        else:
            found += [(line.subject, one.field, to_json(one.before), to_json(one.after)) for one in line.changes]
    return [StoredChange(number, *one) for number, one in enumerate(found)]


def to_json(value: Value | dict[str, Value]) -> str:
    """Return a value as the history keeps it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def require(snapshot: Snapshot, import_id: str) -> Import:
    """Return an import of the history, named by its id or the beginning of it.

    Raises:
        CollectorError: If there is none, or more than one.
    """
    found = imports.find_import(snapshot, import_id)
    if found is not None:
        return found
    begins = [one for one in imports.list_imports(snapshot, 1000) if import_id and one.import_id.startswith(import_id)]
    if len(begins) == 1:
        return begins[0]
    raise CollectorError(
        Said("There is no import %(id)s.", id=import_id[:64]), do=Said("See `enlace-collector schools history`.")
    )
