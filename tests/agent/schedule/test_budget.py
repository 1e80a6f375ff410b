"""Two seconds of line, 10 to 100 MB, and never more than is left."""

from hypothesis import given
from hypothesis import strategies as st

from agent.measure.sockets.cap import LAST_BYTES
from agent.measure.wirecost import payload_within
from agent.schedule.budget import (
    FEWEST_USEFUL_BYTES,
    MB,
    Allowance,
    Caps,
    allow,
    asked,
    calibration,
    calibration_bytes,
    direction_bytes,
    halves,
    insisted,
    left_bytes,
    tightest,
)

MBIT = 1_000_000
METERED = Caps(day_bytes=20 * MB, month_bytes=400 * MB)


def test_a_direction_may_spend_two_seconds_of_its_history() -> None:
    assert direction_bytes(100 * MBIT) == 25 * MB
    assert direction_bytes(80 * MBIT) == 20 * MB


def test_slow_and_unknown_lines_may_spend_ten_fast_ones_a_hundred() -> None:
    assert direction_bytes(None) == direction_bytes(2 * MBIT) == 10 * MB
    assert direction_bytes(1_000 * MBIT) == 100 * MB


def test_what_is_left_is_the_smaller_of_day_and_month() -> None:
    assert left_bytes(Caps(), 100 * MB, 100 * MB) == 200 * MB
    assert left_bytes(Caps(), 0, 3_990 * MB) == 10 * MB
    assert left_bytes(METERED, 25 * MB, 25 * MB) == 0


def test_a_test_gets_what_it_wants_or_its_share_of_what_is_left() -> None:
    assert allow(10 * MB, 10 * MB, 300 * MB, Caps()) == Allowance(10 * MB, 10 * MB, 20 * MB)
    assert allow(30 * MB, 10 * MB, 20 * MB, Caps()) == Allowance(15 * MB, 5 * MB, 20 * MB)


def test_the_collectors_cap_on_a_test_is_one_of_each_direction() -> None:
    assert allow(100 * MB, 100 * MB, 300 * MB, Caps(test_bytes=100 * MB)) == Allowance(100 * MB, 100 * MB, 200 * MB)
    assert allow(30 * MB, 5 * MB, 300 * MB, Caps(test_bytes=8 * MB)) == Allowance(8 * MB, 5 * MB, 13 * MB)
    assert allow(30 * MB, 30 * MB, 12 * MB, Caps(test_bytes=8 * MB)) == Allowance(6 * MB, 6 * MB, 12 * MB)


def test_too_little_is_no_test() -> None:
    assert allow(10 * MB, 10 * MB, 0, Caps()) is None
    assert allow(10 * MB, 10 * MB, 499_999, Caps()) is None
    assert allow(10 * MB, 10 * MB, 500_000, Caps()) == Allowance(250_000, 250_000, 500_000)


def test_the_least_that_is_allowed_is_enough_for_a_test_that_counts() -> None:
    frames_bytes = 4 * LAST_BYTES  # that four connections may stop short of their shares

    assert payload_within(FEWEST_USEFUL_BYTES) - frames_bytes >= 200_000


def test_a_test_without_a_cap_of_its_own_is_still_one_within_the_budget() -> None:
    assert asked(0, 30 * MB) == Allowance(15 * MB, 15 * MB, 30 * MB)
    assert asked(0, 499_999) is None
    assert asked(4 * MB, 30 * MB) == Allowance(2 * MB, 2 * MB, 4 * MB)
    assert asked(40 * MB, 30 * MB) == Allowance(15 * MB, 15 * MB, 30 * MB)
    assert asked(300_000, 400_000) == Allowance(150_000, 150_000, 300_000)
    assert asked(300_000, 299_999) is None


