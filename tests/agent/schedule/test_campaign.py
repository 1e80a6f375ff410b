"""Tests that a person has asked for: one in each part of their windows, spread, and never made good later."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.schedule.campaign import MIN_GAP_MS, next_asked
from agent.schedule.due import Due
from agent.wire.vocabulary import Trigger

MONDAY_MS = 1_795_996_800_000
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
MORNING = [MONDAY_MS + 5 * HOUR_MS, MONDAY_MS + 7 * HOUR_MS, 6]
EVENING = [MONDAY_MS + 17 * HOUR_MS, MONDAY_MS + 19 * HOUR_MS, 6]
PART_MS = 20 * MINUTE_MS
TIMES = st.integers(0, 7_258_118_400_000)


def run(from_ms: int, to_ms: int, *, seed: str = "lab", step_ms: int = MINUTE_MS) -> list[int]:
    """Return when a computer that is on from one moment to another begins its tests."""
    made: list[int] = []
    for now_ms in range(from_ms, to_ms, step_ms):
        due = next_asked(now_ms, [MORNING, EVENING], made, seed)
        if due is not None and due.at_ms <= now_ms:
            assert due.trigger is Trigger.CAMPAIGN
            made.append(now_ms)
    return made


def test_all_of_a_day_are_made_one_in_each_part() -> None:
    made = run(MONDAY_MS, MONDAY_MS + 24 * HOUR_MS)
    parts = [
        (at_ms - window[0]) // PART_MS
        for window in (MORNING, EVENING)
        for at_ms in made
        if window[0] <= at_ms < window[1]
    ]
    assert parts == [0, 1, 2, 3, 4, 5] * 2
    assert all(later - at_ms >= MIN_GAP_MS for at_ms, later in pairwise(made))
    assert not any(at_ms % HOUR_MS < MINUTE_MS for at_ms in made)


def test_two_computers_test_at_other_moments() -> None:
    assert run(MONDAY_MS, MONDAY_MS + 8 * HOUR_MS) != run(MONDAY_MS, MONDAY_MS + 8 * HOUR_MS, seed="office")


def test_a_computer_that_comes_on_late_tests_in_what_is_left() -> None:
    late_ms = MORNING[0] + 3 * PART_MS + 15 * MINUTE_MS
    made = run(late_ms, MONDAY_MS + 12 * HOUR_MS)
    assert made[0] - late_ms < 2 * MINUTE_MS and len(made) == 3


def test_nothing_is_made_good_outside_the_windows() -> None:
    assert run(MORNING[1], EVENING[0]) == []
    assert next_asked(EVENING[1], [MORNING, EVENING], [], "lab") is None


def test_a_test_of_the_schedule_stands_for_the_one_of_its_part() -> None:
    first = next_asked(MONDAY_MS, [MORNING], [], "lab")
    second = next_asked(MORNING[0] + 6 * MINUTE_MS, [MORNING], [MORNING[0] + 5 * MINUTE_MS], "lab")
    assert first is not None and second is not None
    assert first.at_ms < MORNING[0] + PART_MS <= second.at_ms


@pytest.mark.parametrize(
    "wanted", [[[]], [[1]], [[1, 2]], [[2, 1, 5]], [[1, 9, 0]], [[1, 9, 21]], [[1, 9, -3]], [[1, 2, 3, 4]]]
)
def test_what_makes_no_sense_counts_as_not_said(wanted: list[list[int]]) -> None:
    assert next_asked(0, wanted, [], "lab") is None


@given(TIMES, st.lists(st.lists(st.integers(-(2**53), 2**53), max_size=4), max_size=4), st.lists(TIMES, max_size=4))
def test_whatever_is_said_the_next_test_is_not_in_the_past(
    now_ms: int, wanted: list[list[int]], tests: list[int]
) -> None:
    due = next_asked(now_ms, wanted, tests, "lab", utc_offset_min=330)
    assert due is None or (isinstance(due, Due) and due.at_ms >= now_ms)
