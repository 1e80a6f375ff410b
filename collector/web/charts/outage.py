"""How many schools of a group are heard, every five minutes, against the usual."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from collector.web.charts.scale import grid, round_up
from collector.web.charts.svg import line, num, picture, tag

_HEIGHT, _LEFT, _TOP, _BOTTOM = 224.0, 34.0, 14.0, 28.0
_STEP_MS = 300_000
_NARROW = 400
_ROOM, _NO_ROOM = 92.0, 12.0  # for what stands at the ends of lines; narrow ones have it inside
_APART = 15.0  # two texts at one end


class Point(NamedTuple):
    """One moment."""

    at_ms: int
    heard: int
    usual: float | None


@dataclass(frozen=True)
class Labels:
    """What stands in the picture."""

    finding: str
    usual: str  # at the end of the dashed line
    heard: str  # at the end of the stepped one
    opened: str  # at the rule


def heard_curve(
    points: Sequence[Point], opened_ms: int, labels: Labels, width: float, clock: Callable[[int], str]
) -> Markup:
    """Return the picture: a stepped line, the usual dashed, a rule where it began, each named where it ends.

    Args:
        points: In order of time.
        opened_ms: Where the line of the beginning stands.
        labels: What is written.
        width: Of the picture.
        clock: Writes a moment as a local time of day.
    """
    first, last = points[0].at_ms, points[-1].at_ms + _STEP_MS
    most = round_up(max(*(one.heard for one in points), *(round(one.usual or 0) for one in points), 1))
    is_narrow = width <= _NARROW
    right = width - (_NO_ROOM if is_narrow else _ROOM)
    wide, tall = right - _LEFT, _HEIGHT - _TOP - _BOTTOM

    def x(at_ms: int) -> float:
        return _LEFT + wide * (at_ms - first) / (last - first)

    def y(value: float) -> float:
        return _TOP + tall * (1 - value / most)

    parts = grid(most, _LEFT, right, y) + _times(points, x, clock)
    rule = x(min(max(opened_ms, first), last))
    parts.append(tag("rect", class_="c-flagged", x=rule, y=_TOP, width=right - rule, height=tall))
    parts.append(tag("path", class_="c-rule", d=f"M{num(rule)} {num(_TOP)}V{num(_TOP + tall)}"))
    usual = [(x(one.at_ms), y(one.usual)) for one in points if one.usual is not None]
    parts.append(line(usual, "c-dash"))
    steps = "".join(
        f"{'V' if number else f'M{num(x(one.at_ms))} '}{num(y(one.heard))}H{num(x(one.at_ms + _STEP_MS))}"
        for number, one in enumerate(points)
    )
    parts.append(tag("path", class_="c-down", d=steps))
    parts += _ends(points, labels, y, right, is_narrow=is_narrow)
    is_late = rule > _LEFT + wide / 2  # its words stand where they have room
    place = {"x": rule - 6 if is_late else rule + 6, "y": _TOP + tall / 2}
    parts.append(tag("text", labels.opened, class_="c-flag c-halo", text_anchor="end" if is_late else "start", **place))
    return picture(width, _HEIGHT, labels.finding, "history narrow" if is_narrow else "history", *parts)


def _ends(
    points: Sequence[Point], labels: Labels, y: Callable[[float], float], right: float, *, is_narrow: bool
) -> list[Markup]:
    """Return the words at the ends of both lines, apart from each other; narrow ones stand above them."""
    usual = points[-1].usual
    x, anchor, above = (right - 4, "end", 7.0) if is_narrow else (right + 6, "start", -4.0)
    heard_y = y(points[-1].heard) - above
    parts = [tag("text", labels.heard, class_="c-data c-halo", x=x, y=max(heard_y, _TOP + 9), text_anchor=anchor)]
    if usual is not None:
        usual_y = y(usual) - above
        if abs(usual_y - heard_y) < _APART:
            usual_y = heard_y + _APART * (2 if is_narrow else 1)
        place = {"x": x, "y": max(usual_y, _TOP + 9)}
        parts.append(tag("text", labels.usual, class_="c-text c-halo", text_anchor=anchor, **place))
    return parts


def _times(points: Sequence[Point], x: Callable[[int], float], clock: Callable[[int], str]) -> list[Markup]:
    every = max(1, len(points) // 4)
    return [
        tag("text", clock(one.at_ms), class_="c-text", x=x(one.at_ms), y=_HEIGHT - 8, text_anchor="middle")
        for one in points[every // 2 :: every]
    ]
