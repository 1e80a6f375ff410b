"""When a line is slow: the typical test of each part of the day and weekday, each with its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from markupsafe import Markup

from collector.domain.calendars import DEFAULT_OPENING, parse_opening
from collector.store.queries.pages.school import Speed
from collector.store.queries.pages.schools import SchoolRow
from collector.web.http.addresses import url_for
from collector.web.language import present
from collector.web.language.i18n import language, say
from collector.web.views import evidence
from collector.web.views.figures import median

DAYS: Final = 28  # back from today: four of each weekday
TELLING: Final = 3  # tests in a cell, before anything is said of it in words
_SHORT_DAY_MIN: Final = 360
# Parts of the target: what is under each has one step more of the one colour.
_STEPS: Final = ((1.0, "reaches"), (0.7, "most"), (0.5, "part"), (0.0, "little"))


@dataclass(frozen=True)
class Cell:
    """The tests of one part of the day on one weekday."""

    tests: int
    typical_bps: float
    tone: str  # how much of the target; empty without one
    address: str


@dataclass(frozen=True)
class Hours:
    """What the card shows."""

    since: str
    finding: Markup
    weekdays: list[tuple[str, str]]  # short and whole names
    rows: list[tuple[str, list[Cell | None]]]  # hours, and a cell for each weekday
    has_target: bool


class _Part(NamedTuple):
    first_min: int  # after local midnight
    after_min: int

    @property
    def name(self) -> str:
        first, last = present.clock(self.first_min), present.clock(self.after_min)
        return str(say("%(first)s to %(last)s", first=first, last=last))

    @property
    def key(self) -> str:
        """What an address calls it."""
        return f"{present.clock(self.first_min)}-{present.clock(self.after_min)}"


def busy_hours(row: SchoolRow, tests: Sequence[Speed], today: str, zone: ZoneInfo) -> Hours | None:
    """Return the card; None where no test of the last weeks counts.

    Args:
        row: The school.
        tests: Of at least the last four weeks.
        today: Local date.
        zone: Of the school.
    """
    since = present.shift_day(today, 1 - DAYS)
    from_ms, to_ms = evidence.midnight_ms(since, zone), evidence.midnight_ms(evidence.day_after(today), zone)
    moments = []
    for test in tests:
        if test.votes and test.download_bps is not None and from_ms <= test.started_ms < to_ms:
            when = present.local(test.started_ms, zone)
            moments.append((when.weekday(), when.hour * 60 + when.minute, test.download_bps))
    if not moments:
        return None
    parts = parts_of(row.opening, [minute for _day, minute, _bps in moments])
    first_min, step_min = parts[0].first_min, parts[0].after_min - parts[0].first_min  # the last may be shorter
    speeds: dict[tuple[int, _Part], list[int]] = {}
    for weekday, minute, bps in moments:
        part = parts[(minute - first_min) // step_min]
        speeds.setdefault((weekday, part), []).append(bps)
    weekdays = _weekdays(row.opening, {weekday for weekday, _part in speeds})
    cells = {key: _cell(row, key, some, since, today) for key, some in speeds.items()}
    short, whole = (get_day_names(width, "stand-alone", language()) for width in ("abbreviated", "wide"))
    return Hours(
        since=since,
        finding=_finding(row, cells, whole),
        weekdays=[(short[day], whole[day]) for day in weekdays],
        rows=[(part.name, [cells.get((day, part)) for day in weekdays]) for part in parts],
        has_target=bool(row.target_bps),
    )


def parts_of(opening: str | None, minutes: Sequence[int]) -> list[_Part]:
    """Return the parts of the day: hours of a short school day, two hours each of a long one.

    Args:
        opening: Weekly opening hours; None: those of the default calendar.
        minutes: After midnight, of tests: each lies in a part, whatever the hours are now.
    """
    spans = [span for day in parse_opening(opening or DEFAULT_OPENING) for span in day]
    first = min([*(span.start_min for span in spans), *(minute // 60 * 60 for minute in minutes)])
    after = max([*(span.end_min for span in spans), *((minute // 60 + 1) * 60 for minute in minutes)])
    step = 60 if after - first <= _SHORT_DAY_MIN else 120
    return [_Part(at, min(at + step, after)) for at in range(first, after, step)]


def _weekdays(opening: str | None, tested: set[int]) -> list[int]:
    week = parse_opening(opening or DEFAULT_OPENING)
    return [day for day in range(7) if week[day] or day in tested]


def _cell(row: SchoolRow, key: tuple[int, _Part], speeds: Sequence[int], since: str, today: str) -> Cell:
    typical = median(speeds)
    assert typical is not None  # noqa: S101 -- there are speeds
    weekday, part = key
    span = {"from": since, "to": today}
    address = url_for("school_tests.show", code=row.code, counts="yes", weekday=weekday + 1, at=part.key, **span)
    return Cell(len(speeds), typical, _tone(typical, row.target_bps), address)


def _tone(typical: float, target_bps: int | None) -> str:
    if not target_bps:
        return ""
    return next(name for least, name in _STEPS if typical >= least * target_bps)


def _finding(row: SchoolRow, cells: Mapping[tuple[int, _Part], Cell], names: Mapping[int, str]) -> Markup:
    """Return what the table says in words, of the cells with enough tests."""
    telling = {key: cell for key, cell in cells.items() if cell.tests >= TELLING}
    if not row.target_bps or not telling:
        return Markup("")
    slow = [cell for cell in telling.values() if cell.tone != "reaches"]
    if not slow:
        return say("The typical test reaches the target at every hour.")
    if len(slow) == len(telling):
        return say("Slow at every hour: not only a busy class.")
    (weekday, part), worst = min(
        telling.items(), key=lambda item: (item[1].typical_bps, item[0][0], item[0][1].first_min)
    )
    return say(
        "Slowest: %(day)s, %(hours)s, with %(speed)s of %(target)s Mbit/s.",
        day=names[weekday],
        hours=part.name,
        speed=present.mbps(worst.typical_bps),
        target=present.target_mbps(row.target_bps),
    )
