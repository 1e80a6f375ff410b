"""Calendar months, and weeks from Monday: what progress is told by."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

WAYS: Final = ("month", "week")
COUNT: Final = 12  # periods shown


@dataclass(frozen=True)
class Period:
    """Days as ISO texts, both included."""

    first: str
    last: str


def first_day(way: str, day: date) -> date:
    """Return the first day of the month or week that a day lies in."""
    return day - timedelta(days=day.weekday()) if way == "week" else day.replace(day=1)


def first_before(way: str, first: date) -> date:
    """Return the first day of the month or week before the one that begins on `first`."""
    return first_day(way, first - timedelta(days=1))


def periods(way: str, today: date, count: int = COUNT) -> list[Period]:
    """Return the newest months or weeks, the one of today last."""
    found: list[Period] = []
    first = first_day(way, today)
    for _ in range(count):
        last = first + timedelta(days=6) if way == "week" else first_day(way, first + timedelta(days=31))
        found.append(Period(first.isoformat(), (last if way == "week" else last - timedelta(days=1)).isoformat()))
        first = first_before(way, first)
    return found[::-1]
