"""Tests that somebody has asked for at the slow schools, to prove to their providers what the lines give."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

from collector.demo.island import DemoSchool, Fate
from collector.domain.calendars import Calendar, Period
from collector.domain.proof import WINDOW_TESTS, Hours, windows_of

_DAYS_BACK: Final = (8, 4)  # weekdays before today, today counted: two of the three that a proof needs
_REST: Final = 0.4  # of each part: nobody tests there, so that two tests stay apart


def moments(school: DemoSchool, calendar: Calendar, weekdays: list[date], random: Random) -> Iterator[int]:
    """Yield when tests that were asked for began, UTC milliseconds; only low lines have any.

    Args:
        school: Of the island.
        calendar: Its own.
        weekdays: Of the history, today last.
        random: Of the school.
    """
    if school.fate is not Fate.LOW or len(weekdays) < max(_DAYS_BACK):
        return
    for back in _DAYS_BACK:
        day = weekdays[-back]
        whole = Period(_midnight_ms(day, calendar), _midnight_ms(day + timedelta(days=1), calendar))
        for window in windows_of(calendar.at(day), Hours.OUTSIDE, whole) or ():
            part_ms = window.length_ms / WINDOW_TESTS
            for part in range(WINDOW_TESTS):
                yield window.from_ms + round((part + random.uniform(0.0, 1 - _REST)) * part_ms)


def _midnight_ms(day: date, calendar: Calendar) -> int:
    return round(datetime.combine(day, time(), calendar.zone).timestamp() * 1000)
