"""Learning sites, day by day: worked out again from the diary whenever a look at one comes in, in whatever order."""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.wire.vocabulary import DiaryState
from collector.config import CollectorConfig
from collector.domain import sites
from collector.domain.calendars import local_day
from collector.domain.sites import FEWEST_HOURS, Observed, Others, SiteDay, SiteLook
from collector.ports import Ports
from collector.store import locks
from collector.store.open import Store
from collector.store.queries import facts, schools
from collector.store.queries import sites as stored
from collector.store.queries.pieces import in_pieces
from collector.store.queries.schools import School
from collector.store.queries.sites import Run, StoredDay, Touched
from collector.store.unit import Snapshot, UnitOfWork

LOG = logging.getLogger(__name__)

STANDS_DAYS: Final = 7  # how long the newest day of a site is what stands of it
_AGAIN_MS: Final = 600_000  # what was received just before is read again: another process may have committed later
_CHANGED_DAYS: Final = 35  # of a school whose zone may be another now
_AT_ONCE: Final = 100  # schools in one transaction
_DAY_MS: Final = 86_400_000
_MOST_OFFSET_MS: Final = _DAY_MS  # between a local day and that of UTC
_LINE_IS_GOOD: Final = (DiaryState.OK, DiaryState.COLLECTOR_DOWN)


def evaluate(store: Store, config: CollectorConfig, ports: Ports) -> int:
    """Work out what is new, and return of how many schools.

    Args:
        store: The database.
        config: Zone of schools without one of their own.
        ports: The clock says which days are old.
    """
    now_ms = ports.clock.now_ms()
    oldest = (datetime.fromtimestamp(now_ms / 1000, ZoneInfo("UTC")).date() - timedelta(days=STANDS_DAYS)).isoformat()
    with store.reader() as snapshot:
        seen_ms = int(facts.find_fact(snapshot, facts.SITES_SEEN_MS) or 0)
        newest_ms = stored.newest_receipt_ms(snapshot)
        wanted = stored.touched(snapshot, seen_ms - _AGAIN_MS)
        for code in stored.changed_schools(snapshot, seen_ms - _AGAIN_MS) if seen_ms else ():
            first_ms = wanted[code].from_ms if code in wanted else now_ms
            wanted[code] = Touched(min(first_ms, now_ms - _CHANGED_DAYS * _DAY_MS), now_ms)
    for piece in in_pieces(sorted(wanted), _AT_ONCE):
        with store.unit() as unit:
            locks.hold(unit, piece)
            found = schools.by_code(unit, piece)
            spans = {code: _span(found[code], wanted[code], config) for code in piece if code in found}
            _work_out(unit, found, spans, config)
            stored.renew_standings(unit, piece, oldest)
            unit.commit()
    with store.unit() as unit:
        stored.forget_standings(unit, oldest)
        if newest_ms is not None and newest_ms != seen_ms:
            facts.set_fact(unit, facts.SITES_SEEN_MS, str(newest_ms))
        unit.commit()
    LOG.info("sites.evaluated", extra={"schools": len(wanted)})
    return len(wanted)


def _zone(school: School, config: CollectorConfig) -> ZoneInfo:
    return ZoneInfo(school.timezone or config.default_timezone)


def _span(school: School, wanted: Touched, config: CollectorConfig) -> tuple[date, date]:
    zone = _zone(school, config)
    return local_day(wanted.from_ms, zone), local_day(wanted.to_ms, zone)


def _work_out(
    unit: UnitOfWork, found: Mapping[str, School], spans: Mapping[str, tuple[date, date]], config: CollectorConfig
) -> None:
    """Write the days of some schools from their runs."""
    if not spans:
        return
    first_ms = _utc_ms(min(first for first, _ in spans.values())) - _MOST_OFFSET_MS
    end_ms = _utc_ms(max(last for _, last in spans.values())) + _DAY_MS + _MOST_OFFSET_MS
    by_school: dict[str, list[Run]] = {}
    for run in stored.runs(unit, spans, first_ms, end_ms):
        by_school.setdefault(run.school, []).append(run)
    for code, (first, last) in spans.items():
        days = [(first + timedelta(days=passed)).isoformat() for passed in range((last - first).days + 1)]
        told = _days(by_school.get(code, []), _zone(found[code], config))
        rows = [(day, one, learnt) for day, (some, learnt) in told.items() if day in days for one in some]
        stored.write_days(unit, code, days, rows)


def _utc_ms(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)


def _days(runs: Sequence[Run], zone: ZoneInfo) -> dict[str, tuple[list[SiteDay], int]]:
    """Return what each local day came to, and when the newest look of it was received."""
    looks: dict[str, list[SiteLook]] = {}
    learnt: dict[str, int] = {}
    for run in runs:
        at = datetime.fromtimestamp(run.from_ms / 1000, zone)
        day, is_good = at.date().isoformat(), run.state in _LINE_IS_GOOD
        looks.setdefault(day, []).extend(SiteLook(site, at.hour, word, ms, is_good) for site, word, ms in run.told)
        learnt[day] = max(learnt.get(day, 0), run.received_ms)
    return {day: (list(sites.site_days(some).values()), learnt[day]) for day, some in looks.items()}


Observations = dict[tuple[str, str], list[tuple[str, Observed, dict[str, Any]]]]
"""By school and site: local day, what it says, and its numbers."""


def observe(snapshot: Snapshot, codes: Collection[str], from_day: str) -> Observations:
    """Return what the stored days of some schools say for the flag `site_unreachable`.

    Args:
        snapshot: The database.
        codes: The schools.
        from_day: Local day to begin at.
    """
    everywhere = stored.openings(snapshot, from_day, FEWEST_HOURS)
    found: Observations = {}
    for key, days in groupby(stored.days_of(snapshot, codes, from_day), key=lambda one: (one.school, one.site)):
        found[key] = [_observation(one, everywhere.get((one.site, one.day), (0, 0))) for one in days]
    return found


def _observation(one: StoredDay, everywhere: tuple[int, int]) -> tuple[str, Observed, dict[str, Any]]:
    """Return what a day says, seen beside the other schools."""
    looked, opened = everywhere
    counts = one.line_hours >= FEWEST_HOURS
    others = Others(looked - counts, opened - (counts and one.word in sites.OPENED))
    return (one.day, *sites.observe(one.line_hours, one.line_opened, one.word, others))
