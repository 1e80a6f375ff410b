"""The verdicts of some weeks as stacked bars of 100 %, labelled directly at the last one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from collector.web.charts.svg import num, picture, tag
from collector.web.language import present
from collector.web.language.conventions import NBSP
from collector.web.words.terms import VERDICT_CLASS

# From the bottom up: what is good stands on the ground.
_STACK = ("MEETS", "BORDERLINE", "BELOW", "INSUFFICIENT", "NOT_TESTABLE")
_LABEL_GAP = 15.0
_NARROW = 400


@dataclass(frozen=True)
class Week:
    """The verdicts that held at the end of one week."""

    last_day: str
    counts: Mapping[str, int]


def stacked_weeks(weeks: Sequence[Week], names: Mapping[str, str], label: str, width: float) -> Markup:
    """Return the picture.

    Args:
        weeks: Oldest first.
        names: What each part is called at its last bar, by verdict, as `16 below`.
        label: The finding.
        width: Of the picture, so that its texts are not scaled down on a phone.
    """
    height, left, right, top, bottom = 230.0, 46.0, 108.0, 12.0, 30.0
    tall, wide = height - top - bottom, width - left - right
    step = wide / max(len(weeks), 4)
    parts: list[Markup] = []
    for share in (0, 50, 100):
        y = top + tall * (1 - share / 100)
        parts.append(tag("path", class_="c-grid", d=f"M{num(left)} {num(y)}H{num(width - right)}"))
        shown = f"{share}{NBSP}%" if share == 100 else str(share)
        parts.append(tag("text", shown, class_="c-text", x=left - 8, y=y + 4, text_anchor="end"))
    every = max(1, math.ceil(52 / step))
    for index, week in enumerate(weeks):
        x = left + index * step + 3
        parts.extend(_bar(week, x, step - 7, top, tall))
        if (len(weeks) - 1 - index) % every == 0:
            middle = x + (step - 7) / 2
            shown = present.day_short(week.last_day)
            parts.append(tag("text", shown, class_="c-text", x=middle, y=height - 10, text_anchor="middle"))
    if weeks:
        parts.extend(_labels(weeks[-1], names, left + len(weeks) * step + 6, top, tall))
    return picture(width, height, label, "weeks" if width > _NARROW else "weeks narrow", *parts)


def _bar(week: Week, x: float, width: float, top: float, tall: float) -> list[Markup]:
    total, base, parts = sum(week.counts.values()), top + tall, []
    for name in _STACK:
        high = tall * week.counts.get(name, 0) / total if total else 0.0
        if high <= 0:
            continue
        mark = VERDICT_CLASS[name]
        parts.append(
            tag(
                "rect",
                class_=f"c-stack m-{mark}",
                x=x,
                y=base - high,
                width=width,
                height=max(high - 1.5, 0.5),
            )
        )
        base -= high
    return parts


def _labels(week: Week, names: Mapping[str, str], x: float, top: float, tall: float) -> list[Markup]:
    total, base, free, parts = sum(week.counts.values()), top + tall, top + tall, []
    for name in _STACK:
        high = tall * week.counts.get(name, 0) / total if total else 0.0
        if high <= 0 or name not in names:
            base -= high
            continue
        y = min(base - high / 2 + 4, free)
        parts.append(tag("text", names[name], class_="c-text", x=x, y=y))
        free, base = y - _LABEL_GAP, base - high
    return parts
