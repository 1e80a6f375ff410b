"""The verdict: what a window of observations allows to be said about a target (CONTRACTS 5).

Nothing is guessed: an observation that could not have shown the target counts as failed in `a_lo` and as attained in
`a_hi`, and a verdict is given only where both agree. Next in the walk: `flagging`.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from collector.domain.criterion import DEFAULT, Criterion
from collector.domain.inference import Interval, effective_size, wilson
from collector.domain.observations import Observation, remedy_of, value_of
from collector.domain.severity import severity_of
from collector.domain.words import Lack, ObservationValue, Remedy, Severity, Verdict

BOTH_HALVES = frozenset({1, 2})


@dataclass(frozen=True)
class Judgement:
    """A verdict with every number that it rests on."""

    day: date
    verdict: Verdict
    target_bps: int
    share: float  # s: the part of the tests that must reach the target
    n: int  # observations in the window
    days: int  # D: days that they lie on
    attained: int
    unknown: int
    failed: int
    window_from: date | None  # first day of the window; None without observations, as are all below
    n_effective: float | None
    a_lo: float | None  # share attained, the unknown counted as failed
    a_hi: float | None  # the same, counted as attained
    lower: float | None  # L(a_lo)
    upper: float | None  # U(a_hi)
    median_bps: int | None
    recover_share: float | None  # of the window at or above 1.10 T
    low_days: int  # of the last `observed_days` observed days, with a daily median under the target
    observed_days: int  # at most 5
    severity: Severity | None  # None: the median reaches the target
    lacks: tuple[Lack, ...] = ()  # of INSUFFICIENT
    remedy: Remedy | None = None  # of NOT_TESTABLE
    remedy_link_bps: int | None = None  # the link that is too slow, where that is the reason

    @property
    def may_recover(self) -> bool:
        """Whether enough tests clear the target by the margin that closing a flag asks for."""
        return self.recover_share is not None and self.recover_share >= self.share


@dataclass(frozen=True)
class Tally:
    """Shares of a window and their intervals, before a verdict."""

    n_effective: float
    a_lo: float
    a_hi: float
    low: Interval  # of a_lo
    high: Interval  # of a_hi


def tally_of(values: Counter[ObservationValue], days: int, criterion: Criterion = DEFAULT) -> Tally:
    """Return both shares and their intervals; at least one value on one day."""
    n = values.total()
    n_effective = effective_size(n, days, criterion.day_icc)
    a_lo = values[ObservationValue.ATTAINED] / n
    a_hi = (values[ObservationValue.ATTAINED] + values[ObservationValue.UNKNOWN]) / n
    return Tally(
        n_effective, a_lo, a_hi, wilson(a_lo, n_effective, z=criterion.z), wilson(a_hi, n_effective, z=criterion.z)
    )


def lacks_of(window: Sequence[Observation], criterion: Criterion = DEFAULT) -> tuple[Lack, ...]:
    """Return what a window is short of; empty where it may be judged."""
    lacks = []
    if len(window) < criterion.min_tests:
        lacks.append(Lack.TESTS)
    if len({observation.day for observation in window}) < criterion.min_days:
        lacks.append(Lack.DAYS)
    if not {observation.half for observation in window} >= BOTH_HALVES:
        lacks.append(Lack.HALVES)
    return tuple(lacks)


def verdict_of(tally: Tally, share: float) -> Verdict:
    """Return the first verdict of the table that holds for a window that may be judged."""
    if tally.high.upper < share:
        return Verdict.BELOW
    if tally.low.lower >= share:
        return Verdict.MEETS
    # Were the unknown all failed it would be below, or all attained it would meet: they alone decide.
    if tally.low.upper < share or tally.high.lower >= share:
        return Verdict.NOT_TESTABLE
    return Verdict.BORDERLINE


def judge(window: Sequence[Observation], day: date, target_bps: int, criterion: Criterion = DEFAULT) -> Judgement:
    """Return the verdict on a window with all its numbers.

    Args:
        window: Observations of the window, oldest first (`windows.window_of`).
        day: The school-local day that is judged.
        target_bps: The target in force on that day, for the whole window, > 0.
        criterion: The share asked for and the constants.
    """
    if target_bps <= 0:
        raise ValueError("a target is above zero")
    if not window:
        return _empty(day, target_bps, criterion.share)
    values = [value_of(observation, target_bps) for observation in window]
    counts = Counter(values)
    dated = {observation.day for observation in window}
    tally = tally_of(counts, len(dated), criterion)
    lacks = lacks_of(window, criterion)
    verdict = Verdict.INSUFFICIENT if lacks else verdict_of(tally, criterion.share)
    typical = median([observation.value_bps for observation in window])
    low_days, observed = _low_days(window, values, target_bps, criterion)
    remedy, link_bps = _remedy(window, values, target_bps) if verdict is Verdict.NOT_TESTABLE else (None, None)
    return Judgement(
        day=day,
        verdict=verdict,
        target_bps=target_bps,
        share=criterion.share,
        n=len(window),
        days=len(dated),
        attained=counts[ObservationValue.ATTAINED],
        unknown=counts[ObservationValue.UNKNOWN],
        failed=counts[ObservationValue.FAILED],
        window_from=min(dated),
        n_effective=tally.n_effective,
        a_lo=tally.a_lo,
        a_hi=tally.a_hi,
        lower=tally.low.lower,
        upper=tally.high.upper,
        median_bps=round(typical),
        recover_share=_recover_share(window, target_bps, criterion),
        low_days=low_days,
        observed_days=observed,
        severity=severity_of(typical, target_bps),
        lacks=lacks,
        remedy=remedy,
        remedy_link_bps=link_bps,
    )


def _empty(day: date, target_bps: int, share: float) -> Judgement:
    return Judgement(
        day=day,
        verdict=Verdict.INSUFFICIENT,
        target_bps=target_bps,
        share=share,
        n=0,
        days=0,
        attained=0,
        unknown=0,
        failed=0,
        window_from=None,
        n_effective=None,
        a_lo=None,
        a_hi=None,
        lower=None,
        upper=None,
        median_bps=None,
        recover_share=None,
        low_days=0,
        observed_days=0,
        severity=None,
        lacks=(Lack.TESTS, Lack.DAYS, Lack.HALVES),
    )


def _recover_share(window: Sequence[Observation], target_bps: int, criterion: Criterion) -> float:
    wanted = criterion.recover_margin * target_bps
    return sum([observation.value_bps >= wanted for observation in window]) / len(window)


def _low_days(
    window: Sequence[Observation], values: Sequence[ObservationValue], target_bps: int, criterion: Criterion
) -> tuple[int, int]:
    """Return how many of the last observed days had a median under the target, and how many were looked at.

    An unknown observation may be as fast as anything: it never pulls a day's median down.
    """
    by_day: dict[date, list[float]] = {}
    unknown = ObservationValue.UNKNOWN
    for observation, value in zip(reversed(window), reversed(values), strict=True):
        speeds = by_day.get(observation.day)
        if speeds is None:
            if len(by_day) == criterion.observed_days:
                break
            speeds = by_day[observation.day] = []
        speeds.append(math.inf if value is unknown else observation.value_bps)
    return sum(median(speeds) < target_bps for speeds in by_day.values()), len(by_day)


def _remedy(
    window: Sequence[Observation], values: Sequence[ObservationValue], target_bps: int
) -> tuple[Remedy, int | None]:
    """Return what would settle most of the unknown, the cheaper of two equal ones, and the link that was too slow."""
    unknown = [o for o, value in zip(window, values, strict=True) if value is ObservationValue.UNKNOWN]
    counts = Counter(remedy_of(observation, target_bps) for observation in unknown)
    by_price = list(Remedy)
    best = min(counts, key=lambda remedy: (-counts[remedy], by_price.index(remedy)))
    if best is Remedy.LARGER_CAP:
        return best, None
    links = Counter(o.link_bps for o in unknown if remedy_of(o, target_bps) is best)
    return best, links.most_common(1)[0][0]
