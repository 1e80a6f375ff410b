"""Holes of a shape: inside their outer ring, beside one another; against plain rectangles, turned by any angle."""

import itertools
import json
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.hazards import geojson
from collector.domain.hazards.crossing import Looks, TangledError
from collector.domain.hazards.geojson import ShapeError
from collector.domain.hazards.rings import MOST_LOOKS, Known, do_any_overlap, is_hole_of
from collector.domain.hazards.shapes import Asked, Ring

OUTER = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
OUT = "A hole of the shape reaches out of its outer ring or fills it: draw the hole inside, or leave it out."
OVER = "Two holes of the shape overlap: draw them as one hole, or so that they only touch."


def box(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def read(*polygon: list[list[float]]) -> str:
    """Return the sentence with which a polygon is refused; empty: it is taken."""
    try:
        geojson.read(json.dumps({"type": "Polygon", "coordinates": polygon}).encode())
    except ShapeError as refused:
        return str(refused.said)
    return ""


U_SHAPE = [[0, 0], [9, 0], [9, 9], [6, 9], [6, 3], [3, 3], [3, 9], [0, 9], [0, 0]]
NOTCHED = [[0, 0], [9, 0], [9, 9], [6, 9], [6, 5], [4, 5], [4, 9], [0, 9], [0, 0]]

WRONG_HOLES = {
    "far away": (OUTER, box(20, 20, 21, 21)),
    "beside, at the border": (OUTER, box(10, 2, 12, 4)),
    "the same ring": (OUTER, OUTER),
    "the same ring the other way round": (OUTER, OUTER[::-1]),
    "the same ring from another corner": (OUTER, [*OUTER[2:], *OUTER[1:3]]),
    "the same ring with more corners": (OUTER, [[0, 0], [5, 0], [10, 0], [10, 10], [0, 10], [0, 0]]),
    "around the outer ring": (OUTER, box(-1, -1, 11, 11)),
    "half outside": (OUTER, box(5, 5, 15, 8)),
    "one corner outside": (OUTER, [[2, 2], [8, 2], [12, 12], [2, 2]]),
    "across the mouth, by corners on the border": (U_SHAPE, [[3, 9], [6, 9], [6, 3], [3, 3], [3, 9]]),
    "a side through the open part": (U_SHAPE, [[1, 1], [8, 1], [8, 8], [1, 8], [1, 1]]),
    "over a notch that it only touches": (NOTCHED, [[4, 9], [6, 9], [6, 5], [4, 5], [4, 9]]),
    "the second of two": (OUTER, box(1, 1, 2, 2), box(30, 1, 31, 2)),
}


@pytest.mark.parametrize("polygon", WRONG_HOLES.values(), ids=WRONG_HOLES.keys())
def test_a_hole_that_is_none_is_refused_with_what_to_do(polygon: tuple[list[list[float]], ...]) -> None:
    assert read(*polygon) == OUT


OVERLAPPING = {
    "twice the same": (box(1, 1, 4, 4), box(1, 1, 4, 4)),
    "one in the other": (box(1, 1, 6, 6), box(2, 2, 3, 3)),
    "one in the other, at its side": (box(1, 1, 6, 6), box(1, 2, 3, 3)),
    "half over one another": (box(1, 1, 4, 4), box(3, 3, 6, 6)),
    "as a cross": (box(1, 4, 9, 6), box(4, 1, 6, 9)),
    "the third and the first": (box(1, 1, 4, 4), box(6, 6, 8, 8), box(3, 1, 5, 4)),
}


@pytest.mark.parametrize("holes", OVERLAPPING.values(), ids=OVERLAPPING.keys())
def test_holes_that_overlap_are_refused_with_what_to_do(holes: tuple[list[list[float]], ...]) -> None:
    assert read(OUTER, *holes) == OVER


GOOD = {
    "one": (OUTER, box(2, 2, 4, 4)),
    "two beside one another": (OUTER, box(2, 2, 4, 4), box(5, 2, 7, 4)),
    "two that share a side": (OUTER, box(2, 2, 4, 4), box(4, 2, 7, 4)),
    "two that share a corner": (OUTER, box(2, 2, 4, 4), box(4, 4, 6, 6)),
    "a corner on the outer side": (OUTER, [[5, 0], [7, 3], [3, 3], [5, 0]]),
    "a corner on the outer corner": (OUTER, [[0, 0], [7, 3], [3, 7], [0, 0]]),
    "a side along the outer side": (OUTER, box(0, 2, 3, 4)),
    "along the floor of a notch": (NOTCHED, box(1, 2, 8, 5)),
    "in one arm": (U_SHAPE, box(1, 5, 2, 8)),
    "by a hair on the border": (OUTER, [[10.0000000000001, 5], [7, 3], [7, 7], [10.0000000000001, 5]]),
    "past the date line": (box(170, -20, 190, -10), box(-178, -16, -176, -14)),
}


@pytest.mark.parametrize("polygon", GOOD.values(), ids=GOOD.keys())
def test_a_hole_inside_is_taken_also_where_it_touches(polygon: tuple[list[list[float]], ...]) -> None:
    assert read(*polygon) == ""


@pytest.mark.parametrize(
    ("rings_given", "words"),
    [
        ((OUTER, [[2, 2], [4, 4], [4, 2], [2, 4], [2, 2]]), "crosses itself"),
        ((OUTER, [[2, 2], [3, 3], [4, 4], [2, 2]]), "has no inside"),
        ((OUTER, [[2, 2]] * 4), "has no inside"),
        ((OUTER, [[2, 2], [4, 2], [4, 4], [2, 4]]), "not closed"),
        ((OUTER, []), "not closed"),
        (([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3], [0.1, 0.1]],), "has no inside"),
        (([[0.1, 0.7], [1.1, 1.4], [2.1, 2.1], [3.1, 2.8], [0.1, 0.7]],), "has no inside"),
        ((OUTER, *[box(1, 1, 2, 2)] * 4001), "more than 20000 corners"),
    ],
)
def test_every_other_wrong_ring_has_its_sentence(rings_given: tuple[list[list[float]], ...], words: str) -> None:
    assert words in read(*rings_given)


