"""Whether a ring crosses itself: against every pair of sides, at full size, and what may touch."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.domain.hazards import crossing
from collector.domain.hazards.crossing import TangledError, crosses_itself
from collector.domain.hazards.shapes import Point

CORNERS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=3, max_size=30)


def turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@settings(max_examples=200, deadline=None)
@given(CORNERS)
def test_as_by_every_pair_of_sides(corners: list[Point]) -> None:
    ring = [*corners, corners[0]]
    sides = list(itertools.pairwise(ring))
    pairs = [(one, other) for index, one in enumerate(sides) for other in sides[index + 1 :]]
    if any(turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0 for (a, b), (c, d) in pairs):
        assert crosses_itself(ring)
    elif not any(turn(a, b, c) == turn(a, b, d) == 0 for (a, b), (c, d) in pairs):
        assert not crosses_itself(ring)


def test_a_coast_of_20000_corners_is_looked_through() -> None:
    chance = random.Random(1)
    turns = [2 * math.pi * index / 20_000 for index in range(20_000)]
    ring = [(far * math.cos(one), far * math.sin(one)) for one in turns for far in [chance.uniform(3, 3.001)]]
    assert not crosses_itself([*ring, ring[0]])
    ring[5], ring[15_000] = ring[15_000], ring[5]
    assert crosses_itself([*ring, ring[0]])


def test_a_hole_on_a_seam_and_rings_that_touch_do_not_cross() -> None:
    seam = [(0, 0), (9, 0), (9, 9), (0, 9), (0, 0), (3, 3), (3, 6), (6, 6), (6, 3), (3, 3), (0, 0)]
    assert not crosses_itself(seam)
    assert not crosses_itself([(0, 0), (4, 0), (4, 0), (4, 4), (2, 0), (0, 4), (0, 0)])


def test_what_would_take_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossing, "MOST_LOOKS", 500)
    zigzag = [(index / 1000, 80.0 * (index % 2)) for index in range(200)]
    with pytest.raises(TangledError):
        crosses_itself([*zigzag, (0.3, -5.0), (-5.0, -5.0), zigzag[0]])
