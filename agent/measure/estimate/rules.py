"""When a transfer has said enough: stop rules on the rates of successive windows. Pure.

A window is as long as a round trip, or longer; rates, and the prior beside them, are all of one unit. Each rule returns
the windows that make the figure, empty where they do not agree (yet).
"""

from collections.abc import Sequence
from statistics import fmean, median, stdev

STEADY_LAST = 6
STEADY_INSIDE = 5
PRIOR_LAST = 2
NEAR = 0.10
FULL_GROWTH = 1.25
FULL_ROUNDS = 3
RAMP_SHARE = 0.8
SAME_RATE = 0.05
SINCE_ROUNDS = 2
BURST = 2.0  # of the windows that agree
BURST_LAST = 2  # windows
RISE = 4.0  # no line grows by more within a test
RESTLESS = 0.03
PACKETS_ASIDE = 1.5  # that fall into one window rather than the next


def inside(rates: Sequence[float], *, last: int = STEADY_LAST, at_least: int = STEADY_INSIDE) -> list[float]:
    """Return the last windows, from the first one that agrees with most of them, none if too few agree.

    Not those alone that agree: a window in which bytes came late is followed by one with too many, and leaving out
    one of the two shifts the mean.
    """
    latest = list(rates[-last:])
    if len(latest) < last:
        return []
    middle = median(latest)
    near = [abs(rate - middle) <= NEAR * middle for rate in latest]
    return latest[near.index(True) :] if middle > 0 and sum(near) >= at_least else []


def since_full(rates: Sequence[float], latest: Sequence[float]) -> list[float]:
    """Return all windows since the line was full, as far as that can be told: at least the latest.

    Leading windows with far more than the latest are no rate of the line: a buffer or an allowance on the way let them
    through. Those with far less are the ramp-up, or a connection that was held up. A ramp-up doubles every round trip,
    so two windows without much growth end it; the one that it ends in is only partly full.

    Args:
        rates: Of all windows.
        latest: The last of them, which agree.
    """
    start, level = 0, fmean(latest)
    while start < BURST_LAST and rates[start] > BURST * level:
        start += 1
    while rates[start] < level / RISE:
        start += 1
    full = full_at(rates[start:], rounds=SINCE_ROUNDS)
    if full is None:
        return list(latest)
    start += full
    while rates[start] < RAMP_SHARE * rates[min(start + 1, len(rates) - 1)]:
        start += 1
    return list(rates[min(start, len(rates) - len(latest)) :])


def differ(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether the means of two runs of windows are those of different rates."""
    return abs(fmean(one) - fmean(other)) > SAME_RATE * fmean(other)


def drifts(rates: Sequence[float]) -> bool:
    """Return whether the first half of the windows says something else than the second."""
    middle = len(rates) // 2
    return middle > 0 and abs(fmean(rates[:middle]) - fmean(rates[middle:])) > SAME_RATE * fmean(rates)


def is_restless(rates: Sequence[float], packets: float) -> bool:
    """Return whether windows differ by more than a packet or two at their edges can make them.

    Args:
        rates: Of windows since the line was full.
        packets: That a window holds in the mean.
    """
    return len(rates) > 2 and stdev(rates) > (RESTLESS + PACKETS_ASIDE / packets) * fmean(rates)


def near_prior(rates: Sequence[float], prior: float | None) -> list[float]:
    """Return the last two windows if both agree with the school's own history, in the same unit."""
    if not prior or prior <= 0 or len(rates) < PRIOR_LAST:
        return []
    latest = list(rates[-PRIOR_LAST:])
    return latest if all(abs(rate - prior) <= NEAR * prior for rate in latest) else []


def full_at(rates: Sequence[float], rounds: int = FULL_ROUNDS) -> int | None:
    """Return the window with which the pipe was full, None if it never was seen full.

    Full means that the best rate grew by less than a quarter in three windows on end (BBR's rule, Cardwell et al.
    2016); the window returned is the one that had the best rate.
    """
    best, best_at, quiet = 0.0, 0, 0
    for index, rate in enumerate(rates):
        if rate >= best * FULL_GROWTH and rate > 0:
            best, best_at, quiet = rate, index, 0
            continue
        quiet += 1 if best > 0 else 0
        if quiet >= rounds:
            return best_at
    return None


def ramp_end(rates: Sequence[float]) -> int:
    """Return the first window that reaches most of what the windows from there on carry."""
    for index, rate in enumerate(rates):
        if rate > 0 and rate >= RAMP_SHARE * median(rates[index:]):
            return index
    return 0
