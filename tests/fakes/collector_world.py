"""The collector's outside world in the hands of a test."""

import random

from collector.ports import Ports

NOON_MS = 1_795_262_400_000  # 2026-11-21T12:00:00Z, a Saturday


class FakeClock:
    """Time that moves only when a test or the code's own sleep says so."""

    def __init__(self, now_ms: int = NOON_MS) -> None:
        self.now, self.mono = now_ms, 1_000_000

    def now_ms(self) -> int:
        return self.now

    def mono_ms(self) -> int:
        return self.mono

    def sleep(self, seconds: float) -> None:
        self.advance(round(seconds * 1000))

    def advance(self, milliseconds: int) -> None:
        self.now += milliseconds
        self.mono += milliseconds


class SeededRandomness:
    """The same random bytes in every run."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


def fake_ports(clock: FakeClock | None = None, seed: int = 1) -> Ports:
    return Ports(clock=clock or FakeClock(), randomness=SeededRandomness(seed))
