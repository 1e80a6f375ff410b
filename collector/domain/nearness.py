"""Which places are nearest to one: a tree over the globe, so that a question costs the same in a large country. Pure.

Places are points of the unit sphere in space: the date line and the poles are places like any other, and the straight
way through the globe grows with the way over it.
"""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Optional

EARTH_KM: Final = 6371.0  # mean radius

_Point = tuple[float, float, float]


@dataclass(frozen=True)
class Near:
    """One place near another."""

    name: str
    km: float  # over the globe


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    point: _Point
    lower: Optional["_Node"]
    upper: Optional["_Node"]


class Places:
    """Places that can be asked which of them are nearest."""

    def __init__(self, places: Iterable[tuple[str, float, float]]) -> None:
        """Put the places in order.

        Args:
            places: Name, latitude and longitude in degrees.
        """
        self._root = _tree([(name, _point(latitude, longitude)) for name, latitude, longitude in places], 0)

    def nearest(self, latitude: float, longitude: float, count: int, within_km: float) -> list[Near]:
        """Return the nearest places, the nearest first; of equally near ones always the same.

        Args:
            latitude: Of where one asks, degrees.
            longitude: Of where one asks, degrees.
            count: At most so many.
            within_km: No farther than this over the globe; at most a quarter of its way round.
        """
        found: list[tuple[float, str]] = []  # a heap of (minus the squared way through the globe, name)
        most = (2 * math.sin(min(within_km / EARTH_KM, math.pi / 2) / 2)) ** 2
        _look(self._root, _point(latitude, longitude), 0, count, most, found)
        ways = sorted((-squared, name) for squared, name in found)
        near = [Near(name, 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(squared) / 2))) for squared, name in ways]
        return sorted(near, key=lambda one: (one.km, one.name))


def _point(latitude: float, longitude: float) -> _Point:
    up, round_ = math.radians(latitude), math.radians(longitude)
    return math.cos(up) * math.cos(round_), math.cos(up) * math.sin(round_), math.sin(up)


def _tree(places: Sequence[tuple[str, _Point]], axis: int) -> _Node | None:
    if not places:
        return None
    ordered = sorted(places, key=lambda place: place[1][axis])
    middle, after = len(ordered) // 2, (axis + 1) % 3
    name, point = ordered[middle]
    return _Node(name, point, _tree(ordered[:middle], after), _tree(ordered[middle + 1 :], after))


def _look(
    node: _Node | None, point: _Point, axis: int, count: int, most: float, found: list[tuple[float, str]]
) -> None:
    """Add the nearest of a branch to a heap that holds at most `count`; a branch that is too far is left alone."""
    if node is None or count < 1:
        return
    squared = sum((one - other) ** 2 for one, other in zip(node.point, point, strict=True))
    if squared <= most and len(found) < count:
        heapq.heappush(found, (-squared, node.name))
    elif squared <= most and squared < -found[0][0]:
        heapq.heapreplace(found, (-squared, node.name))
    beyond = point[axis] - node.point[axis]
    nearer, farther = (node.lower, node.upper) if beyond < 0 else (node.upper, node.lower)
    after = (axis + 1) % 3
    _look(nearer, point, after, count, most, found)
    # Where as many as wanted are equally near, no other is looked at: a thousand schools may stand at one place.
    if beyond * beyond < -found[0][0] if len(found) == count else beyond * beyond <= most:
        _look(farther, point, after, count, most, found)
