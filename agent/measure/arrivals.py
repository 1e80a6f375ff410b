"""What has arrived at a receiver, also behind a hole. Pure.

TCP gives a program bytes in order only: one lost packet on a line of 600 ms holds back for a second or more what has
come in the meantime, and then gives all of it at once. The kernel counts the segments that came out of order
(`tcpi_rcv_ooopack`), and a bulk transfer's are full (`tcpi_rcv_mss`): so since the last moment at which nothing was
held back so many more have arrived. Which moment that was is not told, but it is the one from which most can be
accounted for, and it is not long ago.
"""

from collections import deque

REMEMBER = 100  # readings: 2 s at 50 a second, 10 s at 10; small or doubled segments are an error for no longer


class Arrivals:
    """The bytes that have come on one connection."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, int]] = deque(maxlen=REMEMBER)
        self._arrived_bytes = 0.0

    def add(self, ordered_bytes: float, out_of_order: int | None, segment_bytes: int | None) -> float:
        """Take what is known now, and return the bytes that have arrived; never fewer than before.

        Args:
            ordered_bytes: What the program has had, cumulative.
            out_of_order: Segments that came behind a hole, cumulative; None: only what came in order is known.
            segment_bytes: Payload of the largest segments that came; None likewise.
        """
        arrived = ordered_bytes
        if out_of_order is not None and segment_bytes:
            self._readings.append((ordered_bytes, out_of_order))
            arrived = max(had + (out_of_order - then) * segment_bytes for had, then in self._readings)
        self._arrived_bytes = max(self._arrived_bytes, arrived, ordered_bytes)
        return self._arrived_bytes
