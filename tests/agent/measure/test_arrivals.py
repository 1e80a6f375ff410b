"""Arrivals behind a hole."""

from hypothesis import given
from hypothesis import strategies as st

from agent.measure.arrivals import Arrivals

MSS = 1448


def test_nothing_held_back_is_what_the_program_had():
    arrivals = Arrivals()
    for segments in range(0, 1000, 7):
        assert arrivals.add(segments * MSS, segments) == segments * MSS


def test_what_came_behind_a_hole_counts_when_it_comes():
    arrivals = Arrivals()
    arrivals.add(100 * MSS, 100)
    assert arrivals.add(100 * MSS, 150) == 150 * MSS
    assert arrivals.add(151 * MSS, 151) == 151 * MSS


def test_a_kernel_that_does_not_count_leaves_the_programs_count():
    arrivals = Arrivals()
    assert arrivals.add(1000, None) == 1000
    assert arrivals.add(5000, None) == 5000


STEPS = st.lists(st.tuples(st.integers(0, 100_000), st.none() | st.integers(0, 1000)), max_size=50)


@given(STEPS)
def test_arrivals_never_shrink_nor_fall_behind_what_the_program_had(steps):
    arrivals, ordered, before = Arrivals(), 0, 0.0
    for more, segments in steps:
        ordered += more
        now = arrivals.add(ordered, segments)
        assert now >= ordered
        assert now >= before
        before = now
