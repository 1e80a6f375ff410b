"""What limited one direction of a test: radio, cable, line, test point, data cap or this computer. Pure.

Only what the record says is said. A figure near what the computer's own link can carry is the link's; a cap or a
computer that did not keep up is named before it, because then nobody knows how far the link would have gone.
"""

from enum import StrEnum

from agent.wire.records import Direction, Measurement, Surroundings
from agent.wire.tags import CLIENT_LIMITED, CLIENT_LIMITED_SOMEWHERE, CROSS_TRAFFIC, GATEWAY_SLOWER
from agent.wire.vocabulary import FailureCode, Medium, Phase, StopReason

WIRED_PART = 0.94  # of a port's rate: what is left for data behind Ethernet's, IP's and TCP's headers
WIFI_PART = 0.5  # of the radio's rate: the air is shared, and taken turns at
FULL_PART = 0.85  # of that ceiling: as good as full
_SERVER_FAILURES = {FailureCode.SERVER_BUSY, FailureCode.TOKEN_REFUSED, FailureCode.HTTP_STATUS}


class Limit(StrEnum):
    """What a direction would have to be freed of to be faster."""

    WIFI = "wifi"
    LAN = "lan"
    LINE = "line"
    SHARED_LINE = "shared_line"  # with other programs of this computer, as far as it sees
    SERVER = "server"
    CAP = "cap"
    COMPUTER = "computer"
    UNKNOWN = "unknown"  # the test ended before anything was full


def ceiling_bps(around: Surroundings | None) -> float | None:
    """Return what this computer's own link can carry of data, bit/s; None = not known."""
    if around is None or not around.link_bps or around.medium not in (Medium.ETHERNET, Medium.WIFI):
        return None
    return around.link_bps * (WIFI_PART if around.medium is Medium.WIFI else WIRED_PART)


def limit_of(record: Measurement, phase: Phase) -> Limit | None:
    """Return what limited a direction; None where it was not measured.

    Args:
        record: A measurement.
        phase: Download or upload.
    """
    side = record.download if phase is Phase.DOWNLOAD else record.upload
    if side is None:
        return None
    tags = record.tags or []
    if record.failure is not None and record.failure.phase is phase:
        return Limit.SERVER if record.failure.code in _SERVER_FAILURES else Limit.UNKNOWN
    is_held_up = f"{phase}{CLIENT_LIMITED}" in tags or CLIENT_LIMITED_SOMEWHERE in tags
    if side.stop_reason is StopReason.CLIENT or (side.lower_bound and is_held_up):
        return Limit.COMPUTER
    if side.lower_bound and side.stop_reason is StopReason.BUDGET:
        return Limit.CAP
    house = _house(record, side, phase)
    if house is not None:
        return house
    if side.lower_bound:
        return Limit.SERVER if side.stop_reason is StopReason.SERVER else Limit.UNKNOWN
    return Limit.SHARED_LINE if any(tag.startswith(f"{phase}{CROSS_TRAFFIC}") for tag in tags) else Limit.LINE


def _house(record: Measurement, side: Direction, phase: Phase) -> Limit | None:
    """Return the radio or the cable, where the figure fills it or its queue was seen to grow; else None."""
    around = record.surroundings
    if around is None or around.medium not in (Medium.ETHERNET, Medium.WIFI):
        return None
    most_bps = ceiling_bps(around)
    is_full = most_bps is not None and side.bps >= FULL_PART * most_bps
    is_queued = any(tag.startswith(f"{phase}{GATEWAY_SLOWER}") for tag in record.tags or [])
    if not is_full and not is_queued:
        return None
    return Limit.WIFI if around.medium is Medium.WIFI else Limit.LAN
