"""A day from observations to a judgement."""

from collector.domain.judge import judge_day
from collector.domain.verdict import judge
from collector.domain.windows import window_of
from collector.domain.words import Verdict
from tests.collector.domain.build import TARGET_BPS, a_day, a_window


def test_a_day_is_judged_by_its_window() -> None:
    seen = a_window([30.0] * 30 + [10.0] * 60, per_day=6)

    judgement = judge_day(seen, a_day(14), TARGET_BPS)

    assert judgement == judge(window_of(seen, a_day(14)), a_day(14), TARGET_BPS)
    assert (judgement.n, judgement.window_from, judgement.verdict) == (60, a_day(5), Verdict.BELOW)
    assert judge_day(seen, a_day(4), TARGET_BPS).verdict is Verdict.MEETS


def test_tests_of_later_days_change_nothing() -> None:
    seen = a_window([30.0] * 90, per_day=6)

    assert judge_day(seen, a_day(6), TARGET_BPS) == judge_day(seen[: 6 * 7], a_day(6), TARGET_BPS)
