"""How many schools had which verdict, period by period: stacked counts, so that a change of their number is seen."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from collector.web.charts.scale import grid, round_up
from collector.web.charts.svg import num, picture, tag
from collector.web.words.terms import VERDICT_CLASS

# From the bottom up: what is good stands on the ground.
_STACK = ("MEETS", "BORDERLINE", "BELOW", "INSUFFICIENT", "NOT_TESTABLE")
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 250.0, 52.0, 10.0, 40.0, 34.0


@dataclass(frozen=True)
class Bar:
    """One period."""

    name: str
    counts: Mapping[str, int]
    mark: str  # what changed on the axis here, in words; empty where nothing did


def stacked_counts(bars: Sequence[Bar], label: str, width: float) -> Markup:
    """Return the picture.

    Args:
        bars: Oldest first.
        label: The finding.
        width: Of the picture, so that its texts are not scaled down on a phone.
    """
    tall, wide = _HEIGHT - _TOP - _BOTTOM, width - _LEFT - _RIGHT
    top = round_up(max((sum(bar.counts.values()) for bar in bars), default=1))
    step = wide / max(len(bars), 6)
    parts = grid(top, _LEFT, width - _RIGHT, lambda count: _TOP + tall * (1 - count / top))
    every = max(1, math.ceil(48 / step))
    for at, bar in enumerate(bars):
        x = _LEFT + at * step + 3
        parts += _bar(bar, x, step - 7, tall / top, _TOP + tall)
        middle = x + (step - 7) / 2
        if (len(bars) - 1 - at) % every == 0:
            parts.append(tag("text", bar.name, class_="c-text", x=middle, y=_HEIGHT - 12, text_anchor="middle"))
        if bar.mark:
            parts += _mark(bar.mark, x - 3, tall, width)
    return picture(width, _HEIGHT, label, "history", *parts)


def _bar(bar: Bar, x: float, width: float, scale: float, base: float) -> list[Markup]:
    parts = []
    for name in _STACK:
        high = bar.counts.get(name, 0) * scale
        if high <= 0:
            continue
        mark = VERDICT_CLASS[name]
        tall = max(high - 1.5, 0.5)
        parts.append(tag("rect", class_=f"c-stack m-{mark}", x=x, y=base - high, width=width, height=tall))
        base -= high
    return parts


def _mark(words: str, x: float, tall: float, width: float) -> list[Markup]:
    line = tag("path", class_="c-dash", d=f"M{num(x)} {num(_TOP - 16)}V{num(_TOP + tall)}")
    is_right = x > width / 2
    anchor = "end" if is_right else "start"
    text = tag("text", words, class_="c-strong", x=x - 4 if is_right else x + 4, y=_TOP - 22, text_anchor=anchor)
    return [line, text]
