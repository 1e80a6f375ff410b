"""The outside world as protocols: clock and randomness. Only `collector.real` has the real ones."""

from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Wall and monotonic time, and waiting."""

    def now_ms(self) -> int:
        """Return Unix milliseconds UTC."""

    def mono_ms(self) -> int:
        """Return whole milliseconds since some moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Randomness(Protocol):
    """Where identities, secrets and moments come from."""

    def token_bytes(self, count: int) -> bytes:
        """Return that many random bytes, fit for keys."""

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two."""


@dataclass(frozen=True)
class Ports:
    """The outside world in one hand, injected by the composition root."""

    clock: Clock
    randomness: Randomness


@dataclass(frozen=True)
class Network:
    """An autonomous system: whose lines an address belongs to."""

    number: int
    name: str


class NetworkLookup(Protocol):
    """Knows networks."""

    def find(self, prefix: str) -> Network | None:
        """Return the network that a prefix such as 203.0.113.0/24 belongs to; None = unknown."""
