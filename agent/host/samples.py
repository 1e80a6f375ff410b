"""What both systems work out in the same way from what they read."""

import time
from collections.abc import Mapping

from agent.ports import Clock, Octets
from agent.wire import limits

SAMPLE_S = 0.5  # over which processor and traffic are looked at
_PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy")


def busy_pct(before: tuple[int, int] | None, after: tuple[int, int] | None) -> float | None:
    """Return how busy the processors were between two readings of (busy, whole) time; None = unknown."""
    if before is None or after is None or after[1] <= before[1]:
        return None
    return round(min(100.0, max(0.0, 100 * (after[0] - before[0]) / (after[1] - before[1]))), 1)


def whole(octets: Octets | None) -> int | None:
    """Return the bytes of both directions; None = unknown."""
    return None if octets is None else octets.received + octets.sent


def rate_bps(before: int | None, after: int | None, lasted_s: float) -> int | None:
    """Return the bit rate between two readings of a byte counter; None = unknown, or it began anew."""
    if before is None or after is None or after < before or lasted_s <= 0:
        return None
    return min(round((after - before) * 8 / lasted_s), limits.BPS)


def has_proxy(environ: Mapping[str, str]) -> bool:
    """Return whether the environment names a proxy; which one is nobody's business."""
    return any(environ.get(name) or environ.get(name.upper()) for name in _PROXY_NAMES)


def utc_offset_min(clock: Clock) -> int:
    """Return the local offset from UTC now, minutes east; 0 where the clock is too wrong to say."""
    try:
        offset_s = time.localtime(clock.now_ms() / 1000).tm_gmtoff
    except (OverflowError, OSError, ValueError):
        return 0
    return max(-limits.UTC_OFFSET_MIN, min(limits.UTC_OFFSET_MIN, offset_s // 60))
