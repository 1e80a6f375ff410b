"""A school's download speed test by test: dots, daily medians with gaps, target, contract, flag, days without school.

The axis has one place for each school day; weekends take no room. Every test is drawn, those set aside hollow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from markupsafe import Markup

from collector.web.charts.svg import circles, dots, line, num, picture, tag
from collector.web.language import present
from collector.web.language.i18n import say

_SCHOOL_MORNING, _SCHOOL_EVENING = 6 / 24, 19 / 24
_LABEL_GAP, _TICK_GAP = 15.0, 48.0


@dataclass(frozen=True)
class ChartDay:
    """One local day of the school."""

    day: str
    is_open: bool
    suppressed: str | None
    median_bps: int | None


class Dot(NamedTuple):
    """One test; a school has hundreds."""

    day: str
    of_day: float  # 0 at local midnight, 1 at the next
    bps: int
    counts: bool


@dataclass(frozen=True)
class History:
    """What the picture shows."""

    days: Sequence[ChartDay]  # oldest first
    dots: Sequence[Dot]
    target_bps: int | None = None
    contract_bps: int | None = None
    opened_on: str | None = None
    closed_on: str | None = None
    label: str = ""


@dataclass(frozen=True)
class Frame:
    """The room that the picture has."""

    width: float
    height: float
    right: float  # room for labels beside the lines; little means that they stand on the lines
    weeks: int  # the newest ones are shown

    left: float = 40.0
    top: float = 26.0
    bottom: float = 28.0

    @property
    def is_narrow(self) -> bool:
        """Labels stand on the lines."""
        return self.right < 50


WIDE = Frame(width=940, height=264, right=104, weeks=12)
MIDDLE = Frame(width=620, height=260, right=100, weeks=12)
NARROW = Frame(width=336, height=240, right=8, weeks=7)


class _Scale:
    """From days and speeds to places in the picture."""

    def __init__(self, history: History, frame: Frame) -> None:
        self.frame = frame
        self.slots = _slots(history, frame.weeks)
        self.place = {item.day: index for index, item in enumerate(self.slots)}
        self.step = (frame.width - frame.left - frame.right) / max(1, len(self.slots))
        shown = [dot.bps for dot in history.dots if dot.day in self.place]
        self.top_bps = nice_top(max([*shown, history.target_bps or 0, history.contract_bps or 0, 1e6]))

    def x(self, day: str, of_day: float = 0.5) -> float:
        """Return where a moment of a school day stands."""
        inside = (of_day - _SCHOOL_MORNING) / (_SCHOOL_EVENING - _SCHOOL_MORNING)
        return self.frame.left + (self.place[day] + min(max(inside, 0.04), 0.96)) * self.step

    def edge(self, day: str) -> float:
        """Return where a day begins; a day outside the axis counts as the next one inside it."""
        after = next((index for index, item in enumerate(self.slots) if item.day >= day), len(self.slots))
        return self.frame.left + after * self.step

    def y(self, bps: float) -> float:
        """Return the height of a speed."""
        tall = self.frame.height - self.frame.top - self.frame.bottom
        return self.frame.top + tall * (1 - bps / self.top_bps)


def nice_top(bps: float) -> float:
    """Return the end of an axis that holds a speed and divides well into four."""
    for mantissa in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10):
        top = mantissa * 10 ** math.floor(math.log10(bps))
        if bps <= top * 1.0001:
            return float(top)
    return float(bps)


def _slots(history: History, weeks: int) -> list[ChartDay]:
    """Return the days of the axis: school days, days with a test, and days off that the calendar names."""
    if not history.days:
        return []
    known = {item.day: item for item in history.days}
    tested = {dot.day for dot in history.dots if dot.counts}
    last = date.fromisoformat(history.days[-1].day)
    first = max(date.fromisoformat(history.days[0].day), last - timedelta(days=7 * weeks - 1))
    slots: list[ChartDay] = []
    for offset in range((last - first).days + 1):
        at = first + timedelta(days=offset)
        item = known.get(at.isoformat(), ChartDay(at.isoformat(), at.weekday() < 5, None, None))
        if item.is_open or (item.suppressed is not None and at.weekday() < 5) or item.day in tested:
            slots.append(item)
    return slots


def draw(history: History, frame: Frame) -> Markup:
    """Return the picture in the given room."""
    scale = _Scale(history, frame)
    floor, end = scale.y(0), frame.width - frame.right
    parts: list[Markup] = [*_off_days(scale), *_flag_span(history, scale), *_grid(scale)]
    counted, aside = _places(history, scale)
    parts.append(dots(counted, "c-tests"))
    parts.append(circles(aside, "c-aside", 2.6))
    parts.extend(_medians(scale))
    if history.contract_bps:
        y = scale.y(history.contract_bps)
        parts.append(tag("path", class_="c-contract", d=f"M{num(frame.left)} {num(y)}H{num(end)}"))
    if history.target_bps:
        y = scale.y(history.target_bps)
        parts.append(tag("path", class_="c-target", d=f"M{num(frame.left)} {num(y)}H{num(end)}"))
    parts.append(tag("path", class_="c-axis", d=f"M{num(frame.left)} {num(floor)}H{num(end)}"))
    parts.extend(_flag_rule(history, scale))
    parts.extend(_line_labels(history, scale))
    class_ = "history narrow" if frame.is_narrow else "history"
    return picture(frame.width, frame.height, history.label, class_, *parts)


def _places(history: History, scale: _Scale) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return where the tests stand that count, and those that were set aside."""
    counted: list[tuple[float, float]] = []
    aside: list[tuple[float, float]] = []
    for day, of_day, bps, counts in history.dots:
        if day in scale.place and bps <= scale.top_bps:
            (counted if counts else aside).append((scale.x(day, of_day), scale.y(bps)))
    return counted, aside


