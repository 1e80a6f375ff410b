"""What has arrived at a receiver, also behind a hole. Pure.

TCP gives a program bytes in order only: one lost packet on a line of 600 ms holds back for a second or more what has
come in the meantime, and then gives all of it at once. The kernel counts the segments that came (`tcpi_data_segs_in`),
so arrivals are those segments times the payload of one; a segment's payload is known from the times at which nothing
was held back.
"""

FEWEST_SEGMENTS = 8  # before a segment's payload is taken from their mean


class Arrivals:
    """The bytes that have come on one connection."""

    def __init__(self) -> None:
        self._segment_bytes = 0.0
        self._arrived_bytes = 0.0

    def add(self, ordered_bytes: float, segments: int | None) -> float:
        """Take what is known now, and return the bytes that have arrived; never fewer than before.

        Args:
            ordered_bytes: What the program has had, cumulative.
            segments: Data segments that the kernel has counted, None where it does not: then only what came in order
                is known.
        """
        arrived = ordered_bytes
        if segments is not None and segments >= FEWEST_SEGMENTS:
            self._segment_bytes = max(self._segment_bytes, ordered_bytes / segments)
            arrived = max(arrived, self._segment_bytes * segments)
        self._arrived_bytes = max(self._arrived_bytes, arrived)
        return self._arrived_bytes
