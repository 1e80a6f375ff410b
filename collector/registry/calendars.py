"""Days that differ from the weekly opening hours, from a CSV file with `calendar,date,kind,note`."""

from datetime import date
from pathlib import Path
from typing import Any

from collector.domain.words import DayKind
from collector.registry import csvfile
from collector.registry.importer import ImportReport, RowError, read_source
from collector.store.queries import facts, judgement, schools
from collector.store.unit import UnitOfWork

COLUMNS = ("calendar", "date", "kind", "note")
_NOTE_CHARS = 256


def import_calendar(unit: UnitOfWork, source: Path | bytes, *, dry_run: bool = False) -> ImportReport:
    """Bring the days of a file into the calendars; the caller commits.

    Args:
        unit: The transaction to write in.
        source: The file or its content. `calendar` is "default", an area, or a school's code.
        dry_run: Only say what would be done.

    Raises:
        CollectorError: If the file as a whole cannot be used; nothing is stored then.
    """
    raw, place = read_source(source)
    table = csvfile.read(raw, COLUMNS, place)
    for required in COLUMNS[:3]:
        if required not in table.headings:
            raise csvfile.refuse(f"{place} has no heading {required}.", f"It needs {', '.join(COLUMNS[:3])}.")
    before = schools.calendar_days(unit)
    errors: list[RowError] = []
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for row in table.rows:
        cells = dict(zip(table.headings, row.cells, strict=False))
        wrong = _wrong(cells)
        if wrong:
            errors.append(RowError(row.number, *wrong))
            continue
        day = {"calendar": cells["calendar"], "day": cells["date"], "kind": cells["kind"].lower()}
        rows[day["calendar"], day["day"]] = {**day, "note": cells.get("note", "")[:_NOTE_CHARS] or None}
    added = [key for key in rows if key[1] not in before.get(key[0], {})]
    changed = [key for key in rows if key not in added and before[key[0]][key[1]] != rows[key]["kind"]]
    if not dry_run and rows:
        schools.set_calendar_days(unit, list(rows.values()))
        if touched := [day for _calendar, day in added + changed]:
            judgement.reopen_days(unit, min(touched))
            facts.raise_settings_version(unit)
    return ImportReport(
        added=len(added),
        changed=len(changed),
        unchanged=len(rows) - len(added) - len(changed),
        errors=tuple(errors),
        skipped_empty=table.skipped_empty,
        dry_run=dry_run,
        what="days",
    )


def _wrong(cells: dict[str, str]) -> tuple[str, str] | None:
    """Return (column, sentence) for the first cell that cannot be taken."""
    if not cells.get("calendar"):
        return "calendar", "the calendar is missing: write default, an area, or a school's code."
    text = cells.get("date", "")
    try:
        is_day = date.fromisoformat(text).isoformat() == text
    except ValueError:
        is_day = False
    if not is_day:
        return "date", f"'{text}' is not a date; write it as 2026-12-24."
    if cells.get("kind", "").lower() not in set(DayKind):
        return "kind", f"'{cells.get('kind', '')}' is unknown; write {', '.join(DayKind)}."
    return None
