"""How bad it is: the typical test as a part of the target."""

from collector.domain.words import Severity

MILD_BELOW = 1.0
SERIOUS_BELOW = 0.8
SEVERE_BELOW = 0.5


def severity_of(median_bps: float, target_bps: int) -> Severity | None:
    """Return the severity of a median under its target, both in bit/s; None when the median reaches it."""
    ratio = median_bps / target_bps
    if ratio < SEVERE_BELOW:
        return Severity.SEVERE
    if ratio < SERIOUS_BELOW:
        return Severity.SERIOUS
    if ratio < MILD_BELOW:
        return Severity.MILD
    return None
