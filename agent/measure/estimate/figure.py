"""The figure of one direction: with its precision, and in the form of the record. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import fmean, stdev

from agent.measure.estimate.curve import Curve
from agent.measure.wirecost import wire_bytes
from agent.wire import limits
from agent.wire.records import Direction
from agent.wire.vocabulary import Confidence, Method, StopReason

HIGH_HALF_WIDTH_PCT = 5.0
MEDIUM_HALF_WIDTH_PCT = 15.0
BIN_MIN_MS = 50

# Student's t, 99 % two-sided, by degrees of freedom: the rule looks again and again, so 95 % would be too little.
_T99 = (63.66, 9.92, 5.84, 4.60, 4.03, 3.71, 3.50, 3.36, 3.25, 3.17)
_T99_MANY = 2.9


@dataclass(frozen=True)
class Estimate:
    """A figure with its precision."""

    bps: float
    half_width_pct: float | None
    confidence: Confidence
    lower_bound: bool
    reason: StopReason
    bytes: int
    duration_s: float
    steady_s: float
    ramp_s: float
    bin_ms: int
    bins: tuple[int, ...]
    best_window_bps: float
    was_full: bool  # the rate had stopped growing
    by_delivery: bool = False  # the figure is the senders', borne out by the receiver

    def as_direction(self, *, streams: int, method: Method) -> Direction:
        """Return the record of one direction; `method` is that of the receiver's bytes."""
        half_width = self.half_width_pct
        return Direction(
            bps=min(round(self.bps), limits.BPS),
            half_width_pct=None if half_width is None else round(min(half_width, limits.HALF_WIDTH_PCT), 2),
            confidence=self.confidence,
            lower_bound=self.lower_bound,
            stop_reason=self.reason,
            bytes=self.bytes,
            wire_bytes_est=wire_bytes(self.bytes),
            duration_s=round(self.duration_s, 3),
            steady_s=round(self.steady_s, 3),
            ramp_s=round(self.ramp_s, 3),
            streams=streams,
            method=Method.TCPINFO if self.by_delivery else method,
            bin_ms=self.bin_ms,
            bins=list(self.bins),
        )


def half_width_pct(rates: Sequence[float]) -> float | None:
    """Return the half width of the mean's 99 % interval in per cent of it, None for fewer than two windows."""
    mean = fmean(rates)
    if len(rates) < 2 or mean <= 0:
        return None
    degrees = len(rates) - 1
    quantile = _T99[degrees - 1] if degrees <= len(_T99) else _T99_MANY
    return 100 * quantile * stdev(rates) / sqrt(len(rates)) / mean


def confidence(reason: StopReason, width_pct: float | None, *, lower_bound: bool) -> Confidence:
    """Return the word for how far a figure can be trusted."""
    if lower_bound or width_pct is None:
        return Confidence.LOW
    steps = [Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW]
    if reason is StopReason.PRECISE:  # the stop rule is a second witness: one step better
        steps = [Confidence.HIGH, Confidence.HIGH, Confidence.MEDIUM]
    return steps[(width_pct > HIGH_HALF_WIDTH_PCT) + (width_pct > MEDIUM_HALF_WIDTH_PCT)]


def bins(curve: Curve) -> tuple[int, tuple[int, ...]]:
    """Return the bin length in ms and the bytes per bin, at most as many as a record holds."""
    steps = -(-curve.end_s * 1000 // (limits.BINS * BIN_MIN_MS))
    bin_ms = int(min(max(steps, 1) * BIN_MIN_MS, limits.MS))
    count = min(limits.BINS, max(1, int(-(-curve.end_s * 1000 // bin_ms))))
    edges = [int(curve.at(index * bin_ms / 1000)) for index in range(count)] + [int(curve.total)]
    return bin_ms, tuple(high - low for low, high in pairwise(edges))
