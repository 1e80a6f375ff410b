"""What is counted of whom: bytes against caps, and what each test has moved.

A test is all transfers that carry the same access token, or from one customer the same `test`; without either, all
transfers of one customer. Every table is bounded: what has ended is forgotten first, then the oldest.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from collector.testpoint.refusal import RefusedError

UNLIMITED = 1 << 62
ADDRESSES_LIMIT = 20_000
TESTS_LIMIT = 10_000
FORGET_EVERY_S = 1.0


class Direction(StrEnum):
    """As the client sees it."""

    DOWNLOAD = "download"
    UPLOAD = "upload"


@dataclass
class Meter:
    """Bytes spent against one cap."""

    cap_bytes: int  # 0 = none
    ends_s: float  # when it is forgotten, monotonic
    spent_bytes: int = 0

    @property
    def left_bytes(self) -> int:
        """What may still be spent."""
        return UNLIMITED if self.cap_bytes == 0 else max(0, self.cap_bytes - self.spent_bytes)


@dataclass
class Tally:
    """What one test has moved in one direction."""

    size_bytes: int = 0  # of ended transfers
    first_s: float | None = None
    last_s: float = 0.0

    @property
    def span_ms(self) -> int:
        """From the first transfer's begin to the last one's end."""
        return 0 if self.first_s is None else round((self.last_s - self.first_s) * 1000)


@dataclass
class Test:
    """One test of one client."""

    __test__ = False  # for pytest: no test class

    key: str
    test_id: str | None  # as the client named it first
    customer: str  # who began it
    address: str
    meter: Meter  # of its token; without a cap where there is no token
    begun_s: float
    jti: str | None = None  # of its token
    lease_id: str | None = None
    networks: dict[int, str] = field(default_factory=dict)  # by family; where its token may come from
    accounts: list["Account"] = field(default_factory=list)  # of transfers under way
    last_s: float = 0.0  # when the last transfer ended
    tallies: dict[Direction, Tally] = field(default_factory=lambda: {word: Tally() for word in Direction})
    receipt: str | None = None  # made; the test is over with it

    @property
    def name(self) -> str | None:
        """What its receipt says; None = nobody named it, so that it gets none and keeps no place."""
        return self.test_id or self.jti

    @property
    def is_over(self) -> bool:
        """Whether nothing more may move."""
        return self.receipt is not None

    def moved(self, direction: Direction) -> tuple[int, int]:
        """Return bytes and milliseconds so far, transfers under way included."""
        tally = self.tallies[direction]
        under_way = [account for account in self.accounts if account.direction is direction]
        return tally.size_bytes + sum(account.delivered_bytes() for account in under_way), tally.span_ms


class Account:
    """What one transfer is charged to."""

    def __init__(
        self,
        test: Test,
        direction: Direction,
        address: Meter,
        charged: Callable[[int], None],
        now_s: Callable[[], float],
    ) -> None:
        """Open it.

        Args:
            test: What it belongs to.
            direction: Of the transfer.
            address: The meter of the customer.
            charged: Told of all bytes.
            now_s: A monotonic clock.
        """
        self.test = test
        self.direction = direction
        self.charged_bytes = 0
        self._address = address
        self._charged = charged
        self._now_s = now_s
        self._probe: Callable[[], int | None] = lambda: None
        self._is_open = True
        self._tally = test.tallies[direction]
        self._tally.last_s = now_s()
        if self._tally.first_s is None:
            self._tally.first_s = self._tally.last_s
        test.accounts.append(self)

    @property
    def left_bytes(self) -> int:
        """What may still be spent before the nearest cap."""
        return 0 if self.test.is_over else min(self._address.left_bytes, self.test.meter.left_bytes)

    def take(self, wanted_bytes: int) -> int:
        """Charge up to `wanted_bytes`; return how many are granted (0 = a cap is reached)."""
        granted = min(wanted_bytes, self.left_bytes)
        self.charge(granted)
        return granted

    def charge(self, size_bytes: int) -> None:
        """Charge bytes that have arrived already."""
        self._address.spent_bytes += size_bytes
        self.test.meter.spent_bytes += size_bytes
        self.charged_bytes += size_bytes
        self._charged(size_bytes)
        if size_bytes:
            self._tally.last_s = self._now_s()

    def watch(self, probe: Callable[[], int | None]) -> None:
        """Ask `probe` how many of the charged bytes have reached the peer (None = all)."""
        self._probe = probe

    def delivered_bytes(self) -> int:
        """Return the bytes that have reached the peer, as far as anybody knows."""
        arrived = self._probe()
        return self.charged_bytes if arrived is None else max(0, min(self.charged_bytes, arrived))

    def close(self) -> None:
        """Say that the transfer is over; the socket must still be open."""
        if self._is_open:
            self._is_open = False
            self._tally.size_bytes += self.delivered_bytes()
            self.test.last_s = self._now_s()
            self.test.accounts.remove(self)


class Ledger:
    """The tables."""

    def __init__(self, now_s: Callable[[], float], *, cap_bytes: int, window_s: float) -> None:
        """Make empty tables; the cap is that of a customer in a window."""
        self._now_s = now_s
        self._cap_bytes = cap_bytes
        self._window_s = window_s
        self._addresses: OrderedDict[str, Meter] = OrderedDict()
        self._tests: OrderedDict[str, Test] = OrderedDict()
        self._forgot_s = now_s()

    def address(self, customer: str) -> Meter:
        """Return the meter of a customer, a new one if its window is over."""
        self._forget()
        now_s = self._now_s()
        meter = self._addresses.get(customer)
        if meter is None or meter.ends_s <= now_s:
            self._addresses.pop(customer, None)
            while len(self._addresses) >= ADDRESSES_LIMIT:
                self._addresses.popitem(last=False)
            meter = self._addresses[customer] = Meter(self._cap_bytes, now_s + self._window_s)
        return meter

    def find(self, key: str) -> Test | None:
        """Return a test."""
        self._forget()
        return self._tests.get(key)

    def add(self, test: Test) -> None:
        """Keep a new test.

        Raises:
            RefusedError: 503 if there is no room: tokens are never forgotten before they expire.
        """
        if len(self._tests) >= TESTS_LIMIT:
            victim = next((old for old in self._tests.values() if not old.networks and not old.accounts), None)
            if victim is None:
                raise RefusedError(503, "too many tests are remembered at the moment", retry_after_s=60)
            del self._tests[victim.key]
        self._tests.pop(test.key, None)
        self._tests[test.key] = test

    def tests(self) -> list[Test]:
        """Return all that are remembered, the oldest first."""
        return list(self._tests.values())

    def _forget(self) -> None:
        now_s = self._now_s()
        if now_s < self._forgot_s + FORGET_EVERY_S:
            return
        self._forgot_s = now_s
        for customer in [name for name, meter in self._addresses.items() if meter.ends_s <= now_s]:
            del self._addresses[customer]
        for test in self.tests():
            if test.meter.ends_s <= now_s and not test.accounts:
                del self._tests[test.key]
