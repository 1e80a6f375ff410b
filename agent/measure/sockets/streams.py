"""How many connections carry a direction: one to six, by round trip, loss and the school's own history. Pure.

More connections shorten the ramp-up by about a round trip per doubling and share out losses, which is worth more than
more seconds; on narrow lines they only queue behind each other, and each takes its share of headers and of the cap.
"""

from dataclasses import dataclass

from agent.wire.records import Rtt

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

    def remark(self, run: int) -> str | None:
        """Return the number that was really run, with the reason for its being unusual; None where that is not it.

        Args:
            run: Connections that carried data: a protocol may need more, a small cap bear fewer, a server take fewer.
        """
        is_reason = (self.count - USUAL) * (run - USUAL) > 0
        return f"{run} {self.reason}" if is_reason else None


def choose(idle: Rtt | None, prior_bps: float | None, other_bps: float | None = None) -> Streams:
    """Return how many connections to open; what is unknown decides nothing.

    Args:
        idle: The idle round trips.
        prior_bps: Median of the school's last tests in this direction, bit/s.
        other_bps: What the other direction has just carried: without history a line that is narrow there is narrow.
    """
    if prior_bps is None and other_bps is not None and other_bps < NARROW_BPS:
        prior_bps = other_bps
    if prior_bps is not None and 0 < prior_bps < NARROW_BPS:
        return Streams(1 if prior_bps < VERY_NARROW_BPS else 2, "narrow")
    if idle is None:
        return Streams(USUAL, "usual")
    rtt_s = (idle.rtt_ms or 0.0) / 1000
    if rtt_s >= LONG_RTT_S or rtt_s * (prior_bps or 0.0) / 8 >= LARGE_PIPE_BYTES:
        return Streams(MOST, "long")
    if (idle.loss_pct or 0.0) > LOSSY_PCT and (idle.n or 0) >= FEWEST_PROBES:
        return Streams(MOST, "lossy")
    return Streams(USUAL, "usual")
