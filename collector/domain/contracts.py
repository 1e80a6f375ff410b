"""What a provider promised, and the three questions by which thirty tests say whether it was kept.

The questions and their numbers are those that the German regulator asks since December 2021.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NEARLY: Final = 0.9  # of the contracted speed: what a line has to show at its best
NORMAL: Final = 0.8  # of the contracted speed, where nothing else is agreed: what is usually to be had
LEAST: Final = 0.4  # of the contracted speed, where nothing else is agreed: what is always to be had
USUALLY: Final = 0.9  # of the tests
GOOD_DAYS: Final = 2


class Question(StrEnum):
    """What is asked of the tests of a contract."""

    BEST = "best"  # is the contracted speed, nearly, ever reached?
    USUAL = "usual"  # is what is usually to be had there usually?
    LEAST = "least"  # is there always what is always to be had?


@dataclass(frozen=True)
class Terms:
    """The download speeds of a contract, bit/s."""

    max_bps: int  # what is paid for
    normal_bps: int
    min_bps: int

    @property
    def nearly_bps(self) -> int:
        """What counts as having reached the contracted speed."""
        return round(NEARLY * self.max_bps)


def terms_of(contract_bps: int, normal_bps: int | None = None) -> Terms:
    """Return the terms of a contract of which only the speed is known.

    Args:
        contract_bps: What is paid for.
        normal_bps: What is usually to be had, where a profile says it.
    """
    normal = round(NORMAL * contract_bps) if normal_bps is None else normal_bps
    return Terms(contract_bps, normal, round(LEAST * contract_bps))


@dataclass(frozen=True)
class Finding:
    """What the tests answer to one question."""

    question: Question
    bps: int  # the speed that is asked for
    found: int  # days or tests that had it
    of: int
    needed: int

    @property
    def is_kept(self) -> bool:
        """Whether the contract is kept, as far as this question goes."""
        return self.found >= self.needed


def findings(terms: Terms, days: Sequence[Sequence[int]]) -> tuple[Finding, ...]:
    """Return what the tests of complete days answer.

    Args:
        terms: Of the contract.
        days: Download speeds of each day, bit/s.
    """
    tests = [bps for day in days for bps in day]
    best = sum(max(day) >= terms.nearly_bps for day in days)
    usual = sum(bps >= terms.normal_bps for bps in tests)
    least = sum(min(day) >= terms.min_bps for day in days)
    return (
        Finding(Question.BEST, terms.nearly_bps, best, len(days), GOOD_DAYS),
        Finding(Question.USUAL, terms.normal_bps, usual, len(tests), _part(len(tests))),
        # Under it on two days is too little; so it is kept where at most one day was ever under it.
        Finding(Question.LEAST, terms.min_bps, least, len(days), max(0, len(days) - GOOD_DAYS + 1)),
    )


def _part(tests: int) -> int:
    """Return how many of so many tests are nine in ten, a fraction counting as a whole one."""
    return -(-tests * round(USUALLY * 100) // 100)
