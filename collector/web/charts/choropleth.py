"""Areas in shades of one colour by a share, the number printed on each; those with too few schools are hatched."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from collector.web.charts.svg import num, picture, tag

SHADES: Final = 5
_MARGIN: Final = 6.0
_STEP: Final = 0.8  # a border's points that lie nearer to each other are one
_LINE: Final = 14.0  # height of a line of text
_SIGN: Final = 6.6  # width of a letter, about
_LINES_ACROSS: Final = 8  # on which the room for a name is looked for

Ring = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Area:
    """One area."""

    name: str
    figure: str  # what is printed on it
    share: float | None  # its shade; None: too few schools to say
    rings: Sequence[Ring]  # longitude and latitude


@dataclass(frozen=True)
class _Frame:
    west: float
    north: float
    narrower: float  # a degree of longitude against one of latitude
    scale: float  # pixels of a degree of latitude
    width: float
    height: float

    def place(self, ring: Ring) -> list[tuple[float, float]]:
        """Return the points of a border in pixels."""
        wide = self.scale * self.narrower
        return [(_MARGIN + (lon - self.west) * wide, _MARGIN + (self.north - lat) * self.scale) for lon, lat in ring]


def choropleth(areas: Sequence[Area], label: str, width: float, highest: float) -> Markup:
    """Return the picture.

    Args:
        areas: At least one, each with a border.
        label: The finding.
        width: In pixels.
        highest: It is no higher than that.
    """
    frame = _frame(areas, width, highest)
    drawn = [(area, [frame.place(ring) for ring in area.rings]) for area in areas]
    shapes = [tag("rect", class_="sea", x=0, y=0, width=frame.width, height=frame.height, rx=4)]
    shapes += [tag("path", class_=f"area {_shade(area)}", d="".join(map(_path, rings))) for area, rings in drawn]
    taken: list[tuple[float, float, float, float]] = []
    names: list[Markup] = []
    for area, rings in sorted(drawn, key=lambda one: -max(map(_size, one[1]))):
        names += _label(area, max(rings, key=_size), taken, frame)
    return picture(frame.width, frame.height, label, "choropleth", *shapes, *names)


def _frame(areas: Sequence[Area], width: float, highest: float) -> _Frame:
    points = [point for area in areas for ring in area.rings for point in ring]
    west, east = min(point[0] for point in points), max(point[0] for point in points)
    south, north = min(point[1] for point in points), max(point[1] for point in points)
    narrower = max(0.1, math.cos(math.radians((south + north) / 2)))
    wide, high = max(1e-6, (east - west) * narrower), max(1e-6, north - south)
    scale = min((width - 2 * _MARGIN) / wide, (highest - 2 * _MARGIN) / high)
    middle = west - (width - 2 * _MARGIN - wide * scale) / 2 / (scale * narrower)
    return _Frame(middle, north, narrower, scale, width, high * scale + 2 * _MARGIN)


def _shade(area: Area) -> str:
    return "few" if area.share is None else f"shade-{min(SHADES - 1, int(area.share * SHADES))}"


def _path(ring: Ring) -> str:
    kept = [ring[0]]
    for point in ring[1:]:
        if abs(point[0] - kept[-1][0]) >= _STEP or abs(point[1] - kept[-1][1]) >= _STEP:
            kept.append(point)
    return "".join(f"{'L' if at else 'M'}{num(x)} {num(y)}" for at, (x, y) in enumerate(kept)) + "z"


def _size(ring: Ring) -> float:
    xs, ys = [point[0] for point in ring], [point[1] for point in ring]
    return (max(xs) - min(xs)) * (max(ys) - min(ys))


def _label(area: Area, ring: Ring, taken: list[tuple[float, float, float, float]], frame: _Frame) -> list[Markup]:
    """Return figure and name where they cover no other; else the figure alone; else nothing: the table has it."""
    x, y = _room(ring)
    for lines in ([area.figure, area.name], [area.figure]):
        half, high = _SIGN * max(map(len, lines)) / 2, _LINE * len(lines)
        at_x = min(max(x, half + 2), frame.width - half - 2)
        at_y = min(max(y, high / 2 + 2), frame.height - high / 2 - 2)
        box = at_x - half, at_y - high / 2, at_x + half, at_y + high / 2
        if not any(_overlap(box, other) for other in taken):
            taken.append(box)
            top = at_y - high / 2 + _LINE - 3
            return [
                tag("text", line, class_="c-halo c-strong" if at == 0 else "c-halo c-name",
                    x=at_x, y=top + at * _LINE, text_anchor="middle")
                for at, line in enumerate(lines)
            ]  # fmt: skip
    return []


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _room(ring: Ring) -> tuple[float, float]:
    """Return the middle of the longest line across a border, rather in the middle of its height."""
    ys = [point[1] for point in ring]
    low, high = min(ys), max(ys)
    best, found = -1.0, ring[0]
    for step in range(1, _LINES_ACROSS):
        y = low + (high - low) * step / _LINES_ACROSS
        cuts = sorted(_cuts(ring, y))
        for left, right in zip(cuts[::2], cuts[1::2], strict=False):
            worth = (right - left) * (1 - abs(step - _LINES_ACROSS / 2) / 10)
            if worth > best:
                best, found = worth, ((left + right) / 2, y)
    return found


def _cuts(ring: Ring, y: float) -> list[float]:
    cuts = []
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y1 > y) != (y2 > y):
            cuts.append((x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return cuts
