"""When the next test is due: at random, not on the hour, and once however much was missed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import given, settings
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
    tested = Past(started_ms=MONDAY_MS, boot_tested=True, tests_ms=(now_ms - HOUR_MS,))

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
    past = Past(started_ms=MONDAY_MS, boot_tested=True, tests_ms=(MONDAY_MS,))

    assert due(MONDAY_MS, past).at_ms == ALL[0]
    assert due(ALL[0], replace(past, tests_ms=(ALL[0],))).at_ms == ALL[1]


def test_many_missed_moments_make_one_test_at_once() -> None:
    """A lid that was closed from morning to afternoon."""
    past = Past(started_ms=MONDAY_MS, boot_tested=True, tests_ms=(MONDAY_MS + 6 * HOUR_MS,))
    woke_ms = ALL[4] + 90_000

    found = due(woke_ms, past)
    assert (found.missed, found.trigger) == (5, Trigger.WINDOW)
    assert found.at_ms - woke_ms <= MINUTE_MS

    after = due(found.at_ms, replace(past, tests_ms=(found.at_ms,)))
    assert (after.missed, after.at_ms) == (0, ALL[5])


def test_moments_before_the_start_were_not_missed() -> None:
    """What lay in the hours in which the computer was off is made good by the startup test."""
    started_ms = ALL[3] + 1_000

    assert due(started_ms, Past(started_ms, boot_tested=True)).missed == 0


def test_a_last_test_in_the_future_blocks_nothing() -> None:
    """The clock stood in 2036 and is right again."""
    wrong_ms = MONDAY_MS + 4_000 * DAY_MS
    past = Past(started_ms=wrong_ms, boot_tested=True, tests_ms=(wrong_ms,))

    assert due(MONDAY_MS + 6 * HOUR_MS, past).at_ms == ALL[0]


def test_a_fixed_interval_goes_by_the_last_test() -> None:
    rules = Rules(seed="x", interval_ms=600_000)
    past = Past(started_ms=MONDAY_MS, boot_tested=True, tests_ms=(MONDAY_MS,))

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


def test_a_clock_that_goes_back_a_little_repeats_no_moment() -> None:
    """The next answer of the collector puts the moment of a test a little before the planned one."""
    for back_ms in (1, 500, 20_000, 100_000):
        tested = Past(started_ms=MONDAY_MS, boot_tested=True, tests_ms=(ALL[0] - back_ms,))

        assert due(ALL[0] - back_ms, tested).at_ms == ALL[1]


def test_catching_up_is_the_test_of_its_part() -> None:
    """Awake again before the moment of this part: the test that makes the others good is this part's as well."""
    past = Past(started_ms=MONDAY_MS, boot_tested=True, tests_ms=(MONDAY_MS,))
    woke_ms = TODAY[1].from_ms + 61_000

    found = due(woke_ms, past)
    assert (found.at_ms, found.missed) == (woke_ms, 2)
    assert due(woke_ms, replace(past, tests_ms=(woke_ms,))).at_ms == ALL[3]


def test_a_computer_that_is_started_again_and_again_tests_once_in_a_part_of_the_day() -> None:
    tested_ms = TODAY[0].from_ms + 10 * MINUTE_MS
    again_ms = tested_ms + 30 * MINUTE_MS
    past = Past(started_ms=again_ms, boot_tested=False, tests_ms=(tested_ms,), start="second")

    assert due(again_ms, past).at_ms == ALL[1]
    in_the_evening = replace(past, started_ms=MONDAY_MS + 20 * HOUR_MS)
    assert due(in_the_evening.started_ms, in_the_evening).trigger is Trigger.STARTUP


def test_the_startup_test_keeps_the_gap_to_the_one_before() -> None:
    now_ms = MONDAY_MS + 5 * HOUR_MS
    past = Past(started_ms=now_ms, boot_tested=False, tests_ms=(now_ms - MINUTE_MS,))

    assert due(now_ms, past).at_ms >= now_ms - MINUTE_MS + RULES.min_gap_ms


