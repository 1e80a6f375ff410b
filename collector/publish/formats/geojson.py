"""Schools and outages on a map: GeoJSON (RFC 7946), longitude before latitude, one feature a line.

The properties of a feature are the columns of the export. A school is a point. An outage is the points of those of its
schools that the reader may see and whose place is known: the land between them is nobody's claim. Where no place is
known the geometry is null and the row is there all the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from collector.publish import files
from collector.publish.files import Pieces
from collector.store.queries.exports import ExportColumn

Position = tuple[float, float]
"""Longitude and latitude in degrees."""

PlacesOf = Callable[[Sequence[str]], Mapping[str, Sequence[Position]]]

# Of so many outages the places are in memory at once: one may have those of every school of a country.
_OUTAGES_AT_ONCE: Final = 10
_ENCODER: Final = msgspec.json.Encoder()


class _Feature(msgspec.Struct):
    type: str
    id: str
    geometry: dict[str, Any] | None
    properties: msgspec.Struct


def schools(columns: Sequence[ExportColumn], pieces: Pieces) -> Iterator[bytes]:
    """Yield a collection with a point for each school."""
    names = [column.name for column in columns]
    code, latitude, longitude = (names.index(name) for name in ("code", "latitude", "longitude"))
    objects = files.objects(columns)

    def features() -> Iterator[list[_Feature]]:
        for piece in pieces:
            yield [
                _feature(row[code], _point(row[longitude], row[latitude]), one)
                for row, one in zip(piece, objects(piece), strict=True)
            ]

    return _collection(features())


def outages(columns: Sequence[ExportColumn], pieces: Pieces, places_of: PlacesOf) -> Iterator[bytes]:
    """Yield a collection with the points of its schools for each outage.

    Args:
        columns: Of the export.
        pieces: Its rows.
        places_of: Tells where the schools of some outages are that the reader may see.
    """
    key = [column.name for column in columns].index("outage_id")
    objects = files.objects(columns)

    def features() -> Iterator[list[_Feature]]:
        for piece in pieces:
            for at in range(0, len(piece), _OUTAGES_AT_ONCE):
                some = piece[at : at + _OUTAGES_AT_ONCE]
                places = places_of([row[key] for row in some])
                yield [
                    _feature(row[key], _points(places.get(row[key], ())), one)
                    for row, one in zip(some, objects(some), strict=True)
                ]

    return _collection(features())


def _collection(features: Iterator[list[_Feature]]) -> Iterator[bytes]:
    before = b'{"type":"FeatureCollection","features":[\n'
    for some in features:
        for feature in some:
            yield before + _ENCODER.encode(feature)
            before = b",\n"
    yield (before if before != b",\n" else b"\n") + b"]}\n"


def _feature(identity: str, geometry: dict[str, Any] | None, properties: msgspec.Struct) -> _Feature:
    return _Feature(type="Feature", id=identity, geometry=geometry, properties=properties)


def _point(longitude: float | None, latitude: float | None) -> dict[str, Any] | None:
    if longitude is None or latitude is None:
        return None
    return {"type": "Point", "coordinates": (longitude, latitude)}


def _points(places: Sequence[Position]) -> dict[str, Any] | None:
    return {"type": "MultiPoint", "coordinates": places} if places else None
