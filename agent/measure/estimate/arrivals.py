"""What has arrived at a receiver, also behind a hole. Pure.

TCP gives a program bytes in order only: one lost packet on a line of 600 ms holds back for a second or more what has
come in the meantime, and then gives all of it at once. The kernel counts the segments that came (`tcpi_data_segs_in`)
and those of them that came behind a hole (`tcpi_rcv_ooopack`). So, while there is a hole, since the last moment at
which nothing was held back so many segments have arrived, each with the payload that they had had before. Which moment
that was is not told, but it is the one from which most can be accounted for, and it is not long ago.
"""

from collections import deque
from dataclasses import dataclass

REMEMBER = 100  # readings at which more had come behind a hole: at least 2 s at 50 a second
FEWEST_SEGMENTS = 8  # before their mean payload is taken; until then they are taken for full


@dataclass(frozen=True, slots=True)
class Segments:
    """What a kernel counts at the receiving end of a connection."""

    count: int  # with payload
    out_of_order: int  # of them, those that came behind a hole
    full_bytes: int  # payload of the largest


@dataclass(frozen=True, slots=True)
class _Reading:
    ordered_bytes: float
    segments: Segments
    payload_bytes: float  # of a segment, in the mean until then


class Arrivals:
    """The bytes that have come on one connection."""

    def __init__(self) -> None:
        self._first: _Reading | None = None
        self._readings: deque[_Reading] = deque(maxlen=REMEMBER)
        self._arrived_bytes = 0.0

    def add(self, ordered_bytes: float, segments: Segments | None) -> float:
        """Take what is known now, and return the bytes that have arrived; never fewer than before.

        Args:
            ordered_bytes: What the program has had, cumulative.
            segments: What the kernel counts, None where it does not: then only what came in order is known.
        """
        arrived = ordered_bytes
        if segments is not None:
            now = _Reading(ordered_bytes, segments, self._payload_bytes(ordered_bytes, segments))
            self._first = self._first or now
            if self._readings and self._readings[-1].segments.out_of_order == segments.out_of_order:
                self._readings.pop()  # what came since then came in order, and is known exactly
            self._readings.append(now)
            arrived = max(
                then.ordered_bytes + (segments.count - then.segments.count) * then.payload_bytes
                for then in self._readings
            )
        self._arrived_bytes = max(self._arrived_bytes, arrived)
        return self._arrived_bytes

    def _payload_bytes(self, ordered_bytes: float, segments: Segments) -> float:
        first = self._first
        if first is None or segments.count - first.segments.count < FEWEST_SEGMENTS:
            return segments.full_bytes
        mean = (ordered_bytes - first.ordered_bytes) / (segments.count - first.segments.count)
        return min(mean, segments.full_bytes)
