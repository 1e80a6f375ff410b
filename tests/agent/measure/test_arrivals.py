"""Arrivals behind a hole."""

from hypothesis import given
from hypothesis import strategies as st

from agent.measure.arrivals import Arrivals

MSS = 1448


def test_nothing_held_back_is_what_the_program_had():
    arrivals = Arrivals()
    for count in range(0, 1000, 7):
        assert arrivals.add(count * MSS / 3, 0, MSS) == count * MSS / 3


def test_what_came_behind_a_hole_counts_when_it_comes():
    arrivals = Arrivals()
    arrivals.add(90 * MSS, 0, MSS)
    assert arrivals.add(91 * MSS, 49, MSS) == 139 * MSS
    assert arrivals.add(91 * MSS, 69, MSS) == 159 * MSS
    assert arrivals.add(161 * MSS, 69, MSS) == 161 * MSS  # the hole is filled
    assert arrivals.add(181 * MSS, 69, MSS) == 181 * MSS


def test_a_kernel_that_does_not_count_leaves_the_programs_count():
    arrivals = Arrivals()
    assert arrivals.add(1000, None, None) == 1000
    assert arrivals.add(5000, 100, None) == 5000
    assert arrivals.add(6000, None, MSS) == 6000


STEPS = st.lists(st.tuples(st.integers(0, 100_000), st.none() | st.integers(0, 1000)), max_size=50)


@given(STEPS, st.none() | st.integers(0, 9000))
def test_arrivals_never_shrink_nor_fall_behind_what_the_program_had(steps, segment_bytes):
    arrivals, ordered, before = Arrivals(), 0, 0.0
    for more, held in steps:
        ordered += more
        now = arrivals.add(ordered, held, segment_bytes)
        assert now >= ordered
        assert now >= before
        before = now


@given(st.lists(st.booleans(), min_size=1, max_size=300))
def test_arrivals_are_never_more_than_what_came(comes):
    """Full segments, some lost; a lost one is sent again after ten others and fills its hole."""
    arrivals, received, lost, held = Arrivals(), set(), [], 0
    for number, came in enumerate(comes):
        if lost and number - lost[0] >= 10:
            received.add(lost.pop(0))
        if came:
            held += any(missing < number for missing in lost)
            received.add(number)
        else:
            lost.append(number)
        ordered = min(lost) if lost else number + 1
        assert arrivals.add(ordered * MSS, held, MSS) <= len(received) * MSS
