"""How many PCs were heard on each school day: a grey bar a day, and the mean of the last ones as a line."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from collector.web.charts.scale import grid, round_up
from collector.web.charts.svg import line, picture, tag
from collector.web.language import present

_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 190.0, 40.0, 62.0, 10.0, 26.0


@dataclass(frozen=True)
class Day:
    """One school day that is over."""

    day: str
    heard: int | None  # None: it is not counted yet
    mean: float | None  # of it and the six before; None: one of them is not counted


def heard_days(days: Sequence[Day], label: str, mean: Sequence[str], width: float) -> Markup:
    """Return the picture.

    Args:
        days: Oldest first, one at least.
        label: The finding.
        mean: What stands at the end of the line, in lines.
        width: Of the picture, so that its texts are not scaled down on a phone.
    """
    tall, wide = _HEIGHT - _TOP - _BOTTOM, width - _LEFT - _RIGHT
    top = round_up(max((one.heard or 0 for one in days), default=1))
    step = wide / len(days)
    parts = grid(top, _LEFT, width - _RIGHT, lambda count: _TOP + tall * (1 - count / top))
    for at, one in enumerate(days):
        high = tall * (one.heard or 0) / top
        bar = {"x": _LEFT + at * step + step * 0.12, "y": _TOP + tall - high, "width": step * 0.76, "height": high}
        parts.append(tag("rect", class_="c-count", **bar))
    parts += _dates(days, step)
    points = [
        (_LEFT + (at + 0.5) * step, _TOP + tall * (1 - one.mean / top))
        for at, one in enumerate(days)
        if one.mean is not None
    ]
    parts.append(line(points, "c-down"))
    if points:
        x, y = points[-1]
        for at, words in enumerate(mean):
            parts.append(tag("text", words, class_="c-data", x=x + step / 2 + 6, y=max(y, _TOP + 10) + 4 + 15 * at))
    return picture(width, _HEIGHT, label, "history", *parts)


def _dates(days: Sequence[Day], step: float) -> list[Markup]:
    """Return the dates of the first day, the middle one and the last, as far as they have room."""
    last = len(days) - 1
    shown = {0: "start", last: "end"} if last and step * last > 90 else {last: "end"}
    if step * last > 170:
        shown[last // 2] = "middle"
    begin = {"start": 0.0, "middle": 0.5, "end": 1.0}
    return [
        tag(
            "text",
            present.day_short(days[at].day),
            class_="c-text",
            x=_LEFT + (at + begin[anchor]) * step,
            y=_HEIGHT - 8,
            text_anchor=anchor,
        )
        for at, anchor in shown.items()
    ]
