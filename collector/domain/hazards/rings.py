"""How two rings lie to each other: a hole in its outer ring, holes beside one another.

Rings that do not cross touch at most. What lies between two touches is inside, outside or on the other ring as a whole,
so the middle of each such piece tells it of the piece.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import pairwise
from typing import Final

from collector.domain.hazards.crossing import FEW, Looks, Part, halves, measure, side_of, smaller
from collector.domain.hazards.shapes import Point, Ring

NEAR: Final = 1e-9
"""Degrees, a tenth of a millimetre: numbers in files that differ less mean the same place."""
MOST_LOOKS: Final = 1_000_000
"""Comparisons of boxes for all rings of a file: 5,000 holes need a half of it."""


class Lies(Enum):
    """Where a piece of a ring lies of another ring."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    ON = "on"


class CrossedError(Exception):
    """Two rings cross each other."""


class Known:
    """A ring made ready to be held against others."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.whole: Part = (0, len(ring) - 1, 1)
        self.boxes: dict[int, tuple[float, float, float, float]] = {}
        measure(ring, self.whole, self.boxes)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees."""
        return self.boxes[1]

    def place(self, x: float, y: float, looks: Looks) -> Lies:
        """Return where a place lies of this ring: its sides to the east of the place are counted."""
        inside, waiting = False, [self.whole]
        while waiting:
            part = waiting.pop()
            looks.one()
            _west, south, east, north = self.boxes[part[2]]
            if y < south - NEAR or y > north + NEAR or x > east + NEAR:
                continue
            if part[1] - part[0] > FEW:
                waiting += halves(part)
                continue
            for index in range(part[0], part[1]):
                a, b = self.ring[index], self.ring[index + 1]
                if _away((x, y), a, b) <= NEAR:
                    return Lies.ON
                if (a[1] > y) != (b[1] > y) and x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0]:
                    inside = not inside
        return Lies.INSIDE if inside else Lies.OUTSIDE


def is_hole_of(hole: Known, outer: Known, looks: Looks) -> bool:
    """Return whether a ring is a hole of another: inside it, touching it at most, and leaving something of it."""
    try:
        of_hole, of_outer = pieces(hole, outer, looks), pieces(outer, hole, looks)
    except CrossedError:
        return False
    return Lies.INSIDE in of_hole and Lies.OUTSIDE not in of_hole and Lies.INSIDE not in of_outer


def do_any_overlap(rings: Iterable[Known], looks: Looks) -> bool:
    """Return whether any two of some rings have an inside in common."""
    beside: list[Known] = []
    for one in sorted(rings, key=lambda ring: ring.box):
        beside = [other for other in beside if other.box[2] >= one.box[0] - NEAR]
        if any(_overlap(one, other, looks) for other in beside):
            return True
        beside.append(one)
    return False


def _overlap(one: Known, other: Known, looks: Looks) -> bool:
    looks.one()
    if not _meet(one.box, other.box):
        return False
    try:
        found = [pieces(one, other, looks), pieces(other, one, looks)]
    except CrossedError:
        return True
    return any(Lies.INSIDE in lies or lies == {Lies.ON} for lies in found)


def pieces(one: Known, other: Known, looks: Looks) -> set[Lies]:
    """Return where the pieces of a ring lie of another ring.

    Raises:
        CrossedError: If the rings cross.
        TangledError: If it takes too many looks.
    """
    cuts: dict[int, list[float]] = {0: []}
    sides = len(one.ring) - 1
    for left, right in _near(one, other, looks):
        touches = _touches(one.ring[left : left + 2], other.ring[right : right + 2])
        if touches:
            cuts.setdefault(left, []).extend(touches)
            cuts.setdefault((left + 1) % sides, [])  # behind the touch it may go on elsewhere
    found: set[Lies] = set()
    for index, touches in cuts.items():
        (ax, ay), (bx, by) = one.ring[index : index + 2]
        length = math.hypot(bx - ax, by - ay)
        places = sorted({0.0, 1.0, *touches})
        for from_, to in pairwise(places):
            if (to - from_) * length > 4 * NEAR:
                middle = (from_ + to) / 2
                found.add(other.place(ax + middle * (bx - ax), ay + middle * (by - ay), looks))
    return found


def _near(one: Known, other: Known, looks: Looks) -> Iterator[tuple[int, int]]:
    """Yield pairs of sides that may meet."""
    waiting = [(one.whole, other.whole)]
    while waiting:
        left, right = waiting.pop()
        looks.one()
        if not _meet(one.boxes[left[2]], other.boxes[right[2]]):
            continue
        if left[1] - left[0] <= FEW and right[1] - right[0] <= FEW:
            yield from ((i, j) for i in range(left[0], left[1]) for j in range(right[0], right[1]))
        else:
            waiting += smaller(left, right)


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return (
        one[0] <= other[2] + NEAR
        and other[0] <= one[2] + NEAR
        and one[1] <= other[3] + NEAR
        and other[1] <= one[3] + NEAR
    )


def _touches(one: Sequence[Point], other: Sequence[Point]) -> list[float]:
    """Return where a side is touched by another, as parts of its length.

    Raises:
        CrossedError: If the two cross.
    """
    (a, b), (c, d) = one, other
    found = [_along(point, a, b) for point in (c, d) if _away(point, a, b) <= NEAR]
    found += [end for end, point in ((0.0, a), (1.0, b)) if _away(point, c, d) <= NEAR]
    if not found and side_of(a, b, c) * side_of(a, b, d) < 0.0 and side_of(c, d, a) * side_of(c, d, b) < 0.0:
        raise CrossedError
    return found


def _along(point: Point, a: Point, b: Point) -> float:
    """Return how far from a to b a point lies, 0 to 1, at the foot of its perpendicular."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    whole = dx * dx + dy * dy
    return min(1.0, max(0.0, ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / whole)) if whole else 0.0


def _away(point: Point, a: Point, b: Point) -> float:
    """Return how far a point is from the side from a to b, in degrees."""
    part = _along(point, a, b)
    return math.hypot(point[0] - a[0] - part * (b[0] - a[0]), point[1] - a[1] - part * (b[1] - a[1]))
