"""Windows on the collector's clock, whatever this computer's says."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.reading import Reading
from agent.schedule.windows import DAY_MS, WEEK_MS, Window, true_time_ms, windows_around

MONDAY_MS = 1_795_996_800_000 - 1_795_996_800_000 % DAY_MS  # 2026-11-30
HOUR_MS = 3_600_000
BOOT, OTHER_BOOT = "a" * 32, "b" * 32


def school_fortnight(from_ms: int) -> list[list[int]]:
    """Three windows on each of ten weekdays, as the collector sends them."""
    days = [from_ms + day * DAY_MS for day in range(14) if (day % 7) < 5]
    return [[day + hour * HOUR_MS, day + (hour + 3) * HOUR_MS] for day in days for hour in (7, 10, 13)]


def test_the_collectors_clock_goes_on_by_the_monotonic_one() -> None:
    answer = Reading(server_time_ms=MONDAY_MS, mono_ms=1_000, boot_id=BOOT)

    assert true_time_ms(answer, wall_ms=0, mono_ms=61_000, boot_id=BOOT) == MONDAY_MS + 60_000


def test_after_a_restart_the_wall_clock_counts_but_never_back_before_the_last_answer() -> None:
    answer = Reading(server_time_ms=MONDAY_MS, mono_ms=1_000, boot_id=BOOT)

    late_ms = true_time_ms(answer, wall_ms=MONDAY_MS + DAY_MS, mono_ms=5, boot_id=OTHER_BOOT)
    wrong_ms = true_time_ms(answer, wall_ms=0, mono_ms=5, boot_id=OTHER_BOOT)

    assert late_ms == MONDAY_MS + DAY_MS
    assert wrong_ms == MONDAY_MS
    assert true_time_ms(None, wall_ms=77, mono_ms=5, boot_id=BOOT) == 77


def test_told_windows_are_used_as_told() -> None:
    told = school_fortnight(MONDAY_MS)

    found = windows_around(MONDAY_MS, told, told_at_ms=MONDAY_MS)

    assert [[one.from_ms, one.to_ms] for one in found] == [pair for pair in told if pair[0] < MONDAY_MS + 8 * DAY_MS]


def test_beyond_the_fortnight_the_last_week_repeats() -> None:
    told = school_fortnight(MONDAY_MS)
    later = MONDAY_MS + 10 * WEEK_MS

    found = windows_around(later, told, told_at_ms=MONDAY_MS)

    expected = [(one[0] + 10 * WEEK_MS, one[1] + 10 * WEEK_MS) for one in school_fortnight(MONDAY_MS)]
    assert [(one.from_ms, one.to_ms) for one in found] == [one for one in expected if one[0] < later + 8 * DAY_MS]


def test_a_school_that_is_closed_stays_closed() -> None:
    assert windows_around(MONDAY_MS, [], told_at_ms=MONDAY_MS) == ()
    assert windows_around(MONDAY_MS + 5 * WEEK_MS, [], told_at_ms=MONDAY_MS) == ()


def test_without_settings_the_default_calendar_counts_in_local_time() -> None:
    found = windows_around(MONDAY_MS + 12 * HOUR_MS, None, utc_offset_min=-240)

    assert found[0] == Window(MONDAY_MS + 11 * HOUR_MS, MONDAY_MS + 14 * HOUR_MS + 20 * 60_000)
    assert len([one for one in found if one.from_ms < MONDAY_MS + 7 * DAY_MS]) == 15


def test_nonsense_among_the_windows_is_left_out() -> None:
    told = [[5, 5], [9, 3], [MONDAY_MS, MONDAY_MS + 100], [MONDAY_MS + 50, MONDAY_MS + 200], [1]]

    assert windows_around(MONDAY_MS, told, told_at_ms=MONDAY_MS) == (Window(MONDAY_MS, MONDAY_MS + 100),)


@given(
    now_ms=st.integers(0, 7_000_000_000_000),
    told=st.none() | st.lists(st.lists(st.integers(0, 7_000_000_000_000), min_size=2, max_size=2), max_size=30),
    told_at_ms=st.none() | st.integers(0, 7_000_000_000_000),
    offset_min=st.integers(-900, 900),
)
def test_windows_are_ordered_apart_near_and_few(
    now_ms: int, told: list[list[int]] | None, told_at_ms: int | None, offset_min: int
) -> None:
    found = windows_around(now_ms, told, told_at_ms=told_at_ms, utc_offset_min=offset_min)

    assert all(one.from_ms < one.to_ms for one in found)
    assert all(one.to_ms > now_ms - DAY_MS and one.from_ms < now_ms + 8 * DAY_MS for one in found)
    assert len(found) <= 100
    assert all(a.to_ms <= b.from_ms for a, b in pairwise(found))
