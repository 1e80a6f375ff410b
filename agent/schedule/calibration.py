"""When a due test is made a calibration: the full ten seconds, once a week at most; pure.

It takes the place of a planned test inside the school's opening time, so that it adds no moment and no load. The first
one comes at a random moment of a computer's first week: a lab that was installed in one afternoon does not calibrate
in one afternoon.
"""

from collections.abc import Sequence

from agent.schedule.due import share
from agent.schedule.windows import WEEK_MS, Window
from agent.wire.vocabulary import Trigger


def is_due(now_ms: int, windows: Sequence[Window], trigger: Trigger, last_ms: int) -> bool:
    """Return whether the test that is due now should be a calibration.

    Args:
        now_ms: The present, as `windows.true_time_ms` says.
        windows: As `windows.windows_around` returns them.
        trigger: Of the due test. A startup test comes soon after the start, whatever the hour; it stays short.
        last_ms: When the last one was made, or `as_if_last` for none. One in the future is a clock's mistake.
    """
    is_open = any(window.from_ms <= now_ms < window.to_ms for window in windows)
    return trigger is Trigger.WINDOW and is_open and now_ms - min(last_ms, now_ms) >= WEEK_MS


def as_if_last(now_ms: int, seed: str) -> int:
    """Return when a computer without any calibration had its last one, so to say: within the week before."""
    return now_ms - int(share(seed, "calibration") * WEEK_MS)
