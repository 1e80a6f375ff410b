"""Outlines of areas for pictures that the server draws: the same files that the map's script reads.

An area has the outline of its name, accents and capitals aside, if its schools lie there on the whole. Nobody says in
which country a deployment is: it is the one in whose file most areas are found.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from collector.registry.names import fold

_FOLDER: Final = Path(__file__).parents[1] / "static" / "geo"
_DEMO: Final = "demo.json"
_ROOM: Final = 0.25  # of a box's size around it, in which the middle of its schools may lie: they lie at the coast

Point = tuple[float, float]  # longitude, latitude


@dataclass(frozen=True)
class Outline:
    """The outer borders of one area; lakes are not drawn."""

    name: str
    rings: tuple[tuple[Point, ...], ...]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east and north."""
        return box_of([point for ring in self.rings for point in ring])


def box_of(points: Iterable[Point]) -> tuple[float, float, float, float]:
    """Return the west, south, east and north of some points."""
    lons, lats = zip(*points, strict=True)
    return min(lons), min(lats), max(lons), max(lats)


def outlines_of(middles: Mapping[str, Point]) -> dict[str, Outline]:
    """Return the outlines of areas, by their names; empty where not more than half of them have one.

    Args:
        middles: Of the areas, where their schools lie on the whole.
    """
    found: dict[str, Outline] = {}
    for name in (_DEMO, *sorted(path.name for path in _FOLDER.glob("areas-*.json"))):
        shapes = _shapes(name)
        mine = {
            area: shapes[fold(area)]
            for area, middle in middles.items()
            if fold(area) in shapes and _is_near(shapes[fold(area)], middle)
        }
        found = mine if len(mine) > len(found) else found
    return found if 2 * len(found) > len(middles) else {}


def _is_near(outline: Outline, middle: Point) -> bool:
    west, south, east, north = outline.box
    x_room, y_room = _ROOM * (east - west), _ROOM * (north - south)
    return west - x_room <= middle[0] <= east + x_room and south - y_room <= middle[1] <= north + y_room


@cache
def _shapes(name: str) -> dict[str, Outline]:
    """Return the areas of a file of TopoJSON by their folded names."""
    topology = json.loads((_FOLDER / name).read_bytes())
    arcs = [_points(arc, topology["transform"]) for arc in topology["arcs"]]
    shapes = {}
    for shape in topology["objects"]["shapes"]["geometries"]:
        polygons = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
        rings = tuple(_ring(rings[0], arcs) for rings in polygons)
        area = shape.get("properties", {}).get("n", "")
        shapes[fold(area)] = Outline(area, rings)
    return shapes


def _points(arc: Sequence[Sequence[int]], transform: Mapping[str, Any]) -> list[Point]:
    (x_scale, y_scale), (x_shift, y_shift) = transform["scale"], transform["translate"]
    x, y, points = 0, 0, []
    for step in arc:
        x, y = x + step[0], y + step[1]
        points.append((x * x_scale + x_shift, y * y_scale + y_shift))
    return points


def _ring(numbers: Sequence[int], arcs: Sequence[Sequence[Point]]) -> tuple[Point, ...]:
    points: list[Point] = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc[1:] if points else arc
    return tuple(points)
