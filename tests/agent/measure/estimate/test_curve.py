from hypothesis import given
from hypothesis import strategies as st

from agent.measure.estimate.curve import Curve, MergedCurve

POINTS = st.lists(st.tuples(st.floats(-1, 30), st.floats(0, 1e12)), max_size=60)


@given(POINTS, st.floats(-5, 40))
def test_a_curve_is_monotone_whatever_is_added(points, at_s):
    curve = Curve()
    for point in points:
        curve.add(*point)
    assert curve.totals == sorted(curve.totals)
    assert curve.times_s == sorted(set(curve.times_s))
    assert 0 <= curve.at(at_s) <= curve.total
    assert 0 <= curve.news_share() <= 1


def test_between_points_it_is_a_straight_line():
    curve = Curve()
    curve.add(2.0, 100)
    assert curve.at(1.0) == 50
    assert curve.at(-1.0) == 0
    assert curve.at(9.0) == 100


def test_lumps_are_seen():
    curve = Curve()
    for step in range(1, 101):
        curve.add(step * 0.02, step // 10 * 1000)
    assert abs(curve.news_gap_s() - 0.2) < 1e-9
    assert abs(curve.news_share() - 0.1) < 1e-9


def test_a_sum_is_known_only_as_far_as_every_receiver_has_spoken():
    merged = MergedCurve(2, patience_s=1.0)
    merged.add(0, 1.0, 100)
    assert merged.latest() is None
    merged.add(1, 0.5, 100)
    assert merged.latest() == (0.5, 150)
    assert merged.latest() is None
    assert merged.total == 200


def test_a_silent_or_closed_connection_does_not_hold_the_others_back():
    merged = MergedCurve(2, patience_s=1.0)
    merged.add(0, 3.0, 300)
    assert merged.latest() == (2.0, 200)
    merged.close(1)
    assert merged.latest() == (3.0, 300)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 20), st.floats(0, 1e9)), max_size=80))
def test_the_sum_never_falls_behind_nor_beyond_what_was_said(points):
    merged = MergedCurve(4, patience_s=2.0)
    last_s = 0.0
    for connection, at_s, total in points:
        merged.add(connection, at_s, total)
        latest = merged.latest()
        if latest:
            assert latest[0] > last_s
            assert latest[1] <= merged.total + 1e-6
            last_s = latest[0]
