"""When the next test is due; pure, and the same for the same seed, so that a restart adds no test.

One test soon after the computer starts, then one at a random moment of each part of the day's windows, never on the
hour. A part that has had a test, whatever made it due, gets no second one, so that no window has more tests than it
has parts. However many moments were missed, one test makes them good.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from agent.schedule.windows import Window
from agent.wire.vocabulary import Trigger

STARTUP_WITHIN_MS = 900_000
MIN_GAP_MS = 900_000  # two tests of one computer are never closer, except by hand
CLEAR_MS = 120_000  # from the edge of a part: a clock that is corrected by seconds moves no test into another part
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
    tests_ms: tuple[int, ...] = ()  # when due tests began that were made, refused or skipped; by hand does not count
    start: str = ""  # differs between starts; the same however the clock is corrected


@dataclass(frozen=True)
class Rules:
    """How often."""

    seed: str  # differs between computers and stays with one
    tests_per_window: int = 2
    startup_within_ms: int = STARTUP_WITHIN_MS
    min_gap_ms: int = MIN_GAP_MS
    interval_ms: int = 0  # 0 = by windows; else tests that far apart
    utc_offset_min: int = 0  # for "never on the hour": zones with half hours

    @property
    def parts(self) -> int:
        """Return in how many equal parts a window is cut, one test in each."""
        return max(1, self.tests_per_window)

    @property
    def gap_ms(self) -> int:
        """Return how close two tests may be."""
        return min(self.min_gap_ms, self.interval_ms) if self.interval_ms > 0 else self.min_gap_ms


def next_due(now_ms: int, windows: Sequence[Window], past: Past, rules: Rules) -> Due | None:
    """Return the next test; None = no window with room for one is known ahead.

    Args:
        now_ms: The present, as `windows.true_time_ms` says.
        windows: As `windows.windows_around` returns them.
        past: What has been. A test in the future is a clock's mistake and holds up none.
        rules: How often.
    """
    last_ms = max((at_ms for at_ms in past.tests_ms if at_ms <= now_ms), default=None)
    started_ms = min(past.started_ms, now_ms)
    earliest_ms = now_ms if last_ms is None else max(now_ms, last_ms + rules.gap_ms)
    if not past.boot_tested:
        startup = _startup(started_ms, earliest_ms, windows, past, rules)
        if startup is not None:
            return startup
    handled_ms = started_ms if last_ms is None else last_ms
    if rules.interval_ms > 0:
        at_ms = handled_ms + rules.interval_ms
        return Due(max(at_ms, now_ms), Trigger.WINDOW, missed=max(0, (now_ms - handled_ms) // rules.interval_ms - 1))
    planned = [
        at_ms
        for window in windows
        for at_ms in moments(window, rules)
        if at_ms > handled_ms and has_room(at_ms, windows, past.tests_ms, rules)
    ]
    missed = sum(at_ms <= now_ms for at_ms in planned)
    at_once_ms = off_the_hour(earliest_ms, rules.utc_offset_min)
    if missed and has_room(at_once_ms, windows, past.tests_ms, rules):
        return Due(at_once_ms, Trigger.WINDOW, missed)
    for at_ms in planned[missed:]:
        moved_ms = off_the_hour(max(at_ms, earliest_ms), rules.utc_offset_min)
        if _window_of(moved_ms, windows) and has_room(moved_ms, windows, past.tests_ms, rules):
            return Due(moved_ms, Trigger.WINDOW)
    return None


def has_room(at_ms: int, windows: Sequence[Window], tests_ms: Sequence[int], rules: Rules) -> bool:
    """Return whether a test may be made at a moment: its part of its window has had none.

    Args:
        at_ms: Outside all windows there is room: what was missed is made good there.
        windows: As `windows.windows_around` returns them.
        tests_ms: When tests began. Those of another cut of the window, before new settings came, count as well.
        rules: How often.
    """
    window = _window_of(at_ms, windows)
    if window is None:
        return True
    parts = [_part_of(test_ms, window, rules) for test_ms in tests_ms if window.from_ms <= test_ms < window.to_ms]
    return len(parts) < rules.parts and _part_of(at_ms, window, rules) not in parts


def _startup(started_ms: int, earliest_ms: int, windows: Sequence[Window], past: Past, rules: Rules) -> Due | None:
    """Return the test of this boot; None where this part of the day has had its test before the computer started."""
    first_ms = started_ms + startup_delay_ms(past.start, rules)
    at_ms = max(first_ms, earliest_ms)
    if rules.startup_within_ms >= _MINUTE_MS:  # less means: at once
        at_ms = off_the_hour(at_ms, rules.utc_offset_min)
    has_its_test = rules.interval_ms <= 0 and not all(
        has_room(one_ms, windows, past.tests_ms, rules) for one_ms in (first_ms, at_ms)
    )
    return None if has_its_test else Due(at_ms, Trigger.STARTUP)


def startup_delay_ms(start: str, rules: Rules) -> int:
    """Return the random wait of the first test after a start, [0, startup_within_ms)."""
    return int(share(rules.seed, "startup", start) * rules.startup_within_ms)


def moments(window: Window, rules: Rules) -> list[int]:
    """Return the planned moments of a window: one at random in each of its equal parts.

    The end of a part stays free: for the gap to the next one's test, and for a test that has to wait for its turn.
    """
    part_ms = (window.to_ms - window.from_ms) / rules.parts
    before_ms, after_ms = min(CLEAR_MS, part_ms / 8), min(rules.min_gap_ms, part_ms / 2)
    found = []
    for part in range(rules.parts):
        into_part_ms = before_ms + share(rules.seed, "window", window.from_ms, part) * (part_ms - before_ms - after_ms)
        at_ms = window.from_ms + int(part * part_ms + into_part_ms)
        moved_ms = off_the_hour(at_ms, rules.utc_offset_min)
        found.append(moved_ms if moved_ms < window.from_ms + (part + 1) * part_ms else at_ms)
    return found


def _window_of(at_ms: int, windows: Sequence[Window]) -> Window | None:
    return next((window for window in windows if window.from_ms <= at_ms < window.to_ms), None)


def _part_of(at_ms: int, window: Window, rules: Rules) -> int:
    return (at_ms - window.from_ms) * rules.parts // (window.to_ms - window.from_ms)


def off_the_hour(at_ms: int, utc_offset_min: int = 0) -> int:
    """Return the moment, moved out of the first minute of an hour: everybody's clocks do things then."""
    into_hour_ms = (at_ms + utc_offset_min * _MINUTE_MS) % _HOUR_MS
    return at_ms + _MINUTE_MS - into_hour_ms if into_hour_ms < _MINUTE_MS else at_ms


def share(seed: str, *what: object) -> float:
    """Return a number in [0, 1) that is the same for the same words."""
    digest = hashlib.sha256("\n".join((seed, *map(str, what))).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
