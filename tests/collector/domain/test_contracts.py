"""Thirty tests and three questions: what is kept, and what is not."""

import pytest

from collector.domain.contracts import Finding, Question, Terms, findings, terms_of

MBPS = 1_000_000
TERMS = terms_of(30 * MBPS)
GOOD = [29 * MBPS] * 10


def kept(*days: list[float]) -> list[bool]:
    return [one.is_kept for one in findings(TERMS, [[round(mbps * MBPS) for mbps in day] for day in days])]


def test_terms_of_a_contract_of_which_only_the_speed_is_known() -> None:
    assert terms_of(30 * MBPS) == Terms(30 * MBPS, 24 * MBPS, 12 * MBPS)
    assert TERMS.nearly_bps == 27 * MBPS
    assert terms_of(30 * MBPS, 20 * MBPS).normal_bps == 20 * MBPS


def test_a_line_that_gives_what_was_promised_keeps_all_three() -> None:
    assert findings(TERMS, [GOOD, GOOD, GOOD]) == (
        Finding(Question.BEST, 27 * MBPS, 3, 3, 2),
        Finding(Question.USUAL, 24 * MBPS, 30, 30, 27),
        Finding(Question.LEAST, 12 * MBPS, 3, 3, 2),
    )
    assert kept([29] * 10, [29] * 10, [29] * 10) == [True, True, True]


@pytest.mark.parametrize(("days_reached", "is_kept"), [(0, False), (1, False), (2, True), (3, True)])
def test_the_best_has_to_be_reached_once_on_two_of_three_days(days_reached: int, is_kept: bool) -> None:
    days = [[25.0] * 9 + [27.0 if number < days_reached else 26.9] for number in range(3)]
    assert kept(*days)[0] is is_kept


@pytest.mark.parametrize(("slow", "is_kept"), [(3, True), (4, False)])
def test_the_usual_has_to_be_there_in_nine_of_ten_tests(slow: int, is_kept: bool) -> None:
    assert kept([27] * (10 - slow) + [23.9] * slow, [27] * 10, [24] * 10)[1] is is_kept


@pytest.mark.parametrize(("days_under", "is_kept"), [(0, True), (1, True), (2, False), (3, False)])
def test_the_least_may_be_missed_on_one_day(days_under: int, is_kept: bool) -> None:
    days = [[29.0] * 9 + [11.9 if number < days_under else 12.0] for number in range(3)]
    assert kept(*days)[2] is is_kept
