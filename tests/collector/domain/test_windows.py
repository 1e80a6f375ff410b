"""Window(day)."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.windows import window_of
from tests.collector.domain.build import MONDAY, a_day, an_observation


def days_of(window: tuple) -> list:
    return sorted({observation.day for observation in window})


def test_ten_days_with_a_test_are_enough_when_they_hold_twelve_tests() -> None:
    seen = [an_observation(day=a_day(index)) for index in range(15) for _ in range(2)]

    assert days_of(window_of(seen, a_day(14))) == [a_day(index) for index in range(5, 15)]


def test_one_test_a_day_reaches_back_to_the_twelfth() -> None:
    seen = [an_observation(day=a_day(index)) for index in range(15)]

    window = window_of(seen, a_day(14))

    assert len(window) == 12
    assert days_of(window)[0] == a_day(3)


def test_eleven_tests_on_ten_days_ask_for_one_day_more() -> None:
    seen = [an_observation(day=a_day(index)) for index in range(12)] + [an_observation(day=a_day(11))]

    assert len(window_of(seen, a_day(11))) == 12
    assert days_of(window_of(seen, a_day(11)))[0] == a_day(1)


def test_nine_full_days_do_not_stop_before_the_tenth() -> None:
    seen = [an_observation(day=a_day(index)) for index in range(12) for _ in range(6)]

    assert len(days_of(window_of(seen, a_day(11)))) == 10


def test_nothing_older_than_27_days() -> None:
    day = MONDAY + timedelta(days=27)
    seen = [an_observation(day=MONDAY), an_observation(day=MONDAY - timedelta(days=1)), an_observation(day=day)]

    assert days_of(window_of(seen, day)) == [MONDAY, day]


def test_later_days_and_the_order_of_rows_do_not_matter() -> None:
    seen = [an_observation(mbps=index, day=a_day(index)) for index in range(14)]

    window = window_of(list(reversed(seen)), a_day(5))

    assert [observation.day for observation in window] == [a_day(index) for index in range(6)]


def test_days_without_a_test_do_not_count() -> None:
    seen = [an_observation(day=a_day(index)) for index in range(0, 20, 2) for _ in range(2)]

    assert len(days_of(window_of(seen, a_day(18)))) == 10


@given(st.lists(st.integers(0, 40), max_size=80), st.integers(0, 40))
def test_a_window_is_whole_days_and_as_small_as_the_rule_allows(offsets: list[int], last: int) -> None:
    seen = [an_observation(day=MONDAY + timedelta(days=offset)) for offset in offsets]
    day = MONDAY + timedelta(days=last)

    window = window_of(seen, day)

    days = days_of(window)
    assert all(day - timedelta(days=27) <= each <= day for each in days)
    assert len(window) == sum(observation.day in days for observation in seen)
    if len(days) > 10:
        assert sum(observation.day != days[0] for observation in window) < 12
    reachable = {o.day for o in seen if day - timedelta(days=27) <= o.day <= day}
    if len(days) < 10 or len(window) < 12:
        assert set(days) == reachable
