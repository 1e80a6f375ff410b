"""Stop rules replayed on recorded transfers: what a change of the rule does, in one table.

The transfers were recorded on emulated lines with `python -m tests.netlab.traces`; the truth of each moment is the
emulator's own account. Errors are absolute, against what the line could carry until the rule stopped; bytes are those
sent over the line until then, losses and what was in flight included, as a share of the 10 s transfer.

`python -m bench.estimator [FOLDER] [--each]`: `--each` adds a line for every transfer.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from agent.measure.estimate.estimator import Estimator, EstimatorConfig
from agent.measure.estimate.figure import Estimate
from agent.wire.vocabulary import StopReason
from bench.machine import table
from tests.netlab import profiles
from tests.netlab.traces import FOLDER, SECONDS, Trace, load_all

MEAN_S = 2.0


@dataclass(frozen=True)
class Read:
    """What a rule made of one transfer."""

    trace: Trace
    bps: float
    at_s: float
    half_width_pct: float | None
    reason: StopReason | None
    stopped_s: float | None = None  # when nothing more was sent, where that is not the same

    @property
    def error(self) -> float:
        """Relative, signed."""
        truth_bps = self.trace.truth_bps(self.at_s) or self.trace.truth_bps(SECONDS)
        return self.bps / truth_bps - 1 if truth_bps else 0.0

    @property
    def share(self) -> float:
        """Bytes, of the whole transfer's."""
        sent_s = self.at_s if self.stopped_s is None else self.stopped_s
        return self.trace.sent_bytes(sent_s) / max(1, self.trace.sent_bytes(SECONDS))


Rule = Callable[[Trace], Read]


def ours(trace: Trace, *, prior_bps: float | None = None, uses_delivery: bool = False) -> Read:
    """Replay the shipped estimator, as where the kernel says what came behind a hole."""
    estimator = Estimator(EstimatorConfig(rtt_s=trace.rtt_s, prior_bps=prior_bps))
    estimate: Estimate | None = None
    stopped_s, until_s = SECONDS, None
    for sample in trace.samples:
        seen = sample if uses_delivery else replace(sample, delivery_bps=None)
        decision = estimator.add(seen)
        if until_s is None and decision.stop:
            stopped_s = sample.at_s
            if not decision.hears_out or not trace.can_be_heard_out:
                break
            until_s = trace.drained_s(sample.at_s)
        elif until_s is not None and sample.at_s >= until_s:
            break
    estimate = estimator.result(StopReason.TIME)
    if estimate is None:
        return Read(trace, 0.0, SECONDS, None, None)
    return Read(trace, estimate.bps, sample.at_s, estimate.half_width_pct, estimate.reason, stopped_s)


def with_prior(trace: Trace) -> Read:
    """Replay it with a history: what the line carried over the whole recording."""
    return ours(trace, prior_bps=trace.truth_bps(SECONDS))


def with_delivery(trace: Trace) -> Read:
    """Replay it with the senders' word, as where the receiver's kernel does not say."""
    return ours(trace, uses_delivery=True)


def mean_of(seconds: float) -> Rule:
    """Return the rule that is the mean of the first seconds, as most tools have it."""

    def read(trace: Trace) -> Read:
        last = [sample for sample in trace.samples if sample.at_s <= seconds][-1]
        return Read(trace, 8 * last.total_bytes / last.at_s, seconds, None, None)

    return read


RULES: tuple[tuple[str, Rule], ...] = (
    ("mean of 10 s", mean_of(SECONDS)),
    ("mean of 2 s", mean_of(MEAN_S)),
    ("ours", ours),
    ("ours, with a history", with_prior),
    ("ours, by the senders' word", with_delivery),
)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def _cell(reads: list[Read]) -> str:
    if not reads:
        return "-"
    errors = [100 * abs(read.error) for read in reads]
    worst = max(100 * read.error for read in reads)
    shares = 100 * median(read.share for read in reads)
    return f"{median(errors):.1f} / {percentile(errors, 0.9):.1f} / {worst:+.1f} %; {shares:.0f} %"


def _covered(reads: list[Read]) -> str:
    """Return in how many runs the half width covers what 10 s of the same transfer carry."""
    known = [read for read in reads if read.half_width_pct is not None and read.bps]
    if not known:
        return "-"
    hits = 0
    for read in known:
        whole = ten_seconds_bps(read.trace)
        hits += abs(read.bps - whole) <= read.bps * (read.half_width_pct or 0) / 100
    return f"{100 * hits / len(known):.0f} %"


def ten_seconds_bps(trace: Trace) -> float:
    """Return the estimator's figure when it may not stop before the end."""
    estimator = Estimator(EstimatorConfig(rtt_s=trace.rtt_s, to_the_end=True))
    for sample in trace.samples:
        estimator.add(sample)
    estimate = estimator.result(StopReason.TIME)
    return estimate.bps if estimate else 0.0


def show(traces: list[Trace], *, each: bool = False) -> None:
    """Print the table."""
    varying = {name for name, profile in profiles.ALL.items() if profile.varies}
    rows = []
    for name, rule in RULES:
        reads = [rule(trace) for trace in traces]
        row = [name]
        for direction in ("download", "upload"):
            mine = [read for read in reads if read.trace.direction == direction]
            steady = [read for read in mine if read.trace.profile not in varying]
            row += [_cell(mine), _cell(steady)]
        row.append(_covered([read for read in reads if read.trace.profile not in varying]))
        rows.append(row)
        if each:
            for read in reads:
                trace = read.trace
                print(
                    f"{name:28} {trace.profile:10} {trace.direction:8} {trace.seed} {100 * read.error:+7.1f} %"
                    f" {read.at_s:5.1f} s {100 * read.share:4.0f} % half {read.half_width_pct} {read.reason}"
                )
    print(f"{len(traces)} transfers. Cells: error median / p90 / most too high; bytes of the 10 s transfer.\n")
    head = ["rule", "download, all", "download, steady", "upload, all", "upload, steady", "half width covers 10 s"]
    print(table(head, rows))


def main() -> None:
    """Print the table of the recordings that are kept."""
    show(load_all())


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    show(load_all(Path(words[0]) if words else FOLDER), each="--each" in sys.argv)
