"""Whether so many schools of a group fall silent together by accident, and which group explains it best; pure.

Of N schools that were heard a moment ago, x have fallen silent. If each does so with the usual chance h, so many or
more do with P[Bin(N, h) >= x]. What is asked of many groups in many slots finds something by accident somewhere: the
limit is divided by their number. The scan ratio follows Kulldorff (1997), *A spatial scan statistic*.
"""

from math import exp, inf, lgamma, log, log1p
from typing import Final, NamedTuple

WITHIN_MIN: Final = 20  # schools that fell silent within so long count as together: a post comes every 15 minutes
FEWEST: Final = 3
SHARE: Final = 0.5
EXCESS: Final = 0.3  # above the usual: days differ more than independent schools would, and large groups show it
FLOOR: Final = 4 * 0.005  # of a school's chance to fall silent within that time: 0.5 % a slot of 5 minutes
FALSE_ALARMS_A_MONTH: Final = 0.2
SLOTS_A_MONTH: Final = 30 * 288
_SMALLEST: Final = 1e-18  # a further term of a sum that counts for nothing


class Counts(NamedTuple):
    """What is seen of a group at a moment."""

    online: int  # heard a moment ago: those that still are, and those that fell
    fell: int

    @property
    def share(self) -> float:
        """Which part fell silent."""
        return self.fell / self.online if self.online else 0.0


def tail(n: int, x: int, chance: float) -> float:
    """Return P[Bin(n, chance) >= x]."""
    if x <= 0:
        return 1.0
    if x > n or chance <= 0:
        return 0.0
    if chance >= 1:
        return 1.0
    first = _log_choose(n, x) + x * log(chance) + (n - x) * log1p(-chance)
    term, total, odds = exp(first), 0.0, chance / (1 - chance)
    for k in range(x, n + 1):
        total += term
        if term < total * _SMALLEST:
            break
        term *= (n - k) / (k + 1) * odds
    return min(total, 1.0)


def limit(groups: int) -> float:
    """Return how small the chance has to be, so that looking at so many groups gives few alarms in a month."""
    return FALSE_ALARMS_A_MONTH / (max(groups, 1) * SLOTS_A_MONTH)


def is_drop(counts: Counts, usual: float, alpha: float) -> bool:
    """Return whether a group fell silent together, and not by accident.

    Args:
        counts: Of the group.
        usual: The chance of one of its schools to fall silent within `WITHIN_MIN` at that hour.
        alpha: See `limit`.
    """
    if counts.fell < FEWEST or counts.share < max(SHARE, usual + EXCESS):
        return False
    return tail(counts.online, counts.fell, usual) < alpha


def ratio(counts: Counts, usual: float) -> float:
    """Return the logarithm of the scan ratio: how much better a drop of its own explains the group than the usual."""
    n, x, expected = counts.online, counts.fell, counts.online * usual
    if x <= expected:
        return 0.0
    if expected <= 0:
        return inf
    rest = (n - x) * log((n - x) / (n - expected)) if x < n else 0.0
    return x * log(x / expected) + rest


def smallest_group(groups: int, usual: float = FLOOR) -> int:
    """Return how many schools a group needs, so that an outage of all of them is told from an accident."""
    alpha, n = limit(groups), FEWEST
    while usual**n >= alpha:
        n += 1
    return n


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
