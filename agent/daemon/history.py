"""The last figures of this computer's line: what a test may expect to find, for its byte caps and its estimator."""

from collections.abc import Sequence

import msgspec

from agent.uplink.servertime import ReadState, State
from agent.wire.records import Measurement
from agent.wire.vocabulary import Status

PRIORS = "priors"  # key of the durable state
PRIORS_KEPT = 5
WANDERS_BY = 0.05  # typical distance of a figure from the median of all, for a line whose rate changes
FEWEST_TO_WANDER = 3


def priors(state: ReadState) -> tuple[float | None, float | None]:
    """Return the medians of the last figures, download and upload, bit/s; None = the line is not known."""
    figures = _figures(state.get_state(PRIORS))
    return middle([one[0] for one in figures]), middle([one[1] for one in figures])


def wandering(state: ReadState) -> tuple[bool, bool]:
    """Return whether the last figures, download and upload, differ so much that none of them foretells the next."""
    figures = _figures(state.get_state(PRIORS))
    return wander([one[0] for one in figures]), wander([one[1] for one in figures])


def middle(figures: Sequence[float]) -> float | None:
    """Return the upper median, None of nothing."""
    return float(sorted(figures)[len(figures) // 2]) if figures else None


def wander(figures: Sequence[float]) -> bool:
    """Return whether figures are those of a line whose rate changes: one that is far off, alone, is no sign of it."""
    usual = middle(figures)
    if not usual or len(figures) < FEWEST_TO_WANDER:
        return False
    return (middle([abs(figure - usual) for figure in figures]) or 0.0) > WANDERS_BY * usual


def remember(state: State, record: Measurement) -> None:
    """Keep the figures of a whole measurement, and no more than the last few."""
    if record.status is Status.OK and record.download is not None and record.upload is not None:
        figures = [*_figures(state.get_state(PRIORS)), (record.download.bps, record.upload.bps)]
        state.set_state(PRIORS, msgspec.json.encode(figures[-PRIORS_KEPT:]).decode())


def _figures(text: str | None) -> list[tuple[int, int]]:
    try:
        return msgspec.json.decode(text or "[]", type=list[tuple[int, int]])
    except msgspec.MsgspecError:
        return []
