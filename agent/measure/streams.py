"""How many connections carry a direction: one to six, by round trip, loss and the school's own history. Pure.

More connections shorten the ramp-up by about a round trip per doubling and share out losses, which is worth more than
more seconds; on narrow lines they only queue behind each other, and each takes its share of headers and of the cap.
"""

from dataclasses import dataclass

USUAL = 4
MOST = 6
NARROW_BPS = 2_000_000.0  # below: two, so that one lost packet does not silence the line
VERY_NARROW_BPS = 500_000.0  # below: one
LONG_RTT_S = 0.3
LARGE_PIPE_BYTES = 1_000_000.0  # rate x round trip: what has to be in flight
LOSSY_PCT = 5.0  # of the idle probes; with twenty of them two lost, one may be chance
FEWEST_PROBES = 10  # fewer say nothing about loss


@dataclass(frozen=True)
class Streams:
    """A number of connections, and why."""

    count: int
    reason: str  # "usual", "narrow", "long" or "lossy"


def choose(*, rtt_s: float | None, loss_pct: float | None, probes: int, prior_bps: float | None) -> Streams:
    """Return how many connections to open; what is unknown decides nothing.

    Args:
        rtt_s: Idle round trip, seconds.
        loss_pct: Of the idle probes.
        probes: How many there were.
        prior_bps: Median of the school's last tests in this direction, bit/s.
    """
    if prior_bps is not None and 0 < prior_bps < NARROW_BPS:
        return Streams(1 if prior_bps < VERY_NARROW_BPS else 2, "narrow")
    if rtt_s is not None and (rtt_s >= LONG_RTT_S or rtt_s * (prior_bps or 0.0) / 8 >= LARGE_PIPE_BYTES):
        return Streams(MOST, "long")
    if loss_pct is not None and probes >= FEWEST_PROBES and loss_pct > LOSSY_PCT:
        return Streams(MOST, "lossy")
    return Streams(USUAL, "usual")
