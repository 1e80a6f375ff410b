"""One planned test a week, inside opening time, and spread over a computer's first week."""

from hypothesis import given
from hypothesis import strategies as st

from agent.schedule.calibration import as_if_last, is_due
from agent.schedule.windows import WEEK_MS, Window
from agent.wire.vocabulary import Trigger

NOW_MS = 1_795_525_509_123
OPEN = (Window(NOW_MS - 3_600_000, NOW_MS + 3_600_000),)
TIMES = st.integers(0, 7_258_118_400_000)


def test_a_week_after_the_last_one() -> None:
    assert is_due(NOW_MS, OPEN, Trigger.WINDOW, NOW_MS - WEEK_MS)
    assert not is_due(NOW_MS, OPEN, Trigger.WINDOW, NOW_MS - WEEK_MS + 1)


def test_only_inside_opening_time_and_only_in_the_place_of_a_planned_test() -> None:
    assert not is_due(NOW_MS, (), Trigger.WINDOW, 0)
    assert not is_due(OPEN[0].to_ms, OPEN, Trigger.WINDOW, 0)
    for trigger in set(Trigger) - {Trigger.WINDOW}:
        assert not is_due(NOW_MS, OPEN, trigger, 0)


def test_a_last_one_in_the_future_is_a_clock_s_mistake() -> None:
    assert not is_due(NOW_MS, OPEN, Trigger.WINDOW, NOW_MS + 10 * WEEK_MS)


@given(TIMES, st.text(max_size=40))
def test_the_first_comes_within_a_week_and_not_for_all_at_once(now_ms: int, seed: str) -> None:
    last_ms = as_if_last(now_ms, seed)
    assert now_ms - WEEK_MS < last_ms <= now_ms
    assert last_ms == as_if_last(now_ms, seed)


def test_computers_of_one_afternoon_are_spread_over_the_week() -> None:
    days = {(NOW_MS - as_if_last(NOW_MS, f"seed {number}")) * 7 // WEEK_MS for number in range(100)}
    assert days == set(range(7))
