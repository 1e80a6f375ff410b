"""How many PCs were heard on each of the last school days, for the picture and its table."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from markupsafe import Markup

from collector.domain.calendars import calendar_of
from collector.domain.words import DayKind
from collector.evaluate.heard import REACH_DAYS
from collector.store.queries import heard_days, schools
from collector.store.unit import Snapshot
from collector.web.charts.days import Day
from collector.web.charts.days import heard_days as draw
from collector.web.desk import Desk
from collector.web.language import present
from collector.web.language.i18n import say

SHOWN: Final = 30  # school days
MEAN_OF: Final = 7
_EVERYBODYS: Final = "default"  # the calendar of the whole country
_WIDTH: Final = 316.0
_USUAL_OF: Final = 20  # school days
_SHARE: Final = 0.1  # of them left out at either end


def days(snapshot: Snapshot, parts: Desk) -> list[Day]:
    """Return the last school days of the country's calendar that are over, oldest first.

    Days before the first that is counted are left out: no PC was enrolled then, or nobody has counted yet.
    """
    today = present.local(parts.now_ms, parts.zone).date()
    first = today - timedelta(days=REACH_DAYS)
    counted = heard_days.heard(snapshot, first.isoformat(), (today - timedelta(days=1)).isoformat())
    if not counted:
        return []
    kinds = schools.calendar_days(snapshot, [_EVERYBODYS]).get(_EVERYBODYS, {})
    calendar = calendar_of(None, parts.zone, {date.fromisoformat(day): DayKind(kind) for day, kind in kinds.items()})
    passed = (first + timedelta(days=number) for number in range((today - first).days))
    begun = date.fromisoformat(min(counted))
    shown = [day.isoformat() for day in passed if day >= begun and calendar.at(day).is_open]
    numbers = [counted.get(day) for day in shown]
    found = [Day(day, numbers[at], _mean(numbers[max(0, at + 1 - MEAN_OF) : at + 1])) for at, day in enumerate(shown)]
    return found[-SHOWN:]


def _mean(numbers: Sequence[int | None]) -> float | None:
    known = [one for one in numbers if one is not None]
    return sum(known) / MEAN_OF if len(known) == MEAN_OF else None


def usual(found: Sequence[Day]) -> tuple[int, int] | None:
    """Return between which numbers eight of ten of the last twenty school days lie; None: too few are counted."""
    known = sorted(one.heard for one in found[-_USUAL_OF:] if one.heard is not None)
    if len(known) < _USUAL_OF // 2:
        return None
    out = int(len(known) * _SHARE)
    return known[out], known[-1 - out]


def picture(found: Sequence[Day]) -> Markup:
    """Return the picture of the days; empty where nothing is counted yet."""
    counted = [one for one in found if one.heard is not None]
    if not counted:
        return Markup("")
    last = counted[-1]
    label = say(
        "PCs heard on each school day: %(heard)s on %(day)s",
        heard=present.number(last.heard),
        day=present.day(last.day),
    )
    # In two lines at the end of the line.
    mean = say("7-day mean").split(" ", 1)
    return draw(found, str(label), mean, _WIDTH)
