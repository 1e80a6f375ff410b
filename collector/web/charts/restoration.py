"""How schools came back after a hazard began: the share heard from, as steps that never fall."""

from collections.abc import Sequence

from markupsafe import Markup

from collector.domain.hazards.standing import Step, thinned
from collector.web.charts.svg import line, num, picture, tag
from collector.web.language import present
from collector.web.language.conventions import NBSP

_HOUR_MS = 3_600_000
_EVERY_H = (1, 2, 3, 6, 12, 24, 48, 72, 168, 336, 720, 2160)
_MOST_STEPS = 240


def restoration(steps: Sequence[Step], schools: int, label: str, width: float, hours: str) -> Markup:
    """Return the picture.

    Args:
        steps: Of the curve, the first at the beginning, the last now.
        schools: How many there are in all.
        label: The finding.
        width: Of the picture, so that its texts are not scaled down on a phone.
        hours: What stands under the axis, as `hours after the beginning`.
    """
    height, left, right, top, bottom = 220.0, 50.0, 24.0, 12.0, 44.0
    tall, wide = height - top - bottom, width - left - right
    parts: list[Markup] = []
    for share in (0, 50, 100):
        y = top + tall * (1 - share / 100)
        parts.append(tag("path", class_="c-grid", d=f"M{num(left)} {num(y)}H{num(width - right)}"))
        parts.append(tag("text", f"{share}{NBSP}%", class_="c-text", x=left - 8, y=y + 4, text_anchor="end"))
    begins, length = steps[0].at_ms, max(1, steps[-1].at_ms - steps[0].at_ms)
    for hour in _ticks(length / _HOUR_MS, wide):
        x = left + wide * hour * _HOUR_MS / length
        parts.append(tag("path", class_="c-axis", d=f"M{num(x)} {num(top + tall)}v5"))
        parts.append(tag("text", present.number(hour), class_="c-text", x=x, y=top + tall + 19, text_anchor="middle"))
    parts.append(tag("text", hours, class_="c-text", x=left + wide / 2, y=height - 6, text_anchor="middle"))
    points = _stairs(steps, schools, begins, length)
    parts.append(line([(left + wide * x, top + tall * (1 - y)) for x, y in points], "c-down"))
    return picture(width, height, label, "weeks", *parts)


def small(steps: Sequence[Step], schools: int) -> Markup:
    """Return a curve for a row of a table, which has its numbers beside it."""
    points = _stairs(thinned(steps, 40), schools, steps[0].at_ms, max(1, steps[-1].at_ms - steps[0].at_ms))
    frame = tag("path", class_="c-grid", d="M0 1H120M0 27H120")
    return picture(120, 28, "", "spark", frame, line([(120 * x, 27 - 26 * y) for x, y in points], "c-down"))


def _ticks(hours: float, wide: float) -> list[int]:
    most = max(2, int(wide / 46))
    every = next((one for one in _EVERY_H if hours / one <= most), _EVERY_H[-1] * max(1, int(hours / 2160 / most) + 1))
    return list(range(0, int(hours) + 1, every))


def _stairs(steps: Sequence[Step], schools: int, begins_ms: int, length_ms: int) -> list[tuple[float, float]]:
    """Return the corners of a curve in the unit square: it rises at a moment, not between two."""
    points: list[tuple[float, float]] = []
    before = 0.0
    for step in thinned(steps, _MOST_STEPS):
        x, y = (step.at_ms - begins_ms) / length_ms, step.heard / max(1, schools)
        points += [(x, before), (x, y)]
        before = y
    return points
