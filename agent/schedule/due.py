"""When the next test is due; pure, and the same for the same seed, so that a restart adds no test.

One test soon after the computer starts, then random moments in each of the day's windows, never on the hour. However
many moments were missed, one test makes them good.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from agent.schedule.windows import Window
from agent.wire.vocabulary import Trigger

STARTUP_WITHIN_MS = 900_000
MIN_GAP_MS = 900_000  # two tests of one computer are never closer, except by hand
_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Due:
    """The next test."""

    at_ms: int  # on the clock that `now_ms` was given in; not before now
    trigger: Trigger
    missed: int = 0  # planned moments that passed without a test; this one makes them good


@dataclass(frozen=True)
class Past:
    """What has been; all times on the clock that `now_ms` is given in."""

    started_ms: int  # when this process began
    boot_tested: bool  # this boot has had its startup test
    last_ms: int | None = None  # when the last due test was made, refused or skipped; by hand does not count


@dataclass(frozen=True)
class Rules:
    """How often."""

    seed: str  # differs between computers and stays with one
    tests_per_window: int = 2
    startup_within_ms: int = STARTUP_WITHIN_MS
    min_gap_ms: int = MIN_GAP_MS
    interval_ms: int = 0  # 0 = by windows; else tests that far apart
    utc_offset_min: int = 0  # for "never on the hour": zones with half hours


def next_due(now_ms: int, windows: Sequence[Window], past: Past, rules: Rules) -> Due | None:
    """Return the next test; None = no window is known ahead.

    Args:
        now_ms: The present, as `windows.true_time` says.
        windows: As `windows.windows_around` returns them.
        past: What has been. A last test in the future is a clock's mistake and counts as now.
        rules: How often.
    """
    last_ms = None if past.last_ms is None else min(past.last_ms, now_ms)
    started_ms = min(past.started_ms, now_ms)
    earliest_ms = now_ms if last_ms is None else max(now_ms, last_ms + rules.min_gap_ms)
    if not past.boot_tested:
        at_ms = max(now_ms, started_ms + startup_delay_ms(started_ms, rules))
        if rules.startup_within_ms >= _MINUTE_MS:  # less means: at once
            at_ms = off_the_hour(at_ms, rules.utc_offset_min)
        return Due(at_ms, Trigger.STARTUP)
    handled_ms = started_ms if last_ms is None else last_ms
    if rules.interval_ms > 0:
        at_ms = handled_ms + max(rules.interval_ms, 1)
        return Due(max(at_ms, now_ms), Trigger.WINDOW, missed=max(0, (now_ms - handled_ms) // rules.interval_ms - 1))
    planned = [at_ms for window in windows for at_ms in moments(window, rules) if at_ms > handled_ms]
    missed = sum(at_ms <= now_ms for at_ms in planned)
    if missed:
        return Due(off_the_hour(earliest_ms, rules.utc_offset_min), Trigger.WINDOW, missed)
    if not planned:
        return None
    return Due(off_the_hour(max(min(planned), earliest_ms), rules.utc_offset_min), Trigger.WINDOW)


def startup_delay_ms(started_ms: int, rules: Rules) -> int:
    """Return the random wait of the first test, [0, startup_within_ms)."""
    return int(share(rules.seed, "startup", started_ms) * rules.startup_within_ms)


def moments(window: Window, rules: Rules) -> list[int]:
    """Return the planned moments of a window: one at random in each of its equal parts."""
    parts = max(1, rules.tests_per_window)
    part_ms = (window.to_ms - window.from_ms) / parts
    found = []
    for part in range(parts):
        at_ms = window.from_ms + int((part + share(rules.seed, "window", window.from_ms, part)) * part_ms)
        moved_ms = off_the_hour(at_ms, rules.utc_offset_min)
        found.append(moved_ms if moved_ms < window.to_ms else at_ms)
    return found


def off_the_hour(at_ms: int, utc_offset_min: int = 0) -> int:
    """Return the moment, moved out of the first minute of an hour: everybody's clocks do things then."""
    into_hour_ms = (at_ms + utc_offset_min * _MINUTE_MS) % _HOUR_MS
    return at_ms + _MINUTE_MS - into_hour_ms if into_hour_ms < _MINUTE_MS else at_ms


def share(seed: str, *what: object) -> float:
    """Return a number in [0, 1) that is the same for the same words."""
    digest = hashlib.sha256("\n".join((seed, *map(str, what))).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
