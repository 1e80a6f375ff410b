"""When the next test is due: at random, not on the hour, and once however much was missed."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.schedule.due import Due, Past, Rules, moments, next_due, off_the_hour
from agent.schedule.windows import DAY_MS, Window, windows_around
from agent.wire.vocabulary import Trigger

MONDAY_MS = 1_795_996_800_000
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
RULES = Rules(seed="lab-03")
TODAY = (
    Window(MONDAY_MS + 7 * HOUR_MS, MONDAY_MS + 10 * HOUR_MS),
    Window(MONDAY_MS + 10 * HOUR_MS, MONDAY_MS + 13 * HOUR_MS),
    Window(MONDAY_MS + 13 * HOUR_MS, MONDAY_MS + 16 * HOUR_MS),
)
ALL = [at_ms for window in TODAY for at_ms in moments(window, RULES)]


def due(now_ms: int, past: Past, rules: Rules = RULES) -> Due:
    found = next_due(now_ms, TODAY, past, rules)
    assert found is not None
    return found


def test_the_first_test_comes_within_a_quarter_of_an_hour_of_the_start() -> None:
    past = Past(started_ms=MONDAY_MS, boot_tested=False)

    found = due(MONDAY_MS, past)

    assert found.trigger is Trigger.STARTUP
    assert MONDAY_MS <= found.at_ms < MONDAY_MS + 16 * MINUTE_MS
    assert due(MONDAY_MS + 1_000, past) == found, "the moment does not run away"


def test_a_computer_starts_at_another_moment_than_its_neighbour() -> None:
    starts = {due(MONDAY_MS, Past(MONDAY_MS, boot_tested=False), Rules(seed=f"lab-{n}")).at_ms for n in range(20)}

    assert len(starts) > 15


def test_a_restart_of_the_agent_adds_no_test() -> None:
    now_ms = MONDAY_MS + 9 * HOUR_MS
    tested = Past(started_ms=MONDAY_MS, boot_tested=True, last_ms=now_ms - HOUR_MS)

    before, after = due(now_ms, tested), due(now_ms, replace(tested, started_ms=now_ms))

    assert before.trigger is Trigger.WINDOW
    assert before == after


def test_each_window_has_its_tests_at_the_same_moments_for_the_same_seed() -> None:
    assert [at_ms for window in TODAY for at_ms in moments(window, RULES)] == ALL
    assert len(ALL) == 6
    for window in TODAY:
        halves = [(at_ms - window.from_ms) * 2 // (window.to_ms - window.from_ms) for at_ms in moments(window, RULES)]
        assert halves == [0, 1]


def test_the_next_moment_follows_the_last_test() -> None:
    past = Past(started_ms=MONDAY_MS, boot_tested=True, last_ms=MONDAY_MS)

    assert due(MONDAY_MS, past).at_ms == ALL[0]
    assert due(ALL[0], replace(past, last_ms=ALL[0])).at_ms == max(ALL[1], ALL[0] + RULES.min_gap_ms)


def test_many_missed_moments_make_one_test_at_once() -> None:
    """A lid that was closed from morning to afternoon."""
    past = Past(started_ms=MONDAY_MS, boot_tested=True, last_ms=MONDAY_MS + 6 * HOUR_MS)
    woke_ms = ALL[4] + 90_000

    found = due(woke_ms, past)
    assert (found.missed, found.trigger) == (5, Trigger.WINDOW)
    assert found.at_ms - woke_ms <= MINUTE_MS

    after = due(found.at_ms, replace(past, last_ms=found.at_ms))
    assert after.missed == 0
    assert after.at_ms >= max(ALL[5], found.at_ms + RULES.min_gap_ms)


def test_moments_before_the_start_were_not_missed() -> None:
    """What lay in the hours in which the computer was off is made good by the startup test."""
    started_ms = ALL[3] + 1_000

    assert due(started_ms, Past(started_ms, boot_tested=True)).missed == 0


def test_a_last_test_in_the_future_blocks_nothing() -> None:
    """The clock stood in 2036 and is right again."""
    past = Past(started_ms=MONDAY_MS + 4_000 * DAY_MS, boot_tested=True, last_ms=MONDAY_MS + 4_000 * DAY_MS)

    assert due(MONDAY_MS + 6 * HOUR_MS, past).at_ms == ALL[0]


def test_a_fixed_interval_goes_by_the_last_test() -> None:
    rules = Rules(seed="x", interval_ms=600_000)
    past = Past(started_ms=MONDAY_MS, boot_tested=True, last_ms=MONDAY_MS)

    assert due(MONDAY_MS + 1, past, rules).at_ms == MONDAY_MS + 600_000
    late = due(MONDAY_MS + 5 * HOUR_MS, past, rules)
    assert (late.at_ms, late.missed) == (MONDAY_MS + 5 * HOUR_MS, 29)


def test_no_window_ahead_is_no_test() -> None:
    assert next_due(MONDAY_MS, (), Past(MONDAY_MS, boot_tested=True), RULES) is None


@given(at_ms=st.integers(0, 4_000_000_000_000), offset_min=st.integers(-900, 900))
def test_off_the_hour_moves_by_less_than_a_minute_and_only_once(at_ms: int, offset_min: int) -> None:
    moved = off_the_hour(at_ms, offset_min)

    assert 0 <= moved - at_ms <= MINUTE_MS
    assert (moved + offset_min * MINUTE_MS) % HOUR_MS >= MINUTE_MS
    assert off_the_hour(moved, offset_min) == moved


@given(
    seed=st.text(max_size=10),
    tests=st.integers(1, 12),
    from_ms=st.integers(0, 4_000_000_000_000),
    length_ms=st.integers(1, 6 * HOUR_MS),
)
def test_moments_lie_in_their_window_in_order(seed: str, tests: int, from_ms: int, length_ms: int) -> None:
    found = moments(Window(from_ms, from_ms + length_ms), Rules(seed=seed, tests_per_window=tests))

    assert len(found) == tests
    assert found == sorted(found) or length_ms < tests * 2 * MINUTE_MS
    assert all(from_ms <= at_ms < from_ms + length_ms for at_ms in found)


@given(
    seed=st.text(min_size=1, max_size=5),
    sleeps=st.lists(st.tuples(st.integers(0, 3 * DAY_MS), st.integers(0, DAY_MS)), max_size=4),
    restarts=st.lists(st.integers(0, 5 * DAY_MS), max_size=4),
)
def test_five_days_have_neither_too_many_tests_nor_a_long_hole(
    seed: str, sleeps: list[tuple[int, int]], restarts: list[int]
) -> None:
    """A simulation with naps and restarts of the agent: at most the plan, never closer than the gap."""
    rules = Rules(seed=seed)
    past = Past(started_ms=MONDAY_MS, boot_tested=False)
    now_ms, tests = MONDAY_MS, []
    windows = windows_around(MONDAY_MS, None)
    todo = sorted(restarts)
    for _ in range(200):
        found = next_due(now_ms, [one for one in windows if one.to_ms > now_ms - DAY_MS], past, rules)
        if found is None or found.at_ms > MONDAY_MS + 5 * DAY_MS:
            break
        now_ms = found.at_ms
        for start, length in sleeps:
            if MONDAY_MS + start <= now_ms < MONDAY_MS + start + length:
                now_ms = MONDAY_MS + start + length
        while todo and MONDAY_MS + todo[0] <= now_ms:
            past = replace(past, started_ms=MONDAY_MS + todo.pop(0))
        tests.append(now_ms)
        past = replace(past, boot_tested=True, last_ms=now_ms)

    assert len(tests) <= 5 * 6 + 1
    assert all(b - a >= rules.min_gap_ms for a, b in pairwise(tests))
    if not sleeps:
        assert len(tests) >= 5 * 4
