"""How many schools of a group are heard, every five minutes, against the usual."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from collector.web.charts.svg import num, picture, tag

_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 210.0, 34.0, 12.0, 12.0, 28.0
_STEP_MS = 300_000
_NARROW = 400


class Point(NamedTuple):
    """One moment."""

    at_ms: int
    heard: int
    usual: float | None


def heard_curve(
    points: Sequence[Point], opened_ms: int, label: str, width: float, clock: Callable[[int], str]
) -> Markup:
    """Return the picture: a stepped line, the usual dashed, a rule where it began.

    Args:
        points: In order of time.
        opened_ms: Where the line of the beginning stands.
        label: The finding.
        width: Of the picture.
        clock: Writes a moment as a local time of day.
    """
    first, last = points[0].at_ms, points[-1].at_ms + _STEP_MS
    most = max(max(one.heard for one in points), max((one.usual or 0) for one in points), 1)
    wide, tall = width - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(at_ms: int) -> float:
        return _LEFT + wide * (at_ms - first) / (last - first)

    def y(value: float) -> float:
        return _TOP + tall * (1 - value / most)

    parts = [tag("path", class_="c-grid", d=f"M{num(_LEFT)} {num(y(v))}H{num(width - _RIGHT)}") for v in (0, most)]
    parts += [
        tag("text", str(round(v)), class_="c-text", x=_LEFT - 6, y=y(v) + 4, text_anchor="end") for v in (0, most)
    ]
    parts += _times(points, x, clock)
    rule = min(max(opened_ms, first), last)
    parts.append(tag("rect", class_="c-flagged", x=x(rule), y=_TOP, width=x(last) - x(rule), height=tall))
    parts.append(tag("path", class_="c-rule", d=f"M{num(x(rule))} {num(_TOP)}V{num(_TOP + tall)}"))
    usual = [(x(one.at_ms), y(one.usual)) for one in points if one.usual is not None]
    if usual:
        path = "".join(f"{'L' if number else 'M'}{num(a)} {num(b)}" for number, (a, b) in enumerate(usual))
        parts.append(tag("path", class_="c-dash", d=path))
    steps = "".join(
        f"{'V' if number else f'M{num(x(one.at_ms))} '}{num(y(one.heard))}H{num(x(one.at_ms + _STEP_MS))}"
        for number, one in enumerate(points)
    )
    parts.append(tag("path", class_="c-down", d=steps))
    return picture(width, _HEIGHT, label, "history" if width > _NARROW else "history narrow", *parts)


def _times(points: Sequence[Point], x: Callable[[int], float], clock: Callable[[int], str]) -> list[Markup]:
    every = max(1, len(points) // 4)
    return [
        tag("text", clock(one.at_ms), class_="c-text", x=x(one.at_ms), y=_HEIGHT - 8, text_anchor="middle")
        for one in points[every // 2 :: every]
    ]
