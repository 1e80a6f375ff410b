"""Sockets at both ends of a shaped line: TCP connections and UDP conversations, relayed through two pipes."""

import socket
import struct
from collections import deque
from collections.abc import Callable
from functools import partial

from agent.net.loop import READ, WRITE, Loop
from collector.demo.pipe import Pipe

SEGMENT_BYTES = 1448  # as on Ethernet; loopback's own 64 kB would make small windows stall
RECEIVE_S = 0.02  # how much of the line the kernel may hold for us beyond our own queue
RECEIVE_LIMITS_BYTES = (8 << 10, 512 << 10)
BLOCKED_BYTES = 64 << 10  # a receiver that takes nothing may have this much waiting before its source is left alone
DATAGRAM_BYTES = 65_535
CONVERSATIONS_LIMIT = 512
CONVERSATION_IDLE_S = 60.0


def receive_buffer(rate_bps: float) -> int:
    """Return the SO_RCVBUF of a socket that feeds a pipe of this rate."""
    low, high = RECEIVE_LIMITS_BYTES
    return min(high, max(low, int(rate_bps * RECEIVE_S / 8)))


def prepare(sock: socket.socket, rate_bps: float) -> None:
    """Keep little in the kernel. To be called before `listen` or `connect`: the window is fixed then."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer(rate_bps))
    if hasattr(socket, "TCP_MAXSEG"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)


class End:
    """One socket of a relayed connection, watched for both of its uses."""

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        self.sock = sock
        self.is_open = True
        self.on_read: Callable[[], None] = lambda: None
        self.on_write: Callable[[], None] = lambda: None
        self._loop = loop
        self._events = 0

    def want(self, event: int, is_wanted: bool) -> None:
        """Watch, or no longer watch, for READ or WRITE."""
        events = self._events | event if is_wanted else self._events & ~event
        if self.is_open and events != self._events:
            self._events = events
            self._loop.watch(self.sock, events, self._ready)

    def close(self, *, is_reset: bool = False) -> None:
        """Close, with a reset instead of an orderly end if wanted."""
        if not self.is_open:
            return
        self._loop.watch(self.sock, 0, self._ready)
        self.is_open = False
        if is_reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _ready(self, events: int) -> None:
        if events & READ and self.is_open:
            self.on_read()
        if events & WRITE and self.is_open:
            self.on_write()


class Half:
    """One direction of a relayed connection: reads `source`, writes `sink` after the pipe."""

    def __init__(self, pipe: Pipe, source: End, sink: End, on_ended: Callable[[], None]) -> None:
        self.is_ended = False
        self.reverse: Half | None = None
        self._pipe = pipe
        self._source = source
        self._sink = sink
        self._on_ended = on_ended
        self._pending: deque[memoryview] = deque()
        self._pending_bytes = 0
        self._is_resting = True  # not offered to the pipe
        self._is_at_end = False  # the source has ended, or broken
        self._ends_after_pending = False
        source.on_read = self._readable
        sink.on_write = self._flush

    def start(self) -> None:
        """Begin to read."""
        self._source.want(READ, True)

    def _readable(self) -> None:
        self._source.want(READ, False)
        if self._is_resting and not self._is_at_end:
            self._is_resting = False
            self._pipe.offer(self)

    def read(self, limit_bytes: int) -> tuple[int, Callable[[], None]] | None:
        """Return the next piece for the pipe, or None when there is nothing now."""
        if self._is_at_end or not self._source.is_open or self._pending_bytes > BLOCKED_BYTES:
            self._is_resting = True
            return None
        try:
            data = self._source.sock.recv(limit_bytes)
        except BlockingIOError:
            self._is_resting = True
            self._source.want(READ, True)
            return None
        except OSError:
            self._is_resting = True
            self.break_off()
            return None
        if not data:
            self._is_at_end = True
            return 0, self._end
        return len(data), partial(self._deliver, data)

    def break_off(self) -> None:
        """The source is gone: let the other side see a reset, when that has travelled the line."""
        if not self._is_at_end:
            self._is_at_end = True
            self._pipe.carry(0, self._reset)
        self._source.close()
        if self.reverse is not None:
            self.reverse.give_up()

    def give_up(self) -> None:
        """Nobody takes what is under way; it still crosses the line."""
        self._pending.clear()
        self._pending_bytes = 0

    def _deliver(self, data: bytes) -> None:
        if not self._sink.is_open:
            return
        self._pending.append(memoryview(data))
        self._pending_bytes += len(data)
        if len(self._pending) == 1:
            self._flush()

    def _flush(self) -> None:
        pending = self._pending
        try:
            while pending:
                count = self._sink.sock.send(pending[0])
                self._pending_bytes -= count
                if count < len(pending[0]):
                    pending[0] = pending[0][count:]
                else:
                    pending.popleft()
        except BlockingIOError:
            self._sink.want(WRITE, True)
            return
        except OSError:
            if self.reverse is not None:
                self.reverse.break_off()
            return
        self._sink.want(WRITE, False)
        if self._ends_after_pending:
            self._shut()
        elif self._is_resting and not self._is_at_end:
            self._source.want(READ, True)

    def _end(self) -> None:
        self._ends_after_pending = True
        if not self._pending:
            self._shut()

    def _shut(self) -> None:
        if self._sink.is_open:
            try:
                self._sink.sock.shutdown(socket.SHUT_WR)
            except OSError:
                self._sink.close()
        self.is_ended = True
        self._on_ended()

    def _reset(self) -> None:
        self._sink.close(is_reset=True)
        self.is_ended = True
        if self.reverse is not None:
            self.reverse.is_ended = True
        self._on_ended()


class Flow:
    """One relayed TCP connection."""

    def __init__(self, client: End, server: End, up: Pipe, down: Pipe, on_closed: Callable[["Flow"], None]) -> None:
        self._client = client
        self._server = server
        self._on_closed = on_closed
        self.up = Half(up, client, server, self._ended)
        self.down = Half(down, server, client, self._ended)
        self.up.reverse = self.down
        self.down.reverse = self.up

    def connect(self, address: tuple[str, int]) -> None:
        """Connect onward, then relay."""
        if not self._client.is_open:
            return
        begin = self._server.on_write
        self._server.on_write = lambda: self._connected(begin)
        try:
            self._server.sock.connect(address)
        except BlockingIOError:
            self._server.want(WRITE, True)
        except OSError:
            self.close(is_reset=True)
        else:
            self._connected(begin)

    def _connected(self, begin: Callable[[], None]) -> None:
        self._server.on_write = begin
        self._server.want(WRITE, False)
        if self._server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.close(is_reset=True)
            return
        self.up.start()
        self.down.start()

    def close(self, *, is_reset: bool = False) -> None:
        """Close both ends."""
        self._client.close(is_reset=is_reset)
        self._server.close(is_reset=is_reset)
        self._on_closed(self)

    def _ended(self) -> None:
        if self.up.is_ended and self.down.is_ended:
            self.close()


class Conversations:
    """UDP: every client address gets a socket of its own towards the target."""

    def __init__(self, loop: Loop, sock: socket.socket, target: tuple[str, int], up: Pipe, down: Pipe) -> None:
        self._loop = loop
        self._sock = sock
        self._target = target
        self._up = up
        self._down = down
        self._onward: dict[tuple[str, int], tuple[socket.socket, float]] = {}
        loop.watch(sock, READ, self._from_clients)

    def close(self) -> None:
        """Close all sockets, the clients' included."""
        for client in tuple(self._onward):
            self._drop(client)
        self._loop.watch(self._sock, 0, self._from_clients)
        self._sock.close()

    def _drop(self, client: tuple[str, int]) -> None:
        onward, _ = self._onward.pop(client)
        self._loop.watch(onward, 0, lambda _events: None)
        onward.close()

    def _from_clients(self, _events: int) -> None:
        while True:
            try:
                data, client = self._sock.recvfrom(DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:
                continue
            onward = self._onward_of(client)
            if onward is not None:
                self._up.carry_packet(len(data), partial(_send, onward, data))

    def _onward_of(self, client: tuple[str, int]) -> socket.socket | None:
        now_s = self._loop.now()
        known = self._onward.get(client)
        if known is None:
            for old in [key for key, (_, at_s) in self._onward.items() if now_s - at_s > CONVERSATION_IDLE_S]:
                self._drop(old)
            if len(self._onward) >= CONVERSATIONS_LIMIT:
                return None
            onward = socket.socket(self._sock.family, socket.SOCK_DGRAM)
            onward.setblocking(False)
            onward.connect(self._target)
            self._loop.watch(onward, READ, lambda _events: self._from_target(onward, client))
        else:
            onward = known[0]
        self._onward[client] = (onward, now_s)
        return onward

    def _from_target(self, onward: socket.socket, client: tuple[str, int]) -> None:
        while True:
            try:
                data = onward.recv(DATAGRAM_BYTES)
            except OSError:  # nothing more, or the target's port is closed: UDP does not tell
                return
            self._down.carry_packet(len(data), partial(self._to_client, data, client))

    def _to_client(self, data: bytes, client: tuple[str, int]) -> None:
        try:
            self._sock.sendto(data, client)
        except OSError:
            return


def _send(onward: socket.socket, data: bytes) -> None:
    try:
        onward.send(data)
    except OSError:
        return
