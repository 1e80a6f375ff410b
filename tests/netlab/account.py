"""What the emulator saw: per 100 ms and direction, read from the file that it keeps in memory.

A time is seconds of `time.monotonic()`, the clock of both sides.
"""

import math
import os
import struct
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

from tests.netlab.links import NUMBERS, TCP_SHARE, Direction

_MAGIC = 0x3142414C54454E
_HEADER_WORDS = 64
_BUSY_SHARE = 0.5
_SMALL_PACKET_BYTES = 300
"""Below this mean size a slot carried acknowledgements and probes, not a transfer."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything since the start: offered = delivered + dropped + lost + held + refused."""

    offered_bytes: int
    offered_packets: int
    dropped_bytes: int
    dropped_packets: int
    lost_bytes: int
    lost_packets: int
    delivered_bytes: int
    delivered_packets: int
    held_bytes: int
    held_packets: int
    refused_bytes: int
    refused_packets: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A tenth of a second of one direction; sizes at layer 3."""

    start_s: float
    capacity_bytes: int
    served_bytes: int
    served_packets: int
    busy_ns: int
    offered_bytes: int
    offered_packets: int
    dropped_bytes: int
    dropped_packets: int
    lost_bytes: int
    lost_packets: int
    delivered_bytes: int
    delivered_packets: int
    queue_ns_sum: int
    queue_ns_max: int
    accepted_packets: int

    @property
    def queue_mean_ms(self) -> float:
        """Return the mean wait of the packets that came in this slot."""
        return self.queue_ns_sum / self.accepted_packets / 1e6 if self.accepted_packets else 0.0

    @property
    def queue_max_ms(self) -> float:
        """Return the longest wait of a packet that came in this slot."""
        return self.queue_ns_max / 1e6


class Served(Protocol):
    """What the truth needs to know of a slot; sizes at layer 3."""

    @property
    def capacity_bytes(self) -> int:
        """What the line could have carried."""

    @property
    def served_bytes(self) -> int:
        """What it carried, losses included."""

    @property
    def served_packets(self) -> int:
        """In how many packets."""

    @property
    def lost_bytes(self) -> int:
        """What of it was lost."""


def is_busy(slot: Served, busy_share: float) -> bool:
    """Return whether a transfer kept the line busy in a slot; `busy_share` of it the line was sending."""
    # A packet of a very slow line may be under way for longer than a slot.
    return busy_share >= _BUSY_SHARE and (not slot.served_packets or _has_large_packets(slot))


def carried_bps(slots: Sequence[Served], slot_s: float) -> float | None:
    """Return what TCP could carry at best in these slots: their rate, less losses, as payload; None if nothing was."""
    served = sum(slot.served_bytes for slot in slots)
    if not served:
        return None
    kept = 1 - sum(slot.lost_bytes for slot in slots) / served
    return sum(slot.capacity_bytes for slot in slots) * 8 / (len(slots) * slot_s) * TCP_SHARE * kept


_TOTAL_WORDS = len(fields(Totals))
_SLOT_WORDS = len(fields(Slot)) - 1


class Account:
    """Reads the emulator's file, while it is written and afterwards; the file's name may be removed once it is open."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._close = weakref.finalize(self, os.close, self._fd)
        self._kept: tuple[dict[Direction, Totals], dict[Direction, list[Slot]]] | None = None
        magic, slot_ns, self._slot_count, start_ns = self._words(0, 4)
        if magic != _MAGIC:
            raise ValueError(f"{path} is no account of the emulator, or of another version of it")
        self.slot_s = slot_ns / 1e9
        self.start_s = start_ns / 1e9

    def totals(self, direction: Direction) -> Totals:
        """Return the sums since the start."""
        if self._kept:
            return self._kept[0][direction]
        return Totals(*self._words(4 + NUMBERS[direction] * _TOTAL_WORDS, _TOTAL_WORDS))

    def slots(self, direction: Direction, from_s: float, to_s: float) -> list[Slot]:
        """Return the slots that lie wholly in a span of the past."""
        first = max(math.ceil((from_s - self.start_s) / self.slot_s), 0)
        last = min(max(math.floor((to_s - self.start_s) / self.slot_s), first), self._slot_count)
        if self._kept:
            return self._kept[1][direction][first:last]
        return self._read_slots(direction, first, last)

    def busy_slots(self, direction: Direction, from_s: float, to_s: float) -> list[Slot]:
        """Return the slots in which a transfer kept the line busy."""
        slot_ns = self.slot_s * 1e9
        return [slot for slot in self.slots(direction, from_s, to_s) if is_busy(slot, slot.busy_ns / slot_ns)]

    def truth(self, direction: Direction, from_s: float, to_s: float) -> float | None:
        """Return what TCP could carry at best, in bit/s, in the part of a span in which the line was kept busy.

        The rate of those slots, less what the line lost in them, times 1448/1500: payload of full packets. A transfer
        that never kept the line busy is held against the slots in which it carried anything.

        Returns:
            The figure, or None if there was no transfer.
        """
        slots = self.busy_slots(direction, from_s, to_s)
        slots = slots or [slot for slot in self.slots(direction, from_s, to_s) if _has_large_packets(slot)]
        return carried_bps(slots, self.slot_s)

    def queue_ms(self, direction: Direction, from_s: float, to_s: float) -> float | None:
        """Return the mean wait in the queue while the line was kept busy; None if it never was."""
        slots = self.busy_slots(direction, from_s, to_s)
        packets = sum(slot.accepted_packets for slot in slots)
        return sum(slot.queue_ns_sum for slot in slots) / packets / 1e6 if packets else None

    def keep(self, now_s: float) -> None:
        """Take everything into memory and close the file: nobody writes it any more."""
        last = min(round((now_s - self.start_s) / self.slot_s) + 1, self._slot_count)
        totals = {direction: self.totals(direction) for direction in NUMBERS}
        self._kept = totals, {direction: self._read_slots(direction, 0, last) for direction in NUMBERS}
        self._close()

    def _read_slots(self, direction: Direction, first: int, last: int) -> list[Slot]:
        begin = _HEADER_WORDS + (NUMBERS[direction] * self._slot_count + first) * _SLOT_WORDS
        words = self._words(begin, (last - first) * _SLOT_WORDS)
        rows = (words[at : at + _SLOT_WORDS] for at in range(0, len(words), _SLOT_WORDS))
        return [Slot(self.start_s + (first + index) * self.slot_s, *row) for index, row in enumerate(rows)]

    def _words(self, begin: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"={count}Q", os.pread(self._fd, count * 8, begin * 8))


def _has_large_packets(slot: Served) -> bool:
    return slot.served_packets > 0 and slot.served_bytes / slot.served_packets >= _SMALL_PACKET_BYTES