def test_who_insists_gets_it_and_it_is_reserved() -> None:
    assert insisted(None, 20 * MB, 10 * MB, 0) == Allowance(20 * MB, 10 * MB, 30 * MB)
    assert insisted(4 * MB, 20 * MB, 10 * MB, 0) == Allowance(2 * MB, 2 * MB, 4 * MB)
    assert insisted(0, 20 * MB, 10 * MB, 90 * MB) == Allowance(0, 0, 90 * MB)
    assert insisted(0, 20 * MB, 10 * MB, 0) == Allowance(0, 0, 30 * MB)


def test_a_lease_leaves_each_direction_its_part() -> None:
    assert asked(0, 300 * MB, (60 * MB, 20 * MB)) == Allowance(60 * MB, 20 * MB, 80 * MB)
    assert asked(100 * MB, 300 * MB, (60 * MB, 20 * MB)) == Allowance(50 * MB, 20 * MB, 70 * MB)
    assert asked(0, 30 * MB, (60 * MB, 20 * MB)) == Allowance(15 * MB, 15 * MB, 30 * MB)
    assert insisted(0, 60 * MB, 20 * MB, 0, (60 * MB, 20 * MB)) == Allowance(60 * MB, 20 * MB, 80 * MB)
    assert insisted(4 * MB, 60 * MB, 20 * MB, 0, (60 * MB, MB)) == Allowance(2 * MB, MB, 3 * MB)
    assert insisted(0, 60 * MB, 20 * MB, 0, (60 * MB, 0)).max_bytes_upload == 1  # 0 would be no cap


def test_a_calibration_gets_its_full_time_or_is_none() -> None:
    lots, prior = 1_000 * MB, (20.0 * MBIT, 4.0 * MBIT)
    assert calibration(prior, (100 * MB, 100 * MB), lots, Caps()) == Allowance(37_500_000, 7_500_000, 45_000_000)
    assert calibration(prior, (27_500_000, 100 * MB), lots, Caps()) == Allowance(27_500_000, 7_500_000, 35_000_000)
    assert calibration(prior, (27_499_999, 100 * MB), lots, Caps()) is None  # it would end before ten seconds
    assert calibration(prior, (100 * MB, 100 * MB), lots, Caps(test_bytes=27_000_000)) is None
    assert calibration(prior, (100 * MB, 100 * MB), 90 * MB, Caps()) is not None
    assert calibration(prior, (100 * MB, 100 * MB), 90 * MB - 1, Caps()) is None  # half of it is for the other tests
    assert calibration((None, 4.0 * MBIT), (100 * MB, 100 * MB), lots, Caps()) is None
    assert (calibration_bytes(20.0 * MBIT), calibration_bytes(None)) == (37_500_000, 0)


@given(st.integers(0, 10**12))
def test_only_no_cap_becomes_no_cap(whole: int) -> None:
    down, up = halves(whole)

    assert (down == 0) == (up == 0) == (whole == 0)
    assert down + up == max(whole, 2 if whole else 0)


def test_the_tightest_of_all_caps_counts() -> None:
    ours, theirs = Caps(), Caps(day_bytes=50 * MB, month_bytes=9_000 * MB, test_bytes=30 * MB)

    assert tightest(ours, theirs) == Caps(50 * MB, 4_000 * MB, 30 * MB)
    assert tightest(ours, theirs, METERED) == Caps(20 * MB, 400 * MB, 30 * MB)


@given(
    prior=st.none() | st.floats(0, 1e12),
    day=st.integers(0, 10**9),
    month=st.integers(0, 10**10),
    test=st.none() | st.integers(0, 10**9),
)
def test_nothing_is_ever_allowed_beyond_what_is_left(
    prior: float | None, day: int, month: int, test: int | None
) -> None:
    wanted = direction_bytes(prior)
    assert 10 * MB <= wanted <= 100 * MB
    left = left_bytes(Caps(), day, month)

    found = allow(wanted, wanted, left, Caps(test_bytes=test))

    if found is not None:
        assert found.reserved_bytes <= min(left, 2 * wanted, left if test is None else 2 * test)
        assert min(found.max_bytes_download, found.max_bytes_upload) >= FEWEST_USEFUL_BYTES
