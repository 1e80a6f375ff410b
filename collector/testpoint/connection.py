"""One TCP connection: heads in, exchanges one after the other, and an end that no client can delay."""

import logging
import socket
from collections.abc import Callable
from enum import Enum, auto

from agent.net.http1 import HeadReader, HttpError, parse_request
from agent.net.loop import READ, WRITE, Loop
from agent.net.websocket import ProtocolError, UpgradeError, close_frame
from collector.testpoint.exchange import Context, Exchange, Link, Outbox, refuse
from collector.testpoint.refusal import RefusedError
from collector.testpoint.routes import open_exchange

LOG = logging.getLogger(__name__)

PENDING_LIMIT_BYTES = 64_000
LINGER_S = 2.0
LINGER_BYTES = 16 << 20
ROUNDS = 4  # slices or reads of one connection before the others have their turn


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
        self._active_s = context.now_s()
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
        self._phase = _Phase.CLOSED
        self._drop_exchange()
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
        for _ in range(ROUNDS):
            try:
                count = self._sock.recv_into(self._scratch)
            except BlockingIOError:
                return
            if count == 0:
                self.close()
                return
            self._active_s = self._context.now_s()
            self._take(self._scratch[:count])
            if self._phase is _Phase.CLOSED or self._pending or count < len(self._scratch):
                return

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
            self._phase_s = self._active_s
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
            self._active_s = self._context.now_s()
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
            if now_s - self._active_s > options.stall_timeout_s:
                self.close()
                return
            self._exchange.tick(now_s)
            self._progress()
