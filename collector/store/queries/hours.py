"""When a school is open, as far as tables say it, and what its line is contracted for."""

from dataclasses import dataclass

from sqlalchemy import case, select

from collector.store.queries.schools import calendars_of
from collector.store.tables.registry import CALENDAR_DAYS, SCHOOLS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class SchoolHours:
    """What the windows of a school are worked out from."""

    code: str
    name: str
    timezone: str | None  # None: the deployment's default
    opening: str | None  # None: the default opening hours
    area: str | None
    contract_download_mbps: float | None
    contract_upload_mbps: float | None


def find_school_hours(snapshot: Snapshot, code: str) -> SchoolHours | None:
    """Return the school's own hours."""
    table = SCHOOLS
    columns = (
        table.c.code,
        table.c.name,
        table.c.timezone,
        table.c.opening,
        table.c.area,
        table.c.contract_download_mbps,
        table.c.contract_upload_mbps,
    )
    row = snapshot.connection.execute(select(*columns).where(table.c.code == code)).first()
    return SchoolHours(**row._mapping) if row else None


def find_exceptions(snapshot: Snapshot, hours: SchoolHours, from_day: str, to_day: str) -> dict[str, str]:
    """Return the kinds of the days that differ, both ends included; the nearest calendar wins.

    Args:
        snapshot: The database.
        hours: The school; its own calendar goes before that of its area, and that before the default one.
        from_day: ISO date.
        to_day: ISO date.
    """
    table = CALENDAR_DAYS
    names = calendars_of(hours.code, hours.area)
    nearness = case({name: place for place, name in enumerate(names)}, value=table.c.calendar)
    condition = table.c.calendar.in_(names) & (table.c.day >= from_day) & (table.c.day <= to_day)
    rows = snapshot.connection.execute(select(table.c.day, table.c.kind).where(condition).order_by(nearness))
    return {row.day: row.kind for row in rows}
