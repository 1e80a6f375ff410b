"""The days of the flag `not_reporting`: a school day of which nothing is known is bad, whatever the reason was.

A PC that comes back brings what it measured meanwhile: such a day was no silence of the PC, and is good afterwards.
A day on hold, in an outage or a hazard, says nothing of the PCs: it neither opens nor closes anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from collector.domain.conditions import DayState, Observed


@dataclass(frozen=True)
class Seen:
    """A school as far as it was heard."""

    expected: Sequence[date]  # school days on which a PC was expected, in order
    alive: frozenset[date]  # days of which a message, a measurement or a diary is known
    pcs: int  # that are in use
    before: date | None  # the newest day of that kind before the first one of `expected`, where it is known
    on_hold: frozenset[date] = frozenset()  # days on which an outage or a hazard was there


def reporting_days(seen: Seen, count_expected: Callable[[date, date], int]) -> list[Observed]:
    """Return one observation for each expected school day, in order.

    Args:
        seen: The school.
        count_expected: Gives how many school days lie after one day, up to and with another.
    """
    heard_on = seen.before
    found = []
    silent = 0  # in a row, where it is not known since when
    known = sorted(seen.alive)
    passed = 0  # of `known`
    for day in seen.expected:
        while passed < len(known) and known[passed] <= day:
            heard_on = known[passed] if heard_on is None else max(heard_on, known[passed])
            passed += 1
        silent = 0 if day in seen.alive else silent
        if day in seen.on_hold:
            found.append(Observed(day, DayState.UNKNOWN, {}))
            continue
        if day in seen.alive:
            found.append(Observed(day, DayState.GOOD, {}))
            continue
        silent += 1
        days = silent if heard_on is None else count_expected(heard_on, day)
        numbers = {"silent_days": days, "heard_on": heard_on.isoformat() if heard_on else None, "pcs": seen.pcs}
        found.append(Observed(day, DayState.BAD, numbers))
    return found
