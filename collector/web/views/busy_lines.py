"""How late answers come at schools while a test fills their line; pure.

Of each school its last test that counts. A quick test hardly fills a line, so the true delay may be longer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from collector.store.queries.pages.providers import LoadedTest, ServedSchool


@dataclass(frozen=True)
class Loaded:
    """The delay under load of one school, and when it was measured by the school's clock."""

    ms: float
    day: str
    at: str  # as 07:30


def by_school(tests: Iterable[LoadedTest], zone_of: Callable[[str | None], ZoneInfo]) -> dict[str, Loaded]:
    """Return the delay under load of each school that has one.

    Args:
        tests: The last of each school.
        zone_of: Gives the zone of a school by its name, or the deployment's.
    """
    zones: dict[str | None, ZoneInfo] = {}
    found: dict[str, Loaded] = {}
    for test in tests:
        zone = zones.get(test.timezone) or zones.setdefault(test.timezone, zone_of(test.timezone))
        when = datetime.fromtimestamp(test.started_ms / 1000, zone).isoformat()
        found[test.code] = Loaded(test.p95_ms, when[:10], when[11:16])
    return found


def joined(schools: Iterable[ServedSchool], loaded: Mapping[str, Loaded]) -> Sequence[ServedSchool]:
    """Return schools with their delay under load, where they have one."""
    return [
        one._replace(loaded_ms=found.ms, loaded_day=found.day, loaded_at=found.at)
        if (found := loaded.get(one.code))
        else one
        for one in schools
    ]
