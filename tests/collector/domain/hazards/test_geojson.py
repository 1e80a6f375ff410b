"""GeoJSON as people have it: what is read, and the sentence for each wrong file."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.hazards import geojson
from collector.domain.hazards.geojson import ShapeError
from collector.domain.hazards.shapes import Asked, rectangle

SQUARE = [[-62, 10], [-58, 10], [-58, 14], [-62, 14], [-62, 10]]
HOLE = [[-61, 11], [-59, 11], [-59, 13], [-61, 13], [-61, 11]]
POLYGON = {"type": "Polygon", "coordinates": [SQUARE]}


def raw(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "value",
    [
        POLYGON,
        {"type": "Polygon", "coordinates": [[[*point, 3.5] for point in SQUARE]]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE]]},
        {"type": "Feature", "properties": {"name": "cone"}, "geometry": POLYGON},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POLYGON}]},
        {**POLYGON, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}},
    ],
)
def test_every_way_to_write_one_square(value: object) -> None:
    assert geojson.read(raw(value)) == rectangle(-62, 10, -58, 14)
    assert geojson.read(b"\xef\xbb\xbf" + raw(value)) == rectangle(-62, 10, -58, 14)


def test_what_is_written_is_read_back() -> None:
    shape = geojson.read(raw({"type": "Polygon", "coordinates": [SQUARE, HOLE]}))
    assert geojson.read(geojson.write(shape).encode()) == shape
    assert not Asked(shape).has(-60, 12) and Asked(shape).has(-61.5, 12)


@pytest.mark.parametrize("box", [(-179, -89, 179, 89), (-170, -80, 170, 80), (-180, -90, 180, 90), (0, -90, 360, 90)])
def test_edges_go_as_they_are_written_however_wide(box: tuple[int, int, int, int]) -> None:
    asked = Asked(geojson.read(geojson.write(rectangle(*box)).encode()))
    assert asked.has(-60, 13.6) and asked.has(60, -13.6)
    assert asked.has(179.5, 0) == (box[2] - box[0] == 360) and asked.has(0, 85) == (box[3] > 85)


def test_two_parts_at_the_date_line_are_one_shape() -> None:
    parts = [rectangle(170, -20, 180, -10)[0], rectangle(-180, -20, -170, -10)[0]]
    asked = Asked(geojson.read(raw({"type": "MultiPolygon", "coordinates": parts})))
    assert asked.has(175, -15) and asked.has(-171, -15) and asked.has(180, -15) and not asked.has(0, -15)


def test_a_shape_across_the_date_line_runs_past_180() -> None:
    ring = [[170, -20], [190, -20], [190, -10], [170, -10], [170, -20]]
    hole = [[-178, -16], [-176, -16], [-176, -14], [-178, -14], [-178, -16]]
    shape = geojson.read(raw({"type": "Polygon", "coordinates": [ring, hole]}))
    asked = Asked(shape)
    assert asked.has(175, -15) and asked.has(-171, -15) and not asked.has(0, -15)
    assert not asked.has(-177, -15), "the hole lies beside its ring"
    assert geojson.read(geojson.write(shape).encode()) == shape


WRONG = [
    (b"", "the text is empty"),
    (b"\xff\xfe{", "not a text in UTF-8"),
    (b"{", "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b'{"type":"Polygon","coordinates":[[[NaN,1]]]}', "not JSON"),
    (raw([1]), "it has no type."),
    (raw({"type": 7}), "it has no type."),
    (raw({"type": "Topology"}), "no type that GeoJSON knows"),
    (raw({"type": "Point", "coordinates": [1, 2]}), "holds a Point"),
    (raw({"type": "Feature", "geometry": None}), "has no shape"),
    (raw({"type": "FeatureCollection", "features": []}), "no polygon"),
    (raw({"type": "FeatureCollection"}), "not lists"),
    (raw({"type": "Polygon"}), "not lists"),
    (raw({"type": "Polygon", "coordinates": []}), "no corners"),
    (raw({"type": "Polygon", "coordinates": [[1, 2]]}), "not lists"),
    (raw({"type": "Polygon", "coordinates": [SQUARE[:3]]}), "not closed"),
    (raw({"type": "Polygon", "coordinates": [SQUARE[:4]]}), "not closed"),
    (raw({"type": "Polygon", "coordinates": [[["1", 2]] * 4]}), "not two numbers"),
    (raw({"type": "Polygon", "coordinates": [[[True, 2]] * 4]}), "not two numbers"),
    (raw({"type": "Polygon", "coordinates": [[[-10, 120]] * 4]}), "writes the longitude first"),
    (raw({"type": "Polygon", "coordinates": [[[400000, 1500000]] * 4]}), "not in metres"),
    (b'{"type":"Polygon","coordinates":[[[1e999,1],[2,1],[2,2],[1e999,1]]]}', "A longitude lies outside"),
    (raw({"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [3, 3], [1, 1]]]}), "has no inside"),
    (raw({"type": "Polygon", "coordinates": [[[-170, 6], [-60, 6], [50, 6], [160, 6], [-170, 6]]]}), "has no inside"),
    (raw({"type": "Polygon", "coordinates": [[[-190, 0], [0, 0], [190, 0], [0, 9], [-190, 0]]]}), "wider than 360"),
    (raw({"type": "Polygon", "coordinates": [[[-6, 1], [-5, 4], [-5, 1], [-6, 4], [-6, 1]]]}), "crosses itself"),
    (raw({"type": "Polygon", "coordinates": [[*SQUARE[:4], *SQUARE]]}), "crosses itself"),
    (raw({**POLYGON, "crs": {"properties": {"name": "EPSG:3857"}}}), "another system"),
    (raw({"type": "MultiPolygon", "coordinates": [[SQUARE]] * 501}), "more than 500 polygons"),
    (raw({"type": "MultiPolygon", "coordinates": [[SQUARE * 4001]]}), "more than 20000 corners"),
    (b" " * 500_001, "more than 500000 bytes"),
    (b'{"type":"Polygon","coordinates":[[[' + b"9" * 5000 + b",1]]]}", "JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("given_file", "words"), WRONG)
def test_each_wrong_file_has_its_sentence(given_file: bytes, words: str) -> None:
    with pytest.raises(ShapeError) as refused:
        geojson.read(given_file)
    assert words in refused.value.said


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.sampled_from(["Polygon", "Feature"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "geometry", "features", "crs"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON_VALUES)
def test_any_json_is_a_shape_or_has_a_sentence(value: object) -> None:
    try:
        geojson.read(raw({"type": "Polygon", "coordinates": value}))
        geojson.read(raw(value))
    except ShapeError as refused:
        assert refused.said.endswith(".")
