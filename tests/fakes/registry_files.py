"""Files into the registry by the plan and the writing of every import, without its history."""

from collector.registry import calendars, importer, imports
from collector.registry.plan import CALENDAR, SCHOOLS, ImportReport, report_of
from collector.store.unit import UnitOfWork


def import_schools(
    unit: UnitOfWork, raw: bytes, *, now_ms: int, dry_run: bool = False, default_timezone: str = "UTC"
) -> ImportReport:
    plan = imports.plan_file(unit, imports.read(raw), kind=SCHOOLS)
    if not dry_run:
        importer.write_schools(unit, plan.lines, now_ms=now_ms, default_timezone=default_timezone)
    return report_of(plan, dry_run=dry_run)


def import_calendar(unit: UnitOfWork, raw: bytes, *, dry_run: bool = False) -> ImportReport:
    plan = imports.plan_file(unit, imports.read(raw), kind=CALENDAR)
    if not dry_run:
        calendars.write_calendar(unit, plan.lines)
    return report_of(plan, dry_run=dry_run)
