"""When schools are open, for thousands at once: what most of them share is worked out once."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from collector.domain import calendars
from collector.domain.calendars import Calendar, OpenDay, local_day
from collector.domain.words import DayKind
from collector.store.queries import schools as registry
from collector.store.queries.judging.outages import Watched
from collector.store.queries.schools import DatedFacts, calendars_of, facts_on
from collector.store.unit import Snapshot

MINUTE_MS = 60_000


class Hours:
    """The opening hours of schools around a time."""

    def __init__(self, snapshot: Snapshot, default_timezone: str) -> None:
        """Read the calendars.

        Args:
            snapshot: The database.
            default_timezone: Of schools without one of their own.
        """
        self._exceptions = registry.calendar_days(snapshot)
        self._default = default_timezone

    def days(
        self, school: Watched, from_ms: int, to_ms: int, dated: Sequence[DatedFacts] | None = None
    ) -> Iterator[OpenDay]:
        """Yield the local days of a school that touch a time.

        Args:
            school: Its zone, its calendars and the hours that it has now.
            from_ms: UTC milliseconds.
            to_ms: The end, which is touched too.
            dated: Its facts, oldest first: each day has the hours that held on it. None: those of now hold.
        """
        zone = school.timezone or self._default
        first, last = local_day(from_ms, ZoneInfo(zone)), local_day(to_ms, ZoneInfo(zone))
        names = calendars_of(school.code, school.area)
        for passed in range((last - first).days + 1):
            day = first + timedelta(days=passed)
            kinds = [kind for name in names if (kind := self._exceptions.get(name, {}).get(day.isoformat()))]
            facts = facts_on(dated, day.isoformat()) if dated is not None else school
            opening = facts.opening if facts is not None else None
            yield _open_day(opening or calendars.DEFAULT_OPENING, zone, DayKind(kinds[-1]) if kinds else None, day)

    def minutes(self, school: Watched, first: int, last: int) -> list[tuple[int, int]]:
        """Return the opening hours between two minutes of Unix time, in such minutes, the end not included."""
        return [
            (period.from_ms // MINUTE_MS, period.to_ms // MINUTE_MS)
            for day in self.days(school, first * MINUTE_MS, last * MINUTE_MS)
            for period in day.periods
        ]


@lru_cache(maxsize=20_000)
def _open_day(opening: str, zone: str, kind: DayKind | None, day: date) -> OpenDay:
    return Calendar(calendars.parse_opening(opening), ZoneInfo(zone), {day: kind} if kind else {}).at(day)
