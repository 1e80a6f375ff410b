"""The agent's outside world in the hands of a test: clock, randomness, host, small durable state."""

import random

from agent.ports import MachineFacts, Octets, Ports, WayOut
from agent.wire.records import Surroundings

NOON_MS = 1_795_525_509_123  # 2026-11-24T13:05:09.123Z
BOOT = "ab" * 16


class FakeClock:
    """Time that moves only when a test or the code's own sleep says so; the wall clock can be stepped alone."""

    def __init__(self, now_ms: int = NOON_MS, mono_ms: int = 86_400_000) -> None:
        self.now, self.mono = now_ms, mono_ms

    def now_ms(self) -> int:
        return self.now

    def mono_ms(self) -> int:
        return self.mono

    def sleep(self, seconds: float) -> None:
        self.advance_s(seconds)

    def advance_s(self, seconds: float) -> None:
        self.now += round(seconds * 1000)
        self.mono += round(seconds * 1000)

    def step_wall_s(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.now += round(seconds * 1000)


class SeededRandomness:
    """The same random bytes in every run."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


class FakeHost:
    """One school computer."""

    def __init__(self, facts: MachineFacts | None = None, boot_id: str = BOOT) -> None:
        self.facts = facts or MachineFacts("7d0f" * 8, "S3Z9NB0K", "lab-03", "Linux 6.1")
        self.boot = boot_id
        self.around = Surroundings()
        self.way = WayOut()
        self.moved: Octets | None = None

    def boot_id(self) -> str:
        return self.boot

    def machine_facts(self) -> MachineFacts:
        return self.facts

    def surroundings(self) -> Surroundings:
        return self.around

    def way_out(self) -> WayOut:
        return self.way

    def octets(self) -> Octets | None:
        return self.moved

    def utc_offset_min(self) -> int:
        return -240


class FakeState:
    """Durable key-values that are not durable."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get_state(self, key: str) -> str | None:
        return self.values.get(key)

    def set_state(self, key: str, value: str) -> None:
        self.values[key] = value


def fake_ports(clock: FakeClock | None = None, host: FakeHost | None = None, seed: int = 1) -> Ports:
    return Ports(clock=clock or FakeClock(), randomness=SeededRandomness(seed), host=host or FakeHost())
