"""When a test is due that a person has asked for beside the schedule; pure.

The collector names windows and how many tests may be tried in each. As with planned tests one moment lies at random in
each equal part of a window, and a part that has had a test gets no second one. What was missed is not made good later:
a computer that comes on in the middle of a part tests in what is left of it.
"""

from collections.abc import Iterator, Sequence

from agent.schedule.due import Due, Rules, moments, off_the_hour
from agent.schedule.windows import Window
from agent.wire.vocabulary import Trigger

MIN_GAP_MS = 300_000  # closer tests of one line say the same thing twice
MOST_TESTS = 20  # of one window
_END_MS = 60_000  # before the end of a part: later a test would fall into the next one


def next_asked(
    now_ms: int, wanted: Sequence[Sequence[int]], tests_ms: Sequence[int], seed: str, *, utc_offset_min: int = 0
) -> Due | None:
    """Return the next test that is asked for; None = there is none, or no room for it.

    Args:
        now_ms: The present, as `windows.true_time_ms` says.
        wanted: `campaign_utc` of the last settings; what makes no sense in it counts as not said.
        tests_ms: When tests began, whatever made them due. One in the future is a clock's mistake.
        seed: Differs between computers and stays with one.
        utc_offset_min: Of this computer, minutes east; for "never on the hour".
    """
    last_ms = max((at_ms for at_ms in tests_ms if at_ms <= now_ms), default=None)
    earliest_ms = now_ms if last_ms is None else max(now_ms, last_ms + MIN_GAP_MS)
    for part, planned_ms in _parts(wanted, seed, utc_offset_min):
        if any(part.from_ms <= at_ms < part.to_ms for at_ms in tests_ms):
            continue
        at_ms = off_the_hour(max(planned_ms, earliest_ms), utc_offset_min)
        if at_ms < part.to_ms - _END_MS:
            return Due(at_ms, Trigger.CAMPAIGN)
    return None


def _parts(wanted: Sequence[Sequence[int]], seed: str, utc_offset_min: int) -> Iterator[tuple[Window, int]]:
    """Yield the parts of all windows in order, each with its moment."""
    for one in sorted(tuple(given) for given in wanted if len(given) == 3):
        from_ms, to_ms, tests = one
        if not (from_ms < to_ms and 1 <= tests <= MOST_TESTS):
            continue
        rules = Rules(f"{seed} campaign", tests, min_gap_ms=MIN_GAP_MS, utc_offset_min=utc_offset_min)
        for number, at_ms in enumerate(moments(Window(from_ms, to_ms), rules)):
            edges = (from_ms + (to_ms - from_ms) * place // tests for place in (number, number + 1))
            yield Window(*edges), at_ms
