"""Whether a ring crosses itself: the halves of its line, and their halves, are compared only where their boxes meet."""

from collections.abc import Sequence
from typing import Final

from collector.domain.hazards.shapes import Point, box_of

MOST_LOOKS: Final = 300_000
"""Comparisons of boxes: a coast of 20,000 corners needs a third of it; what needs more is no shape on the ground."""
FEW: Final = 4
"""Edges that are compared one by one."""
_Box = tuple[float, float, float, float]
Part = tuple[int, int, int]
"""The first edge, the one behind the last, and the place of its box in the tree."""


class TangledError(Exception):
    """A ring whose sides run so much over one another that it would take too long to say whether they cross."""


class Looks:
    """How many comparisons are left."""

    def __init__(self, left: int) -> None:
        self.left = left

    def one(self) -> None:
        """Take one of them.

        Raises:
            TangledError: If none is left.
        """
        self.left -= 1
        if self.left < 0:
            raise TangledError


def crosses_itself(ring: Sequence[Point]) -> bool:
    """Return whether two sides of a ring cross, or run over one another the same way.

    Sides that only touch do not: a hole may hang on its outer ring by a seam that is gone there and back.

    Args:
        ring: Closed: the last point is the first.

    Raises:
        TangledError: If that takes more than `MOST_LOOKS`.
    """
    boxes: dict[int, _Box] = {}
    whole = (0, len(ring) - 1, 1)
    measure(ring, whole, boxes)
    waiting, looks = [(whole, whole)], Looks(MOST_LOOKS)
    while waiting:
        one, other = waiting.pop()
        looks.one()
        if one is not other and not _meet(boxes[one[2]], boxes[other[2]]):
            continue
        if one[1] - one[0] <= FEW and other[1] - other[0] <= FEW:
            if _any_cross(ring, one, other):
                return True
        else:
            waiting += smaller(one, other)
    return False


def measure(ring: Sequence[Point], part: Part, boxes: dict[int, _Box]) -> _Box:
    """Write the boxes of a part of a ring and of its halves, and return that of the part."""
    first, behind, place = part
    if behind - first <= FEW:
        boxes[place] = box_of(ring[first : behind + 1])
        return boxes[place]
    (w1, s1, e1, n1), (w2, s2, e2, n2) = (measure(ring, half, boxes) for half in halves(part))
    boxes[place] = min(w1, w2), min(s1, s2), max(e1, e2), max(n1, n2)
    return boxes[place]


def halves(part: Part) -> tuple[Part, Part]:
    """Return the two halves of a part."""
    first, behind, place = part
    middle = (first + behind) // 2
    return (first, middle, 2 * place), (middle, behind, 2 * place + 1)


def smaller(one: Part, other: Part) -> list[tuple[Part, Part]]:
    """Return what is to be compared instead of two parts: the larger one halved."""
    if one is other:
        left, right = halves(one)
        return [(left, left), (right, right), (left, right)]
    if one[1] - one[0] >= other[1] - other[0]:
        return [(half, other) for half in halves(one)]
    return [(one, half) for half in halves(other)]


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _any_cross(ring: Sequence[Point], one: Part, other: Part) -> bool:
    return any(
        _cross(ring[left], ring[left + 1], ring[right], ring[right + 1])
        for left in range(one[0], one[1])
        for right in range(max(other[0], left + 1) if one is other else other[0], other[1])
    )


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Return whether the side from a to b and the one from c to d have more than an end or a touch in common."""
    of_c, of_d = side_of(a, b, c), side_of(a, b, d)
    if of_c == of_d == 0.0:
        along = (b[0] - a[0], b[1] - a[1])
        from_c = (c[0] - a[0]) * along[0] + (c[1] - a[1]) * along[1]
        from_d = (d[0] - a[0]) * along[0] + (d[1] - a[1]) * along[1]
        return from_c < from_d and from_d > 0.0 and from_c < along[0] ** 2 + along[1] ** 2
    if not of_c * of_d < 0.0:
        return False
    return side_of(c, d, a) * side_of(c, d, b) < 0.0


def side_of(a: Point, b: Point, c: Point) -> float:
    """Return on which side of the line from a to b a point lies: above zero left, below zero right."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
