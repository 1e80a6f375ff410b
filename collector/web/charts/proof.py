"""The tests of a proof: one panel for each day, every test by its hour, the speeds of the contract as lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from collector.web.charts.history import nice_top
from collector.web.charts.svg import dots, num, picture, tag
from collector.web.language import present

_LEFT, _TOP, _BOTTOM, _GAP = 40.0, 34.0, 30.0, 14.0
_BAR_WIDTH, _BAR_HEIGHT = 96.0, 10.0


@dataclass(frozen=True)
class Dot:
    """One test."""

    of_day: float  # 0 at local midnight, 1 at the next
    bps: int
    counts: bool


@dataclass(frozen=True)
class Panel:
    """One day."""

    name: str
    dots: Sequence[Dot]


@dataclass(frozen=True)
class Level:
    """A speed of the contract."""

    bps: int
    name: str
    class_: str


@dataclass(frozen=True)
class Room:
    """What the picture has."""

    width: float
    height: float
    right: float  # for the names of the levels; little means that they stand on the lines


WIDE, NARROW = Room(700, 250, 150), Room(336, 240, 8)


def draw(panels: Sequence[Panel], levels: Sequence[Level], label: str, room: Room) -> Markup:
    """Return the picture; its scale begins at 0.

    Args:
        panels: The days, oldest first, at least one.
        levels: The speeds that are asked for, the fastest first.
        label: The finding.
        room: Its size.
    """
    speeds = [dot.bps for panel in panels for dot in panel.dots]
    top_bps = nice_top(max([*speeds, *(level.bps for level in levels), 1e6]) * 1.04)
    tall, end = room.height - _TOP - _BOTTOM, room.width - room.right
    step = (end - _LEFT + _GAP) / len(panels)

    def y_of(bps: float) -> float:
        return _TOP + tall * (1 - bps / top_bps)

    parts: list[Markup] = [tag("text", "Mbit/s", class_="c-text", x=0, y=12)]
    for quarter in range(5):
        y = y_of(top_bps * quarter / 4)
        parts.append(tag("path", class_="c-grid" if quarter else "c-axis", d=f"M{num(_LEFT)} {num(y)}H{num(end)}"))
        shown = present.target_mbps(top_bps * quarter / 4) if quarter else "0"
        parts.append(tag("text", shown, class_="c-text", x=_LEFT - 7, y=y + 4, text_anchor="end"))
    for number, panel in enumerate(panels):
        parts += _panel(panel, _LEFT + number * step, step - _GAP, y_of)
    parts += _levels(levels, y_of, end, is_narrow=room.right < 50)
    return picture(room.width, room.height, label, "history" if room is WIDE else "history narrow", *parts)


def _panel(panel: Panel, left: float, wide: float, y_of: Callable[[float], float]) -> list[Markup]:
    floor = y_of(0)
    parts = [tag("text", panel.name, class_="c-strong", x=left, y=_TOP - 14)]
    for hour in (0, 6, 12, 18):
        x = left + wide * hour / 24
        parts.append(tag("path", class_="c-axis", d=f"M{num(x)} {num(floor)}v4"))
        if hour in (6, 18):
            parts.append(tag("text", f"{hour:02d}:00", class_="c-text", x=x, y=floor + 18, text_anchor="middle"))
    counted = [(left + dot.of_day * wide, y_of(dot.bps)) for dot in panel.dots if dot.counts]
    for dot in panel.dots:
        if not dot.counts:
            parts.append(tag("circle", class_="c-aside", cx=left + dot.of_day * wide, cy=y_of(dot.bps), r=2.6))
    parts.append(dots(counted, "c-tests"))
    return parts


def _levels(levels: Sequence[Level], y_of: Callable[[float], float], end: float, *, is_narrow: bool) -> list[Markup]:
    parts: list[Markup] = []
    free = 0.0
    for level in levels:
        y = y_of(level.bps)
        parts.append(tag("path", class_=level.class_, d=f"M{num(_LEFT)} {num(y)}H{num(end)}"))
        if is_narrow:
            parts.append(tag("text", level.name, class_="c-text c-halo", x=end, y=y - 4, text_anchor="end"))
            continue
        at = max(y + 4, free)
        parts.append(tag("text", level.name, class_="c-text", x=end + 6, y=at))
        free = at + 15
    return parts


def progress_bar(tests: int, of: int) -> Markup:
    """Return how many of a day's tests there are, as a bar; the figures stand beside it."""
    filled = _BAR_WIDTH * min(tests, of) / of
    parts = [tag("rect", class_="c-track", width=_BAR_WIDTH, height=_BAR_HEIGHT, rx=2)]
    if filled:
        parts.append(tag("rect", class_="m-meets", width=filled, height=_BAR_HEIGHT, rx=2))
    return picture(_BAR_WIDTH, _BAR_HEIGHT, "", "progress", *parts)
