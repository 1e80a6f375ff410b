"""Chance from the operating system: computers of one image must not draw the same moments."""

import os
import random


class SystemRandomness:
    """Random bytes and numbers from the operating system."""

    def __init__(self) -> None:
        self._numbers = random.SystemRandom()

    def token_bytes(self, count: int) -> bytes:
        """Return that many random bytes."""
        return os.urandom(count)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two."""
        return self._numbers.uniform(low, high)
