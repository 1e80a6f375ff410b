"""The numbers behind each sentence."""

from collector.domain.explain import (
    ExplainBelow,
    ExplainBorderline,
    ExplainInsufficient,
    ExplainMeets,
    ExplainNotTestable,
    explain,
)
from collector.domain.judge import judge_day
from collector.domain.words import Lack, Remedy, Severity
from tests.collector.domain.build import TARGET_BPS, a_day, a_window


def test_below_says_how_many_of_how_many_were_under_and_since_when() -> None:
    judgement = judge_day(a_window([14.2] * 31 + [26.0] * 13, per_day=5), a_day(8), TARGET_BPS)

    assert explain(judgement, since=a_day(1)) == ExplainBelow(
        31, 44, 9, TARGET_BPS, 14_200_000, Severity.SERIOUS, a_day(1)
    )


def test_meets_says_how_many_reached_it() -> None:
    judgement = judge_day(a_window([26.0] * 38 + [14.0] * 2, per_day=4), a_day(9), TARGET_BPS)

    assert explain(judgement) == ExplainMeets(38, 40, 10, TARGET_BPS, 26_000_000)


def test_borderline_carries_its_interval() -> None:
    judgement = judge_day(a_window([26.0, 14.0] * 20, per_day=4), a_day(9), TARGET_BPS)

    explained = explain(judgement)

    assert explained == ExplainBorderline(
        20, 40, 10, TARGET_BPS, 20_000_000, 0.5, judgement.lower or 0, judgement.upper or 0
    )


def test_too_little_says_what_is_missing() -> None:
    judgement = judge_day(a_window([26.0] * 7, per_day=3), a_day(2), TARGET_BPS)

    assert explain(judgement) == ExplainInsufficient(7, 12, 3, 5, (Lack.TESTS, Lack.DAYS))


def test_not_testable_names_the_link_and_the_cure() -> None:
    window = a_window([9.0] * 40, per_day=4, medium="wifi", link_bps=11_000_000)

    explained = explain(judge_day(window, a_day(9), TARGET_BPS))

    assert explained == ExplainNotTestable(40, 40, TARGET_BPS, Remedy.CABLE, 11_000_000)
