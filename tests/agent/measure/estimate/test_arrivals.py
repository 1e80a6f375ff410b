"""Arrivals behind a hole."""

from hypothesis import given
from hypothesis import strategies as st

from agent.measure.estimate.arrivals import Arrivals, Segments

MSS = 1448


def test_nothing_held_back_is_what_the_program_had():
    arrivals = Arrivals()
    for count in range(0, 1000, 7):  # segments of a third: a proxy passes on what it reads
        assert arrivals.add(count * MSS / 3, Segments(count, 0, MSS)) == count * MSS / 3


def test_what_came_behind_a_hole_counts_when_it_comes():
    arrivals = Arrivals()
    arrivals.add(0, Segments(0, 0, MSS))
    arrivals.add(90 * MSS, Segments(90, 0, MSS))
    assert arrivals.add(91 * MSS, Segments(140, 49, MSS)) == 140 * MSS
    assert arrivals.add(91 * MSS, Segments(160, 69, MSS)) == 160 * MSS
    assert arrivals.add(161 * MSS, Segments(161, 69, MSS)) == 161 * MSS  # the hole is filled
    assert arrivals.add(181 * MSS, Segments(181, 69, MSS)) == 181 * MSS


def test_behind_a_hole_segments_are_as_large_as_they_were():
    arrivals = Arrivals()
    arrivals.add(0, Segments(0, 0, MSS))
    arrivals.add(50 * MSS, Segments(100, 0, MSS))
    assert arrivals.add(50 * MSS, Segments(120, 20, MSS)) == 60 * MSS


def test_a_kernel_that_does_not_count_leaves_the_programs_count():
    arrivals = Arrivals()
    assert arrivals.add(1000, None) == 1000
    assert arrivals.add(5000, None) == 5000


STEPS = st.lists(
    st.tuples(st.integers(0, 100_000), st.none() | st.builds(Segments, *[st.integers(0, 9000)] * 3)), max_size=50
)


@given(STEPS)
def test_arrivals_never_shrink_nor_fall_behind_what_the_program_had(steps):
    arrivals, ordered, before = Arrivals(), 0, 0.0
    for more, segments in steps:
        ordered += more
        now = arrivals.add(ordered, segments)
        assert now >= ordered
        assert now >= before
        before = now


@given(st.lists(st.booleans(), min_size=1, max_size=300))
def test_arrivals_are_what_came(comes):
    """Full segments, some lost; a lost one is sent again after ten others and fills its hole."""
    arrivals, received, lost, held = Arrivals(), set(), [], 0
    arrivals.add(0, Segments(0, 0, MSS))
    for number, came in enumerate(comes):
        if lost and number - lost[0] >= 10:
            received.add(lost.pop(0))
        if came:
            held += any(missing < number for missing in lost)
            received.add(number)
        else:
            lost.append(number)
        ordered = min(lost) if lost else number + 1
        arrived = arrivals.add(ordered * MSS, Segments(len(received), held, MSS))
        assert arrived <= len(received) * MSS * (1 + 1e-9)
