"""How many schools of a group usually fall silent at an hour: at the end of a shift, nearly all of them.

Kept is, for each day and every five minutes, how many were heard a moment ago and how many of them fell silent. Asked
is for a quarter of an hour before and after a moment: shifts do not end on the minute. On some days a whole area
leaves early; so what counts is the second highest day of the area, too: the highest may have been an outage.
"""

from collections import deque
from typing import Final, NamedTuple

from collector.domain.outages.groups import Group
from collector.domain.outages.odds import FLOOR, Counts

TICK_MIN: Final = 5
DAYS: Final = 6  # comparable ones, the newest
ENOUGH_DAYS: Final = DAYS  # before that too little is known of the ends of shifts
AROUND_TICKS: Final = 3
PRIOR_N: Final = 10  # without a past of its own a group is taken to be unsteady
PRIOR_RATE: Final = 0.1

Ticks = dict[int, Counts]
"""By the minute of the local day, a multiple of `TICK_MIN`."""


class _Rates(NamedTuple):
    mean: float
    high: float  # of the second highest day


_UNKNOWN: Final = _Rates(PRIOR_RATE, PRIOR_RATE)


class Usual:
    """What is known of the days before; `of` is asked every minute for each group in doubt."""

    def __init__(self) -> None:
        self._days: dict[Group, deque[Ticks]] = {}
        self._rates: dict[Group, dict[int, _Rates]] = {}

    def add_day(self, group: Group, ticks: Ticks) -> None:
        """Add the next day of a group on which any of its schools was heard; the oldest is dropped."""
        if ticks:
            self._days.setdefault(group, deque(maxlen=DAYS)).append(ticks)
            self._rates.pop(group, None)

    def of(self, group: Group, minute_of_day: int) -> float:
        """Return the chance of a school of the group to fall silent, the highest around a moment."""
        wide = Group(group.area) if group.area else group
        middle = minute_of_day - minute_of_day % TICK_MIN
        ticks = range(middle - AROUND_TICKS * TICK_MIN, middle + (AROUND_TICKS + 1) * TICK_MIN, TICK_MIN)
        own, around = self._of_group(group), self._of_group(wide)
        means = [own[tick].mean for tick in ticks if tick in own] or [_UNKNOWN.mean]
        highs = [around[tick].high for tick in ticks if tick in around]
        return max(FLOOR, *means, *highs)

    def _of_group(self, group: Group) -> dict[int, _Rates]:
        if group not in self._rates:
            by_tick: dict[int, list[Counts]] = {}
            for ticks in self._days.get(group, ()):
                for tick, counts in ticks.items():
                    by_tick.setdefault(tick, []).append(counts)
            self._rates[group] = {tick: _rates(days) for tick, days in by_tick.items()}
        return self._rates[group]


def _rates(days: list[Counts]) -> _Rates:
    online, fell = sum(one.online for one in days), sum(one.fell for one in days)
    mean = (fell + PRIOR_N * PRIOR_RATE) / (online + PRIOR_N)
    highest = sorted((one.fell + PRIOR_N * mean) / (one.online + PRIOR_N) for one in days)
    return _Rates(mean, highest[-2] if len(highest) > 1 else mean)