def test_ground_outside_the_outer_ring_is_never_inside() -> None:
    """As it was: even and odd count the ring that lies elsewhere, and its ground was taken for the hazard's."""
    asked = Asked(geojson.read(json.dumps({"type": "Polygon", "coordinates": [OUTER, box(2, 2, 4, 4)]}).encode()))
    assert asked.has(1, 1) and not asked.has(3, 3) and not asked.has(20.5, 20.5)


SIDES = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 6), st.integers(1, 6))


def turned(sides: tuple[int, int, int, int], angle: float) -> Ring:
    """Return a rectangle (west, south, width, height), turned around zero and as small as an island."""
    west, south, wide, high = sides
    sine, cosine = math.sin(angle), math.cos(angle)
    return tuple(
        ((x * cosine - y * sine) / 7, (x * sine + y * cosine) / 7)
        for x, y in box(west, south, west + wide, south + high)
    )


@settings(max_examples=300, deadline=None)
@given(SIDES, SIDES, st.floats(0, 7))
def test_as_plain_rectangles_are_whatever_their_angle(
    one: tuple[int, int, int, int], other: tuple[int, int, int, int], angle: float
) -> None:
    hole, outer = Known(turned(one, angle)), Known(turned(other, angle))
    is_inside = all(
        other[axis] <= one[axis] and one[axis] + one[axis + 2] <= other[axis] + other[axis + 2] for axis in (0, 1)
    )
    assert is_hole_of(hole, outer, Looks(MOST_LOOKS)) is (is_inside and one != other)
    overlap = all(
        min(one[axis] + one[axis + 2], other[axis] + other[axis + 2]) > max(one[axis], other[axis]) for axis in (0, 1)
    )
    assert do_any_overlap([hole, outer], Looks(MOST_LOOKS)) is overlap


def test_a_coast_with_thousands_of_lakes_is_looked_through() -> None:
    chance = random.Random(1)
    turns = [2 * math.pi * index / 4_000 for index in range(4_000)]
    coast = [(far * math.cos(one), far * math.sin(one)) for one in turns for far in [chance.uniform(8, 8.01)]]
    lakes = [
        Known(tuple((x / 5 + dx, y / 5 + dy) for dx, dy in ((0, 0), (0.1, 0), (0.1, 0.1), (0, 0))))
        for x, y in itertools.product(range(-27, 27), repeat=2)
    ]
    looks, outer = Looks(MOST_LOOKS), Known((*coast, coast[0]))
    assert all(is_hole_of(lake, outer, looks) for lake in lakes) and not do_any_overlap(lakes, looks)
    assert looks.left > 0
    assert do_any_overlap([*lakes, Known(tuple((x, y) for x, y in box(1.02, 1.02, 1.3, 1.04)))], Looks(MOST_LOOKS))


def test_what_would_take_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TangledError):
        is_hole_of(Known(turned((1, 1, 1, 1), 0)), Known(turned((0, 0, 9, 9), 0)), Looks(2))
    monkeypatch.setattr(geojson, "Looks", lambda _left: Looks(2))
    assert "too tangled" in read(OUTER, box(2, 2, 4, 4))
