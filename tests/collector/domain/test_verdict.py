"""The table of verdicts, each row with its edges."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.criterion import Criterion
from collector.domain.inference import Interval
from collector.domain.observations import Observation, value_of
from collector.domain.verdict import Tally, judge, lacks_of, tally_of, verdict_of
from collector.domain.words import Lack, ObservationValue, Remedy, Severity, Verdict
from tests.collector.domain.build import TARGET_BPS, a_day, a_window, an_observation

SLOW, FAST = 10.0, 30.0
PORT = {"medium": "ethernet", "link_bps": 10_000_000}


def verdict_on(window: list[Observation], criterion: Criterion | None = None) -> Verdict:
    return judge(window, window[-1].day, TARGET_BPS, criterion or Criterion()).verdict


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ((0.1, 0.4), (0.1, 0.4999), Verdict.BELOW),
        ((0.1, 0.5), (0.1, 0.5), Verdict.BORDERLINE),
        ((0.5, 0.9), (0.5, 0.9), Verdict.MEETS),
        ((0.4999, 0.9), (0.4999, 0.9), Verdict.BORDERLINE),
        ((0.1, 0.4999), (0.2, 0.8), Verdict.NOT_TESTABLE),
        ((0.1, 0.5), (0.2, 0.8), Verdict.BORDERLINE),
        ((0.3, 0.7), (0.5, 0.9), Verdict.NOT_TESTABLE),
        ((0.3, 0.7), (0.4999, 0.9), Verdict.BORDERLINE),
        ((0.1, 0.4), (0.6, 0.9), Verdict.NOT_TESTABLE),
    ],
)
def test_the_first_row_that_holds_wins(low: tuple[float, float], high: tuple[float, float], expected: Verdict) -> None:
    assert verdict_of(Tally(20.0, 0.0, 0.0, Interval(*low), Interval(*high)), 0.5) is expected


@pytest.mark.parametrize(
    ("fast", "expected"),
    # 10 days, one test each: n_e = 10 would need 12 tests; 20 days give n_e = n, the cut-offs of n_e = 20.
    [(6, Verdict.BELOW), (7, Verdict.BORDERLINE), (13, Verdict.BORDERLINE), (14, Verdict.MEETS)],
)
def test_the_cut_offs_hold_from_end_to_end(fast: int, expected: Verdict) -> None:
    assert verdict_on(a_window([FAST] * fast + [SLOW] * (20 - fast), per_day=1)) is expected


def test_tests_of_one_day_count_for_less() -> None:
    """7 of 24 on 24 days is below; on 6 days, four at a time, it is too close to say."""
    speeds = [FAST] * 7 + [SLOW] * 17

    assert verdict_on(a_window(speeds, per_day=1)) is Verdict.BELOW
    assert verdict_on(a_window(speeds, per_day=4)) is Verdict.BORDERLINE


@pytest.mark.parametrize(
    ("n", "per_day", "expected"),
    [
        (12, 2, ()),
        (11, 2, (Lack.TESTS,)),
        (15, 3, ()),
        (16, 4, (Lack.DAYS,)),
        (1, 1, (Lack.TESTS, Lack.DAYS, Lack.HALVES)),
    ],
)
def test_too_little_is_never_judged(n: int, per_day: int, expected: tuple[Lack, ...]) -> None:
    window = a_window([SLOW] * n, per_day=per_day)

    assert lacks_of(window) == expected
    assert (verdict_on(window) is Verdict.INSUFFICIENT) == bool(expected)


@pytest.mark.parametrize(("half", "other"), [(1, 1), (2, 2), (1, None), (None, None)])
def test_one_half_of_the_opening_time_is_not_enough(half: int | None, other: int | None) -> None:
    window = [an_observation(SLOW, a_day(index // 2), half if index % 2 else other) for index in range(20)]

    assert verdict_on(window) is Verdict.INSUFFICIENT
    assert judge(window, a_day(9), TARGET_BPS).lacks == (Lack.HALVES,)


def test_one_test_of_the_other_half_is_enough() -> None:
    window = [an_observation(SLOW, a_day(index // 2), 1) for index in range(19)] + [an_observation(SLOW, a_day(9), 2)]

    assert verdict_on(window) is Verdict.BELOW


def test_no_observation_at_all_is_insufficient_with_unknown_numbers() -> None:
    judgement = judge([], a_day(0), TARGET_BPS)

    assert judgement.verdict is Verdict.INSUFFICIENT
    assert judgement.n == judgement.days == judgement.low_days == judgement.observed_days == 0
    assert judgement.median_bps is None
    assert judgement.a_lo is judgement.a_hi is judgement.lower is judgement.upper is judgement.recover_share is None
    assert judgement.lacks == (Lack.TESTS, Lack.DAYS, Lack.HALVES)
    assert not judgement.may_recover


def test_a_slow_port_cannot_prove_a_slow_line() -> None:
    judgement = judge(a_window([9.0] * 40, per_day=4, **PORT), a_day(9), TARGET_BPS)

    assert judgement.verdict is Verdict.NOT_TESTABLE
    assert (judgement.a_lo, judgement.a_hi) == (0.0, 1.0)
    assert (judgement.attained, judgement.unknown, judgement.failed) == (0, 40, 0)
    assert judgement.remedy is Remedy.FASTER_PORT
    assert judgement.remedy_link_bps == 10_000_000


def test_a_few_unknown_do_not_hide_a_slow_line() -> None:
    window = a_window([SLOW] * 36, per_day=4) + a_window([9.0] * 4, per_day=4, **PORT)

    judgement = judge(window, a_day(8), TARGET_BPS)

    assert judgement.verdict is Verdict.BELOW
    assert judgement.unknown == 4
    assert judgement.remedy is None
    assert judgement.remedy_link_bps is None


def test_a_few_unknown_do_not_hide_a_fast_line() -> None:
    window = a_window([FAST] * 36, per_day=4) + a_window([9.0] * 4, per_day=4, **PORT)

    assert verdict_on(window) is Verdict.MEETS


def test_the_remedy_is_what_helps_most_tests_and_the_cheaper_of_two_that_help_as_many() -> None:
    wifi = {"medium": "wifi", "link_bps": 20_000_000}
    capped = {"lower_bound": True}
    most_by_cable = a_window([9.0] * 14, 2, **capped) + a_window([9.0] * 16, 2, **wifi)
    as_many = a_window([9.0] * 15, 2, **PORT) + a_window([9.0] * 15, 2, **wifi)
    cheapest = a_window([9.0] * 15, 2, **wifi) + a_window([9.0] * 15, 2, **capped)

    judged = [judge(window, a_day(9), TARGET_BPS) for window in (most_by_cable, as_many, cheapest)]

    assert [each.remedy for each in judged] == [Remedy.CABLE, Remedy.CABLE, Remedy.LARGER_CAP]
    assert [each.remedy_link_bps for each in judged] == [20_000_000, 20_000_000, None]


def test_all_numbers_of_a_judgement() -> None:
    window = a_window([14.2] * 31 + [26.0] * 13, per_day=5)

    judgement = judge(window, a_day(8), TARGET_BPS)

    assert (judgement.n, judgement.days, judgement.attained, judgement.failed) == (44, 9, 13, 31)
    assert judgement.window_from == a_day(0)
    assert judgement.n_effective == pytest.approx(44 / (1 + (44 / 9 - 1) * 0.3))
    assert judgement.a_lo == judgement.a_hi == pytest.approx(13 / 44)
    assert judgement.lower == pytest.approx(0.1612, abs=0.0001)
    assert judgement.upper == pytest.approx(0.4778, abs=0.0001)
    assert judgement.median_bps == 14_200_000
    assert judgement.severity is Severity.SERIOUS
    assert judgement.verdict is Verdict.BELOW
    assert judgement.share == 0.5
    assert judgement.recover_share == pytest.approx(13 / 44)


def test_the_share_of_the_profile_decides() -> None:
    window = a_window([FAST] * 18 + [SLOW] * 6, per_day=1)

    assert verdict_on(window) is Verdict.MEETS
    assert verdict_on(window, Criterion(share=0.95)) is Verdict.BELOW


@pytest.mark.parametrize(("mbps", "expected"), [(22.0, True), (21.999, False)])
def test_recovery_asks_for_a_tenth_more_than_the_target(mbps: float, expected: bool) -> None:
    judgement = judge(a_window([mbps] * 20, per_day=2), a_day(9), TARGET_BPS)

    assert judgement.may_recover is expected


@pytest.mark.parametrize(("clearing", "expected"), [(10, True), (9, False)])
def test_recovery_asks_for_the_share(clearing: int, expected: bool) -> None:
    judgement = judge(a_window([30.0] * clearing + [21.0] * (20 - clearing), per_day=2), a_day(9), TARGET_BPS)

    assert judgement.may_recover is expected


def test_low_days_look_at_the_medians_of_the_last_five_observed_days() -> None:
    by_day = [[SLOW, SLOW], [SLOW, SLOW], [FAST, FAST], [SLOW, SLOW, FAST], [SLOW, FAST, FAST], [20.0, 20.0], [SLOW]]
    window = [an_observation(mbps, a_day(index)) for index, speeds in enumerate(by_day) for mbps in speeds]

    judgement = judge(window, a_day(6), TARGET_BPS)

    assert (judgement.low_days, judgement.observed_days) == (2, 5)


def test_an_unknown_test_never_makes_a_day_low() -> None:
    window = [an_observation(SLOW, a_day(0)), an_observation(9.0, a_day(0), **PORT)]

    assert judge(window, a_day(0), TARGET_BPS).low_days == 0


def test_a_target_of_zero_is_refused() -> None:
    for target_bps in (0, -1):
        with pytest.raises(ValueError, match="above zero"):
            judge(a_window([FAST]), a_day(0), target_bps)


observations = st.lists(
    st.builds(
        an_observation,
        mbps=st.floats(1, 60),
        day=st.integers(0, 14).map(a_day),
        half=st.sampled_from((1, 2)),
        lower_bound=st.booleans(),
    ),
    min_size=1,
    max_size=90,
)


@given(observations)
def test_a_verdict_is_what_holds_whatever_the_unknown_are(window: list[Observation]) -> None:
    """BELOW and MEETS stay when each unknown turns out failed, and when each turns out attained."""
    verdict = verdict_on(window)
    if verdict not in (Verdict.BELOW, Verdict.MEETS):
        return
    values = Counter(value_of(observation, TARGET_BPS) for observation in window)
    unknown = values.pop(ObservationValue.UNKNOWN, 0)
    days = len({observation.day for observation in window})
    for other in (ObservationValue.ATTAINED, ObservationValue.FAILED):
        resolved = Counter({**values, other: values[other] + unknown})
        assert verdict_of(tally_of(resolved, days), 0.5) is verdict


@given(observations, st.floats(1.0, 4.0))
def test_a_faster_line_is_never_judged_worse(window: list[Observation], factor: float) -> None:
    faster = [
        Observation(o.day, round(o.value_bps * factor), o.half, o.lower_bound, o.medium, o.link_bps) for o in window
    ]
    before, after = verdict_on(window), verdict_on(faster)

    assert not (before is Verdict.MEETS and after is not Verdict.MEETS)
    assert not (before is not Verdict.BELOW and after is Verdict.BELOW)


def test_the_oldest_of_the_five_days_is_looked_at_whole() -> None:
    """Its last test is fast, its median is slow; the day before it is not looked at."""
    by_day = [[SLOW, SLOW], [SLOW, SLOW, FAST], [FAST, FAST], [FAST, FAST], [FAST, FAST], [SLOW, SLOW]]
    window = [an_observation(mbps, a_day(index)) for index, speeds in enumerate(by_day) for mbps in speeds]

    judgement = judge(window, a_day(5), TARGET_BPS)

    assert (judgement.low_days, judgement.observed_days) == (2, 5)
