"""The lines that figures are judged on, and others that nothing was fitted to."""

import dataclasses
import math
import random

from tests.netlab.links import Bursts, Link, Profile, line

Steps = tuple[tuple[float, float], ...]


def wandering(
    name: str, mean_mbps: float, *, step_s: float = 0.25, length_s: float = 120.0, spread: float = 0.45
) -> Steps:
    """Return a rate that wanders as a shared radio cell's does: log-normal, each step near the one before."""
    chance = random.Random(name)
    logs, value = [], 0.0
    for _ in range(round(length_s / step_s)):
        value = 0.92 * value + math.sqrt(1 - 0.92**2) * chance.gauss(0, spread)
        logs.append(value)
    factors = [min(max(math.exp(value), 0.2), 2.5) for value in logs]
    scale = mean_mbps * len(factors) / sum(factors)
    return tuple((index * step_s, factor * scale) for index, factor in enumerate(factors))


def stepping(name: str, mean_mbps: float, *, step_s: float = 15.0, steps: int = 8) -> Steps:
    """Return a rate that changes at every hand-over and holds between."""
    chance = random.Random(name)
    factors = [chance.uniform(0.5, 1.5) for _ in range(steps)]
    scale = mean_mbps * steps / sum(factors)
    return tuple((index * step_s, factor * scale) for index, factor in enumerate(factors))


def _with_steps(profile: Profile, down: Steps, up: Steps, repeat_s: float) -> Profile:
    def vary(link: Link, steps: Steps) -> Link:
        return dataclasses.replace(link, steps=steps, repeat_s=repeat_s)

    return Profile(profile.name, vary(profile.download, down), vary(profile.upload, up))


LEO = _with_steps(
    line("leo", (100, 15), 45, queue_ms=(100, 150), jitter_ms=3),
    stepping("leo down", 100),
    stepping("leo up", 15),
    120,
)
LTE = _with_steps(
    line("lte", (30, 10), 60, queue_ms=(400, 400), jitter_ms=6),
    wandering("lte down", 30),
    wandering("lte up", 10),
    120,
)

JUDGED = (
    line("dsl", (8, 1), 30, queue_ms=(200, 400)),
    line("geo", (20, 3), 600, queue_ms=(400, 400), loss=0.005),
    LEO,
    LTE,
    line("fibre", (300, 300), 8, queue_ms=(40, 40)),
    line("gigabit", (900, 900), 4, queue_ms=(20, 20)),
    line("congested", (4, 1), 80, queue_ms=(1000, 1000)),
    line("wifi", (50, 20), 15, queue_ms=(80, 80), bursts=Bursts(0.01)),
    line("narrow", (1, 0.3), 120, queue_ms=(500, 500)),
)
"""The profiles of the accuracy table."""

UNSEEN = (
    line("cable", (60, 6), 20, queue_ms=(120, 500)),
    line("umts", (2, 0.5), 150, queue_ms=(800, 800), jitter_ms=20),
    line("64k", (0.064, 0.064), 100, queue_ms=(1500, 1500)),
    line("256k", (0.256, 0.128), 100, queue_ms=(1000, 1000)),
    line("policer", (20, 5), 40, queue_ms=(5, 5)),
    line("asymmetric", (100, 5), 25, queue_ms=(100, 250)),
    line("lossy-long", (30, 5), 250, queue_ms=(250, 250), loss=0.01),
    line("metro", (200, 50), 3, queue_ms=(15, 15)),
)
"""Lines that no rule was fitted to."""

ALL = {profile.name: profile for profile in JUDGED + UNSEEN}
