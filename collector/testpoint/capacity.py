"""How much is under way, and who waits for a place.

Who is refused is told when to come back, and for the moments around that time a free place is kept for them: a busy
test point serves those who waited before those who have just come.
"""

from collections import OrderedDict
from collections.abc import Callable

WAITING_LIMIT = 1_000
EARLY_S = 1.0  # who comes back a little early has waited all the same
LATE_S = 5.0  # a place is kept so long


class Load:
    """The bits of the last second, of all transfers together."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._begun_s = now_s()
        self._bytes = 0
        self._bytes_before = 0

    def add(self, size_bytes: int) -> None:
        """Count bytes that move now."""
        self._roll()
        self._bytes += size_bytes

    def bps(self) -> float:
        """Return the rate: this second's bytes, and of the last one's as much as is not a second ago yet."""
        self._roll()
        return 8 * (self._bytes + self._bytes_before * (1 - (self._now_s() - self._begun_s)))

    def _roll(self) -> None:
        seconds = int(self._now_s() - self._begun_s)
        if seconds:
            self._bytes_before = self._bytes if seconds == 1 else 0
            self._bytes = 0
            self._begun_s += seconds


class Waiting:
    """Customers that were told to come back, in the order of their coming."""

    def __init__(self, now_s: Callable[[], float], retry_after_s: int) -> None:
        self._now_s = now_s
        self._retry_after_s = retry_after_s
        self._due_s: OrderedDict[str, float] = OrderedDict()

    def others_due(self, customer: str) -> int:
        """Return how many others may come back just now: places are kept for them."""
        self._forget()
        if customer in self._due_s:  # those behind in the queue have no claim before this one
            ahead = list(self._due_s).index(customer)
            return sum(self._is_due(due_s) for due_s in list(self._due_s.values())[:ahead])
        return sum(self._is_due(due_s) for due_s in self._due_s.values())

    def told(self, customer: str, places: int) -> int:
        """Put a customer on the list; return in how many seconds to come back, more the longer the queue is."""
        self._forget()
        if customer not in self._due_s and len(self._due_s) >= WAITING_LIMIT:
            return self._retry_after_s * 2
        position = list(self._due_s).index(customer) if customer in self._due_s else len(self._due_s)
        wait_s = self._retry_after_s * (1 + position // max(1, places))
        self._due_s[customer] = self._now_s() + wait_s
        return wait_s

    def came(self, customer: str) -> None:
        """Take a customer off the list that has got a place."""
        self._due_s.pop(customer, None)

    def _is_due(self, due_s: float) -> bool:
        return due_s - EARLY_S <= self._now_s() <= due_s + LATE_S

    def _forget(self) -> None:
        gone_s = self._now_s() - LATE_S
        for customer in [customer for customer, due_s in self._due_s.items() if due_s < gone_s]:
            del self._due_s[customer]
