"""GeoJSON (RFC 7946) read strictly: a polygon or several, and a sentence for everything else.

Nothing is mended by guessing. An edge goes as it is written, straight in the plane of longitude and latitude: what
lies across the date line runs past 180 degrees, or comes as two parts.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from collector.domain.hazards.crossing import Looks, TangledError, crosses_itself
from collector.domain.hazards.rings import MOST_LOOKS, NEAR, Known, do_any_overlap, is_hole_of
from collector.domain.hazards.shapes import Point, Polygon, Ring, Shape, area_of, box_of
from collector.domain.said import SaidError

MAX_BYTES: Final = 500_000
MAX_POINTS: Final = 20_000
MAX_POLYGONS: Final = 500
_WIDEST: Final = 360.0
_TURN: Final = 360.0
_LONGITUDE_MOST: Final = 360.0  # files that run past the date line go up to here
_WGS84: Final = frozenset({"urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "EPSG:4326"})
_KNOWN: Final = frozenset(
    ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")
)


class ShapeError(SaidError):
    """A text that is no shape to be used; the message is a whole sentence."""


def read(raw: bytes) -> Shape:
    """Return the shape that a file holds: all polygons of it together.

    Args:
        raw: The file: a Polygon, a MultiPolygon, a Feature or a FeatureCollection of such.

    Raises:
        ShapeError: If it is anything else, as a whole: no part of it is taken.
    """
    if len(raw) > MAX_BYTES:
        raise ShapeError("The file has more than %(most)s bytes. Simplify the shape.", most=MAX_BYTES)
    polygons = list(_polygons(_parsed(raw)))
    if not polygons:
        raise ShapeError("The file holds no polygon.")
    if len(polygons) > MAX_POLYGONS:
        raise ShapeError("The file holds more than %(most)s polygons. Simplify the shape.", most=MAX_POLYGONS)
    _count(polygons)
    looks = Looks(MOST_LOOKS)
    try:
        return tuple(_polygon(given, looks) for given in polygons)
    except TangledError as error:
        raise ShapeError("A ring of the shape is too tangled to be looked through. Simplify the shape.") from error


def write(shape: Shape) -> str:
    """Return a shape as GeoJSON, a MultiPolygon: `read` gives it back."""
    return json.dumps({"type": "MultiPolygon", "coordinates": shape}, separators=(",", ":"))


def _parsed(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ShapeError("The file is not a text in UTF-8, so it is not GeoJSON.") from error
    if not text.strip():
        raise ShapeError("There is no shape: the text is empty.")
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ShapeError("The text is not JSON, so it is not GeoJSON.") from error


def _no_number(_name: str) -> NoReturn:
    raise ValueError


def _polygons(given: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the coordinates of each polygon, as they stand in the file."""
    if not isinstance(given, dict) or not isinstance(given.get("type"), str) or depth > 3:
        raise ShapeError("This is JSON, but not GeoJSON: it has no type.")
    _check_system(given)
    kind = given["type"]
    if kind == "FeatureCollection":
        for feature in _list(given.get("features")):
            yield from _polygons(feature, depth + 1)
    elif kind == "Feature":
        if given.get("geometry") is None:
            raise ShapeError("A feature of the file has no shape.")
        yield from _polygons(given["geometry"], depth + 1)
    elif kind == "Polygon":
        yield given.get("coordinates")
    elif kind == "MultiPolygon":
        yield from _list(given.get("coordinates"))
    elif kind in _KNOWN:
        raise ShapeError("The file holds a %(kind)s. An area is a Polygon or a MultiPolygon.", kind=kind)
    else:
        raise ShapeError("This is JSON, but not GeoJSON: it has no type that GeoJSON knows.")


def _check_system(given: dict[str, Any]) -> None:
    """Refuse degrees of another system than that of GPS: places would lie elsewhere, and nobody would see it."""
    system = given.get("crs")
    if system is None:
        return
    properties = system.get("properties") if isinstance(system, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or name not in _WGS84:
        raise ShapeError("The file uses another system of coordinates. Save it as WGS 84 in degrees (EPSG:4326).")


def _list(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise ShapeError("The coordinates of the file are not lists as GeoJSON has them.")
    return given


def _count(polygons: list[Any]) -> None:
    total = 0
    for polygon in polygons:
        total += sum(len(_list(ring)) for ring in _list(polygon))
        if total > MAX_POINTS:
            raise ShapeError("The file has more than %(most)s corners. Simplify the shape.", most=MAX_POINTS)


def _polygon(given: list[Any], looks: Looks) -> Polygon:
    if not given:
        raise ShapeError("A polygon of the file has no corners.")
    outer = _ring(given[0])
    west, _south, east, _north = box_of(outer)
    if east - west > _WIDEST:
        raise ShapeError("The shape is wider than %(most)s degrees. Draw it as several.", most=round(_WIDEST))
    middle = (west + east) / 2
    holes = tuple(_beside(_ring(hole), middle) for hole in given[1:])
    if holes:
        _check_holes(Known(outer), [Known(hole) for hole in holes], looks)
    return (outer, *holes)


def _check_holes(outer: Known, holes: list[Known], looks: Looks) -> None:
    """Refuse holes that are none (RFC 7946, 3.1.6): even and odd would turn ground outside the shape into inside."""
    if not all(is_hole_of(hole, outer, looks) for hole in holes):
        raise ShapeError(
            "A hole of the shape reaches out of its outer ring or fills it: draw the hole inside, or leave it out."
        )
    if do_any_overlap(holes, looks):
        raise ShapeError("Two holes of the shape overlap: draw them as one hole, or so that they only touch.")


def _beside(hole: Ring, middle: float) -> Ring:
    """Return a hole on the turn of the world on which its outer ring is."""
    west, _south, east, _north = box_of(hole)
    turns = round((middle - (west + east) / 2) / _TURN) * _TURN
    return tuple((x + turns, y) for x, y in hole) if turns else hole


def _ring(given: list[Any]) -> Ring:
    points = [_point(one) for one in given]
    if len(points) < 4 or points[0] != points[-1]:
        raise ShapeError("A ring of the shape is not closed: it needs four points, and the last one is the first.")
    if crosses_itself(points):
        raise ShapeError("A ring of the shape crosses itself. Draw it so that its sides meet only at the corners.")
    west, south, east, north = box_of(points)
    if area_of(points) <= NEAR * (east - west + north - south):  # numbers with decimals are on a line by a hair only
        raise ShapeError("A ring of the shape has no inside: all its corners lie on one line.")
    return tuple(points)


def _point(given: Any) -> Point:
    if not isinstance(given, list) or len(given) < 2:
        raise ShapeError("The coordinates of the file are not lists as GeoJSON has them.")
    x, y = given[0], given[1]
    for value in (x, y):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ShapeError("A corner of the shape is not two numbers.")
    if not abs(y) <= 90:
        if abs(x) <= 90 and abs(y) <= 180:
            raise ShapeError("A latitude lies outside -90 to 90 degrees. GeoJSON writes the longitude first.")
        raise ShapeError("A latitude lies outside -90 to 90 degrees. GeoJSON is in degrees, not in metres.")
    if not abs(x) <= _LONGITUDE_MOST:
        raise ShapeError("A longitude lies outside -180 to 180 degrees. GeoJSON is in degrees, not in metres.")
    return (float(x), float(y)) if math.isfinite(x) else _point(None)
