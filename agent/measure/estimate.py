"""From time-stamped bytes to a figure: the one estimator of every engine. Pure.

The rule (receiver's bytes): windows of one round trip, never shorter than 100 ms nor longer than 600 ms, and longer
where bytes come in lumps, so that one lump more or less in a window decides nothing; stop when six of the last eight
lie within 10 % of their median. The figure is the mean from the first of those to the end; not of those alone: a
window in which bytes came late is followed by one with too many, and leaving out one of the two shifts the mean. With
a prior from the school's own history two successive windows within 10 % of it are enough. Else a limit ends the
transfer and the figure is the mean after the ramp-up.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import fmean, median, stdev

from agent.measure.curve import Curve
from agent.wire import limits
from agent.wire.records import Direction
from agent.wire.vocabulary import Confidence, Method, StopReason

WINDOW_MIN_S = 0.1
WINDOW_MAX_S = 0.6
WINDOW_LUMPS = 4  # that a window holds at least, where bytes come in lumps
STEADY_LAST = 8
STEADY_INSIDE = 6
FEW = 4  # windows
PRIOR_LAST = 2
NEAR = 0.10
FULL_GROWTH = 1.25
FULL_ROUNDS = 3
RAMP_SHARE = 0.8
HIGH_HALF_WIDTH_PCT = 5.0
MEDIUM_HALF_WIDTH_PCT = 15.0
WIRE_FACTOR = 1500 / 1448  # headers of a full IPv4 segment with time stamps
WIRE_ACKS = 1.01
BIN_MIN_MS = 50
SHORTEST_S = 0.001
LONGEST_S = 120.0  # later samples are none of a transfer: a clock that jumped

# Student's t, 99 % two-sided, by degrees of freedom: the rule looks again and again, so 95 % would be too little.
_T99 = (63.66, 9.92, 5.84, 4.60, 4.03, 3.71, 3.50, 3.36, 3.25, 3.17)
_T99_MANY = 2.9


@dataclass(frozen=True)
class Sample:
    """What is known at one moment."""

    at_s: float  # since the start of the transfer
    total_bytes: float  # cumulative, as counted by the receiver
    delivery_bps: float | None = None  # sum of the senders' delivery rates (TCP_INFO), where they are told


@dataclass(frozen=True)
class EstimatorConfig:
    """What the estimator goes by."""

    rtt_s: float | None = None  # idle round trip
    max_s: float = 10.0
    stall_s: float = 3.0
    prior_bps: float | None = None  # median of the school's last tests
    to_the_end: bool = False  # calibration: never stop because it is steady


@dataclass(frozen=True)
class Decision:
    """Whether to go on."""

    reason: StopReason | None = None

    @property
    def stop(self) -> bool:
        """Whether the transfer should end now."""
        return self.reason is not None


GO_ON = Decision()


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

    def as_direction(self, *, streams: int, method: Method) -> Direction:
        """Return the record of one direction."""
        half_width = self.half_width_pct
        return Direction(
            bps=min(round(self.bps), limits.BPS),
            half_width_pct=None if half_width is None else round(min(half_width, limits.HALF_WIDTH_PCT), 2),
            confidence=self.confidence,
            lower_bound=self.lower_bound,
            stop_reason=self.reason,
            bytes=self.bytes,
            wire_bytes_est=round(self.bytes * WIRE_FACTOR * WIRE_ACKS),
            duration_s=round(self.duration_s, 3),
            steady_s=round(self.steady_s, 3),
            ramp_s=round(self.ramp_s, 3),
            streams=streams,
            method=method,
            bin_ms=self.bin_ms,
            bins=list(self.bins),
        )


class Estimator:
    """Takes samples one by one and says when to stop; any sequence of samples works."""

    def __init__(self, config: EstimatorConfig) -> None:
        self._config = config
        self._curve = Curve()
        self._moved_s = 0.0
        self._look_s = 0.0
        self._reason: StopReason | None = None

    def add(self, sample: Sample) -> Decision:
        """Take one more sample.

        Returns:
            Whether to go on; once it said stop it keeps saying so, for the same reason.
        """
        before = self._curve.total
        if sample.at_s <= LONGEST_S:
            self._curve.add(sample.at_s, sample.total_bytes)
        if self._curve.total > before:
            self._moved_s = self._curve.end_s
        if self._reason is None:
            self._reason = self._judge()
        return GO_ON if self._reason is None else Decision(self._reason)

    def current_bps(self) -> float:
        """Return the rate of about the last half second, bit/s."""
        end_s = self._curve.end_s
        span_s = min(end_s, 0.5)
        return 8 * (self._curve.total - self._curve.at(end_s - span_s)) / max(span_s, SHORTEST_S)

    def result(self, reason: StopReason | None = None) -> Estimate | None:
        """Return the figure of what has been seen so far.

        Args:
            reason: Why it ended, where the estimator itself had not said stop.

        Returns:
            None if no byte came: that is unknown, not zero.
        """
        curve = self._curve
        if curve.total <= 0:
            return None
        ended = self._reason or reason or StopReason.CLIENT
        window_s, rates = self._windows()
        first, used = _steady_part(rates, self._config.prior_bps, ended)
        if used:
            figure, steady_s, ramp_s = fmean(used), len(used) * window_s, first * window_s
        else:
            used = [curve.total / max(curve.end_s, SHORTEST_S)]
            figure, steady_s, ramp_s = used[0], curve.end_s, 0.0
        half_width_pct = _half_width_pct(used)
        lower_bound = ended in (StopReason.BUDGET, StopReason.CLIENT, StopReason.STALL) or (
            ended is not StopReason.PRECISE and not _is_full(rates)
        )
        if lower_bound and len(used) < FEW:
            # Too few windows to tell a burst after a hold-up from the line: "at least" must not say too much.
            figure = min(figure, curve.total / max(self._moved_s - curve.began_s(), SHORTEST_S))
        bin_ms, bins = _bins(curve)
        return Estimate(
            bps=8 * figure,
            half_width_pct=half_width_pct,
            confidence=_confidence(ended, half_width_pct, lower_bound=lower_bound),
            lower_bound=lower_bound,
            reason=ended,
            bytes=int(curve.total),
            duration_s=curve.end_s,
            steady_s=steady_s,
            ramp_s=ramp_s,
            bin_ms=bin_ms,
            bins=bins,
            best_window_bps=8 * max([*rates, *used]),
            was_full=ended is StopReason.PRECISE or _is_full(rates),
        )

    def _judge(self) -> StopReason | None:
        now_s = self._curve.end_s
        if now_s >= self._look_s and not self._config.to_the_end:
            window_s, rates = self._windows()
            self._look_s = (len(rates) + 1) * window_s
            if _near_prior(rates, self._config.prior_bps) or _inside(rates):
                return StopReason.PRECISE
        if now_s >= self._config.max_s:
            return StopReason.TIME
        if self._curve.total > 0 and now_s - self._moved_s >= self._config.stall_s:
            return StopReason.STALL
        return None

    def _windows(self) -> tuple[float, list[float]]:
        """Return the window length and the bytes per second of every complete window."""
        curve = self._curve
        lumps = 1 + WINDOW_LUMPS * (1 - curve.news_share())
        wanted_s = max(self._config.rtt_s or 0.0, lumps * curve.news_gap_s())
        window_s = min(max(wanted_s, WINDOW_MIN_S), WINDOW_MAX_S)
        edges = [curve.at(index * window_s) for index in range(int(curve.end_s / window_s) + 1)]
        return window_s, [(high - low) / window_s for low, high in pairwise(edges)]


def _inside(rates: list[float]) -> list[float]:
    """Return the last windows, from the first one that agrees with most of them, none if too few agree."""
    last = rates[-STEADY_LAST:]
    if len(last) < STEADY_LAST:
        return []
    middle = median(last)
    near = [abs(rate - middle) <= NEAR * middle for rate in last]
    return last[near.index(True) :] if middle > 0 and sum(near) >= STEADY_INSIDE else []


def _near_prior(rates: list[float], prior_bps: float | None) -> list[float]:
    """Return the last two windows if both agree with the school's own history."""
    if not prior_bps or prior_bps <= 0 or len(rates) < PRIOR_LAST:
        return []
    last = rates[-PRIOR_LAST:]
    return last if all(abs(8 * rate - prior_bps) <= NEAR * prior_bps for rate in last) else []


