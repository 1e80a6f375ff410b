"""How late answers come at schools while a test fills their line; pure.

Of each school the tests of one day of its own: the last on which some that count tell idle and loaded round trips by
one method. A quick test hardly fills a line, so the true delay may be longer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from collector.store.queries.pages.providers import LoadedTest, ServedSchool
from collector.web.views.figures import median


@dataclass(frozen=True)
class Loaded:
    """The delay under load of one school."""

    ms: float  # the middle of its tests' 95th percentiles
    day: str  # local to the school


def by_school(tests: Iterable[LoadedTest], zone_of: Callable[[str | None], ZoneInfo]) -> dict[str, Loaded]:
    """Return the delay under load of each school that has one.

    Args:
        tests: The last of each school.
        zone_of: Gives the zone of a school by its name, or the deployment's.
    """
    zones: dict[str | None, ZoneInfo] = {}
    of_school: dict[str, dict[str, list[float]]] = {}
    for test in tests:
        zone = zones.get(test.timezone) or zones.setdefault(test.timezone, zone_of(test.timezone))
        day = datetime.fromtimestamp(test.started_ms / 1000, zone).date().isoformat()
        of_school.setdefault(test.code, {}).setdefault(day, []).append(test.p95_ms)
    return {code: _newest(days) for code, days in of_school.items()}


def _newest(days: Mapping[str, list[float]]) -> Loaded:
    day = max(days)
    return Loaded(median(days[day]) or 0.0, day)


def joined(schools: Iterable[ServedSchool], loaded: Mapping[str, Loaded]) -> Sequence[ServedSchool]:
    """Return schools with their delay under load, where they have one."""
    return [
        one._replace(loaded_ms=found.ms, loaded_day=found.day) if (found := loaded.get(one.code)) else one
        for one in schools
    ]
