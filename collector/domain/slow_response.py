"""Whether answers come late while a line is busy: one observation for each school day, from the days up to it. Pure.

A day is kept as counts and medians of its tests, so that no test is read a second time. A delay is the round trip under
load that 95 of 100 answers of a test stay under, of the slower direction.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import takewhile
from statistics import median
from typing import Any, Final, NamedTuple

from collector.domain.conditions import DayState
from collector.domain.criterion import DEFAULT, Criterion
from collector.domain.inference import effective_size, wilson

LATE_DAYS: Final = 3  # with a late test: one bad day is no habit, however many tests it has
SERIOUS_ABOVE: Final = 1.25  # times the limit, of the typical day; as far off as 0.8 of a target
SEVERE_ABOVE: Final = 2.0


class Limit(NamedTuple):
    """What is asked of the tests of a school on a day."""

    ms: float | None  # None: nothing is asked
    share: float  # of the tests that have to stay under it
    is_of_profile: bool = False  # the school's own profile says so: then it is asked of a satellite too


class DelayDay(NamedTuple):
    """The tests of one school day that count."""

    day: date
    voting: int
    n: int  # those that saw answers come while they filled the line
    slow: int  # of those, later than the limit
    limit_ms: float | None  # that held on the day; None: nothing was asked, or nothing is known
    loaded_ms: float | None  # median of the delays under load; None: no test has one
    idle_ms: float | None  # median round trip while the line was idle


class Typical(NamedTuple):
    """What a window says of a line."""

    tests: int  # that tell the delay under load
    loaded_ms: float | None  # middle of the days' medians
    idle_ms: float | None


class Finding(NamedTuple):
    """What a school day says for the flag, with its numbers."""

    state: DayState
    numbers: dict[str, Any]


def window_of(days: Sequence[DelayDay], criterion: Criterion = DEFAULT) -> list[DelayDay]:
    """Return the days of the window that ends with the last of some, as `windows.window_of` chooses them.

    Args:
        days: Days with a test that counts among them, oldest first, at least one.
        criterion: Gives how many days and tests, and how far back.
    """
    oldest = days[-1].day - timedelta(days=criterion.reach_days)
    chosen: list[DelayDay] = []
    tests = 0
    for one in reversed(days):
        if one.day < oldest or (len(chosen) >= criterion.window_days and tests >= criterion.min_tests):
            break
        if one.voting:
            chosen.append(one)
            tests += one.voting
    return chosen[::-1]


def typical(window: Sequence[DelayDay]) -> Typical:
    """Return the typical delay of the days of a window: the middle day, so that none outvotes others."""
    loaded = [one.loaded_ms for one in window if one.loaded_ms is not None]
    idle = [one.idle_ms for one in window if one.idle_ms is not None]
    return Typical(sum(one.n for one in window), _middle(loaded), _middle(idle))


def observe(
    window: Sequence[DelayDay], limit: Limit, *, is_satellite: bool, criterion: Criterion = DEFAULT
) -> Finding | None:
    """Return what the last day of a window says; None where no test of the day tells a delay.

    Args:
        window: Its days, oldest first.
        limit: What is asked on the last day. Days up to the last one on which it was another are left out: their
            tests were counted by that one, and what is counted has no gap.
        is_satellite: Whether the line goes through a satellite: where its way alone takes longer than the limit,
            nothing is said, unless the profile asks for it.
        criterion: How many tests on how many days it takes, and how tests of one day resemble each other.
    """
    if not window or not window[-1].n:
        return None
    if limit.ms is None:
        return Finding(DayState.GOOD, {})
    counted = _newest_by(window, limit.ms)
    n, slow = sum(one.n for one in counted), sum(one.slow for one in counted)
    numbers: dict[str, Any] = {
        "from_day": counted[0].day.isoformat() if counted else window[-1].day.isoformat(),
        "n": n,
        "slow": slow,
        "days": len(counted),
        "late_days": sum(one.slow > 0 for one in counted),
        "limit_ms": limit.ms,
        "needed": limit.share,
    }
    if n < criterion.min_tests or len(counted) < criterion.min_days:
        return Finding(DayState.UNKNOWN, numbers)
    share = 1.0 - slow / n
    if not slow:  # of most lines: no number of the day will be asked for
        return Finding(DayState.GOOD, {**numbers, "share": share})
    found = typical(counted)
    numbers |= {"loaded_ms": _rounded(found.loaded_ms), "idle_ms": _rounded(found.idle_ms)}
    if is_satellite and not limit.is_of_profile and (found.idle_ms or 0.0) > limit.ms:
        return Finding(DayState.UNKNOWN, {**numbers, "is_far": True})
    return _judged(numbers, share, limit, criterion)


def _newest_by(window: Sequence[DelayDay], limit_ms: float) -> list[DelayDay]:
    """Return the days that tell a delay, from the last time on that the limit was another."""
    by_it = takewhile(lambda one: one.limit_ms == limit_ms, (one for one in reversed(window) if one.n))
    return [*by_it][::-1]


def _judged(numbers: dict[str, Any], share: float, limit: Limit, criterion: Criterion) -> Finding:
    n = int(numbers["n"])
    bounds = wilson(share, effective_size(n, numbers["days"], criterion.day_icc), z=criterion.z)
    numbers |= {"share": round(share, 4), "lower": round(bounds.lower, 4), "upper": round(bounds.upper, 4)}
    if share >= limit.share:
        return Finding(DayState.GOOD, numbers)
    if bounds.upper < limit.share and numbers["late_days"] >= LATE_DAYS:
        ratio = (numbers["loaded_ms"] or 0.0) / (limit.ms or 1.0)
        severity = "severe" if ratio > SEVERE_ABOVE else "serious" if ratio > SERIOUS_ABOVE else "mild"
        return Finding(DayState.BAD, {**numbers, "severity": severity})
    return Finding(DayState.UNKNOWN, numbers)


def _middle(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 1)
