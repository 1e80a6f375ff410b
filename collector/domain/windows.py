"""Which observations a day is judged by."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import chain, groupby
from operator import attrgetter

from collector.domain.criterion import DEFAULT, Criterion
from collector.domain.observations import Observation

_DAY = attrgetter("day")


def window_of(
    observations: Sequence[Observation], day: date, criterion: Criterion = DEFAULT
) -> tuple[Observation, ...]:
    """Return the window of a day, oldest first.

    The last 10 school days up to `day` that have a voting measurement, and as many more before them as it takes to
    reach 12 measurements (a school with one test a day would else never be judged); none older than 27 days.

    Args:
        observations: Voting measurements in any order; those after `day` or too old are passed over.
        day: The school-local day that is judged.
        criterion: Gives 10, 12 and 27.
    """
    oldest = day - timedelta(days=criterion.reach_days)
    by_day: dict[date, list[Observation]] = {}
    for seen, of_day in groupby(observations, key=_DAY):  # mostly in order: a day is looked at once
        if oldest <= seen <= day:
            by_day.setdefault(seen, []).extend(of_day)
    chosen: list[list[Observation]] = []
    tests = 0
    for seen in sorted(by_day, reverse=True):
        if len(chosen) >= criterion.window_days and tests >= criterion.min_tests:
            break
        chosen.append(by_day[seen])
        tests += len(by_day[seen])
    return tuple(chain.from_iterable(reversed(chosen)))
