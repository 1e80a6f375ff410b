"""From time-stamped bytes to a figure: the one estimator of every engine. Pure.

Two witnesses. The receiver's bytes, in windows of one round trip, never shorter than 100 ms nor longer than 600 ms,
and longer where packets are few or come in lumps, so that one more or less in a window decides nothing: stop when five
of the last six lie within 10 % of their median; the figure is the mean from the first of those to the end, or of all
since the line was full if that is another. A line whose rate changes is looked at for longer, and where a transfer can
be heard out, what was under way when it was told to stop belongs to that mean: where the rate falls it is much.

And, where the receiver cannot see what came behind a hole (`arrivals`) but all senders run BBR and say so, the sum of
their delivery rates in rounds of one round trip: stop when the pipe is full and four rounds agree; the figure is their
median, as long as the receiver bears it out (`delivery`). While that witness stands, the receiver's windows alone do
not stop a transfer: a long line looks steady while it still grows.

With a prior from the school's own history two successive windows or rounds within 10 % of it are enough. Else a limit
ends the transfer and the figure is the mean after the ramp-up. Where the limit came so soon that the complete windows
hold less than half of the bytes, they say nothing of the rest: then it is the mean of the whole transfer, and the line
carries at least that.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median

from agent.measure.estimate import rules
from agent.measure.estimate.curve import Curve
from agent.measure.estimate.delivery import DeliveryRounds
from agent.measure.estimate.figure import MEDIUM_HALF_WIDTH_PCT, Estimate, bins, confidence, half_width_pct
from agent.wire.vocabulary import StopReason

WINDOW_MIN_S = 0.1
WINDOW_MAX_S = 0.6
WINDOW_LUMPS = 4  # that a window holds at least, where bytes come in lumps
WINDOW_PACKETS = 16  # likewise: with fewer one packet more or less is the tenth by which windows may differ
KNOWN_WINDOW_PACKETS = 8  # with a history only two windows have to agree, and with that
NARROW_WINDOW_MAX_S = 1.2  # for which a window may be longer
PACKET_BYTES = 1500
FEW = 4  # windows
CHANGING_MAX_S = 3.0  # for which a line whose rate changes is looked at, even if its last windows agree
CHANGING_MAX_BYTES = 4_000_000  # likewise
UNSEEN_SHARE = 1 / 15  # of a test on such a line: what it carries during the ramp-up is not in the figure
HELD_SHARE = 0.5  # of all bytes: with less of them in complete windows, these are not what the transfer was
SHORTEST_S = 0.001
LONGEST_S = 120.0  # later samples are none of a transfer: a clock that jumped


@dataclass(frozen=True)
class Sample:
    """What is known at one moment."""

    at_s: float  # since the start of the transfer
    total_bytes: float  # cumulative, as counted by the receiver
    delivery_bps: float | None = None  # sum of the senders' delivery rates (TCP_INFO), where all run BBR and tell


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
    """Whether to go on.

    Attributes:
        reason: Why to stop, None = go on.
        hears_out: What is under way should still be heard of, though nothing more is sent: on a line whose rate
            changes it is the part of the test that the figure would not know.
    """

    reason: StopReason | None = None
    hears_out: bool = False

    @property
    def stop(self) -> bool:
        """Whether the transfer should end now."""
        return self.reason is not None


@dataclass(frozen=True)
class _Part:
    """The windows that make the figure."""

    rates_bps: list[float]
    bps: float
    steady_s: float
    ramp_s: float
    by_delivery: bool = False
    is_whole: bool = False  # the whole transfer, for want of windows
    full_s: float | None = None  # since when the line was full, where the receiver's windows say
    is_changing: bool = False  # the rate of the line, by the windows since then
    by_history: bool = False  # the history was the witness: a few windows were enough


GO_ON = Decision()


class Estimator:
    """Takes samples one by one and says when to stop; any sequence of samples works."""

    def __init__(self, config: EstimatorConfig) -> None:
        self._config = config
        self._curve = Curve()
        self._delivery = DeliveryRounds(config.rtt_s)
        self._moved_s = 0.0
        self._look_s = 0.0
        self._looked_rounds = 0
        self._reason: StopReason | None = None
        self._precise: _Part | None = None
        self._stopped_s: float | None = None

    def add(self, sample: Sample) -> Decision:
        """Take one more sample.

        Returns:
            Whether to go on; once it said stop it keeps saying so, for the same reason.
        """
        before = self._curve.total
        if sample.at_s <= LONGEST_S:
            self._curve.add(sample.at_s, sample.total_bytes)
            if sample.delivery_bps is not None:
                self._delivery.add(self._curve.end_s, sample.delivery_bps)
        if self._curve.total > before:
            self._moved_s = self._curve.end_s
        if self._reason is None:
            self._reason = self._judge()
            self._stopped_s = self._curve.end_s if self._reason else None
        if self._reason is None:
            return GO_ON
        part = self._precise
        return Decision(self._reason, part is not None and (part.is_changing or not part.by_history))

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
        if curve.total < 1:
            return None
        ended = self._reason or reason or StopReason.CLIENT
        window_s, rates_bps = self._windows()
        part = self._heard_out(self._precise) if self._precise else self._limited(window_s, rates_bps, ended)
        is_full = self._precise is not None or (self._is_full(rates_bps) and not part.is_whole)
        width_pct = half_width_pct(part.rates_bps)
        if self._precise and len(part.rates_bps) == rules.PRIOR_LAST and width_pct is not None:
            width_pct = min(width_pct, 100 * rules.NEAR)  # two windows say little of their spread, the history does
        is_cut = ended in (StopReason.BUDGET, StopReason.CLIENT, StopReason.STALL)
        lower_bound = is_cut or not is_full or self._is_too_slow(ended, window_s, width_pct)
        figure_bps = part.bps
        if lower_bound and len(part.rates_bps) < FEW:
            # Too few windows to tell a burst after a hold-up from the line: "at least" must not say too much.
            figure_bps = min(figure_bps, 8 * curve.total / max(self._moved_s - curve.began_s(), SHORTEST_S))
        bin_ms, bin_bytes = bins(curve)
        return Estimate(
            bps=figure_bps,
            half_width_pct=width_pct,
            confidence=confidence(ended, width_pct, lower_bound=lower_bound),
            lower_bound=lower_bound,
            reason=ended,
            bytes=int(curve.total),
            duration_s=curve.end_s,
            steady_s=part.steady_s,
            ramp_s=part.ramp_s,
            bin_ms=bin_ms,
            bins=bin_bytes,
            best_window_bps=max([*rates_bps, *([] if part.by_delivery else part.rates_bps), 0.0]),
            was_full=is_full,
            by_delivery=part.by_delivery,
        )

    def _judge(self) -> StopReason | None:
        now_s = self._curve.end_s
        if not self._config.to_the_end:
            self._precise = self._by_delivery() if self._delivery.is_told else None
            if self._precise is None and now_s >= self._look_s and not self._delivery.is_told:
                self._precise = self._by_receiver()
            if self._precise:
                return StopReason.PRECISE
        if now_s >= self._config.max_s:
            return StopReason.TIME
        if self._curve.total > 0 and now_s - self._moved_s >= self._config.stall_s:
            return StopReason.STALL
        return None

    def _by_delivery(self) -> _Part | None:
        delivery = self._delivery
        rounds = len(delivery.rates_bps)
        if rounds == self._looked_rounds:
            return None
        self._looked_rounds = rounds
        used = delivery.steady(self._config.prior_bps)
        if not used:
            return None
        figure_bps = median(used)
        _, windows_bps = self._windows()
        if not windows_bps or not delivery.check(figure_bps, self._curve, max(windows_bps)):
            return None
        ramp_s = delivery.began_s + (rounds - len(used)) * delivery.round_s
        return _Part(used, figure_bps, len(used) * delivery.round_s, ramp_s, by_delivery=True)

    def _by_receiver(self) -> _Part | None:
        window_s, rates_bps = self._windows()
        self._look_s = (len(rates_bps) + 1) * window_s
        known = rules.near_prior(rates_bps, self._config.prior_bps)
        agreed = known or rules.inside(rates_bps)
        if not agreed:
            return None
        since = rules.since_full(rates_bps, agreed)
        has_changed = rules.differ(since, agreed)
        ramp_s = (len(rates_bps) - len(since)) * window_s
        packets = fmean(since) * window_s / (8 * PACKET_BYTES)
        is_changing = (has_changed if known else rules.drifts(since)) or rules.is_restless(since, packets)
        if is_changing and self._is_worth_a_longer_look(ramp_s):
            return None
        used = since if has_changed else agreed
        used_s = len(used) * window_s
        return _Part(
            used, fmean(used), used_s, len(rates_bps) * window_s - used_s,
            full_s=ramp_s, is_changing=is_changing, by_history=bool(known),
        )  # fmt: skip

    def _heard_out(self, part: _Part) -> _Part:
        """Return the part with what was still under way when the transfer was told to stop, if it was heard of.

        That is a third of a short test: where the rate falls the queue grows, and its end is as much of the line's
        time as its beginning.
        """
        curve, full_s, stopped_s = self._curve, part.full_s, self._stopped_s
        if full_s is None or stopped_s is None or curve.end_s <= stopped_s:
            return part
        last_bps = 8 * (curve.total - curve.at(stopped_s)) / (curve.end_s - stopped_s)
        seen_s = curve.end_s - full_s
        mean_bps = 8 * (curve.total - curve.at(full_s)) / seen_s
        return replace(part, rates_bps=[*part.rates_bps, last_bps], bps=mean_bps, steady_s=seen_s, ramp_s=full_s)

    def _is_too_slow(self, ended: StopReason, window_s: float, width_pct: float | None) -> bool:
        """Return whether the time was over on a line so narrow that its few packets had not agreed by then.

        What such a line carries twice, because its queue lasts longer than the senders wait, is not in the figure.
        """
        is_over = ended is StopReason.TIME and not self._config.to_the_end
        return is_over and window_s > WINDOW_MAX_S and (width_pct is None or width_pct > MEDIUM_HALF_WIDTH_PCT)

    def _is_worth_a_longer_look(self, ramp_s: float) -> bool:
        """Return whether what a test carried unseen, during its ramp-up, weighs much yet, and looking on is cheap."""
        is_short = self._curve.end_s < min(CHANGING_MAX_S, ramp_s / UNSEEN_SHARE)
        return is_short and self._curve.total < CHANGING_MAX_BYTES

    def _limited(self, window_s: float, rates_bps: list[float], ended: StopReason) -> _Part:
        """Return what there is when a limit ended the transfer: everything after the ramp-up, or else everything."""
        has_run_out = ended in (StopReason.BUDGET, StopReason.STALL, StopReason.SERVER)
        if self._curve.at(len(rates_bps) * window_s) < HELD_SHARE * self._curve.total:
            whole_s = self._moved_s if has_run_out else self._curve.end_s
            whole_bps = 8 * self._curve.total / max(whole_s, SHORTEST_S)
            return _Part([whole_bps], whole_bps, whole_s, 0.0, is_whole=True)
        first, end = rules.ramp_end(rates_bps), len(rates_bps)
        if has_run_out:
            end -= rules.ramp_end(rates_bps[first:][::-1])  # the run-out after the last byte sent says no more
        used = rates_bps[first:end]
        return _Part(used, fmean(used), len(used) * window_s, first * window_s)

    def _is_full(self, rates_bps: list[float]) -> bool:
        if self._delivery.is_told:
            return rules.full_at(self._delivery.rates_bps) is not None
        return rules.full_at(rates_bps) is not None

    def _windows(self) -> tuple[float, list[float]]:
        """Return the window length and the receiver's rate, bit/s, in every complete window."""
        curve = self._curve
        lumps = 1 + WINDOW_LUMPS * (1 - curve.news_share())
        wanted_s = max(self._config.rtt_s or 0.0, lumps * curve.news_gap_s())
        narrow_s = 0.0
        if curve.total >= 1:
            mean_bytes_per_s = curve.total / max(curve.end_s - curve.began_s(), SHORTEST_S)
            packets = KNOWN_WINDOW_PACKETS if self._config.prior_bps else WINDOW_PACKETS
            narrow_s = min(packets * PACKET_BYTES / mean_bytes_per_s, NARROW_WINDOW_MAX_S)
        window_s = max(min(max(wanted_s, WINDOW_MIN_S), WINDOW_MAX_S), narrow_s)
        edges = [curve.at(index * window_s) for index in range(int(curve.end_s / window_s) + 1)]
        return window_s, [8 * (high - low) / window_s for low, high in pairwise(edges)]