def _is_full(rates: list[float]) -> bool:
    """Return whether the best rate grew by less than a quarter in three windows on end (BBR's rule for a full pipe)."""
    best, quiet = 0.0, 0
    for rate in rates:
        if rate >= best * FULL_GROWTH and rate > 0:
            best, quiet = rate, 0
            continue
        quiet += 1 if best > 0 else 0
        if quiet >= FULL_ROUNDS:
            return True
    return False


def _steady_part(rates: list[float], prior_bps: float | None, reason: StopReason) -> tuple[int, list[float]]:
    """Return the index of the first window that counts, and the rates that make the figure."""
    if reason is StopReason.PRECISE:
        used = _near_prior(rates, prior_bps) or _inside(rates)
        if used:
            return len(rates) - len(used), used
    first, end = _ramp_end(rates), len(rates)
    if reason in (StopReason.BUDGET, StopReason.STALL, StopReason.SERVER):
        end -= _ramp_end(rates[first:][::-1])  # the run-out after the last byte sent says as little as the ramp
    return first, rates[first:end]


def _ramp_end(rates: list[float]) -> int:
    """Return the first window that reaches most of what the windows from there on carry."""
    for index, rate in enumerate(rates):
        if rate > 0 and rate >= RAMP_SHARE * median(rates[index:]):
            return index
    return 0


def _half_width_pct(rates: list[float]) -> float | None:
    mean = fmean(rates)
    if len(rates) < 2 or mean <= 0:
        return None
    degrees = len(rates) - 1
    quantile = _T99[degrees - 1] if degrees <= len(_T99) else _T99_MANY
    return 100 * quantile * stdev(rates) / sqrt(len(rates)) / mean


def _confidence(reason: StopReason, half_width_pct: float | None, *, lower_bound: bool) -> Confidence:
    if lower_bound or half_width_pct is None:
        return Confidence.LOW
    steps = [Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW]
    if reason is StopReason.PRECISE:  # the stop rule is a second witness: one step better
        steps = [Confidence.HIGH, Confidence.HIGH, Confidence.MEDIUM]
    return steps[(half_width_pct > HIGH_HALF_WIDTH_PCT) + (half_width_pct > MEDIUM_HALF_WIDTH_PCT)]


def _bins(curve: Curve) -> tuple[int, tuple[int, ...]]:
    """Return the bin length in ms and the bytes per bin, at most as many as a record holds."""
    steps = -(-curve.end_s * 1000 // (limits.BINS * BIN_MIN_MS))
    bin_ms = int(min(max(steps, 1) * BIN_MIN_MS, limits.MS))
    count = min(limits.BINS, max(1, int(-(-curve.end_s * 1000 // bin_ms))))
    edges = [int(curve.at(index * bin_ms / 1000)) for index in range(count)] + [int(curve.total)]
    return bin_ms, tuple(high - low for low, high in pairwise(edges))
