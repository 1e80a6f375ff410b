"""One TCP connection: heads in, exchanges one after the other, and an end that no client can delay."""

import logging
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto

from agent.net.http1 import HeadReader, HttpError, parse_request
from agent.net.loop import READ, WRITE, Loop
from agent.net.websocket import ProtocolError, UpgradeError, close_frame
from collector.testpoint.exchange import Context, Exchange, Link, Outbox, refuse
from collector.testpoint.refusal import RefusedError
from collector.testpoint.routes import open_exchange

LOG = logging.getLogger(__name__)

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, no time

PENDING_LIMIT_BYTES = 64_000
LINGER_S = 2.0
LINGER_BYTES = 16 << 20
ROUNDS = 4  # slices or reads of one connection before the others have their turn
TURN_S = 0.004  # ... and no further one after this time
READ_LEAST_BYTES = 4 << 10  # where every byte is a frame, reads are made so small that the others notice nothing
DRAIN_S = 10.0  # for the last bytes of a finished exchange to leave


class _Phase(Enum):
    HEAD = auto()
    EXCHANGE = auto()
    LINGER = auto()  # all is said; what the client still sends is read and thrown away, lest a reset eats our answer
    CLOSED = auto()


class Connection:
    """Owns the socket from accept to close."""

    def __init__(
        self,
        sock: socket.socket,
        address: str,
        context: Context,
        loop: Loop,
        scratch: memoryview,
        on_closed: Callable[["Connection"], None],
    ) -> None:
        """Take over a non-blocking socket; `scratch` is the buffer that all connections read into."""
        self.address = address
        self._sock = sock
        self._context = context
        self._loop = loop
        self._scratch = scratch
        self._on_closed = on_closed
        self._link = Link(sock, address, Outbox(sock))
        self._phase = _Phase.HEAD
        self._reader = HeadReader()
        self._exchange: Exchange | None = None
        self._pending = b""  # came after the head, or is the next request already
        self._lingered_bytes = 0
        self._is_shut = False
        self._read_bytes = len(scratch)
        self._active_s = context.now_s()  # of the last byte in either direction
        self._sent_s = self._active_s  # of the last byte that the kernel took, or when there was none to take
        self._done_s: float | None = None  # since when a finished exchange waits for its last bytes to leave
        self._phase_s = self._active_s
        self._loop.watch(sock, READ, self._ready)

    @property
    def is_transfer(self) -> bool:
        """Whether an exchange is under way that needs ticks."""
        return self._phase is _Phase.EXCHANGE

    def turn_away(self) -> None:
        """Answer 503 whatever is asked, because there are too many connections."""
        retry_after_s = self._context.options.retry_after_s
        self._guard(lambda: self._finish_with(503, "the test point is full: come back a little later", retry_after_s))

    def tick(self, now_s: float) -> None:
        """Do what time asks for."""
        self._guard(lambda: self._tick(now_s))

    def close(self) -> None:
        """Close the socket now."""
        if self._phase is _Phase.CLOSED:
            return
        is_cut = self._phase is _Phase.EXCHANGE or bool(self._link.outbox)
        self._phase = _Phase.CLOSED
        self._drop_exchange()
        if is_cut:  # what the kernel still holds for a peer that does not read it is freed at once, by a reset
            with suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._loop.watch(self._sock, 0, self._ready)
        self._sock.close()
        self._on_closed(self)

    def _ready(self, events: int) -> None:
        self._guard(lambda: self._serve(events))

    def _guard(self, work: Callable[[], None]) -> None:
        """Do a piece of work; whatever goes wrong ends this connection only, with one line in the log."""
        try:
            try:
                work()
            except RefusedError as refusal:
                self._finish_with(refusal.status, refusal.sentence, refusal.retry_after_s)
            except (HttpError, UpgradeError) as error:
                self._finish_with(error.status, error.sentence)
            except ProtocolError as error:
                LOG.info("websocket of %s: %s", self.address, error.sentence)
                self._link.outbox.put(close_frame(error.code, error.sentence))
                self._linger()
        except OSError as error:
            LOG.debug("connection of %s ended: %s", self.address, error)
            self.close()
        except Exception:
            LOG.exception("a connection was closed because of a fault of ours")
            self.close()

    def _serve(self, events: int) -> None:
        if events & READ:
            self._read()
        if self._phase is not _Phase.CLOSED:
            self._progress()

    def _read(self) -> None:
        until_s = self._context.now_s() + TURN_S
        for _ in range(ROUNDS):
            try:
                count = self._sock.recv_into(self._scratch[: self._read_bytes])
            except BlockingIOError:
                return
            if count == 0:
                self.close()
                return
            is_all = count < self._read_bytes
            self._active_s = self._context.now_s()
            self._take(self._scratch[:count])
            now_s = self._context.now_s()
            self._fit_reads(now_s - self._active_s)
            if self._phase is _Phase.CLOSED or self._pending or is_all or now_s > until_s:
                return

    def _fit_reads(self, taken_s: float) -> None:
        """Read less at once from who makes much work of few bytes, and more again from who does not."""
        if taken_s > TURN_S:
            self._read_bytes = max(READ_LEAST_BYTES, self._read_bytes // 2)
        elif taken_s < TURN_S / 8 and self._read_bytes < len(self._scratch):
            self._read_bytes = min(len(self._scratch), self._read_bytes * 2)

    def _take(self, data: memoryview) -> None:
        """Give arrived bytes to whom they belong; what remains waits in `_pending`."""
        if self._phase is _Phase.LINGER:
            self._lingered_bytes += len(data)
            if self._lingered_bytes > LINGER_BYTES:
                self.close()
            return
        if self._phase is _Phase.HEAD:
            rest = self._reader.feed(data)
            if rest is None:
                return
            head = parse_request(self._reader.head)
            self._phase = _Phase.EXCHANGE
            self._phase_s = self._sent_s = self._active_s
            self._exchange = open_exchange(head, self._link, self._context)
            data = memoryview(rest)
        if self._exchange is not None and len(data):
            used = self._exchange.received(data)
            self._pending += data[used:]
            if len(self._pending) > PENDING_LIMIT_BYTES + len(self._scratch):
                raise HttpError(400, "more was sent than was asked for")

    def _progress(self) -> None:
        """Send what there is, begin what can begin, and watch for what comes next."""
        for _ in range(ROUNDS):
            if not self._prepare() or not self._send():
                break
        else:
            self._prepare()  # so that the next turn has something to send, if there is anything
        outbox = self._link.outbox
        if self._phase is _Phase.LINGER and not outbox and not self._is_shut:
            self._is_shut = True
            self._sock.shutdown(socket.SHUT_WR)
        self._loop.watch(self._sock, (0 if self._pending else READ) | (WRITE if outbox else 0), self._ready)

    def _prepare(self) -> bool:
        """Fill an empty outbox; return whether there is something to send."""
        outbox = self._link.outbox
        while not outbox and self._exchange is not None:
            self._exchange.fill(outbox)
            if outbox or not self._exchange.is_done:
                break
            self._end_exchange(self._exchange)
        return bool(outbox)

    def _send(self) -> bool:
        """Send; return whether the kernel took all."""
        outbox = self._link.outbox
        before = outbox.sent_bytes
        outbox.send()
        if outbox.sent_bytes > before:
            self._active_s = self._sent_s = self._context.now_s()
        return not outbox

    def _end_exchange(self, exchange: Exchange) -> None:
        """Go on after a finished exchange: with the next request, or with the end."""
        self._drop_exchange()
        self._phase_s = self._context.now_s()
        pending, self._pending = self._pending, b""
        if not exchange.keeps_alive:
            self._phase = _Phase.LINGER
            return
        self._phase = _Phase.HEAD
        self._reader = HeadReader()
        if pending:
            self._take(memoryview(pending))

    def _drop_exchange(self) -> None:
        if self._exchange is not None:
            self._exchange.closed()
            self._exchange = None

    def _finish_with(self, status: int, sentence: str, retry_after_s: int | None = None) -> None:
        LOG.info("%s: %d %s", self.address, status, sentence)
        refuse(self._link, status, sentence, retry_after_s=retry_after_s)
        self._linger()

    def _linger(self) -> None:
        self._drop_exchange()
        self._phase = _Phase.LINGER
        self._phase_s = self._context.now_s()
        self._pending = b""
        self._progress()

    def _tick(self, now_s: float) -> None:
        options = self._context.options
        if self._phase is _Phase.HEAD and now_s - self._phase_s > options.head_timeout_s:
            if self._reader.is_empty:
                self.close()
            else:
                raise HttpError(408, "the request's head takes too long")
        elif self._phase is _Phase.LINGER and now_s - self._phase_s > LINGER_S:
            self.close()
        elif self._phase is _Phase.EXCHANGE and self._exchange is not None:
            if self._is_stuck(self._exchange, now_s):
                self.close()
                return
            self._exchange.tick(now_s)
            self._progress()

    def _is_stuck(self, exchange: Exchange, now_s: float) -> bool:
        """Return whether the peer takes nothing of what waits for it, sends nothing, or only pretends to."""
        outbox = self._link.outbox
        if not outbox:
            self._sent_s = now_s
        if not (exchange.is_done and outbox):
            self._done_s = None
        elif self._done_s is None:
            self._done_s = now_s
        last_s = self._sent_s if outbox else self._active_s
        is_undrained = self._done_s is not None and now_s - self._done_s > DRAIN_S
        return is_undrained or now_s - last_s > self._context.options.stall_timeout_s
