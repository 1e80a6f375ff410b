"""Who may transfer how much: access tokens, caps per address and per token, and how many at once.

A token is the collector's word (CONTRACTS 3): the test point needs only its public keys. A token's `max_bytes` counts
both directions and all connections that carry the same `jti`; 0 = no cap, as in `--max-bytes 0`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.wire.tokens import read_access_token
from collector.testpoint.options import TestpointOptions

UNLIMITED = 1 << 62


class RefusedError(Exception):
    """A request that is answered with a status and one sentence instead of a transfer."""

    def __init__(self, status: int, sentence: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after_s = retry_after_s


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
class Account:
    """What one transfer is charged to."""

    meters: tuple[Meter, ...]
    _release: Callable[[], None]
    _is_open: bool = field(default=True)

    @property
    def left_bytes(self) -> int:
        """What may still be spent before the nearest cap."""
        return min((meter.left_bytes for meter in self.meters), default=UNLIMITED)

    def take(self, wanted_bytes: int) -> int:
        """Charge up to `wanted_bytes`; return how many are granted (0 = a cap is reached)."""
        granted = min(wanted_bytes, self.left_bytes)
        self.charge(granted)
        return granted

    def charge(self, size_bytes: int) -> None:
        """Charge bytes that have arrived already."""
        for meter in self.meters:
            meter.spent_bytes += size_bytes

    def close(self) -> None:
        """Say that the transfer is over."""
        if self._is_open:
            self._is_open = False
            self._release()


class Admission:
    """The door. Monotonic seconds and Unix milliseconds come from outside."""

    def __init__(self, options: TestpointOptions, *, now_s: Callable[[], float], utc_ms: Callable[[], int]) -> None:
        self._options = options
        self._now_s = now_s
        self._utc_ms = utc_ms
        self._transfers = 0
        self._connections: Counter[str] = Counter()
        self._addresses: dict[str, Meter] = {}
        self._tokens: dict[str, Meter] = {}

    @property
    def transfers(self) -> int:
        """Transfers under way."""
        return self._transfers

    def connected(self, address: str) -> bool:
        """Count one more connection of an address; return whether it is within the caps."""
        self._connections[address] += 1
        return (
            self._connections[address] <= self._options.max_connections_per_address
            and self._connections.total() <= self._options.max_connections
        )

    def disconnected(self, address: str) -> None:
        """Count one connection less."""
        self._connections[address] -= 1
        if self._connections[address] <= 0:
            del self._connections[address]

    def check_token(self, query: dict[str, str]) -> Meter | None:
        """Return the meter of the request's access token, None where the test point is open.

        Raises:
            RefusedError: 401 without a token, 403 with one that is not valid or is used up.
        """
        if self._options.open:
            return None
        token = query.get("access_token", "")
        if not token:
            raise RefusedError(401, "this test point wants an access token: ask the collector for a lease")
        now_ms = self._utc_ms()
        try:
            claims = read_access_token(token, list(self._options.public_keys), now_ms)
        except ValueError as error:
            raise RefusedError(403, f"{error}: ask the collector for a new lease") from error
        self._forget()
        meter = self._tokens.get(claims.jti)
        if meter is None:
            # Kept a minute longer than the token lives, so that its cap cannot start anew.
            ends_s = self._now_s() + max(0, claims.exp_ms - now_ms) / 1000 + 60
            meter = self._tokens[claims.jti] = Meter(max(0, claims.max_bytes), ends_s)
        if meter.left_bytes == 0:
            raise RefusedError(403, "the bytes of this access token are used up: ask the collector for a new lease")
        return meter

    def admit(self, address: str, query: dict[str, str]) -> Account:
        """Return the account of a new transfer.

        Raises:
            RefusedError: 401 or 403 for the token, 429 for the address, 503 when there are too many transfers.
        """
        token = self.check_token(query)
        options = self._options
        if self._transfers >= options.max_transfers:
            raise RefusedError(
                503, "the test point is busy: come back a little later", retry_after_s=options.retry_after_s
            )
        meter = self._meter_of(address)
        if meter.left_bytes == 0:
            wait_s = max(1, int(meter.ends_s - self._now_s()))
            raise RefusedError(429, "this address has used its bytes for now: come back later", retry_after_s=wait_s)
        self._transfers += 1
        return Account((meter,) if token is None else (meter, token), self._released)

    def _released(self) -> None:
        self._transfers -= 1

    def _meter_of(self, address: str) -> Meter:
        now_s = self._now_s()
        meter = self._addresses.get(address)
        if meter is None or meter.ends_s <= now_s:
            self._forget()
            meter = Meter(self._options.max_bytes_per_address, now_s + self._options.address_window_s)
            self._addresses[address] = meter
        return meter

    def _forget(self) -> None:
        now_s = self._now_s()
        for table in (self._addresses, self._tokens):
            for key in [key for key, meter in table.items() if meter.ends_s <= now_s]:
                del table[key]
