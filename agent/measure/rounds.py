"""From single round trips to what a record says of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import fmean, median

from agent.wire.records import Loaded, Rtt
from agent.wire.vocabulary import Confidence, Grade, RttMethod

# Increase over idle in ms below which a grade holds (the limits that web tests of bufferbloat use).
GRADES = ((5.0, Grade.A_PLUS), (30.0, Grade.A), (60.0, Grade.B), (200.0, Grade.C), (400.0, Grade.D))
# Loaded for so long, with so many answers, before a latency under load is believed: a test of a second has hardly
# filled a buffer of a second.
MEDIUM_LOAD_S, MEDIUM_N = 5.0, 20
HIGH_LOAD_S, HIGH_N = 8.0, 40
RAMP_S = 0.3  # probes sent before have met no load yet


@dataclass(frozen=True)
class Round:
    """One probe."""

    sent_s: float
    rtt_s: float | None  # None: no answer (yet)


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
    steps = [abs(later - earlier) for earlier, later in pairwise(answered)]
    return Rtt(
        rtt_ms=_ms(median(answered)),
        rtt_min_ms=_ms(min(answered)),
        rtt_p90_ms=_ms(quantile(answered, 0.9)),
        jitter_ms=_ms(fmean(steps)) if steps else None,
        loss_pct=round(100 * (1 - len(answered) / len(rounds)), 2),
        n=len(rounds),
        method=method,
    )


@dataclass(frozen=True)
class LoadedSide:
    """The probes of one direction."""

    rounds: tuple[Round, ...]
    load_s: float
    congestion_control: str | None = None

    def answered(self) -> list[float]:
        """Return the round trips of probes that met the load, seconds."""
        return [each.rtt_s for each in self.rounds if each.rtt_s is not None and each.sent_s >= RAMP_S]


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
        None if no probe was answered. The grade is left out when the line was not loaded long enough to say.
    """
    down = download.answered() if download else []
    up = upload.answered() if upload else []
    if not down and not up:
        return None
    medians = [median(side) for side in (down, up) if side]
    sides = [side for side, answers in ((download, down), (upload, up)) if side and answers]
    load_s = min(side.load_s for side in sides)
    confidence = _confidence(load_s, min(len(side) for side in (down, up) if side))
    increase_ms = None
    if idle and idle.method is method and idle.rtt_ms is not None:
        increase_ms = max(0.0, _ms(max(medians)) - idle.rtt_ms)
    names = [
        f"{name} {side.congestion_control}"
        for name, side in (("download", download), ("upload", upload))
        if side and side.congestion_control
    ]
    return Loaded(
        download_rtt_ms=_ms(median(down)) if down else None,
        download_p95_ms=_ms(quantile(down, 0.95)) if down else None,
        upload_rtt_ms=_ms(median(up)) if up else None,
        upload_p95_ms=_ms(quantile(up, 0.95)) if up else None,
        increase_ms=None if increase_ms is None else round(increase_ms, 3),
        n=len(down) + len(up),
        method=method,
        load_s=round(load_s, 3),
        congestion_control=", ".join(names) or None,
        confidence=confidence,
        grade=None if confidence is Confidence.LOW or increase_ms is None else grade(increase_ms),
    )


def _confidence(load_s: float, answers: int) -> Confidence:
    if load_s >= HIGH_LOAD_S and answers >= HIGH_N:
        return Confidence.HIGH
    return Confidence.MEDIUM if load_s >= MEDIUM_LOAD_S and answers >= MEDIUM_N else Confidence.LOW


def grade(increase_ms: float) -> Grade:
    """Return the letter for an increase of the median round trip over idle, ms."""
    return next((letter for limit_ms, letter in GRADES if increase_ms < limit_ms), Grade.F)
