"""Sentences of messages in the reader's language, from the same catalogues as the pages, without their framework."""

import functools
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

CATALOGUES: Final = Path(__file__).parent.parent / "web" / "translations"  # files, not code
LANGUAGES: Final = ("en", "es", "pt", "fr")
_LOCALES: Final[Mapping[str, str]] = {"en": "en_GB", "es": "es_419", "pt": "pt_BR", "fr": "fr"}
_DAYS: Final[Mapping[str, str]] = {"en": "EEEE d MMMM", "es": "EEEE d 'de' MMMM", "pt": "EEEE, d 'de' MMMM"}


class Tongue:
    """One language."""

    def __init__(self, code: str) -> None:
        self.code = code if code in LANGUAGES else "en"
        self._catalogue = _catalogue(self.code)
        self._locale = _LOCALES[self.code]

    def say(self, message: str, /, **values: object) -> str:
        """Return a sentence with the values put in.

        Args:
            message: The English sentence with named places such as `%(school)s`.
            values: What stands in the places.
        """
        return str(self._catalogue.ugettext(message)) % values

    def say_many(self, one: str, many: str, count: int, /, **values: object) -> str:
        """Return a sentence in the plural form that `count` asks for; it is `%(num)s`."""
        return str(self._catalogue.ungettext(one, many, count)) % {"num": self.number(count), **values}

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with so many digits after the point."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return str(format_decimal(value, pattern, self._locale))

    def day(self, iso: str) -> str:
        """Return `Tuesday 24 November`."""
        return str(format_date(date.fromisoformat(iso), _DAYS.get(self.code, "EEEE d MMMM"), self._locale))

    def day_short(self, iso: str) -> str:
        """Return `3 Nov`."""
        return str(format_date(date.fromisoformat(iso), "d MMM", self._locale))

    def moment(self, at_ms: int, zone: ZoneInfo) -> str:
        """Return `24 Nov, 10:20` as the clock at the school shows it."""
        local = datetime.fromtimestamp(at_ms / 1000, zone)
        return str(format_datetime(local, "d MMM, HH:mm", locale=self._locale))

    def span(self, length_ms: int) -> str:
        """Return a length of time as `35 minutes` or `3 h 10 min`."""
        minutes = max(1, round(length_ms / 60_000))
        if minutes < 120:
            return self.say_many("%(num)s minute", "%(num)s minutes", minutes)
        return f"{minutes // 60}\u00a0h {minutes % 60}\u00a0min"


@functools.cache
def _catalogue(code: str) -> NullTranslations:
    return NullTranslations() if code == "en" else Translations.load(str(CATALOGUES), [code])
