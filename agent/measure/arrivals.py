"""What has arrived at a receiver, also behind a hole. Pure.

TCP gives a program bytes in order only: one lost packet on a line of 600 ms holds back for a second or more what has
come in the meantime, and then gives all of it at once. The kernel counts the segments that came (`tcpi_data_segs_in`),
so since the last moment at which nothing was held back so many have arrived, each with the payload that they had had
before, a full segment's at most (`tcpi_rcv_mss`). Which moment that was is not told, but it is the one from which most
can be accounted for, and it is not long ago.
"""

from collections import deque

REMEMBER = 100  # readings: 2 s at 50 a second, 10 s at 10; an error in a segment's payload adds up for no longer
FEWEST_SEGMENTS = 4  # before their mean payload is taken


class Arrivals:
    """The bytes that have come on one connection."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._readings: deque[tuple[float, int]] = deque(maxlen=REMEMBER)
        self._payload_bytes = 0.0  # of a segment
        self._arrived_bytes = 0.0

    def add(self, ordered_bytes: float, segments: int | None, full_segment_bytes: int | None) -> float:
        """Take what is known now, and return the bytes that have arrived; never fewer than before.

        Args:
            ordered_bytes: What the program has had, cumulative.
            segments: Data segments that the kernel has counted; None: only what came in order is known.
            full_segment_bytes: Payload of the largest segments; None likewise.
        """
        arrived = ordered_bytes
        if segments is not None and full_segment_bytes:
            self._first = self._first or (ordered_bytes, segments)
            new = segments - self._first[1]
            if new >= FEWEST_SEGMENTS:
                mean = (ordered_bytes - self._first[0]) / new
                self._payload_bytes = min(max(self._payload_bytes, mean), full_segment_bytes)
            self._readings.append((ordered_bytes, segments))
            arrived = max(had + (segments - then) * self._payload_bytes for had, then in self._readings)
        self._arrived_bytes = max(self._arrived_bytes, arrived, ordered_bytes)
        return self._arrived_bytes
