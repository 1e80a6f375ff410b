"""Cumulative bytes over time: one curve, and one curve out of several connections. Pure."""

from bisect import bisect_left


class Curve:
    """Monotone cumulative bytes at increasing times, linear in between."""

    def __init__(self, start_s: float = 0.0) -> None:
        self.times_s = [start_s]
        self.totals = [0.0]

    def add(self, at_s: float, total_bytes: float) -> bool:
        """Append a point and return whether it is new.

        Args:
            at_s: Seconds; a point that is not later than the last one is passed over.
            total_bytes: Cumulative bytes; a smaller value than the last one counts as the last one.
        """
        if not at_s > self.times_s[-1]:
            return False
        self.times_s.append(at_s)
        self.totals.append(max(self.totals[-1], total_bytes))
        return True

    @property
    def end_s(self) -> float:
        """Time of the last point, seconds."""
        return self.times_s[-1]

    @property
    def total(self) -> float:
        """Bytes at the last point."""
        return self.totals[-1]

    def at(self, at_s: float) -> float:
        """Return the bytes at a time; before the first and after the last point the curve is flat."""
        index = bisect_left(self.times_s, at_s)
        if index == 0:
            return self.totals[0]
        if index == len(self.times_s):
            return self.totals[-1]
        left, right = self.times_s[index - 1], self.times_s[index]
        low, high = self.totals[index - 1], self.totals[index]
        return min(high, low + (high - low) * (at_s - left) / (right - left))

    def began_s(self) -> float:
        """Return the time of the last point before the first byte."""
        first = next((index for index, total in enumerate(self.totals) if total > 0), 0)
        return self.times_s[max(0, first - 1)]

    def news_gap_s(self) -> float:
        """Return the mean time between two points at which bytes had come, the whole time while there are few."""
        moved = self._moved()
        return (moved[-1] - moved[0]) / (len(moved) - 1) if len(moved) >= 3 else self.end_s

    def news_share(self) -> float:
        """Return the share of points at which bytes had come: small when bytes come in lumps."""
        points = len(self.times_s) - 1
        return len(self._moved()) / points if points else 1.0

    def _moved(self) -> list[float]:
        return [
            at_s for at_s, low, high in zip(self.times_s[1:], self.totals, self.totals[1:], strict=False) if high > low
        ]


class MergedCurve:
    """The sum of several connections whose points come at different times.

    The sum is known up to the earliest last point of all connections (as in RMBT: bytes of each connection
    interpolated at that time), so that no connection is counted further than its receiver has said. A connection that
    has been silent for `patience_s` longer than the liveliest no longer holds the others back.
    """

    def __init__(self, connections: int, patience_s: float) -> None:
        self._curves = [Curve() for _ in range(connections)]
        self._patience_s = patience_s
        self._closed: set[int] = set()
        self._told_s = 0.0

    def add(self, connection: int, at_s: float, total_bytes: float) -> None:
        """Append a point of one connection."""
        self._curves[connection].add(at_s, total_bytes)

    def close(self, connection: int) -> None:
        """Say that no more points of this connection will come."""
        self._closed.add(connection)

    @property
    def total(self) -> float:
        """Bytes at the last point of every connection: everything that the receiver has said."""
        return sum(curve.total for curve in self._curves)

    def latest(self) -> tuple[float, float] | None:
        """Return the newest time and sum that are known, or None if nothing is new since the last call."""
        newest_s = max(curve.end_s for curve in self._curves)
        ends = [curve.end_s for index, curve in enumerate(self._curves) if index not in self._closed]
        known_s = max(min(ends), newest_s - self._patience_s) if ends else newest_s
        if known_s <= self._told_s:
            return None
        self._told_s = known_s
        return known_s, sum(curve.at(known_s) for curve in self._curves)
