"""Two seconds of line, 10 to 100 MB, and never more than is left."""

from hypothesis import given
from hypothesis import strategies as st

from agent.schedule.budget import (
    FEWEST_USEFUL_BYTES,
    MB,
    METERED,
    Allowance,
    Caps,
    allow,
    direction_bytes,
    left_bytes,
    tightest,
)

MBIT = 1_000_000


def test_a_direction_may_spend_two_seconds_of_the_faster_of_history_and_target() -> None:
    assert direction_bytes(100 * MBIT, 20 * MBIT) == 25 * MB
    assert direction_bytes(5 * MBIT, 80 * MBIT) == 20 * MB


def test_slow_and_unknown_lines_may_spend_ten_fast_ones_a_hundred() -> None:
    assert direction_bytes(None) == direction_bytes(1 * MBIT, 2 * MBIT) == 10 * MB
    assert direction_bytes(1_000 * MBIT) == 100 * MB
    assert direction_bytes(1_000 * MBIT, most_bytes=1 * MB) == 1 * MB


def test_what_is_left_is_the_smaller_of_day_and_month() -> None:
    assert left_bytes(Caps(), 100 * MB, 100 * MB) == 200 * MB
    assert left_bytes(Caps(), 0, 3_990 * MB) == 10 * MB
    assert left_bytes(METERED, 25 * MB, 25 * MB) == 0


def test_a_test_gets_what_it_wants_or_its_share_of_what_is_left() -> None:
    assert allow(10 * MB, 10 * MB, 300 * MB, Caps()) == Allowance(10 * MB, 10 * MB)
    assert allow(30 * MB, 10 * MB, 20 * MB, Caps()) == Allowance(15 * MB, 5 * MB)


def test_the_collectors_cap_on_a_test_is_one_of_each_direction() -> None:
    assert allow(100 * MB, 100 * MB, 300 * MB, Caps(test_bytes=100 * MB)) == Allowance(100 * MB, 100 * MB)
    assert allow(30 * MB, 5 * MB, 300 * MB, Caps(test_bytes=8 * MB)) == Allowance(8 * MB, 5 * MB)
    assert allow(30 * MB, 30 * MB, 12 * MB, Caps(test_bytes=8 * MB)) == Allowance(6 * MB, 6 * MB)


def test_too_little_is_no_test() -> None:
    assert allow(10 * MB, 10 * MB, 0, Caps()) is None
    assert allow(10 * MB, 10 * MB, 399_999, Caps()) is None
    assert allow(10 * MB, 10 * MB, 400_000, Caps()) == Allowance(200_000, 200_000)


def test_the_tightest_of_all_caps_counts() -> None:
    ours, theirs = Caps(), Caps(day_bytes=50 * MB, month_bytes=9_000 * MB, test_bytes=30 * MB)

    assert tightest(ours, theirs) == Caps(50 * MB, 4_000 * MB, 30 * MB)
    assert tightest(ours, theirs, METERED) == Caps(20 * MB, 400 * MB, 30 * MB)


@given(
    prior=st.none() | st.floats(0, 1e12),
    target=st.none() | st.floats(0, 1e12),
    day=st.integers(0, 10**9),
    month=st.integers(0, 10**10),
    test=st.none() | st.integers(0, 10**9),
)
def test_nothing_is_ever_allowed_beyond_what_is_left(
    prior: float | None, target: float | None, day: int, month: int, test: int | None
) -> None:
    wanted = direction_bytes(prior, target)
    assert 10 * MB <= wanted <= 100 * MB
    left = left_bytes(Caps(), day, month)

    found = allow(wanted, wanted, left, Caps(test_bytes=test))

    if found is not None:
        assert found.reserved_bytes <= min(left, 2 * wanted, left if test is None else 2 * test)
        assert min(found.max_bytes_download, found.max_bytes_upload) >= FEWEST_USEFUL_BYTES
