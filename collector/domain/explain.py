"""The numbers that a sentence about a verdict needs; the pages put them into words."""

from dataclasses import dataclass
from datetime import date
from typing import assert_never

from collector.domain.criterion import DEFAULT, Criterion
from collector.domain.verdict import Judgement
from collector.domain.words import Lack, Remedy, Severity, Verdict


@dataclass(frozen=True)
class ExplainInsufficient:
    """7 of 12 tests, 3 of 5 days, mornings only."""

    n: int
    min_tests: int
    days: int
    min_days: int
    lacks: tuple[Lack, ...]


@dataclass(frozen=True)
class ExplainBelow:
    """31 of 44 valid tests in 10 school days were under 20 Mbit/s (median 14.2): below since 3 November."""

    k_under: int  # tests under the target
    n: int
    days: int
    target_bps: int
    median_bps: int
    severity: Severity | None
    since: date | None  # None: not known to the caller


@dataclass(frozen=True)
class ExplainMeets:
    """38 of 40 tests reached 20 Mbit/s."""

    k_reached: int
    n: int
    days: int
    target_bps: int
    median_bps: int


@dataclass(frozen=True)
class ExplainBorderline:
    """21 of 40 tests reached 20 Mbit/s: too close to the share asked for."""

    k_reached: int
    n: int
    days: int
    target_bps: int
    median_bps: int
    share: float
    lower: float
    upper: float


@dataclass(frozen=True)
class ExplainNotTestable:
    """25 of 40 tests could not have shown 24.3 Mbit/s: the 10 Mbit/s port cannot; use a faster one."""

    k_unknown: int
    n: int
    target_bps: int
    remedy: Remedy
    link_bps: int | None  # of the link that is too slow; None where more bytes would do


Explanation = ExplainInsufficient | ExplainBelow | ExplainMeets | ExplainBorderline | ExplainNotTestable


def explain(judgement: Judgement, *, since: date | None = None, criterion: Criterion = DEFAULT) -> Explanation:
    """Return the numbers that say why a verdict is what it is.

    Args:
        judgement: Of the day.
        since: First BELOW day of the run, from the flag's standing.
        criterion: Says how many tests and days are asked for.
    """
    j = judgement
    under, typical_bps = j.n - j.attained, j.median_bps or 0
    match j.verdict:
        case Verdict.INSUFFICIENT:
            return ExplainInsufficient(j.n, criterion.min_tests, j.days, criterion.min_days, j.lacks)
        case Verdict.BELOW:
            return ExplainBelow(under, j.n, j.days, j.target_bps, typical_bps, j.severity, since)
        case Verdict.MEETS:
            return ExplainMeets(j.attained, j.n, j.days, j.target_bps, typical_bps)
        case Verdict.BORDERLINE:
            lower, upper = j.lower or 0.0, 1.0 if j.upper is None else j.upper
            return ExplainBorderline(j.attained, j.n, j.days, j.target_bps, typical_bps, j.share, lower, upper)
        case Verdict.NOT_TESTABLE:
            remedy = j.remedy or Remedy.LARGER_CAP
            return ExplainNotTestable(j.unknown, j.n, j.target_bps, remedy, j.remedy_link_bps)
        case _:
            assert_never(j.verdict)
