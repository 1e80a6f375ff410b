"""The real clock and the operating system's randomness."""

import secrets
import time

from collector.ports import Ports

_UNIFORM = secrets.SystemRandom().uniform


class RealClock:
    """Time as this machine has it."""

    def now_ms(self) -> int:
        """Return Unix milliseconds UTC."""
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        """Return whole milliseconds since some moment; never goes back."""
        return time.monotonic_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class RealRandomness:
    """Random bytes of the operating system."""

    def token_bytes(self, count: int) -> bytes:
        """Return that many random bytes, fit for keys."""
        return secrets.token_bytes(count)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two."""
        return _UNIFORM(low, high)


def real_ports() -> Ports:
    """Return the real outside world."""
    return Ports(clock=RealClock(), randomness=RealRandomness())
