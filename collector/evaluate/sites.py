"""Learning sites, day by day: worked out again from the diary whenever a look at one comes in, in whatever order."""

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from collector.domain import sites
from collector.domain.calendars import local_day
from collector.domain.conditions import ConditionKind, Observed
from collector.domain.diary_states import is_line_good
from collector.domain.sites import FEWEST_HOURS, Others, SiteDay, SiteLook
from collector.evaluate import conditions, turns
from collector.evaluate.inputs import Deployment, SchoolInputs
from collector.store import locks
from collector.store.open import Store
from collector.store.queries import facts, schools
from collector.store.queries import sites as stored
from collector.store.queries.judging import condition_days
from collector.store.queries.judging.condition_days import Series
from collector.store.queries.pieces import in_pieces
from collector.store.queries.sites import Run, StoredDay, Touched, WorkedOut
from collector.store.unit import UnitOfWork

LOG = logging.getLogger(__name__)

STANDS_DAYS: Final = 7  # how long the newest day of a site is what stands of it
_AGAIN_MS: Final = 600_000  # what was received just before is read again: another process may have committed later
KEPT_DAYS: Final = 35  # how far back days say something for a flag; and of a school that was changed are worked out
_AT_ONCE: Final = 100  # schools in one transaction
_DAYS_TURNS: Final = 96  # the totals of each day are counted again once in a day
_DAY_MS: Final = 86_400_000
_MOST_OFFSET_MS: Final = _DAY_MS  # between a local day and that of UTC


def write(store: Store, deployment: Deployment, now_ms: int) -> None:
    """Work out the days of which looks came in, and write what they say of `site_unreachable`.

    Args:
        store: The database.
        deployment: Calendars; zone of schools without one of their own.
        now_ms: The collector's time.
    """
    work_out(store, deployment, now_ms)
    _write_conditions(store, deployment, now_ms)


def work_out(store: Store, deployment: Deployment, now_ms: int) -> None:
    """Work out the days of which looks came in."""
    oldest = (_utc_day(now_ms) - timedelta(days=STANDS_DAYS)).isoformat()
    with store.reader() as snapshot:
        seen_ms = facts.find_mark(snapshot, facts.SITES_SEEN_MS, now_ms) or 0
        newest_ms = stored.newest_receipt_ms(snapshot)
        wanted = stored.touched(snapshot, seen_ms - _AGAIN_MS)
        for code in stored.changed_schools(snapshot, seen_ms - _AGAIN_MS) if seen_ms else ():
            first_ms = wanted[code].from_ms if code in wanted else now_ms
            wanted[code] = Touched(min(first_ms, now_ms - KEPT_DAYS * _DAY_MS), now_ms)
        for code in turns.in_turn(snapshot, schools.codes(snapshot), now_ms):
            first_ms = wanted[code].from_ms if code in wanted else now_ms
            again_ms = now_ms - KEPT_DAYS * _DAY_MS
            wanted[code] = Touched(min(first_ms, again_ms), now_ms + KEPT_DAYS * _DAY_MS)  # a day to come is nobody's
        known = [(_utc_day(now_ms) - timedelta(days=passed)).isoformat() for passed in range(KEPT_DAYS)]
        days = turns.in_turn(snapshot, known, now_ms, _DAYS_TURNS)
    for piece in in_pieces(sorted(wanted), _AT_ONCE):
        with store.unit() as unit:
            locks.hold(unit, piece)
            found = schools.by_code(unit, piece)
            zones = {code: ZoneInfo(one.timezone or deployment.default_timezone) for code, one in found.items()}
            days |= _work_out(unit, zones, wanted)
            stored.renew_standings(unit, piece, oldest)
            unit.commit()
    with store.unit() as unit:
        for some in in_pieces(sorted(days), _AT_ONCE):
            stored.renew_totals(unit, some, FEWEST_HOURS)
        for some in in_pieces(stored.wrong_standings(unit, oldest), _AT_ONCE):
            stored.renew_standings(unit, some, oldest)
        stored.forget_standings(unit, oldest)
        if newest_ms is not None and newest_ms != seen_ms:
            facts.set_fact(unit, facts.SITES_SEEN_MS, str(min(newest_ms, now_ms)))
        unit.commit()
    LOG.info("sites.evaluated", extra={"schools": len(wanted), "days": len(days)})


def _utc_day(moment_ms: int) -> date:
    return local_day(moment_ms, ZoneInfo("UTC"))


