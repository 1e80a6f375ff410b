"""The scale of counts at the left of a picture: a line at nothing, at the half and at the top, each with its number."""

import math
from collections.abc import Callable
from typing import Final

from markupsafe import Markup

from collector.web.charts.svg import num, tag
from collector.web.language import present

_GAP: Final = 7.0  # pixels between a number and its line


def round_up(most: int) -> int:
    """Return an even number not below `most` with few digits, so that its half is one too."""
    if most <= 10:
        return max(2, most + most % 2)
    unit = 10 ** (len(str(most)) - 1) // 5 or 1
    unit += unit % 2
    return math.ceil(most / unit) * unit


def grid(top: int, left: float, right: float, y: Callable[[float], float]) -> list[Markup]:
    """Return the lines with their numbers.

    Args:
        top: The greatest count that has room: even.
        left: Where the lines begin, in pixels of the picture.
        right: Where they end.
        y: Returns how far down a count stands.
    """
    parts = []
    for count in (0, top // 2, top):
        parts.append(tag("path", class_="c-grid", d=f"M{num(left)} {num(y(count))}H{num(right)}"))
        shown = present.number(count)
        parts.append(tag("text", shown, class_="c-text", x=left - _GAP, y=y(count) + 4, text_anchor="end"))
    return parts
