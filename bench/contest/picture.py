"""Error against megabytes, one point for each tool, both axes logarithmic, as SVG with nothing but text and shapes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 500
LEFT, RIGHT, TOP, BOTTOM = 74, 24, 92, 64
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif"
SURFACE, INK, INK2, INK3, GRID, AXIS, OURS = "#FFFFFF", "#13202B", "#41505C", "#5A6874", "#DEE4E9", "#74818D", "#24459C"
LABEL_PX, CHAR_PX, LINE_PX = 13, 7.2, 16


@dataclass(frozen=True)
class Point:
    """A tool: bytes of a test, and the median and the 90th percentile of its errors."""

    label: str
    megabytes: float
    error_pct: float
    p90_pct: float
    is_ours: bool


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis."""

    low: float
    high: float
    from_px: float
    to_px: float

    def at(self, value: float) -> float:
        """Return where a value stands."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.from_px + share * (self.to_px - self.from_px)

    def ticks(self) -> list[float]:
        """Return the round numbers within it."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
        return [value for value in found if self.low <= value * 1.0001 and value <= self.high * 1.0001]


def drawing(points: Sequence[Point], title: str, subtitle: str) -> str:
    """Return the SVG of at least one point."""
    across = _axis([each.megabytes for each in points], LEFT, WIDTH - RIGHT, 1.6)
    heights = [size for each in points for size in (each.error_pct, each.p90_pct)]
    up = _axis(heights, HEIGHT - BOTTOM, TOP, 1.5)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(title)}" font-family="{FONT}" font-size="{LABEL_PX}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{SURFACE}"/>',
        _text(24, 34, title, INK, size=19, weight=600),
        _text(24, 58, subtitle, INK2),
        *_frame(across, up),
    ]
    parts += [_mark(each, across, up) for each in sorted(points, key=lambda each: each.is_ours)]
    parts += _labels(points, across, up)
    return "\n".join([*parts, "</svg>", ""])


def _axis(values: Sequence[float], from_px: float, to_px: float, room: float) -> Axis:
    shown = [max(value, 0.05) for value in values]
    return Axis(min(shown) / room, max(shown) * room, from_px, to_px)


def _frame(across: Axis, up: Axis) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for value in up.ticks():
        y = up.at(value)
        parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{value:g} %", INK2, anchor="end"))
    for value in across.ticks():
        x = across.at(value)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="{GRID}"/>')
        parts.append(_text(x, bottom + 20, f"{value:g}", INK2, anchor="middle"))
    parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}" stroke="{AXIS}"/>')
    parts.append(_text(right, bottom + 44, "megabytes of a test, both directions → costs more", INK2, anchor="end"))
    parts.append(_text(LEFT, TOP - 12, "error, ↑ further from the truth", INK2))
    parts.append(_text(LEFT + 10, bottom - 12, "near the truth for few bytes", INK3))
    return parts


def _mark(point: Point, across: Axis, up: Axis) -> str:
    x, y, top = across.at(point.megabytes), up.at(point.error_pct), up.at(point.p90_pct)
    colour, width = (OURS, 3) if point.is_ours else (INK3, 1.5)
    line = f'stroke="{colour}" stroke-width="{width}"'
    stem = f'<path d="M{x:.1f} {y:.1f}V{top:.1f}M{x - 5:.1f} {top:.1f}h10" fill="none" {line}/>'
    fill, edge, radius, edge_px = (OURS, SURFACE, 8, 2) if point.is_ours else (SURFACE, INK3, 6, 2.5)
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{edge}" stroke-width="{edge_px}"/>'
    return stem + dot


Box = tuple[float, float, float, float]


def _labels(points: Sequence[Point], across: Axis, up: Axis) -> list[str]:
    """Write each name beside its point, where it covers neither a point nor another name."""
    taken: list[Box] = []
    for each in points:
        x, y, top = across.at(each.megabytes), up.at(each.error_pct), up.at(each.p90_pct)
        taken += [(x - 8, y - 8, x + 8, y + 8), (x - 5, top - 2, x + 5, y)]
    parts = []
    for each in sorted(points, key=lambda each: not each.is_ours):
        x, y = across.at(each.megabytes), up.at(each.error_pct)
        width = len(each.label) * CHAR_PX * (1.06 if each.is_ours else 1.0)
        box = _free(x, y, width, taken)
        taken.append(box)
        colour, weight = (OURS, 600) if each.is_ours else (INK, 400)
        parts.append(_text(box[0], box[3] - 4, each.label, colour, weight=weight))
    return parts


def _free(x: float, y: float, width: float, taken: Sequence[Box]) -> Box:
    """Return the place that covers the least, near ones first."""
    lefts = (x + 13, x - 13 - width)
    places = [(left, y + step * 9 - LINE_PX / 2) for step in range(7) for left in lefts]
    places += [(left, y - step * 9 - LINE_PX / 2) for step in range(1, 5) for left in lefts]
    boxes = [(left, top, left + width, top + LINE_PX) for left, top in places]
    lowest = HEIGHT - BOTTOM - LINE_PX
    inside = [box for box in boxes if box[0] >= LEFT and box[2] <= WIDTH - 4 and TOP <= box[1] <= lowest]
    return min(
        inside or boxes,
        key=lambda box: sum(_touch(box, other) for other in taken) + abs(box[1] + LINE_PX / 2 - y) / 200,
    )


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _text(
    x: float, y: float, words: str, colour: str, *, size: int = LABEL_PX, weight: int = 400, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" stroke="{SURFACE}" stroke-width="3" paint-order="stroke">{escape(words)}</text>'
    )
