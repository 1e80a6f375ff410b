"""How many schools of a group usually fall silent at an hour: at the end of a shift, nearly all of them.

Kept is, for each day and every five minutes, how many were heard a moment ago and how many of them fell silent. Asked
is for the hour before and after a moment: shifts do not end on the minute.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from collector.domain.outages.groups import Group
from collector.domain.outages.odds import FLOOR, Counts

TICK_MIN: Final = 5
DAYS: Final = 6  # comparable ones, the newest
AROUND_TICKS: Final = 6
PRIOR_N: Final = 10  # without a past of its own a group is taken to be unsteady
PRIOR_RATE: Final = 0.1

Ticks = dict[int, Counts]
"""By the minute of the local day, a multiple of `TICK_MIN`."""


class Usual:
    """What is known of the days before; `of` is asked every minute for each group in doubt."""

    def __init__(self) -> None:
        self._days: dict[Group, deque[Ticks]] = {}
        self._sums: dict[Group, Ticks] = {}

    def add_day(self, group: Group, ticks: Ticks) -> None:
        """Add the next day of a group on which any of its schools was heard; the oldest is dropped."""
        if ticks:
            self._days.setdefault(group, deque(maxlen=DAYS)).append(ticks)
            self._sums.pop(group, None)

    def of(self, group: Group, minute_of_day: int) -> float:
        """Return the chance of a school of the group to fall silent, the highest within half an hour of a moment."""
        if group not in self._sums:
            self._sums[group] = _sums(self._days.get(group, ()))
        ticks, middle = self._sums[group], minute_of_day - minute_of_day % TICK_MIN
        around = range(middle - AROUND_TICKS * TICK_MIN, middle + (AROUND_TICKS + 1) * TICK_MIN, TICK_MIN)
        seen = [ticks[tick] for tick in around if tick in ticks]
        return max((_rate(counts) for counts in seen), default=_rate(Counts(0, 0)))


def _rate(counts: Counts) -> float:
    return max(FLOOR, (counts.fell + PRIOR_N * PRIOR_RATE) / (counts.online + PRIOR_N))


def _sums(days: Iterable[Ticks]) -> Ticks:
    found: Ticks = {}
    for ticks in days:
        for tick, counts in ticks.items():
            before = found.get(tick, Counts(0, 0))
            found[tick] = Counts(before.online + counts.online, before.fell + counts.fell)
    return found
