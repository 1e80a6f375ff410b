"""Which time it is and when the school is open, on the collector's clock; pure.

This computer's wall clock may be years off, and it has no zone data: the collector sends windows in UTC, and its last
signed answer of this boot says where the monotonic clock stands in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.reading import Reading

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
HORIZON_MS = 14 * DAY_MS  # how far the collector's windows reach
_MINUTE_MS = 60_000

_DEFAULT_OPENS_MIN, _DEFAULT_CLOSES_MIN = 7 * 60, 17 * 60  # Mon-Fri, the contract's default calendar
_DEFAULT_PARTS = 3


@dataclass(frozen=True)
class Window:
    """One part of a school day, Unix milliseconds; the end is outside."""

    from_ms: int
    to_ms: int


def true_time_ms(answer: Reading | None, *, wall_ms: int, mono_ms: int, boot_id: str) -> int:
    """Return the present on the collector's clock, as well as it is known.

    Args:
        answer: The clocks at the collector's last signed answer, None = never had any.
        wall_ms: This computer's own clock, believed only where nothing better is known, and never back before the
            last answer.
        mono_ms: Its monotonic clock now.
        boot_id: Of this boot.
    """
    if answer is None:
        return wall_ms
    carried_on_ms = answer.at(mono_ms, boot_id)
    return max(wall_ms, answer.server_time_ms) if carried_on_ms is None else carried_on_ms


def windows_around(
    now_ms: int,
    told: Sequence[Sequence[int]] | None,
    *,
    told_at_ms: int | None = None,
    utc_offset_min: int = 0,
    days: int = 8,
) -> tuple[Window, ...]:
    """Return the windows from yesterday to `days` ahead, in order and without overlaps.

    Args:
        now_ms: The present, as `true_time_ms` says.
        told: `windows_utc` of the last settings; None = never had any: then Monday to Friday 07:00 to 17:00.
        told_at_ms: The collector's time of those settings. What lies beyond their 14 days repeats their last week;
            without any window in that week the school is closed until newer settings come.
        utc_offset_min: Of this computer, minutes east; only for the default.
        days: How far ahead.
    """
    from_ms, to_ms = now_ms - DAY_MS, now_ms + days * DAY_MS
    if told is None:
        return _default(from_ms, to_ms, utc_offset_min)
    known = _cleaned(told)
    if told_at_ms is None:
        told_at_ms = known[0].from_ms if known else now_ms
    horizon_ms = told_at_ms + HORIZON_MS
    last_week = [window for window in known if horizon_ms - WEEK_MS <= window.from_ms < horizon_ms]
    found = [window for window in known if window.from_ms < horizon_ms]
    first = max(1, (from_ms - horizon_ms) // WEEK_MS)
    for week in range(first, max(first, (to_ms - horizon_ms) // WEEK_MS + 2)):
        found += [Window(one.from_ms + week * WEEK_MS, one.to_ms + week * WEEK_MS) for one in last_week]
    near = [(one.from_ms, one.to_ms) for one in found if one.to_ms > from_ms and one.from_ms < to_ms]
    return tuple(_cleaned(near))


def _cleaned(told: Sequence[Sequence[int]]) -> list[Window]:
    """Return windows in order; one that is empty, or begins before the one before it has ended, does not count."""
    found: list[Window] = []
    for pair in sorted(tuple(one) for one in told if len(one) == 2):
        if pair[0] < pair[1] and (not found or pair[0] >= found[-1].to_ms):
            found.append(Window(*pair))
    return found


def _default(from_ms: int, to_ms: int, utc_offset_min: int) -> tuple[Window, ...]:
    offset_ms = utc_offset_min * _MINUTE_MS
    part_ms = (_DEFAULT_CLOSES_MIN - _DEFAULT_OPENS_MIN) * _MINUTE_MS // _DEFAULT_PARTS
    found: list[Window] = []
    for day in range((from_ms + offset_ms) // DAY_MS, (to_ms + offset_ms) // DAY_MS + 1):
        if _weekday(day) >= 5:  # Saturday, Sunday
            continue
        opens_ms = day * DAY_MS + _DEFAULT_OPENS_MIN * _MINUTE_MS - offset_ms
        found += [Window(opens_ms + k * part_ms, opens_ms + (k + 1) * part_ms) for k in range(_DEFAULT_PARTS)]
    return tuple(window for window in found if window.to_ms > from_ms and window.from_ms < to_ms)


def _weekday(day_since_1970: int) -> int:
    """Return 0 for Monday; 1970-01-01 was a Thursday."""
    return (day_since_1970 + 3) % 7
