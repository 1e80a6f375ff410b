"""Whether a busy line answers late: at the edges of the rule, and by a window that is the verdict's."""

from datetime import date, timedelta
from random import Random
from typing import Any

from collector.domain.conditions import DayState
from collector.domain.observations import Observation
from collector.domain.slow_response import DelayDay, Limit, observe, window_of
from collector.domain.windows import window_of as window_of_tests

FIRST = date(2026, 11, 2)
LIMIT = Limit(200.0, 0.8)


def days(
    slow: list[int], n: int = 4, limit_ms: float = 200.0, loaded_ms: float = 300.0, idle_ms: float = 40.0
) -> list[DelayDay]:
    """Return one day of so many tests for each number of slow ones."""
    return [
        DelayDay(FIRST + timedelta(days=at), n, n, late, limit_ms, loaded_ms, idle_ms) for at, late in enumerate(slow)
    ]


def said(window: list[DelayDay], limit: Limit = LIMIT, *, is_satellite: bool = False) -> Any:
    found = observe(window, limit, is_satellite=is_satellite)
    return None if found is None else (found.state, found.numbers)


def test_a_day_is_bad_only_where_chance_is_no_excuse_and_it_is_a_habit() -> None:
    table = [
        ([2] * 10, DayState.BAD),  # 20 of 40, effective 21.1: the true share is under 0.68
        ([1] * 10, DayState.UNKNOWN),  # 30 of 40 in time: under 0.8, and 0.8 lies within the interval
        ([1] * 8 + [0] * 2, DayState.GOOD),  # 32 of 40: exactly what is needed
        ([4, 4] + [0] * 8, DayState.GOOD),
        ([4, 4, 0, 0, 0], DayState.UNKNOWN),  # two days of faults are no habit, whatever their share
        ([4, 4, 1, 0, 0], DayState.BAD),
    ]
    for slow, state in table:
        found, numbers = said(days(slow))
        assert found is state, slow
        assert (numbers["n"], numbers["slow"], numbers["days"]) == (4 * len(slow), sum(slow), len(slow))
        assert numbers["lower"] <= numbers["share"] <= numbers["upper"]


def test_nothing_is_said_of_too_few_tests_days_or_another_limit() -> None:
    eleven = [*days([2] * 5, n=2), DelayDay(FIRST + timedelta(days=5), 1, 1, 1, 200.0, 300.0, 40.0)]
    assert said(eleven)[0] is DayState.UNKNOWN and said(days([2] * 6, n=2))[0] is DayState.BAD
    assert said(days([4] * 4))[0] is DayState.UNKNOWN
    moved = [*days([4] * 6, limit_ms=300.0), days([4] * 7)[-1]]
    found, numbers = said(moved)
    assert (found, numbers["n"], numbers["from_day"]) == (DayState.UNKNOWN, 4, "2026-11-08")
    there_and_back = days([4] * 8)
    there_and_back[2] = there_and_back[2]._replace(limit_ms=300.0)
    found, numbers = said(there_and_back)  # without a gap, as the list of its tests is
    assert (found, numbers["n"], numbers["from_day"]) == (DayState.BAD, 20, "2026-11-05")
    assert said([*days([4] * 6), DelayDay(FIRST + timedelta(days=9), 3, 0, 0, 200.0, None, 40.0)]) is None
    assert said(days([4] * 6), Limit(None, 0.8)) == (DayState.GOOD, {})  # nobody asks any more: the flag may close


def test_severity_is_how_far_the_typical_day_is_over_the_limit() -> None:
    for loaded_ms, severity in (
        (180.0, "mild"),
        (250.0, "mild"),
        (251.0, "serious"),
        (400.0, "serious"),
        (401.0, "severe"),
    ):
        assert said(days([4] * 6, loaded_ms=loaded_ms))[1]["severity"] == severity


def test_of_a_satellite_nothing_is_asked_that_its_way_forbids_unless_the_profile_does() -> None:
    geo, leo = days([4] * 6, loaded_ms=900.0, idle_ms=600.0), days([4] * 6, idle_ms=45.0)
    found, numbers = said(geo, is_satellite=True)
    assert found is DayState.UNKNOWN and numbers["is_far"]
    assert said(leo, is_satellite=True)[0] is said(geo)[0] is DayState.BAD
    assert said(geo, Limit(200.0, 0.8, is_of_profile=True), is_satellite=True)[0] is DayState.BAD


def test_the_window_is_the_one_of_the_verdict() -> None:
    chance = Random(7)
    for _ in range(200):
        dates = sorted(chance.sample([FIRST + timedelta(days=at) for at in range(60)], chance.randint(1, 40)))
        found = [DelayDay(day, chance.choice((0, 1, 2, 6)), 0, 0, 200.0, None, None) for day in dates]
        found[-1] = found[-1]._replace(voting=2)
        tests = [Observation(one.day, 1, 1, False, None, None) for one in found for _ in range(one.voting)]
        wanted = sorted({test.day for test in window_of_tests(tests, dates[-1])})
        assert [one.day for one in window_of(found)] == wanted
