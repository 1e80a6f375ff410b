"""The opening hours of a school as its tables and the deployment's defaults have them."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collector.config import CollectorConfig
from collector.domain.calendars import Calendar, OpeningError, calendar_of
from collector.domain.words import DayKind
from collector.store.queries import hours
from collector.store.queries.hours import SchoolHours
from collector.store.unit import Snapshot

_REACH_DAYS = 40  # how far around now a device's windows and budget look


def calendar_for(snapshot: Snapshot, school: SchoolHours, config: CollectorConfig, now_ms: int) -> Calendar:
    """Return the calendar of a school around now; what cannot be read falls back to the deployment's defaults."""
    zone = zone_of(school, config)
    around = Calendar((), zone).local_day(now_ms)
    first, last = around - timedelta(days=_REACH_DAYS), around + timedelta(days=_REACH_DAYS)
    found = hours.find_exceptions(snapshot, school, first.isoformat(), last.isoformat())
    kinds = set(DayKind)
    exceptions = {date.fromisoformat(day): DayKind(kind) for day, kind in found.items() if kind in kinds}
    try:
        return calendar_of(school.opening, zone, exceptions)
    except OpeningError:
        return calendar_of(None, zone, exceptions)


def zone_of(school: SchoolHours, config: CollectorConfig) -> ZoneInfo:
    """Return the time zone of a school, the deployment's default where it has none of its own."""
    try:
        return ZoneInfo(school.timezone or config.default_timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(config.default_timezone)
