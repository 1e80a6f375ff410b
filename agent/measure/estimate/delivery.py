"""What BBR senders say of the line: the sum of their delivery rates, in rounds, guarded by the receiver. Pure.

A BBR sender's delivery rate sees the line before the receiver's average does: a long line is read when the receiver
has had a third of it. It is worth what it says only if nobody on the way acknowledges for the receiver (a split-TCP
proxy does), so it must not be above what the receiver has once got within a round trip.
"""

from statistics import median

from agent.measure.estimate import rules
from agent.measure.estimate.curve import Curve

ROUND_MIN_S = 0.1
STEADY_ROUNDS = 4
GUARD = 1.15  # of the receiver's best window; 98 of 98 transfers without a proxy stayed below 1.05
LOW_GUARD = 0.85  # of the receiver's mean in the same rounds: below it the sender was held up by itself


class DeliveryRounds:
    """The senders' summed delivery rate, bit/s, in rounds of a round trip."""

    def __init__(self, rtt_s: float | None) -> None:
        self.round_s = max(rtt_s or 0.0, ROUND_MIN_S)
        self._rates_bps: list[float] = []
        self._open: list[float] = []
        self._first_s: float | None = None
        self.is_refuted = False  # the receiver has not got what the senders say was delivered

    @property
    def is_told(self) -> bool:
        """Whether the senders tell and nothing speaks against them."""
        return self._first_s is not None and not self.is_refuted

    @property
    def rates_bps(self) -> list[float]:
        """The rate of each complete round."""
        return self._rates_bps

    @property
    def began_s(self) -> float:
        """When the first round began."""
        return self._first_s or 0.0

    def add(self, at_s: float, delivery_bps: float) -> None:
        """Take what all senders say at one moment."""
        if self._first_s is None:
            self._first_s = at_s
        done = int((at_s - self._first_s) / self.round_s)
        if self._open and done > len(self._rates_bps):
            self._rates_bps.append(median(self._open))
            self._open = []
            # A round in which nobody spoke is like the one before it.
            self._rates_bps.extend([self._rates_bps[-1]] * (done - len(self._rates_bps)))
        self._open.append(delivery_bps)

    def steady(self, prior_bps: float | None) -> list[float]:
        """Return the last rounds if they agree on a full pipe, or with the school's own history, else none."""
        rates = self._rates_bps
        known = rules.near_prior(rates, prior_bps)
        if known:
            return known
        if rules.full_at(rates) is None:
            return []
        return rules.inside(rates, last=STEADY_ROUNDS, at_least=STEADY_ROUNDS)

    def check(self, figure_bps: float, curve: Curve, best_window_bps: float) -> bool:
        """Return whether the receiver bears a figure out.

        Args:
            figure_bps: What the senders say.
            curve: What the receiver got.
            best_window_bps: Of the receiver, windows of a round trip.
        """
        if figure_bps > GUARD * best_window_bps:
            self.is_refuted = True
            return False
        span_s = min(curve.end_s, STEADY_ROUNDS * self.round_s)
        got_bps = 8 * (curve.total - curve.at(curve.end_s - span_s)) / max(span_s, 0.001)
        return figure_bps >= LOW_GUARD * got_bps
