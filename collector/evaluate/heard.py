"""How many PCs were heard on each day that is over, counted from the rows that came on it and kept for pages."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from collector.domain.calendars import local_day
from collector.evaluate.inputs import Deployment
from collector.store.open import Store
from collector.store.queries import heard_days, newness
from collector.store.queries.heard_days import Counted

REACH_DAYS: Final = 60  # as far back as pages show thirty school days, with holidays between them
_TURN_MS: Final = 15 * 60_000  # between two runs, about
_AT_ONCE: Final = 10  # days in one run: after an import of the registry all of them are counted again, some in each


def write(store: Store, deployment: Deployment, now_ms: int) -> None:
    """Count the days that are over and not counted, or counted by another registry or zone; the newest first.

    Args:
        store: The open database.
        deployment: Its zone says when a day is over.
        now_ms: The collector's time, UTC milliseconds.
    """
    zone = ZoneInfo(deployment.default_timezone)
    today = local_day(now_ms, zone)
    with store.reader() as snapshot:
        first_ms = heard_days.first_enrolled_ms(snapshot)
        if first_ms is None:
            return
        first = max(local_day(first_ms, zone), today - timedelta(days=REACH_DAYS))
        basis = f"{newness.registry(snapshot)} {zone.key}"
        known = heard_days.counted(snapshot, first.isoformat(), today.isoformat())
        over = [today - timedelta(days=passed) for passed in range(1, (today - first).days + 1)]
        wrong = [day for day in over if not _stands(known.get(day.isoformat()), basis)]
        # One more in turn, so that a count whose rows somebody altered is right again within a day.
        looked_at = {*wrong[:_AT_ONCE], over[now_ms // _TURN_MS % len(over)]} if over else set()
        counts = {day: Counted(basis, heard_days.count(snapshot, *_bounds(day, zone))) for day in sorted(looked_at)}
    found = {day: one for day, one in counts.items() if known.get(day.isoformat()) != one}
    if not found:
        return
    with store.unit() as unit:
        for day, one in found.items():
            heard_days.set_counted(unit, day.isoformat(), one)
        heard_days.forget(unit, (today - timedelta(days=REACH_DAYS)).isoformat())
        unit.commit()


def _stands(known: Counted | None, basis: str) -> bool:
    """Return whether a day is counted by this registry, and the count is the one that was written."""
    return known is not None and known.is_sealed and known.basis == basis


def _bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return when a local day begins and ends, UTC milliseconds."""
    first, after = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    return round(first.timestamp() * 1000), round(after.timestamp() * 1000)
