"""Which tests of a school an address asks for: filters, and what is wrong with them in words."""

import re
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from flask import request
from markupsafe import Markup

from collector.domain.calendars import DAY_MIN
from collector.domain.diagnosis.facts import Cause, Key
from collector.domain.targets import BPS_PER_MBPS
from collector.store.queries.pages.school import TestFilter
from collector.web.language import present
from collector.web.language.i18n import say
from collector.web.views import evidence
from collector.web.views.why import Span
from collector.web.words import terms

WEEKDAYS: Final = frozenset("1234567")
COUNTS: Final = {"yes": True, "no": False}
_LONGEST: Final = 64
_MOST_PAGES: Final = 1_000_000
_MOST_DAYS: Final = 366
_HOURS: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_SPEED: Final = re.compile(r"\d{1,6}(?:\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """What the address asks for; an empty text means all."""

    first: str = ""
    last: str = ""
    device: str = ""
    engine: str = ""
    counts: str = ""  # yes | no
    reason: str = ""  # why it does not count
    hint: str = ""  # a cause: only the tests that support it
    part: str = ""  # of that hint
    use: str = ""  # a use and one of its limits: only the tests that it rests on
    weekday: str = ""  # 1 for Monday to 7
    at: str = ""  # begun in these hours of the school's clock, as 07:00-09:00
    least: str = ""  # download of at least so much, Mbit/s
    under: str = ""  # and of less than that
    medium: str = ""  # by what the computer was connected
    late: str = ""  # answers came later than so many ms while the line was full; 0: it was seen how late they came
    page: int = 1
    mistakes: tuple[Markup, ...] = field(default=())

    @property
    def is_evidence(self) -> bool:
        """Whether the tests behind something that was said are asked for."""
        return bool(self.hint or self.use)

    @property
    def span(self) -> Span | None:
        """The days, where both ends are given."""
        return Span(self.first, self.last) if self.first and self.last else None

    def address(self) -> dict[str, str]:
        """Return what the address of the same tests as a file carries on."""
        values = {
            **{"from": self.first, "to": self.last, "device": self.device, "engine": self.engine},
            **{"counts": self.counts, "reason": self.reason, "hint": self.hint, "part": self.part, "use": self.use},
            **self.inside(),
        }
        return {name: value for name, value in values.items() if value}

    def inside(self) -> dict[str, str]:
        """Return the filters of speed, hours, medium and delay, which no field of the form has; empty ones too."""
        speeds = {"least": self.least, "under": self.under}
        return {"weekday": self.weekday, "at": self.at, **speeds, "medium": self.medium, "late": self.late}

    def filter(self, zone: ZoneInfo, keys: frozenset[Key] | None) -> TestFilter:
        """Return it as the query takes it.

        Args:
            zone: Of the school.
            keys: Only these measurements; None: any.
        """
        return TestFilter(
            from_ms=evidence.midnight_ms(self.first, zone) if self.first else None,
            to_ms=evidence.midnight_ms(evidence.day_after(self.last), zone) if self.last else None,
            counts=COUNTS.get(self.counts),
            device=self.device,
            exclusion=self.reason,
            engine=self.engine,
            keys=keys,
            least_bps=round(float(self.least) * BPS_PER_MBPS) if self.least else None,
            below_bps=round(float(self.under) * BPS_PER_MBPS) if self.under else None,
            medium=self.medium,
            late_ms=float(self.late) if self.late else None,
            times=self._times(zone) if self.weekday or self.at else None,
        )

    def _times(self, zone: ZoneInfo) -> tuple[tuple[int, int], ...]:
        """Return the hours asked for of each day asked for, as moments."""
        first_min, after_min = _minutes(self.at) or (0, DAY_MIN)
        days = (present.shift_day(self.first, at) for at in range(present.days_between(self.first, self.last) + 1))
        chosen = (day for day in days if not self.weekday or date.fromisoformat(day).isoweekday() == int(self.weekday))
        return tuple((_moment(day, first_min, zone), _moment(day, after_min, zone)) for day in chosen)


def read() -> Wanted:
    """Return what the address asks for; what cannot be is left out and said."""
    mistakes: list[Markup] = []
    first, last = (_day(name, mistakes) for name in ("from", "to"))
    if first and last and first > last:
        mistakes.append(say("The first day is after the last: no test can lie between them."))
    hours = _hours(first, last, mistakes)
    speeds = {name: _mbps(name, mistakes) for name in ("least", "under")}
    return Wanted(
        **hours,
        **speeds,
        first=first,
        last=last,
        device=_text("device"),
        engine=_text("engine"),
        counts=_word("counts", COUNTS, mistakes),
        reason=_word("reason", terms.EXCLUSIONS, mistakes),
        hint=_word("hint", frozenset(Cause), mistakes),
        part=_text("part"),
        use=_text("use"),
        medium=_word("medium", terms.MEDIA, mistakes),
        late=_milliseconds("late", mistakes),
        page=_page(),
        mistakes=tuple(mistakes),
    )


def _hours(first: str, last: str, mistakes: list[Markup]) -> dict[str, str]:
    """Return weekday and hours; they are looked for day by day, so both ends must be given."""
    at = _text("at")
    if at and _minutes(at) is None:
        mistakes.append(say("“%(text)s” is no filter of this list, so it was left out.", text=at))
        at = ""
    weekday = _word("weekday", WEEKDAYS, mistakes)
    if not (weekday or at):
        return {}
    if not first or not last or present.days_between(first, last) > _MOST_DAYS:
        mistakes.append(
            say("Hours and weekdays were left out: they need a first and a last day, a year apart at most.")
        )
        return {}
    return {"weekday": weekday, "at": at}


def _minutes(text: str) -> tuple[int, int] | None:
    """Return the minutes after midnight between which hours lie; None where the text is none."""
    found = _HOURS.fullmatch(text)
    if found is None:
        return None
    first, after = (int(found[at]) * 60 + int(found[at + 1]) for at in (1, 3))
    return (first, after) if first < after <= DAY_MIN else None


def _moment(day: str, minutes: int, zone: ZoneInfo) -> int:
    if minutes == DAY_MIN:
        return evidence.midnight_ms(evidence.day_after(day), zone)
    when = datetime.combine(date.fromisoformat(day), time(*divmod(minutes, 60)), zone)
    return round(when.timestamp() * 1000)


def _mbps(name: str, mistakes: list[Markup]) -> str:
    given = _text(name)
    if not given or _SPEED.fullmatch(given):
        return given
    mistakes.append(say("“%(text)s” is no speed in Mbit/s, so it was left out: write it as 12.5.", text=given))
    return ""


def _milliseconds(name: str, mistakes: list[Markup]) -> str:
    given = _text(name)
    if not given or _SPEED.fullmatch(given):
        return given
    mistakes.append(say("“%(text)s” is no time in milliseconds, so it was left out: write it as 200.", text=given))
    return ""


def _text(name: str) -> str:
    return "".join(sign for sign in request.args.get(name, "") if sign.isprintable()).strip()[:_LONGEST]


def _day(name: str, mistakes: list[Markup]) -> str:
    given = _text(name)
    found = present.iso_day(given) if given else ""
    if found is None:
        mistakes.append(say("“%(text)s” is no day, so it was left out: write it as 2026-11-24.", text=given))
    return found or ""


def _word(name: str, known: Container[str], mistakes: list[Markup]) -> str:
    given = _text(name)
    if not given or given in known:
        return given
    mistakes.append(say("“%(text)s” is no filter of this list, so it was left out.", text=given))
    return ""


def _page() -> int:
    given = _text("page")
    return max(1, min(int(given), _MOST_PAGES)) if given.isascii() and given.isdigit() else 1
