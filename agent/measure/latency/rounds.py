"""From single round trips to what a record says of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import fmean, median

from agent.measure.latency import grades
from agent.wire.records import Loaded, Rtt
from agent.wire.vocabulary import Confidence, RttMethod

# Loaded for so long, with so many answers, before a latency under load is believed: a test of a second has hardly
# filled a buffer of a second.
MEDIUM_LOAD_S, MEDIUM_N = 5.0, 20
HIGH_LOAD_S, HIGH_N = 8.0, 40
RAMP_S = 0.3  # probes sent before have met no load yet,
RAMP_ROUNDS = 2  # nor those of the first round trips
LOST_SHARE = 0.25  # more of the probes lost: what the others say is no median of all


@dataclass(frozen=True)
class Round:
    """One probe."""

    sent_s: float
    rtt_s: float | None  # None: no answer (yet)
    is_void: bool = False  # nobody can answer any more whom the line could have brought it to: not lost on the line


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)


def summary(rounds: Sequence[Round], method: RttMethod) -> Rtt | None:
    """Return a series in the form of the record, None if nothing was answered.

    Jitter is the mean absolute difference of successive answers.
    """
    answered = [each.rtt_s for each in rounds if each.rtt_s is not None]
    if not answered:
        return None
    asked = sum(not each.is_void for each in rounds)
    steps = [abs(later - earlier) for earlier, later in pairwise(answered)]
    return Rtt(
        rtt_ms=_ms(median(answered)),
        rtt_min_ms=_ms(min(answered)),
        rtt_p90_ms=_ms(quantile(answered, 0.9)),
        jitter_ms=_ms(fmean(steps)) if steps else None,
        loss_pct=round(100 * (1 - len(answered) / asked), 2),
        n=asked,
        method=method,
    )


@dataclass(frozen=True)
class LoadedSide:
    """The probes of one direction."""

    rounds: tuple[Round, ...]
    load_s: float
    congestion_control: str | None = None

    def met(self, idle_s: float) -> list[float | None]:
        """Return the round trips of the probes that met the load, seconds; None = lost."""
        ramp_s = max(RAMP_S, RAMP_ROUNDS * idle_s)
        return [each.rtt_s for each in self.rounds if each.sent_s >= ramp_s]


@dataclass(frozen=True)
class _Seen:
    """One direction, worked out."""

    median_s: float
    p95_s: float
    n: int
    lost_share: float


def _seen(met: Sequence[float | None], idle_loss_share: float) -> _Seen | None:
    """Return what the probes of a direction say, None if none was answered.

    A probe is lost where the queue is full: leaving it out would make the median one of the shorter queues alone. So a
    lost probe counts as one that waited as long as the slowest that came through; a share of them that the line loses
    when it is idle as well counts for nothing.
    """
    answered = [each for each in met if each is not None]
    if not answered:
        return None
    lost = len(met) - len(answered)
    in_queue = max(0, lost - round(idle_loss_share * len(met)))
    values = answered + [max(answered)] * in_queue
    return _Seen(median(values), quantile(values, 0.95), len(met), lost / len(met))


def loaded(
    download: LoadedSide | None, upload: LoadedSide | None, idle: Rtt | None, method: RttMethod
) -> Loaded | None:
    """Return the latency under load in the form of the record.

    Args:
        download: Probes while the download ran, None if it did not.
        upload: Probes while the upload ran.
        idle: The idle series; the increase is known only if it is of the same method.
        method: Of the probes.

    Returns:
        None if no probe was answered. The grade is left out when the line was not loaded in a way that would have
        filled a buffer: too short, one direction only, or by a sender that keeps queues short.
    """
    same = idle if idle and idle.method is method and idle.rtt_ms is not None else None
    idle_s = (same.rtt_ms or 0.0) / 1000 if same else 0.0
    loss_share = (same.loss_pct or 0.0) / 100 if same else 0.0
    down = _seen(download.met(idle_s), loss_share) if download else None
    up = _seen(upload.met(idle_s), loss_share) if upload else None
    told = [(side, seen) for side, seen in ((download, down), (upload, up)) if side and seen]
    if not told:
        return None
    load_s = min(side.load_s for side, _ in told)
    confidence = _confidence(load_s, [seen for _, seen in told])
    increase_ms = None
    if same and same.rtt_ms is not None:
        increase_ms = round(max(0.0, _ms(max(seen.median_s for _, seen in told)) - same.rtt_ms), 3)
    may_grade = grades.may_grade(confidence, [side.congestion_control for side, _ in told])
    return Loaded(
        download_rtt_ms=_ms(down.median_s) if down else None,
        download_p95_ms=_ms(down.p95_s) if down else None,
        upload_rtt_ms=_ms(up.median_s) if up else None,
        upload_p95_ms=_ms(up.p95_s) if up else None,
        increase_ms=increase_ms,
        n=sum(seen.n for _, seen in told),
        method=method,
        load_s=round(load_s, 3),
        congestion_control=_names(download, upload),
        confidence=confidence,
        grade=grades.grade(increase_ms) if may_grade and increase_ms is not None else None,
    )


def _names(download: LoadedSide | None, upload: LoadedSide | None) -> str | None:
    sides = (("download", download), ("upload", upload))
    named = [f"{name} {side.congestion_control}" for name, side in sides if side and side.congestion_control]
    return ", ".join(named) or None


def _confidence(load_s: float, sides: Sequence[_Seen]) -> Confidence:
    fewest = min(seen.n for seen in sides)
    if load_s < MEDIUM_LOAD_S or fewest < MEDIUM_N or max(seen.lost_share for seen in sides) > LOST_SHARE:
        return Confidence.LOW
    return Confidence.HIGH if load_s >= HIGH_LOAD_S and fewest >= HIGH_N else Confidence.MEDIUM
