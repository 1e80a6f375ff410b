"""Shapes on the ground, and whether a place lies in one: even-odd along a parallel, as maps are drawn.

Edges are straight in longitude and latitude, as RFC 7946 has them. Longitudes of a shape may run past 180 degrees
where it lies across the date line, so that no edge jumps around the world; places are asked for on every turn.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

Point = tuple[float, float]
"""Longitude and latitude in degrees."""
Ring = tuple[Point, ...]
"""Closed: the last point is the first."""
Polygon = tuple[Ring, ...]
"""The outer ring, then its holes."""
Shape = tuple[Polygon, ...]

BANDS: Final = 256
_TURN: Final = 360.0
_Edge = tuple[float, float, float, float]


class Asked:
    """A shape made ready to be asked about many places: only the edges at a place's own latitude are looked at."""

    def __init__(self, shape: Shape) -> None:
        self._polygons = [_Banded(polygon) for polygon in shape]

    def has(self, longitude: float, latitude: float) -> bool:
        """Return whether a place lies in the shape; its borders belong to it.

        Args:
            longitude: In degrees east, -180 to 180.
            latitude: In degrees north, -90 to 90.
        """
        return any(one.has(longitude, latitude) for one in self._polygons)


class _Banded:
    """One polygon, its edges sorted into bands of latitude."""

    def __init__(self, polygon: Polygon) -> None:
        outer = polygon[0]
        self.west, self.south, self.east, self.north = box_of(outer)
        self._tall = (self.north - self.south) / BANDS
        self._bands: list[list[_Edge]] = [[] for _ in range(BANDS)]
        for ring in polygon:
            for (x1, y1), (x2, y2) in pairwise(ring):
                for band in range(self._band(min(y1, y2)), self._band(max(y1, y2)) + 1):
                    self._bands[band].append((x1, y1, x2, y2))

    def _band(self, latitude: float) -> int:
        place = (latitude - self.south) / self._tall if self._tall > 0 else 0.0
        return max(0, min(BANDS - 1, int(place)))  # of what damaged numbers may give, the nearest

    def has(self, longitude: float, latitude: float) -> bool:
        if not self.south <= latitude <= self.north:
            return False
        return any(
            self.west <= x <= self.east and self._is_in(x, latitude)
            for x in (longitude, longitude - _TURN, longitude + _TURN)
        )

    def _is_in(self, x: float, y: float) -> bool:
        inside = False
        for x1, y1, x2, y2 in self._bands[self._band(y)]:
            if _is_on(x, y, x1, y1, x2, y2):
                return True
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
        return inside


def _is_on(x: float, y: float, x1: float, y1: float, x2: float, y2: float) -> bool:
    if not (min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)):
        return False
    return (x2 - x1) * (y - y1) == (y2 - y1) * (x - x1)


def box_of(points: Iterable[Point]) -> tuple[float, float, float, float]:
    """Return west, south, east, north of points in degrees; east may lie past 180.

    Raises:
        ValueError: If there is no point.
    """
    found = list(points)
    xs, ys = [x for x, _y in found], [y for _x, y in found]
    return min(xs), min(ys), max(xs), max(ys)


def area_of(ring: Sequence[Point]) -> float:
    """Return the size of a ring in square degrees: zero where it has no inside."""
    # From its first corner on: far from zero, small rings would drown in their own distance.
    x0, y0 = ring[0]
    pairs = pairwise(ring)
    return abs(sum((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) for (x1, y1), (x2, y2) in pairs)) / 2


def rectangle(west: float, south: float, east: float, north: float) -> Shape:
    """Return a shape with four corners, in degrees."""
    return ((((west, south), (east, south), (east, north), (west, north), (west, south)),),)
