"""How each language writes numbers and dates; `present` writes them so, and the map's script too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from babel.dates import format_date

NBSP: Final = "\u00a0"
_CLOCK: Final = ", HH:mm"  # at the end of every pattern of a moment


@dataclass(frozen=True)
class Conventions:
    """Separators of numbers, and patterns of dates as CLDR writes them."""

    decimal: str
    group: str
    day: str
    month: str
    day_short: str = "d MMM"
    weekday_day: str = "EEE d MMM"
    moment: str = "EEE d MMM, HH:mm"
    moment_year: str = "d MMM y, HH:mm"
    full: str = "EEEE d MMMM y, HH:mm"
    before_high_signs: str = ""  # such as a colon or a semicolon
    first_day: str = "d"  # the first day of a month, which some languages write as an ordinal

    def write(self, when: date, pattern: str, language: str) -> str:
        """Return a date or a moment in one of the patterns above."""
        day = when.date() if isinstance(when, datetime) else when
        if isinstance(when, datetime) and pattern.endswith(_CLOCK):
            return f"{self._day(day, pattern.removesuffix(_CLOCK), language)}, {when:%H:%M}"
        return self._day(day, pattern, language)

    def _day(self, day: date, pattern: str, language: str) -> str:
        if day.day == 1 and self.first_day != "d":
            parts = pattern.split("'")  # every second part is quoted, where a d is only a letter
            parts[::2] = [part.replace("d", "\0") for part in parts[::2]]
            pattern = "'".join(parts).replace("\0", self.first_day)
        return _written(day, pattern, language)


@lru_cache(maxsize=5_000)
def _written(day: date, pattern: str, language: str) -> str:
    """Return a date as CLDR writes it: lists have the same few days over and over, and each costs a tenth of a ms."""
    return format_date(day, pattern, locale=language)


CONVENTIONS: Final[Mapping[str, Conventions]] = {
    "en": Conventions(decimal=".", group=",", day="d MMMM", month="LLLL y"),
    "es": Conventions(
        decimal=",",
        group=NBSP,
        day="d 'de' MMMM",
        month="LLLL 'de' y",
        full="EEEE d 'de' MMMM 'de' y, HH:mm",
    ),
    "pt": Conventions(
        decimal=",",
        group=".",
        day="d 'de' MMMM",
        month="LLLL 'de' y",
        full="EEEE, d 'de' MMMM 'de' y, HH:mm",
        first_day="d'º'",
    ),
    "fr": Conventions(decimal=",", group=NBSP, day="d MMMM", month="LLLL y", before_high_signs=NBSP, first_day="d'er'"),
}
