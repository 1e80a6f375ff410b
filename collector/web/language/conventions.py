"""How each language writes numbers and dates; `present` writes them so, and the map's script too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from babel.dates import format_date, format_datetime

NBSP: Final = "\u00a0"


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
        if when.day == 1 and self.first_day != "d":
            parts = pattern.split("'")  # every second part is quoted, where a d is only a letter
            parts[::2] = [part.replace("d", "\0") for part in parts[::2]]
            pattern = "'".join(parts).replace("\0", self.first_day)
        return (format_datetime if "HH" in pattern else format_date)(when, pattern, locale=language)


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