def test_new_settings_count_the_tests_that_were_made_before_them() -> None:
    tested = Past(started_ms=MONDAY_MS, boot_tested=True, tests_ms=(ALL[0],))

    fewer = replace(RULES, tests_per_window=1)
    assert due(ALL[0], tested, fewer).at_ms == moments(TODAY[1], fewer)[0]
    more = replace(RULES, tests_per_window=4)
    assert TODAY[0].from_ms < due(ALL[0], tested, more).at_ms < TODAY[0].to_ms
    moved = (Window(TODAY[0].from_ms + HOUR_MS, TODAY[0].to_ms + HOUR_MS),)
    found = next_due(ALL[0], moved, replace(tested, tests_ms=(moved[0].from_ms + 1,)), RULES)
    assert found is not None and found.at_ms == moments(moved[0], RULES)[1]


SEEDS = st.text("abcdef0123456789", min_size=1, max_size=8)
LOOK_MS = 20 * MINUTE_MS


@given(
    seed=SEEDS,
    tests=st.integers(1, 6),
    length_min=st.integers(30, 400),
    start_min=st.integers(0, 1_000_000),
)
def test_moments_are_apart_and_clear_of_the_edges(seed: str, tests: int, length_min: int, start_min: int) -> None:
    start_ms, length_ms = start_min * MINUTE_MS, length_min * MINUTE_MS
    one, two = Window(start_ms, start_ms + length_ms), Window(start_ms + length_ms, start_ms + 2 * length_ms)
    rules = Rules(seed=seed, tests_per_window=tests)
    found = moments(one, rules) + moments(two, rules)

    if length_ms / tests >= 2 * rules.min_gap_ms:
        assert all(b - a >= rules.min_gap_ms for a, b in pairwise(found))
        assert found[tests - 1] < one.to_ms - 13 * MINUTE_MS and found[tests] >= two.from_ms + MINUTE_MS
    assert all(at_ms % HOUR_MS >= MINUTE_MS for at_ms in found if length_ms / tests >= 10 * MINUTE_MS)


def test_moments_are_spread_over_their_part() -> None:
    """Over many computers, no quarter of what a part offers is rarer than another by much."""
    part_ms = (TODAY[0].to_ms - TODAY[0].from_ms) / 2
    into = [(moments(TODAY[0], Rules(seed=f"pc-{n}"))[0] - TODAY[0].from_ms) / part_ms for n in range(400)]
    usable = 1 - RULES.min_gap_ms / part_ms
    quarters = [sum(k / 4 <= one / usable < (k + 1) / 4 for one in into) for k in range(4)]

    assert min(quarters) > 60


@dataclass
class School:
    """A computer in a world whose time is true; what it believes of that time it is told."""

    seed: str
    windows: tuple[Window, ...] = field(default_factory=lambda: windows_around(MONDAY_MS, None, days=3))
    tests: list[int] = field(default_factory=list)  # true

    def live(
        self,
        until_ms: int,
        *,
        error_ms: Callable[[int], int] = lambda _now_ms: 0,
        sleeps: Sequence[tuple[int, int]] = (),
        boots: Sequence[int] = (),
        restarts: Sequence[int] = (),
        rules_at: Callable[[int], Rules] | None = None,
    ) -> None:
        """Look at the plan now and then, as the daemon does at news; test when it says so."""
        now_ms, started_ms, boot_tested, starts = MONDAY_MS + 5 * HOUR_MS, MONDAY_MS + 5 * HOUR_MS, False, 0
        boots, restarts = sorted(boots), sorted(restarts)
        while now_ms < until_ms:
            now_ms += next((length for from_ms, length in sleeps if from_ms <= now_ms < from_ms + length), 0)
            while boots and boots[0] <= now_ms:
                boots, started_ms, boot_tested, starts = boots[1:], now_ms, False, starts + 1
            while restarts and restarts[0] <= now_ms:
                restarts, started_ms, starts = restarts[1:], now_ms, starts + 1
            off_ms = error_ms(now_ms)
            past = Past(
                started_ms + off_ms, boot_tested, tuple(one + off_ms for one in self.tests[-64:]), start=str(starts)
            )
            rules = rules_at(now_ms) if rules_at else Rules(seed=self.seed)
            found = next_due(now_ms + off_ms, self.windows, past, rules)
            if found is not None and found.at_ms <= now_ms + off_ms:
                self.tests.append(now_ms)
                boot_tested = True
                continue
            ahead = [found.at_ms - off_ms] if found else []
            ahead += [one for one in (*boots, *restarts, *(one for one, _ in sleeps)) if one > now_ms]
            now_ms = min([*ahead, now_ms + LOOK_MS])

    def per_window(self, until_ms: int) -> list[int]:
        return [
            sum(one.from_ms <= at_ms < one.to_ms for at_ms in self.tests)
            for one in self.windows
            if one.from_ms >= MONDAY_MS and one.to_ms <= until_ms
        ]


