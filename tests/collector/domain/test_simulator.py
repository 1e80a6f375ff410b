"""The judgement over simulated terms: quick on slow lines, quiet on good ones, and it lets go."""

import random

import pytest

from collector.domain.flagging import START, evidence_of, step
from collector.domain.judge import judge_day
from collector.domain.words import FlagEventKind, Verdict
from tests.collector.domain.build import TARGET_BPS, a_day, an_observation
from tests.collector.domain.simulator import MISSING, SCHOOL_DAYS, Scenario, Term, simulate, simulate_term, summarise

TERMS = 120
SEED = 11


@pytest.mark.parametrize(("tests_a_day", "day"), [(6, 7), (2, 11), (1, 17)])
def test_seventy_percent_of_the_target_is_flagged_soon(tests_a_day: int, day: int) -> None:
    summary = summarise(simulate(Scenario(0.7, 0.7, tests_a_day), TERMS, SEED))

    assert summary.flagged_share >= 0.98
    assert summary.opening_day == pytest.approx(day, abs=1.5)


@pytest.mark.parametrize(("tests_a_day", "expected"), [(6, 0.005), (2, 0.008), (1, 0.028)])
def test_a_fifth_above_the_target_is_hardly_ever_flagged(tests_a_day: int, expected: float) -> None:
    summary = summarise(simulate(Scenario(1.2, 1.2, tests_a_day), TERMS, SEED))

    # Three standard errors of a share this small, and one flag.
    error = (expected * (1 - expected) / TERMS) ** 0.5
    assert summary.flagged_share <= expected + 3 * error + 1 / TERMS


@pytest.mark.parametrize(("tests_a_day", "days"), [(6, 12), (2, 11), (1, 12)])
def test_a_repaired_line_is_let_go(tests_a_day: int, days: int) -> None:
    summary = summarise(simulate(Scenario(0.7, 1.3, tests_a_day), TERMS, SEED))

    assert summary.closed_share >= 0.98
    assert summary.closing_days == pytest.approx(days, abs=1.5)


def test_a_line_that_becomes_slow_is_flagged() -> None:
    summary = summarise(simulate(Scenario(1.3, 0.7, 6), TERMS // 2, SEED))

    assert summary.flagged_share >= 0.98
    assert summary.reopening_days is not None
    assert 5 <= summary.reopening_days <= 12


def test_one_bad_test_never_opens() -> None:
    """A single slow test among good ones, on any day of the term, and be it the slowest there is."""
    for per_day in (1, 2, 6):
        for bad in range(0, 20 * per_day, max(1, per_day // 2)):
            seen, standing = [], START
            for index in range(20):
                for test in range(per_day):
                    is_bad = index * per_day + test == bad
                    seen.append(an_observation(0.0 if is_bad else 30.0, a_day(index), (index + test) % 2 + 1))
                standing = step(standing, evidence_of(judge_day(seen, a_day(index), TARGET_BPS))).standing
                assert not standing.has_flag


def test_a_term_is_the_same_for_the_same_seed() -> None:
    assert simulate(Scenario(0.9, 0.9, 2), 2, 5) == simulate(Scenario(0.9, 0.9, 2), 2, 5)
    assert simulate(Scenario(0.9, 0.9, 2), 2, 5) != simulate(Scenario(0.9, 0.9, 2), 2, 6)


def test_about_a_tenth_of_the_days_has_no_test() -> None:
    terms = [simulate_term(Scenario(1.0, 1.0, 1), random.Random(seed)) for seed in range(20)]

    share = 1 - sum(len(term.verdicts) for term in terms) / (20 * SCHOOL_DAYS)
    assert share == pytest.approx(MISSING, abs=0.03)


def test_a_summary_counts() -> None:
    never = Term((), (Verdict.MEETS,))

    summary = summarise((never,))

    assert (summary.terms, summary.flagged_share, summary.opening_day, summary.openings) == (1, 0.0, None, 0.0)
    assert never.first(FlagEventKind.OPENED) is None
