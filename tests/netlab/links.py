"""What a line is like: the two directions of a profile, and how the emulator is told."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Direction = Literal["download", "upload"]
NUMBERS: dict[Direction, int] = {"upload": 0, "download": 1}  # the emulator's
TCP_SHARE = 1448 / 1500
"""Payload of a full packet: 1500 bytes less IPv4, TCP and time stamps."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """Loss in bursts (Gilbert-Elliott): a share of packets lost, in runs of a mean length."""

    loss: float
    mean_packets: float = 8.0
    loss_in_burst: float = 1.0

    @property
    def to_good(self) -> float:
        """Chance per packet that a burst ends."""
        return 1 / self.mean_packets

    @property
    def to_bad(self) -> float:
        """Chance per packet that a burst begins."""
        bad_share = self.loss / self.loss_in_burst
        return self.to_good * bad_share / (1 - bad_share)


@dataclass(frozen=True, slots=True)
class Link:
    """One direction.

    Attributes:
        mbps: Rate at layer 3 in Mbit/s; with `steps` their mean, for people.
        delay_ms: One-way delay without queue.
        queue_ms: Length of the drop-tail queue, in milliseconds of the current rate (at least two full packets).
        jitter_ms: Delay on top, between 0 and this; neighbouring packets get alike and keep their order.
        reorder: Every packet draws its own jitter, and may overtake.
        loss: Share of packets lost, each for itself. A lost packet has taken its share of the rate.
        bursts: Loss in bursts, besides.
        steps: (seconds, Mbit/s) from 0 on; 0 Mbit/s is an outage.
        repeat_s: Length after which the steps begin again; 0 keeps the last. The seed chooses where a repeating
            schedule is entered, so that repetitions see different parts of it.
        any_phase: False enters it at its beginning.
    """

    mbps: float
    delay_ms: float
    queue_ms: float = 200
    jitter_ms: float = 0
    reorder: bool = False
    loss: float = 0
    bursts: Bursts | None = None
    steps: tuple[tuple[float, float], ...] = ()
    repeat_s: float = 0
    any_phase: bool = True

    def settings(self, number: int, seed: int) -> Iterator[str]:
        """Yield the emulator's lines for this direction."""
        chance = random.Random(f"{seed} {number}")
        phase_s = chance.uniform(0, self.repeat_s) if self.any_phase else 0
        bursts = self.bursts or Bursts(0)
        for at_s, mbps in self.steps or ((0, self.mbps),):
            yield f"{number} step {at_s * 1e9:.0f} {mbps * 1e6:.0f}"
        yield f"{number} repeat_ns {self.repeat_s * 1e9:.0f}"
        yield f"{number} phase_ns {phase_s * 1e9:.0f}"
        yield f"{number} delay_ns {self.delay_ms * 1e6:.0f}"
        yield f"{number} jitter_ns {self.jitter_ms * 1e6:.0f}"
        yield f"{number} reorder {int(self.reorder)}"
        yield f"{number} queue_ns {self.queue_ms * 1e6:.0f}"
        yield f"{number} loss {self.loss:.12f}"
        yield f"{number} bursts {bursts.to_bad:.12f} {bursts.to_good:.12f}"
        yield f"{number} loss_bad {bursts.loss_in_burst:.12f}"
        yield f"{number} seed {chance.getrandbits(50)}"

    def share_of_mean(self, at_s: float, length_s: float) -> float:
        """Return the mean rate of a part of a repeating schedule, of the mean of all; 1 where the rate is steady."""
        if not self.steps:
            return 1.0
        until = [*(at for at, _ in self.steps[1:]), self.repeat_s]
        seen = 0.0
        for repeat in (0.0, self.repeat_s):  # it may run over the end
            for (begin_s, mbps), end_s in zip(self.steps, until, strict=True):
                overlap_s = min(end_s + repeat, at_s + length_s) - max(begin_s + repeat, at_s)
                seen += mbps * max(0.0, overlap_s)
        return seen / (length_s * self.mbps)

    @property
    def mean_loss(self) -> float:
        """Return the share of packets that the line loses besides its queue."""
        bursty = self.bursts.loss if self.bursts else 0.0
        return 1 - (1 - self.loss) * (1 - bursty)

    @property
    def tcp_bps(self) -> float:
        """Return what TCP can carry at best at the mean rate, as payload."""
        return self.mbps * 1e6 * TCP_SHARE * (1 - self.mean_loss)


@dataclass(frozen=True, slots=True)
class Profile:
    """A line with a name."""

    name: str
    download: Link
    upload: Link

    @property
    def idle_rtt_ms(self) -> float:
        """Round trip without queue; of a jitter its mean."""
        return sum(link.delay_ms + link.jitter_ms / 2 for link in (self.download, self.upload))

    @property
    def varies(self) -> bool:
        """Whether a rate changes with time."""
        return bool(self.download.steps or self.upload.steps)

    def link(self, direction: Direction) -> Link:
        """Return one direction."""
        return self.download if direction == "download" else self.upload

    def settings(self, seed: int) -> Iterator[str]:
        """Yield the emulator's lines."""
        for direction, number in NUMBERS.items():
            yield from self.link(direction).settings(number, seed)


def line(  # the shorthand in which a table of lines is readable
    name: str,
    mbps: tuple[float, float],
    rtt_ms: float,
    *,
    queue_ms: tuple[float, float] = (200, 200),
    jitter_ms: float = 0,
    **both: object,
) -> Profile:
    """Return a profile of (download, upload) Mbit/s; the mean jitter is part of the round trip."""
    delay_ms = rtt_ms / 2 - jitter_ms / 2
    links = [
        Link(rate, delay_ms, queue_ms=queue, jitter_ms=jitter_ms, **both)  # type: ignore[arg-type]  # Link's fields
        for rate, queue in zip(mbps, queue_ms, strict=True)
    ]
    return Profile(name, *links)
