"""What the map is made of: files of others as they came, outlines that hold their schools."""

import gzip
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from collector.demo.island import make_schools

STATIC = Path(__file__).parents[3] / "collector" / "web" / "static"
Point = tuple[float, float]


@pytest.mark.parametrize("folder", ["vendor", "geo"])
def test_files_are_those_that_were_taken(folder: str) -> None:
    sums = dict(reversed(line.split()) for line in (STATIC / folder / "SHA256SUMS").read_text().splitlines())
    kept = {path.name for path in (STATIC / folder).iterdir()} - {"SHA256SUMS", "ORIGIN.md"}
    assert kept == set(sums)
    for name, wanted in sums.items():
        assert hashlib.sha256((STATIC / folder / name).read_bytes()).hexdigest() == wanted, name
    origin = (STATIC / folder / "ORIGIN.md").read_text()
    for licence in (name for name in kept if name.endswith(".LICENSE")):
        assert f"`{licence}`" in origin


def test_the_map_of_a_country_is_light() -> None:
    parts = [STATIC / "vendor" / name for name in ("leaflet.js", "leaflet.css", "supercluster.min.js")]
    parts += [STATIC / "geo" / "land.json", STATIC / "map.css", *sorted((STATIC / "map").glob("*.js"))]
    assert sum(len(gzip.compress(path.read_bytes())) for path in parts) <= 125_000
    assert max(len(gzip.compress(path.read_bytes())) for path in (STATIC / "geo").glob("areas-*.json")) <= 30_000


def test_scripts_of_the_map_fetch_nothing_from_others_and_write_no_text_as_markup() -> None:
    for path in sorted((STATIC / "map").glob("*.js")):
        text = path.read_text()
        assert not re.search(r"https?:|eval\(|new Function|document\.write|insertAdjacentHTML", text), path.name
        assert text.count("innerHTML") == (1 if path.name == "7-map.js" else 0)
        assert len(text.splitlines()) < 400


def shapes(name: str) -> dict[str, list[list[list[Point]]]]:
    """Return the polygons of a file by name, each a list of rings."""
    found: dict[str, Any] = json.loads((STATIC / "geo" / name).read_text())
    scale, arcs = found["transform"]["scale"], []
    for steps in found["arcs"]:
        x = y = 0
        arc: list[Point] = []
        for dx, dy in steps:
            x, y = x + dx, y + dy
            arc.append((x * scale[0], y * scale[1]))
        arcs.append(arc)

    def ring(numbers: list[int]) -> list[Point]:
        points: list[Point] = []
        for number in numbers:
            arc = arcs[number] if number >= 0 else arcs[~number][::-1]
            assert not points or points[-1] == arc[0], "a ring with a gap"
            points += arc[1:] if points else arc
        assert points[0] == points[-1]
        return points

    made: dict[str, list[list[list[Point]]]] = {}
    for shape in found["objects"]["shapes"]["geometries"]:
        properties = shape["properties"]
        key = properties.get("n") or properties.get("c") or ""
        made.setdefault(key, []).extend([ring(numbers) for numbers in rings] for rings in shape["arcs"])
    return made


def is_inside(point: Point, ring: list[Point]) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > point[1]) != (y2 > point[1]) and point[0] < (x2 - x1) * (point[1] - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def test_every_school_of_the_fictional_country_lies_in_its_district() -> None:
    districts = shapes("demo.json")
    for school in make_schools():
        at = (school.longitude, school.latitude)
        holders = [name for name, polygons in districts.items() if any(is_inside(at, rings[0]) for rings in polygons)]
        assert holders == [school.area], school.code


@pytest.mark.parametrize(
    ("file", "name", "latitude", "longitude"),
    [
        ("land.json", "HN", 14.1, -87.2),
        ("land.json", "BB", 13.15, -59.55),
        ("land.json", "BR", -15.8, -47.9),
        ("land.json", "JM", 18.1, -77.3),
        ("areas-hn.json", "Francisco Morazán", 14.1, -87.2),
        ("areas-br.json", "Pernambuco", -8.3, -37.9),
        ("areas-jm.json", "Clarendon", 18.0, -77.3),
    ],
)
def test_known_places_lie_where_they_belong(file: str, name: str, latitude: float, longitude: float) -> None:
    assert any(is_inside((longitude, latitude), rings[0]) for rings in shapes(file)[name])


@pytest.mark.parametrize("path", sorted((STATIC / "geo").glob("*.json")), ids=lambda path: path.name)
def test_every_ring_is_closed(path: Path) -> None:
    assert shapes(path.name)
