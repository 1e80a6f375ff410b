"""What an outage took: hours of school, pupils' hours, and the days that are not judged for it; pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from collector.domain.calendars import OpenDay, Period

HOUR_MS: Final = 3_600_000
DAY_LOST_MS: Final = HOUR_MS  # of school time, or half of it where the day is shorter: the day is not judged


def school_ms(days: Iterable[OpenDay], from_ms: int, to_ms: int) -> int:
    """Return how much school time lies between two moments, in milliseconds."""
    return sum(_within(period, from_ms, to_ms) for day in days for period in day.periods)


def pupil_hours(days: Sequence[OpenDay], from_ms: int, to_ms: int, pupils: int | None) -> float | None:
    """Return the hours of school that all pupils of a school lost; None where nobody knows how many they are."""
    return None if pupils is None else school_ms(days, from_ms, to_ms) / HOUR_MS * pupils


def lost_days(days: Iterable[OpenDay], from_ms: int, to_ms: int) -> list[str]:
    """Return the local days of which an outage took an hour of school, or half."""
    return [
        day.day.isoformat()
        for day in days
        if day.is_open and school_ms([day], from_ms, to_ms) >= min(DAY_LOST_MS, day.open_ms / 2)
    ]


def _within(period: Period, from_ms: int, to_ms: int) -> int:
    return max(0, min(period.to_ms, to_ms) - max(period.from_ms, from_ms))
