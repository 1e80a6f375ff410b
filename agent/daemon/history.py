"""The last figures of this computer's line: what a test may expect to find, for its byte caps and its estimator."""

from typing import Protocol

import msgspec

from agent.wire.records import Measurement
from agent.wire.vocabulary import Status

PRIORS = "priors"  # key of the durable state
PRIORS_KEPT = 5


class State(Protocol):
    """The durable state: `spool.Spool`."""

    def get_state(self, key: str) -> str | None:
        """Return a small durable value."""

    def set_state(self, key: str, value: str | None) -> None:
        """Keep a small durable value."""


def priors(state: State) -> tuple[float | None, float | None]:
    """Return the medians of the last figures, download and upload, bit/s; None = the line is not known."""
    figures = _figures(state.get_state(PRIORS))
    return _median([one[0] for one in figures]), _median([one[1] for one in figures])


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


def _median(values: list[int]) -> float | None:
    return float(sorted(values)[len(values) // 2]) if values else None
