"""The real clock. Its monotonic part goes on while the computer sleeps, else a nap would look like no time at all."""

import time

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)  # Linux; elsewhere time.monotonic counts sleep already


class RealClock:
    """Wall and monotonic time of this computer."""

    def now_ms(self) -> int:
        """Return Unix milliseconds UTC."""
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        """Return milliseconds since this computer started, or some moment near that."""
        if _BOOTTIME is not None:
            return time.clock_gettime_ns(_BOOTTIME) // 1_000_000
        return time.monotonic_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
