"""Arrivals behind a hole."""

from hypothesis import given
from hypothesis import strategies as st

from agent.measure.arrivals import REMEMBER, Arrivals

MSS = 1448


def test_nothing_held_back_is_what_the_program_had():
    arrivals = Arrivals()
    for segments in range(0, 1000, 7):
        assert arrivals.add(segments * MSS, segments, MSS) == segments * MSS


def test_what_came_behind_a_hole_counts_when_it_comes():
    arrivals = Arrivals()
    arrivals.add(0, 10, MSS)  # the first ten segments were none of the test's
    arrivals.add(90 * MSS, 100, MSS)
    assert arrivals.add(90 * MSS, 150, MSS) == 140 * MSS
    assert arrivals.add(90 * MSS, 170, MSS) == 160 * MSS
    assert arrivals.add(161 * MSS, 171, MSS) == 161 * MSS


def test_a_kernel_that_does_not_count_leaves_the_programs_count():
    arrivals = Arrivals()
    assert arrivals.add(1000, None, None) == 1000
    assert arrivals.add(5000, 100, None) == 5000
    assert arrivals.add(6000, None, MSS) == 6000


STEPS = st.lists(st.tuples(st.integers(0, 100_000), st.none() | st.integers(0, 1000)), max_size=50)


@given(STEPS, st.none() | st.integers(0, 9000))
def test_arrivals_never_shrink_nor_fall_behind_what_the_program_had(steps, segment_bytes):
    arrivals, ordered, before = Arrivals(), 0, 0.0
    for more, segments in steps:
        ordered += more
        now = arrivals.add(ordered, segments, segment_bytes)
        assert now >= ordered
        assert now >= before
        before = now


@given(st.lists(st.integers(1, MSS), min_size=1, max_size=400))
def test_small_segments_make_no_more_error_than_those_that_are_remembered(sizes):
    arrivals, ordered = Arrivals(), 0
    for count, size in enumerate(sizes, 1):
        ordered += size
        assert arrivals.add(ordered, count, MSS) - ordered <= max(MSS * REMEMBER, 0)