def _grid(scale: _Scale) -> list[Markup]:
    frame, parts = scale.frame, []
    for quarter in range(5):
        bps = scale.top_bps * quarter / 4
        y = scale.y(bps)
        if quarter:
            parts.append(
                tag("path", class_="c-grid", d=f"M{num(frame.left)} {num(y)}H{num(frame.width - frame.right)}")
            )
        shown = present.target_mbps(bps) if bps else "0"
        parts.append(tag("text", shown, class_="c-text", x=frame.left - 7, y=y + 4, text_anchor="end"))
    parts.append(tag("text", "Mbit/s", class_="c-text", x=0, y=12))
    parts.extend(_weeks(scale))
    return parts


def _weeks(scale: _Scale) -> list[Markup]:
    frame, parts = scale.frame, []
    firsts: dict[tuple[int, int], str] = {}
    for item in scale.slots:
        firsts.setdefault(date.fromisoformat(item.day).isocalendar()[:2], item.day)
    wanted = max(1, math.ceil(len(firsts) * 62 / (frame.width - frame.left - frame.right)))
    newer = frame.width - frame.right + _TICK_GAP - 18
    for index, day in enumerate(reversed(list(firsts.values()))):
        x, floor = scale.edge(day), scale.y(0)
        if index % wanted == 0 and newer - x >= _TICK_GAP:
            newer = x
            parts.append(tag("path", class_="c-axis", d=f"M{num(x)} {num(floor)}v5"))
            parts.append(tag("text", present.day_short(day), class_="c-text", x=x + 1, y=floor + 20))
    return parts


def _off_days(scale: _Scale) -> list[Markup]:
    top, parts = scale.frame.top, []
    for item in scale.slots:
        if not item.is_open or item.suppressed is not None:
            box = {"x": scale.edge(item.day), "y": top, "width": scale.step, "height": scale.y(0) - top}
            parts.append(tag("rect", class_="c-off", **box))
    return parts


def _medians(scale: _Scale) -> list[Markup]:
    parts: list[Markup] = []
    run: list[tuple[float, float]] = []
    for item in [*scale.slots, ChartDay("", True, None, None)]:
        if item.median_bps is not None:
            run.append((scale.x(item.day), scale.y(min(item.median_bps, scale.top_bps))))
        elif item.is_open and item.suppressed is None:  # an open day without a test is a gap, a day off is none
            if len(run) == 1:
                run.append((run[0][0] + 2, run[0][1]))
            if run:
                parts.append(line(run, "c-down"))
            run = []
    return parts


def _flag_span(history: History, scale: _Scale) -> list[Markup]:
    if history.opened_on is None:
        return []
    begin = scale.edge(history.opened_on)
    end = scale.frame.width - scale.frame.right if history.closed_on is None else scale.edge(history.closed_on)
    top = scale.frame.top
    if end <= begin:
        return []
    return [tag("rect", class_="c-flagged", x=begin, y=top, width=end - begin, height=scale.y(0) - top)]


def _flag_rule(history: History, scale: _Scale) -> list[Markup]:
    if history.opened_on is None or not scale.slots or history.opened_on < scale.slots[0].day:
        return []
    x, middle = scale.edge(history.opened_on), (scale.frame.left + scale.frame.width - scale.frame.right) / 2
    words = say("Flag opened %(day)s", day=present.day_short(history.opened_on))
    place, anchor = (x + 4, "start") if x < middle * 1.25 else (x - 4, "end")
    return [
        tag("path", class_="c-rule", d=f"M{num(x)} {num(scale.frame.top - 8)}V{num(scale.y(0))}"),
        tag("text", words, class_="c-flag", x=place, y=scale.frame.top - 10, text_anchor=anchor),
    ]


def _line_labels(history: History, scale: _Scale) -> list[Markup]:
    labels: list[tuple[float, str, str]] = []
    if history.contract_bps:
        shown = present.target_mbps(history.contract_bps)
        labels.append((scale.y(history.contract_bps), str(say("Contract %(speed)s", speed=shown)), "c-text"))
    if history.target_bps:
        shown = present.target_mbps(history.target_bps)
        labels.append((scale.y(history.target_bps), str(say("Target %(speed)s", speed=shown)), "c-strong"))
    if scale.frame.is_narrow:
        end = scale.frame.width - scale.frame.right
        return [
            tag("text", words, class_=f"{class_} c-halo", x=end, y=y - 5, text_anchor="end")
            for y, words, class_ in labels
        ]
    last = next((item.median_bps for item in reversed(scale.slots) if item.median_bps is not None), None)
    if last is not None:
        labels.append((scale.y(min(last, scale.top_bps)), str(say("Daily median")), "c-data"))
    parts, free = [], 0.0
    for y, words, class_ in sorted(labels):
        at = max(y + 4, free)
        parts.append(tag("text", words, class_=class_, x=scale.frame.width - scale.frame.right + 6, y=at))
        free = at + _LABEL_GAP
    return parts