def _work_out(unit: UnitOfWork, zones: Mapping[str, ZoneInfo], wanted: Mapping[str, Touched]) -> set[str]:
    """Write the days of some schools from their runs; return the local days that were written."""
    spans = {
        code: (local_day(wanted[code].from_ms, zone), local_day(wanted[code].to_ms, zone))
        for code, zone in zones.items()
    }
    if not spans:
        return set()
    first_ms = _utc_ms(min(first for first, _ in spans.values())) - _MOST_OFFSET_MS
    end_ms = _utc_ms(max(last for _, last in spans.values())) + _DAY_MS + _MOST_OFFSET_MS
    by_school: dict[str, list[Run]] = {}
    for run in stored.runs(unit, spans, first_ms, end_ms):
        by_school.setdefault(run.school, []).append(run)
    written: set[str] = set()
    worked_out = []
    for code, (first, last) in spans.items():
        days = [(first + timedelta(days=passed)).isoformat() for passed in range((last - first).days + 1)]
        told = _days(by_school.get(code, []), zones[code])
        found = [(day, one, learnt) for day, (some, learnt) in told.items() if day in days for one in some]
        worked_out.append(WorkedOut(code, days[0], days[-1], found))
        written.update(days)
    stored.write_days(unit, worked_out)
    return written


def _utc_ms(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)


def _days(runs: Sequence[Run], zone: ZoneInfo) -> dict[str, tuple[list[SiteDay], int]]:
    """Return what each local day came to, and when the newest look of it was received."""
    looks: dict[str, list[SiteLook]] = {}
    learnt: dict[str, int] = {}
    for run in runs:
        at = datetime.fromtimestamp(run.from_ms / 1000, zone)
        day, is_good = at.date().isoformat(), is_line_good(run.state)
        looks.setdefault(day, []).extend(SiteLook(site, at.hour, word, ms, is_good) for site, word, ms in run.told)
        learnt[day] = max(learnt.get(day, 0), run.received_ms)
    return {day: (list(sites.site_days(some).values()), learnt[day]) for day, some in looks.items()}


def _write_conditions(store: Store, deployment: Deployment, now_ms: int) -> None:
    """Write the days of every school and site that has one on which the site could not be opened.

    Of the others no day is written: where nothing is bad, nothing has to become good. What late looks have opened
    since goes again, unless a flag was there.
    """
    from_day = _utc_day(now_ms) - timedelta(days=KEPT_DAYS)
    with store.reader() as snapshot:
        closed = stored.closed_at(snapshot, from_day.isoformat())
        before, flagged = condition_days.known_series(
            snapshot, ConditionKind.SITE_UNREACHABLE.value, from_day.isoformat()
        )
        totals = stored.totals(snapshot, from_day.isoformat())
    for one in flagged:
        closed.setdefault(one.school, set()).add(one.subject)
    stale = {one for one in before if one.subject not in closed.get(one.school, ())}
    for piece in in_pieces(sorted(closed.keys() | {one.school for one in stale}), _AT_ONCE):
        with store.unit() as unit:
            found = schools.by_code(unit, piece)
            dated = schools.facts_of(unit, found)
            series: dict[Series, list[Observed]] = {
                Series(code, site): [] for code in found for site in sorted(closed.get(code, ()))
            }
            inputs = {code: SchoolInputs(one, dated[code], deployment) for code, one in found.items()}
            for day in stored.days_of(unit, piece, from_day.isoformat()):
                at = Series(day.school, day.site)
                if at in series and _is_over(inputs[day.school], date.fromisoformat(day.day), now_ms):
                    found_out = _observed(day, totals.get((day.site, day.day), (0, 0)))
                    series[at].append(conditions.unless_on_hold(found_out, inputs[day.school]))
            series |= {one: [] for one in stale if one.school in found}
            conditions.write_days(unit, ConditionKind.SITE_UNREACHABLE, series, from_day)
            unit.commit()


def _is_over(inputs: SchoolInputs, day: date, now_ms: int) -> bool:
    """Return whether a day was a school day and its hours are over."""
    return day <= inputs.last_full_day(now_ms) and inputs.at(day).is_open


def _observed(one: StoredDay, everywhere: tuple[int, int]) -> Observed:
    """Return what a day says, seen beside the other schools."""
    looked, opened = everywhere
    counts = one.line_hours >= FEWEST_HOURS
    others = Others(looked - counts, opened - (counts and 2 * one.line_opened >= one.line_hours))
    state, numbers = sites.observe(one.line_hours, one.line_opened, one.word, others)
    return Observed(date.fromisoformat(one.day), state, numbers)
