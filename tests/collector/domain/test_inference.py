"""The interval against the published cut-offs and by property."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.inference import effective_size, wilson

NEVER = None
# n_e, share asked for: most that attain and still BELOW, fewest that attain and MEETS.
CUT_OFFS = [
    (6, 0.5, 0, 6),
    (6, 0.8, 3, NEVER),
    (6, 0.9, 4, NEVER),
    (10, 0.5, 2, 8),
    (10, 0.8, 5, NEVER),
    (10, 0.9, 7, NEVER),
    (12, 0.5, 3, 9),
    (12, 0.8, 7, 12),
    (12, 0.9, 9, NEVER),
    (20, 0.5, 6, 14),
    (20, 0.8, 13, 19),
    (20, 0.9, 15, NEVER),
    (30, 0.5, 10, 20),
    (30, 0.8, 20, 28),
    (30, 0.9, 24, 30),
    (60, 0.5, 23, 37),
    (60, 0.8, 42, 54),
    (60, 0.9, 50, 58),
]


@pytest.mark.parametrize(("n_e", "share", "most_below", "fewest_meets"), CUT_OFFS)
def test_the_cut_offs_are_those_of_the_method(
    n_e: int, share: float, most_below: int, fewest_meets: int | None
) -> None:
    below = [k for k in range(n_e + 1) if wilson(k / n_e, n_e).upper < share]
    meets = [k for k in range(n_e + 1) if wilson(k / n_e, n_e).lower >= share]

    assert max(below) == most_below
    assert min(meets, default=NEVER) == fewest_meets


def test_the_bounds_are_where_the_score_test_says() -> None:
    """Wilson's bounds are the shares p at which |a - p| = z sqrt(p (1 - p) / n)."""
    for a, n in ((0.0, 12.0), (0.2, 7.5), (0.7, 33.3), (1.0, 6.0)):
        interval = wilson(a, n, z=1.645)
        for p in (interval.lower, interval.upper):
            if 1e-9 < p < 1 - 1e-9:
                assert math.isclose(abs(a - p), 1.645 * math.sqrt(p * (1 - p) / n), rel_tol=1e-9)


def test_the_ends_are_closed() -> None:
    assert wilson(0.0, 12).lower == 0.0
    assert wilson(1.0, 12).upper == pytest.approx(1.0)
    assert wilson(1.0, 12).upper <= 1.0


@given(st.floats(0, 1), st.floats(0.5, 10_000))
def test_the_interval_holds_the_share_and_lies_in_the_unit(a: float, n: float) -> None:
    interval = wilson(a, n)

    assert 0.0 <= interval.lower <= a + 1e-12
    assert a - 1e-12 <= interval.upper <= 1.0


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1, 500))
def test_the_bounds_rise_with_the_share(a: float, b: float, n: float) -> None:
    low, high = sorted((a, b))

    assert wilson(low, n).lower <= wilson(high, n).lower + 1e-12
    assert wilson(low, n).upper <= wilson(high, n).upper + 1e-12


@given(st.floats(0, 1), st.floats(1, 500), st.floats(1.01, 10))
def test_more_tests_make_it_narrower(a: float, n: float, factor: float) -> None:
    few, many = wilson(a, n), wilson(a, n * factor)

    assert many.upper - many.lower <= few.upper - few.lower + 1e-12


@pytest.mark.parametrize(("share", "n_e"), [(-0.01, 10), (1.01, 10), (0.5, 0), (0.5, -1)])
def test_nonsense_has_no_interval(share: float, n_e: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        wilson(share, n_e)


@pytest.mark.parametrize(
    ("n", "days", "expected"),
    [(60, 10, 60 / 2.5), (20, 10, 20 / 1.3), (10, 10, 10.0), (44, 10, 44 / 2.02), (12, 1, 12 / 4.3), (1, 1, 1.0)],
)
def test_tests_of_one_day_are_worth_less(n: int, days: int, expected: float) -> None:
    assert effective_size(n, days, 0.3) == pytest.approx(expected)


def test_more_days_than_tests_are_worth_no_more_than_the_tests() -> None:
    assert effective_size(5, 10, 0.3) == 5


@pytest.mark.parametrize(("n", "days"), [(0, 1), (1, 0)])
def test_nothing_is_worth_nothing(n: int, days: int) -> None:
    with pytest.raises(ValueError, match="at least one test"):
        effective_size(n, days, 0.3)
