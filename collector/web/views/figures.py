"""Small figures of lists of speeds; pure."""

from collections.abc import Sequence


def quantile(ordered: Sequence[float], part: float) -> float | None:
    """Return a quantile of values in ascending order, between neighbours in proportion; None without values.

    Args:
        ordered: Ascending.
        part: 0 for the least, 0.5 for the median, 1 for the greatest.
    """
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def median(values: Sequence[float]) -> float | None:
    """Return the median; None without values."""
    return quantile(sorted(values), 0.5)
