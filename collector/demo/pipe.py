"""One direction of a shaped line: a queue of finite size, a rate, and a delay. It knows nothing of sockets."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from agent.net.loop import Loop

SLICE_S = 0.002  # how much of the line one read of a TCP source may take, so that several sources share it evenly
SLICE_LIMITS_BYTES = (1448, 64 << 10)
HANDLING_S = 0.0003  # what waking up, reading and writing add to every piece; taken off the delay
CREDIT_S = 1.0  # how long a hold-up of this program is made good
PACKET_ROOM = 1.5  # datagrams find this much of the queue: greedy streams alone never make them drop


class Source(Protocol):
    """A stream that may have something to send."""

    def read(self, limit_bytes: int) -> tuple[int, Callable[[], None]] | None:
        """Return the size read and what to do with it at the other end, or None when there is nothing now."""


class Pipe:
    """Carries payload at exactly `rate_bps`, first come first served.

    The rate is kept by arithmetic, not by ticks: every piece leaves when the one before it has left plus its own size
    over the rate, and arrives `delay_s` later. A late wake-up delays a piece and nothing else; the rate stays: if this
    program was held up for so long that the queue ran dry although a source had more, the time is made good.

    Attributes:
        carried_bytes: Payload that has come out at the other end, whether or not anybody took it there.
        dropped_packets: Datagrams that found the queue full.
    """

    def __init__(self, loop: Loop, *, rate_bps: float, delay_s: float, buffer_s: float) -> None:
        self.carried_bytes = 0
        self.dropped_packets = 0
        low, high = SLICE_LIMITS_BYTES
        self.slice_bytes = min(high, max(low, int(rate_bps * SLICE_S / 8)))
        self._loop = loop
        self._s_per_byte = 8 / rate_bps
        self._delay_s = max(0.0, delay_s - HANDLING_S)
        self._buffer_s = max(buffer_s, 2 * self.slice_bytes * self._s_per_byte)
        self._free_s = 0.0  # when the last piece of the queue will have left
        self._under_way: deque[tuple[float, int, Callable[[], None]]] = deque()
        self._waiting: deque[Source] = deque()
        self._is_pump_set = False

    def carry_packet(self, size_bytes: int, deliver: Callable[[], None]) -> None:
        """Take a datagram, or drop it when the queue is full."""
        if self._free_s - self._loop.now() > self._buffer_s * PACKET_ROOM:
            self.dropped_packets += 1
        else:
            self.carry(size_bytes, deliver)

    def carry(self, size_bytes: int, deliver: Callable[[], None]) -> None:
        """Take a piece in any case; call `deliver` when it arrives. Size 0 = a mark that keeps its place."""
        self._carry_from(self._loop.now(), size_bytes, deliver)

    def _carry_from(self, earliest_s: float, size_bytes: int, deliver: Callable[[], None]) -> None:
        self._free_s = max(earliest_s, self._free_s) + size_bytes * self._s_per_byte
        self._under_way.append((self._free_s + self._delay_s, size_bytes, deliver))
        if len(self._under_way) == 1:
            self._loop.call_at(self._under_way[0][0], self._arrive)

    def offer(self, source: Source) -> None:
        """Read from this source, in turn with the others, whenever the queue has room, until it has nothing."""
        self._waiting.append(source)
        self._pump()

    def _pump(self, *, credit_s: float = 0.0) -> None:
        while self._waiting:
            now_s = self._loop.now()
            room_s = self._free_s - self._buffer_s
            if room_s > now_s:
                if not self._is_pump_set:
                    self._is_pump_set = True
                    self._loop.call_at(room_s, self._pump_on)
                return
            source = self._waiting.popleft()
            piece = source.read(self.slice_bytes)
            if piece is not None:
                self._carry_from(now_s - credit_s, *piece)
                self._waiting.append(source)

    def _pump_on(self) -> None:
        """Go on reading from sources that had more when the queue was full."""
        self._is_pump_set = False
        self._pump(credit_s=CREDIT_S)

    def _arrive(self) -> None:
        under_way = self._under_way
        now_s = self._loop.now()
        while under_way and under_way[0][0] <= now_s:
            _, size_bytes, deliver = under_way.popleft()
            self.carried_bytes += size_bytes
            deliver()
        if under_way:
            self._loop.call_at(under_way[0][0], self._arrive)
