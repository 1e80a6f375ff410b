"""Whether this computer keeps up with the line: else it is the computer that is measured.

Four signs. The processor is used up by the measuring itself; other programs have it while the measuring is ready to go
on and hardly ever waits for the line; the loop comes late to its sockets again and again (the computer sleeps or
swaps); the kernel's receive buffers are found full, so that the sender is told to wait.

On a slow line a thread that waits for the processor loses nothing: it sleeps in between, until the line has brought
something. So the wait alone is no sign.
"""

from collections.abc import Sequence

FULL_CPU_SHARE = 0.9  # of one core
WAIT_SHARE = 0.5  # of the time: ready to go on, without a processor
AWAKE_SHARE = 0.75  # of the time: running or waiting to run; the rest it slept, because everything was done
LATE_S = 0.1  # a turn that takes so much longer than it was meant to is late
LATE_SHARE = 0.3  # of the time
FULL_BUFFER_SHARE = 0.7  # of what the kernel has set aside
FULL_LOOKS_SHARE = 0.5  # of the looks
FEWEST_LOOKS = 20


class KeepUp:
    """Notes the signs while a transfer runs."""

    def __init__(self) -> None:
        self._late_s = 0.0
        self._looks = 0
        self._full_looks = 0

    def turned(self, took_s: float, meant_s: float) -> None:
        """Note how long a turn of the loop took, from the end of the one before, and how long it was meant to."""
        late_s = took_s - meant_s
        if late_s > LATE_S:
            self._late_s += late_s

    def look(self, shares: Sequence[float]) -> None:
        """Note how full the receive buffers are before they are read."""
        self._looks += 1
        self._full_looks += any(share >= FULL_BUFFER_SHARE for share in shares)

    def hindrance(self, wall_s: float, cpu_share: float, wait_share: float = 0.0) -> str:
        """Return in words what holds the transfer up, "" if this computer keeps up.

        Args:
            wall_s: How long the transfer took.
            cpu_share: Of one core, used by the measuring.
            wait_share: Of the time, for which the measuring was ready and others had the processor.
        """
        if cpu_share > FULL_CPU_SHARE:
            return "the processor is used up"
        is_starved = wait_share > WAIT_SHARE and cpu_share + wait_share > AWAKE_SHARE
        if is_starved or (wall_s > 0 and self._late_s > LATE_SHARE * wall_s):
            return "other programs have the processor"
        if self._looks >= FEWEST_LOOKS and self._full_looks > FULL_LOOKS_SHARE * self._looks:
            return "the receive buffers are full"
        return ""
