"""When a school is open: weekly hours, days that differ, and the windows for tests that follow from them.

Hours are local, everything that is compared is UTC milliseconds: a day on which the clock is put forward or back has
the length that it really has. A calendar knows nothing of outages; who suppresses a day for one says so beside it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from collector.domain.said import SaidError
from collector.domain.words import DayKind, Suppression

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEFAULT_OPENING: Final = "mon-fri 07:00-17:00"
WINDOWS_A_DAY: Final = 3
DAY_MIN: Final = 24 * 60

_TIME = r"([01]?\d|2[0-4]):([0-5]\d)"
_SPAN = re.compile(rf"{_TIME}\s*[-–]\s*{_TIME}")
_ENTRY = re.compile(r"^([a-z]{3}(?:\s*[-,]\s*[a-z]{3})*)\s*[:=]?\s*[\"']?([\d:\s\-–,]*|closed)[\"']?$")
# 1/golden ratio: multiples of it, without their whole part, are spread evenly however many are taken.
_SPREAD: Final = 0.6180339887498949


class OpeningError(SaidError):
    """A text of opening hours that cannot be read; its message is one sentence for the person who wrote it."""


@dataclass(frozen=True)
class Span:
    """Opening hours in minutes after local midnight, end not included."""

    start_min: int
    end_min: int


@dataclass(frozen=True)
class Period:
    """A stretch of time in UTC milliseconds, end not included."""

    from_ms: int
    to_ms: int

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.to_ms - self.from_ms


Week = tuple[tuple[Span, ...], ...]


@dataclass(frozen=True)
class OpenDay:
    """One local day of a school."""

    day: date
    periods: tuple[Period, ...]  # opening hours, in order; empty on a day without school
    suppression: Suppression | None  # why the day is not judged; None: it may be

    @property
    def is_open(self) -> bool:
        """Whether there is school on this day."""
        return bool(self.periods)

    @cached_property
    def open_ms(self) -> int:
        """How long it is open."""
        return sum(period.length_ms for period in self.periods)

    def is_within(self, moment_ms: int) -> bool:
        """Return whether a moment lies in opening hours."""
        return any(period.from_ms <= moment_ms < period.to_ms for period in self.periods)

    def half_of(self, moment_ms: int) -> int | None:
        """Return 1 or 2: the half of the opening time that a moment lies in; None outside opening hours."""
        passed = 0
        for period in self.periods:
            if moment_ms < period.from_ms:
                return None
            if moment_ms < period.to_ms:
                return 1 if 2 * (passed + moment_ms - period.from_ms) < self.open_ms else 2
            passed += period.length_ms
        return None

    def third(self, index: int) -> tuple[Period, ...]:
        """Return the pieces of a third (0, 1, 2) of the opening time; a break makes two pieces of one."""
        low, high = (self.open_ms * edge // WINDOWS_A_DAY for edge in (index, index + 1))
        pieces, passed = [], 0
        for period in self.periods:
            start, end = max(low - passed, 0), min(high - passed, period.length_ms)
            if start < end:
                pieces.append(Period(period.from_ms + start, period.from_ms + end))
            passed += period.length_ms
        return tuple(pieces)

    def windows(self) -> tuple[Period, ...]:
        """Return the three windows in which tests are made.

        Where a break cuts a third, its pieces take turns from day to day in proportion to their lengths: every test
        lies in opening hours and over some weeks every hour is seen.
        """
        thirds = (self.third(index) for index in range(WINDOWS_A_DAY))
        return tuple(_piece_of(pieces, self.day) for pieces in thirds if pieces)


@dataclass(frozen=True)
class Calendar:
    """Opening hours of one school."""

    week: Week
    zone: ZoneInfo
    exceptions: Mapping[date, DayKind] = field(default_factory=dict)

    def local_day(self, moment_ms: int) -> date:
        """Return the school's local date at a moment in UTC milliseconds."""
        return local_day(moment_ms, self.zone)

    def at(self, day: date) -> OpenDay:
        """Return the opening hours of a local day."""
        kind = self.exceptions.get(day)
        if kind is DayKind.HOLIDAY or kind is DayKind.CLOSURE:
            return OpenDay(day, (), Suppression(kind.value))
        spans = self.week[day.weekday()]
        if kind is DayKind.OPEN and not spans:
            spans = _usual(self.week)
        periods = (Period(self._utc_ms(day, span.start_min), self._utc_ms(day, span.end_min)) for span in spans)
        return OpenDay(day, tuple(period for period in periods if period.length_ms > 0), None)

    def school_days(self, first: date, last: date) -> Iterator[OpenDay]:
        """Yield the days with school from `first` to `last`, both included."""
        for offset in range((last - first).days + 1):
            open_day = self.at(first + timedelta(days=offset))
            if open_day.is_open:
                yield open_day

    def windows_utc(self, from_ms: int, days: int = 14) -> tuple[Period, ...]:
        """Return the windows for tests that end after a moment, for so many local days from its day on.

        Args:
            from_ms: Now, in UTC milliseconds.
            days: Local days, the one of `from_ms` counted.
        """
        first = self.local_day(from_ms)
        opened = self.school_days(first, first + timedelta(days=days - 1))
        return tuple(window for day in opened for window in day.windows() if window.to_ms > from_ms)

    def _utc_ms(self, day: date, minute: int) -> int:
        """Return a local wall time as UTC; one that the clock skips is moved by the skipped hour."""
        local = datetime.combine(day + timedelta(days=minute // DAY_MIN), time(), self.zone)
        local = local.replace(hour=minute % DAY_MIN // 60, minute=minute % 60)
        return round(local.timestamp() * 1000)


def local_day(moment_ms: int, zone: ZoneInfo) -> date:
    """Return the date in a zone at a moment in UTC milliseconds."""
    return datetime.fromtimestamp(moment_ms / 1000, zone).date()


def parse_opening(text: str) -> Week:
    """Return weekly opening hours from text.

    Entries are separated by semicolons or new lines; each names days and their hours, a later entry replaces an
    earlier one: `mon-fri 07:00-12:00 13:00-17:00; sat 08:00-12:00`. The form of the configuration file is read too:
    `mon = "07:00-12:00 13:00-17:00"`. A day that is not named is closed, and so is one with `closed`.

    Raises:
        OpeningError: If the text cannot be read, hours overlap, or no day is open.
    """
    week: dict[int, tuple[Span, ...]] = {}
    for entry in re.split(r"[;\n]", text):
        if entry.strip():
            days, spans = _entry(entry.strip())
            week.update(dict.fromkeys(days, spans))
    if not any(week.values()):
        raise OpeningError(
            "%(text)s opens on no day: write for example %(example)s.", text=repr(text), example=repr(DEFAULT_OPENING)
        )
    return tuple(week.get(weekday, ()) for weekday in range(len(WEEKDAYS)))


def calendar_of(opening: str | None, zone: ZoneInfo, exceptions: Mapping[date, DayKind] | None = None) -> Calendar:
    """Return the calendar of a school; without opening hours of its own it has the default ones.

    Raises:
        OpeningError: As `parse_opening`.
    """
    return Calendar(parse_opening(opening or DEFAULT_OPENING), zone, dict(exceptions or {}))


def _entry(entry: str) -> tuple[tuple[int, ...], tuple[Span, ...]]:
    match = _ENTRY.match(entry.lower())
    if match is None:
        raise OpeningError(
            "%(text)s is not opening hours: write for example 'mon-fri 07:00-12:00 13:00-17:00'.", text=repr(entry)
        )
    days, hours = match.groups()
    return _days(days, entry), () if hours == "closed" else _spans(hours, entry)


def _days(text: str, entry: str) -> tuple[int, ...]:
    days: list[int] = []
    for part in text.split(","):
        names = [name.strip() for name in part.split("-")]
        unknown = [name for name in names if name not in WEEKDAYS]
        if unknown or len(names) > 2:
            raise OpeningError(
                "%(text)s names no days that we know: use %(days)s, or mon-fri.",
                text=repr(entry),
                days=", ".join(WEEKDAYS),
            )
        first, last = WEEKDAYS.index(names[0]), WEEKDAYS.index(names[-1])
        days.extend((first + offset) % 7 for offset in range((last - first) % 7 + 1))
    return tuple(days)


def _spans(text: str, entry: str) -> tuple[Span, ...]:
    spans = []
    for match in _SPAN.finditer(text):
        hour, minute, end_hour, end_minute = (int(digits) for digits in match.groups())
        spans.append(Span(hour * 60 + minute, end_hour * 60 + end_minute))
    if _SPAN.sub("", text).strip(" ,"):
        raise OpeningError("%(text)s has hours that cannot be read: write them as 07:00-12:00.", text=repr(entry))
    if any(not span.start_min < span.end_min <= DAY_MIN for span in spans):
        raise OpeningError("%(text)s has hours that end before they start, or after 24:00.", text=repr(entry))
    spans.sort(key=lambda span: span.start_min)
    if any(before.end_min > after.start_min for before, after in pairwise(spans)):
        raise OpeningError("%(text)s has hours that overlap.", text=repr(entry))
    return tuple(spans)


def _usual(week: Week) -> tuple[Span, ...]:
    """Return the hours of the first weekday that has any: those of an extra day of school."""
    return next((spans for spans in week if spans), ())


def _piece_of(pieces: tuple[Period, ...], day: date) -> Period:
    point = day.toordinal() * _SPREAD % 1.0 * sum(piece.length_ms for piece in pieces)
    for piece in pieces:
        if point < piece.length_ms:
            return piece
        point -= piece.length_ms
    return pieces[-1]
