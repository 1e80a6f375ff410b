"""When the operator's learning sites are looked at: once an hour in school hours; pure."""

from collections.abc import Sequence

from agent.schedule.windows import Window

# Looks come with the light probe, every 13.5 to 16.5 minutes: the fourth one after a look at the sites has its hour.
AGAIN_MS = 53 * 60_000


def is_due(now_ms: int, windows: Sequence[Window], last_ms: int | None) -> bool:
    """Return whether the sites are to be looked at with the light probe that comes now.

    Args:
        now_ms: The present, as `windows.true_time_ms` says.
        windows: When the school is open.
        last_ms: When they were last looked at, by the same clock; None = never. One in the future is a clock's mistake.
    """
    if not any(window.from_ms <= now_ms < window.to_ms for window in windows):
        return False
    return last_ms is None or last_ms > now_ms or now_ms - last_ms >= AGAIN_MS
