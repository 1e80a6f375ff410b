"""Shares and their precision: the design effect of tests of the same day, and Wilson's score interval."""

import math
from dataclasses import dataclass

from collector.domain.criterion import Z_ONE_SIDED_95


@dataclass(frozen=True)
class Interval:
    """A range for a share, both ends in [0, 1]."""

    lower: float
    upper: float


def effective_size(n: int, days: int, icc: float) -> float:
    """Return how many independent tests the tests of some days are worth.

    Args:
        n: Tests, > 0.
        days: Days that they lie on, 1 <= days <= n.
        icc: Correlation of two tests of one day, in [0, 1].

    Returns:
        n / max(1, 1 + (n/days - 1) icc): Kish's design effect for clusters of equal size. Not whole in general.

    Raises:
        ValueError: If there are no tests or no days.
    """
    if n < 1 or days < 1:
        raise ValueError("an effective size needs at least one test on one day")
    return n / max(1.0, 1.0 + (n / days - 1.0) * icc)


def wilson(share: float, n_effective: float, *, z: float = Z_ONE_SIDED_95) -> Interval:
    """Return the score interval for a share seen in so many independent tests.

    Args:
        share: Observed share in [0, 1].
        n_effective: Effective number of tests, > 0.
        z: Normal quantile; 1.645 leaves 5 % outside on each side.

    Returns:
        Both bounds, kept within [0, 1].

    Raises:
        ValueError: If an argument lies outside its range.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if not 0.0 <= share <= 1.0 or n_effective <= 0.0:
        raise ValueError(f"no interval for a share of {share} in {n_effective} tests")
    z2_n = z * z / n_effective
    centre = share + z2_n / 2.0
    half = z * math.sqrt(share * (1.0 - share) / n_effective + z2_n / (4.0 * n_effective))
    return Interval(max(0.0, (centre - half) / (1.0 + z2_n)), min(1.0, (centre + half) / (1.0 + z2_n)))
