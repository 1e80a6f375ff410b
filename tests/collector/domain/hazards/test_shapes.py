"""What lies in a shape: against a slow rule of another kind, at the date line, in holes, on borders."""

import itertools
import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.hazards.shapes import Asked, Ring, rectangle

DEGREES = st.integers(-400, 400).map(lambda tenth: tenth / 10)


def star(corners: int, x: float, y: float, seed: int) -> Ring:
    """Return a ring around a place that crosses nowhere."""
    chance = random.Random(seed)
    points = []
    for index in range(corners):
        turn = 2 * math.pi * index / corners
        far = chance.uniform(0.5, 5)
        points.append((x + far * math.cos(turn), y + far * math.sin(turn)))
    return (*points, points[0])


def winds(ring: Ring, x: float, y: float) -> bool:
    """Return whether a ring goes round a place, by the sum of the angles: another rule than the one that is tested."""
    total = 0.0
    for (x1, y1), (x2, y2) in itertools.pairwise(ring):
        turn = math.atan2(y2 - y, x2 - x) - math.atan2(y1 - y, x1 - x)
        total += (turn + math.pi) % (2 * math.pi) - math.pi
    return abs(total) > math.pi


@settings(max_examples=150, deadline=None)
@given(st.integers(3, 40), st.floats(-170, 170), st.floats(-60, 60), st.integers(0, 99), st.integers(0, 99))
def test_as_many_places_as_by_the_angles(corners: int, x: float, y: float, seed: int, other: int) -> None:
    ring = star(corners, x, y, seed)
    asked, chance = Asked(((ring,),)), random.Random(other)
    for _ in range(10):
        place = (x + chance.uniform(-5, 5), y + chance.uniform(-5, 5))
        assert asked.has(*place) == winds(ring, *place)


@settings(max_examples=100, deadline=None)
@given(DEGREES, DEGREES, st.integers(0, 99))
def test_a_shape_moved_a_turn_has_the_same_places(dx: float, dy: float, seed: int) -> None:
    ring = star(9, -60, 14, seed)
    moved = tuple((x + 360, y) for x, y in ring)
    place = (-60 + dx / 10, 14 + dy / 10)
    assert Asked(((ring,),)).has(*place) == Asked(((moved,),)).has(*place)


def test_a_hole_is_outside_and_the_borders_are_inside() -> None:
    outer = rectangle(-62, 10, -58, 14)[0][0]
    hole = rectangle(-61, 11, -59, 13)[0][0]
    asked = Asked(((outer, hole),))
    assert asked.has(-61.5, 12) and not asked.has(-60, 12)
    assert asked.has(-62, 12) and asked.has(-62, 10) and asked.has(-61, 12)
    assert not asked.has(-62.0001, 12) and not asked.has(-60, 14.0001)


def test_an_island_in_a_hole_is_inside() -> None:
    outer, hole = rectangle(-62, 10, -58, 14)[0][0], rectangle(-61, 11, -59, 13)[0][0]
    asked = Asked(((outer, hole), rectangle(-60.5, 11.5, -59.5, 12.5)[0]))
    assert asked.has(-60, 12) and not asked.has(-60.8, 12)


def test_across_the_date_line() -> None:
    asked = Asked(rectangle(170, -20, 190, -10))
    assert asked.has(179, -15) and asked.has(-179, -15) and asked.has(180, -15) and asked.has(-180, -15)
    assert not asked.has(-169, -15) and not asked.has(169, -15) and not asked.has(0, -15)