many_days = settings(max_examples=50)  # each is two days of a computer
TWO_DAYS_MS = MONDAY_MS + 2 * DAY_MS
MOMENTS = st.integers(MONDAY_MS + 5 * HOUR_MS, TWO_DAYS_MS)


@many_days
@given(seed=SEEDS, jitter=st.lists(st.integers(-100_000, 100_000), min_size=1, max_size=8))
def test_every_window_has_exactly_its_tests_however_the_clock_is_corrected(seed: str, jitter: list[int]) -> None:
    """Each answer of the collector moves the clock a little; the computer is on before the school opens."""
    school = School(seed)
    school.live(TWO_DAYS_MS, error_ms=lambda now_ms: jitter[now_ms // HOUR_MS % len(jitter)])

    assert school.per_window(TWO_DAYS_MS) == [2] * 6
    assert len(school.tests) == 13
    assert all(b - a >= RULES.min_gap_ms for a, b in pairwise(school.tests))
    assert all(at_ms % HOUR_MS >= MINUTE_MS for at_ms in school.tests if jitter == [0])


@many_days
@given(
    seed=SEEDS,
    sleeps=st.lists(st.tuples(MOMENTS, st.integers(MINUTE_MS, DAY_MS)), max_size=3),
    boots=st.lists(MOMENTS, max_size=12),
    restarts=st.lists(MOMENTS, max_size=6),
)
def test_no_window_has_too_many_tests_whatever_happens_to_the_computer(
    seed: str, sleeps: list[tuple[int, int]], boots: list[int], restarts: list[int]
) -> None:
    school = School(seed)
    school.live(TWO_DAYS_MS, sleeps=sleeps, boots=boots, restarts=restarts)

    counts = school.per_window(TWO_DAYS_MS)
    assert max(counts) <= 2
    assert all(b - a >= RULES.min_gap_ms for a, b in pairwise(school.tests))
    if not sleeps and not boots:
        assert counts == [2] * 6, "the agent's own restarts cost no test"


@many_days
@given(seed=SEEDS, boots=st.lists(MOMENTS, min_size=1, max_size=4))
def test_a_computer_that_is_only_switched_off_and_on_still_tests_in_every_window(seed: str, boots: list[int]) -> None:
    school = School(seed)
    school.live(TWO_DAYS_MS, boots=boots)

    assert set(school.per_window(TWO_DAYS_MS)) == {2}


@many_days
@given(seed=SEEDS, step_at=MOMENTS, step_ms=st.integers(-DAY_MS, DAY_MS))
def test_a_correction_of_the_clock_repeats_nothing_that_the_window_has_had(
    seed: str, step_at: int, step_ms: int
) -> None:
    """Alone the computer was off by up to a day; from the collector's word on every window is right."""
    school = School(seed)
    school.live(TWO_DAYS_MS, error_ms=lambda now_ms: step_ms if now_ms < step_at else 0)

    before = [sum(one.from_ms <= at_ms < min(one.to_ms, step_at) for at_ms in school.tests) for one in school.windows]
    after = [sum(max(one.from_ms, step_at) <= at_ms < one.to_ms for at_ms in school.tests) for one in school.windows]
    assert all(then == 0 or now + then <= 2 for now, then in zip(before, after, strict=True))
    assert all(b - a >= RULES.min_gap_ms for a, b in pairwise(school.tests))


@many_days
@given(seed=SEEDS, told=st.lists(st.tuples(MOMENTS, st.integers(1, 6)), max_size=4))
def test_new_settings_make_no_window_too_full(seed: str, told: list[tuple[int, int]]) -> None:
    school = School(seed)
    told = sorted(told)

    def rules_at(now_ms: int) -> Rules:
        return Rules(seed=seed, tests_per_window=next((n for at_ms, n in reversed(told) if at_ms <= now_ms), 2))

    school.live(TWO_DAYS_MS, rules_at=rules_at)
    for window in school.windows:
        inside = [at_ms for at_ms in school.tests if window.from_ms <= at_ms < window.to_ms]
        for position, at_ms in enumerate(inside):
            assert position < rules_at(at_ms).tests_per_window
