"""Whether a line goes down too often: one observation for each school day, from the days up to it. Pure.

Single days say little: who looks every quarter of an hour sees a fault of a minute as three slots. So a day is called
bad only where the last school days together miss what the profile asks for, and the line failed on several of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from collector.domain.availability import availability_of, coverage_of
from collector.domain.conditions import DayState, Observed
from collector.domain.local_outages import OPEN_SLOTS

WINDOW_DAYS: Final = 10  # school days, as the judgement of speed
MIN_SEEN_DAYS: Final = 5  # of those, seen for at least an hour
SEEN_SLOTS: Final = 12
BAD_DAYS: Final = 3  # days with as much down time as an outage has at least: one long outage is no habit
DEFAULT_PCT: Final = 98.0  # where the profile names no availability
SERIOUS_PCT: Final = 95.0  # half an hour of a day of ten hours, day after day
SEVERE_PCT: Final = 80.0


@dataclass(frozen=True)
class Counted:
    """The slots of one school day in opening hours."""

    day: date
    good: int
    down: int
    unobserved: int
    is_on_hold: bool = False  # an outage or a hazard was there: it counts in the window, and moves no flag


@dataclass(frozen=True)
class Seen:
    """What is observed on one school day, with its numbers."""

    day: date
    state: DayState
    from_day: date  # first day of the window
    days: int  # in the window
    seen_days: int
    down_days: int
    good: int
    down: int
    unobserved: int
    needed_pct: float

    @property
    def observed(self) -> Observed:
        """What the flag is folded from."""
        return Observed(self.day, self.state, self.numbers())

    def numbers(self) -> dict[str, Any]:
        """Return what the sentence is made of; shares lie between 0 and 1."""
        share = availability_of(self.good, self.down)
        return {
            "from_day": self.from_day.isoformat(),
            "days": self.days,
            "seen_days": self.seen_days,
            "down_days": self.down_days,
            "good_slots": self.good,
            "down_slots": self.down,
            "unobserved_slots": self.unobserved,
            "availability": _rounded(share),
            "coverage": _rounded(coverage_of(self.good, self.down, self.unobserved)),
            "goal": self.needed_pct / 100,
            "severity": _severity(share) if self.state is DayState.BAD else None,
        }


def observe(days: Sequence[Counted], needed_pct: float = DEFAULT_PCT) -> Seen:
    """Return what the last of some school days says.

    Args:
        days: School days, oldest first, at least one; only the last ten count.
        needed_pct: What the profile asks for on the last day.
    """
    window = days[-WINDOW_DAYS:]
    good, down = sum(one.good for one in window), sum(one.down for one in window)
    seen = sum(one.good + one.down >= SEEN_SLOTS for one in window)
    failed = sum(one.down >= OPEN_SLOTS for one in window)
    share = availability_of(good, down)
    today = window[-1]
    state = DayState.GOOD
    if share is None or seen < MIN_SEEN_DAYS or not today.good + today.down or today.is_on_hold:
        state = DayState.UNKNOWN
    elif 100 * share < needed_pct and failed >= BAD_DAYS:
        state = DayState.BAD
    return Seen(
        day=today.day,
        state=state,
        from_day=window[0].day,
        days=len(window),
        seen_days=seen,
        down_days=failed,
        good=good,
        down=down,
        unobserved=sum(one.unobserved for one in window),
        needed_pct=needed_pct,
    )


def observations(days: Sequence[Counted], since: date, needed_pct: Callable[[date], float]) -> list[Seen]:
    """Return what each school day from one on says.

    Args:
        days: School days, oldest first; those before `since` are what the windows reach back to.
        since: The first day that is asked for.
        needed_pct: What the profile asks for on a day.
    """
    return [
        observe(days[max(0, at + 1 - WINDOW_DAYS) : at + 1], needed_pct(one.day))
        for at, one in enumerate(days)
        if one.day >= since
    ]


def _severity(share: float | None) -> str:
    percent = 100 * (share or 0.0)
    return "severe" if percent < SEVERE_PCT else "serious" if percent < SERIOUS_PCT else "mild"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
