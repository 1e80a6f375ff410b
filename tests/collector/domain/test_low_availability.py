"""Which school days say that a line goes down too often."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.conditions import DayState
from collector.domain.low_availability import Counted, observations, observe

FIRST = date(2026, 11, 2)


def days(*down: int | None) -> list[Counted]:
    """Return days of 120 slots; None: nobody saw anything."""
    return [
        Counted(FIRST + timedelta(days=at), 0, 0, 120)
        if one is None
        else Counted(FIRST + timedelta(days=at), 120 - one, one, 0)
        for at, one in enumerate(down)
    ]


def test_a_line_that_fails_day_after_day_is_bad() -> None:
    seen = observe(days(0, 0, 12, 0, 12, 0, 12, 0, 0, 0))
    assert seen.state is DayState.BAD
    assert seen.numbers() == {
        "from_day": "2026-11-02", "days": 10, "seen_days": 10, "down_days": 3, "good_slots": 1164, "down_slots": 36,
        "unobserved_slots": 0, "availability": 0.97, "coverage": 1.0, "goal": 0.98,
        "severity": "mild",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given_days", "state"),
    [
        ([0] * 10, DayState.GOOD),
        ([0] * 9 + [120], DayState.GOOD),  # one long outage is no habit
        ([0] * 8 + [120, 120], DayState.GOOD),
        ([3, 3, 3, 3, 3, 3, 3, 0, 0, 0], DayState.GOOD),  # 98.25 %
        ([3] * 8 + [0, 0], DayState.GOOD),  # 98.0 % is what is asked for
        ([3] * 9 + [0], DayState.BAD),
        ([2] * 10 + [40], DayState.GOOD),
        ([40] * 4, DayState.UNKNOWN),  # too few days
        ([40] * 9 + [None], DayState.UNKNOWN),  # that day nobody saw anything: silence changes nothing
        ([None] * 5 + [40] * 5, DayState.BAD),
        ([None] * 6 + [40] * 4, DayState.UNKNOWN),
        ([40] * 5 + [0] * 10, DayState.GOOD),  # only ten days count
    ],
)
def test_a_day_is_held_against_the_ten_up_to_it(given_days: list[int | None], state: DayState) -> None:
    assert observe(days(*given_days)).state is state


def test_the_profile_says_how_much_is_enough() -> None:
    given_days = days(*[3] * 10)
    assert observe(given_days, 97.5).state is DayState.GOOD
    assert observe(given_days, 97.6).state is DayState.BAD


@given(st.lists(st.one_of(st.none(), st.integers(0, 120)), min_size=1, max_size=30), st.integers(0, 29))
def test_each_day_is_seen_as_if_it_were_the_last_one(down: list[int | None], first: int) -> None:
    given_days = days(*down)
    since = FIRST + timedelta(days=first)
    found = observations(given_days, since, lambda day: 98.0)
    assert found == [observe(given_days[: at + 1]) for at, one in enumerate(given_days) if one.day >= since]


def test_a_day_on_hold_moves_no_flag_and_counts_in_the_window() -> None:
    window = days(*[12] * 10)
    on_hold = observe([*window[:-1], replace(window[-1], is_on_hold=True)])
    plain = observe(window)
    assert (on_hold.state, plain.state) == (DayState.UNKNOWN, DayState.BAD)
    assert (on_hold.good, on_hold.down, on_hold.down_days) == (plain.good, plain.down, plain.down_days)
