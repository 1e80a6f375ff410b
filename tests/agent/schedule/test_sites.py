"""Learning sites are looked at once an hour in school hours, whatever the clocks do."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.schedule.sites import is_due
from agent.schedule.windows import Window

MIN_MS = 60_000
HOUR_MS = 60 * MIN_MS
DAY = (Window(8 * HOUR_MS, 10 * HOUR_MS), Window(10 * HOUR_MS, 12 * HOUR_MS))


def test_only_in_school_hours() -> None:
    assert is_due(8 * HOUR_MS, DAY, None) and is_due(12 * HOUR_MS - 1, DAY, None)
    assert not is_due(8 * HOUR_MS - 1, DAY, None) and not is_due(12 * HOUR_MS, DAY, None)
    assert not is_due(9 * HOUR_MS, (), None)


def test_once_an_hour() -> None:
    assert not is_due(9 * HOUR_MS, DAY, 8 * HOUR_MS + 8 * MIN_MS)
    assert is_due(9 * HOUR_MS, DAY, 8 * HOUR_MS + 7 * MIN_MS)
    assert is_due(9 * HOUR_MS, DAY, 11 * HOUR_MS)  # the clock was wrong then


@given(st.lists(st.floats(13.5, 16.5), min_size=96, max_size=96))
def test_a_day_of_light_probes_looks_about_once_in_each_hour(gaps_min: list[float]) -> None:
    now_ms, last_ms, looks = 0, None, []
    for gap in gaps_min:
        now_ms += round(gap * MIN_MS)
        if is_due(now_ms, DAY, last_ms):
            last_ms = now_ms
            looks.append(now_ms)
    assert 4 <= len(looks) <= 5
    assert all(53 * MIN_MS <= later - before <= 70 * MIN_MS for before, later in pairwise(looks))
