"""A voting measurement, and what it says about a target: attained, failed, or not to be known."""

from datetime import date
from typing import NamedTuple

from collector.domain.words import ObservationValue, Remedy

# Payload share of the rate of a port: frames, addresses and TCP take the rest.
WIRED_CEILING = 0.94
# Of the rate that Wi-Fi announces; half duplex, contention and acknowledgements take the rest.
WIFI_CEILING = 0.5
# A computer must be able to show this much more than the target before it can prove a line too slow.
HEADROOM = 1.2

WIFI = "wifi"


class Observation(NamedTuple):  # made by the hundred thousand
    """One voting measurement of one direction."""

    day: date  # local to the school, by corrected time
    value_bps: int
    half: int | None = None  # 1 or 2: which half of that day's opening time; None: unknown
    lower_bound: bool = False  # the line is at least this fast
    medium: str | None = None  # ethernet | wifi | cellular | vpn | unknown
    link_bps: int | None = None  # rate of the port or of the Wi-Fi link; None: unknown


def ceiling_bps(medium: str | None, link_bps: int | None) -> float | None:
    """Return the most that a test on this link can show, in bit/s; None where the link is unknown."""
    if not link_bps:
        return None
    return link_bps * (WIFI_CEILING if medium == WIFI else WIRED_CEILING)


def is_under_ceiling(observation: Observation, target_bps: int) -> bool:
    """Return whether the computer's own link is too slow to prove this target."""
    ceiling = ceiling_bps(observation.medium, observation.link_bps)
    return ceiling is not None and ceiling < HEADROOM * target_bps


def value_of(observation: Observation, target_bps: int) -> ObservationValue:
    """Return what a measurement says about a target in bit/s."""
    if observation.value_bps >= target_bps:
        return ObservationValue.ATTAINED
    if observation.lower_bound or is_under_ceiling(observation, target_bps):
        return ObservationValue.UNKNOWN
    return ObservationValue.FAILED


def remedy_of(observation: Observation, target_bps: int) -> Remedy:
    """Return what would have made an unknown observation one that counts.

    A link that is too slow comes first: behind it, more bytes would show nothing more.
    """
    if is_under_ceiling(observation, target_bps):
        return Remedy.CABLE if observation.medium == WIFI else Remedy.FASTER_PORT
    return Remedy.LARGER_CAP
