"""What the measuring thread gets of the processor: how long it ran, and how long it was ready while others did."""

import time
from dataclasses import dataclass
from pathlib import Path

_ACCOUNT = Path("/proc/thread-self/schedstat")  # ns run, ns waited, slices (Linux, Documentation/scheduler/sched-stats)


@dataclass(frozen=True)
class Spent:
    """Of one thread, so far."""

    ran_s: float
    waited_s: float  # ready to run; 0 where the system does not say

    def shares(self, before: "Spent", wall_s: float) -> tuple[float, float]:
        """Return which parts of a time this thread ran and waited since an earlier look."""
        wall_s = max(0.001, wall_s)
        return (self.ran_s - before.ran_s) / wall_s, (self.waited_s - before.waited_s) / wall_s


def spent(account: Path = _ACCOUNT) -> Spent:
    """Return what the calling thread has had."""
    try:
        waited_s = int(account.read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        waited_s = 0.0
    return Spent(time.thread_time(), waited_s)
