"""A line of known speed, in user space: what the demo and the tests measure, so that the figure can be checked.

`ShapedLine` relays TCP and UDP from a port of its own to one target through two pipes (`pipe`), one per direction:
a queue of finite size, an exact rate, and half of the round-trip time as delay each way.

What the numbers mean:
- The nominal rate is the rate of relayed *payload*: bytes of the TCP streams and of UDP datagrams. The line relays
  between sockets, so there are no headers to count; a greedy TCP transfer reaches the nominal rate exactly.
- TCP connections to the line are accepted by the kernel at once: the time of `connect()` says nothing. The line holds
  a new connection for one round trip instead, so that connecting and asking together take two, as on a real line.
  UDP echo, WebSocket ping and requests on an open connection see the round-trip time.
- Streams and datagrams share one queue per direction, as in a modem: under load the round-trip time grows by up to
  `buffer_ms`. A stream is not dropped but held back (its sender's window closes); the kernel holds only about 20 ms
  of the line besides. A datagram that finds the queue full is dropped.
- The line acknowledges TCP for the far end, as satellite modems do: a sender's own view (TCP_INFO, bytes accepted by
  its socket) is ahead of the receiver's by the queue, and its kernel's RTT is that of the loopback.

Run it as a process of its own (`ShapedLineProcess`) wherever a figure depends on it.
"""

import contextlib
import multiprocessing
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection as Channel
from types import TracebackType
from typing import Self

from agent.net.loop import READ, Loop
from collector.demo.pipe import Pipe
from collector.demo.relay import Conversations, End, Flow, prepare

HOST = "127.0.0.1"
DEFAULT_LINE = "20/5/40"
RATE_LIMITS_MBPS = (0.05, 2000.0)
RTT_LIMITS_MS = (0.0, 2000.0)
LEAST_BUFFER_MS = 60.0
PORT_TRIES = 20
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 2.0
TURN_S = 0.5
PRIORITY = -10

_TEXT = re.compile(r"(\d{1,5}(?:\.\d+)?)/(\d{1,5}(?:\.\d+)?)/(\d{1,5}(?:\.\d+)?)", re.ASCII)


@dataclass(frozen=True)
class LineSpec:
    """A line's nominal figures."""

    down_bps: float
    up_bps: float
    rtt_ms: float


@dataclass(frozen=True)
class Counters:
    """What has crossed the line since it was opened: payload bytes, TCP and UDP together."""

    at_s: float  # the line's monotonic clock
    download_bytes: int
    upload_bytes: int
    dropped_packets: int  # datagrams, both directions


def parse_line(text: str) -> LineSpec:
    """Return the line that a text such as `8/1/100` means: Mbit/s down, Mbit/s up, round-trip time in ms.

    Raises:
        ValueError: With one sentence for a person.
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"LINE={text!r} is not a line: write Mbit/s down, Mbit/s up and the round-trip time in ms, such as 8/1/100"
        )
    down, up, rtt_ms = (float(number) for number in match.groups())
    low, high = RATE_LIMITS_MBPS
    if not (low <= down <= high and low <= up <= high):
        raise ValueError(f"LINE={text!r} is out of range: both speeds must lie between {low:g} and {high:g} Mbit/s")
    if rtt_ms > RTT_LIMITS_MS[1]:
        raise ValueError(f"LINE={text!r} is out of range: the round-trip time can be {RTT_LIMITS_MS[1]:g} ms at most")
    return LineSpec(down * 1e6, up * 1e6, rtt_ms)


class ShapedLine:
    """A line in a thread of this process, open between `__enter__` and `__exit__`.

    Attributes:
        port: Where it listens on 127.0.0.1, TCP and UDP.
    """

    def __init__(
        self,
        target_host: str,
        target_port: int,
        *,
        down_bps: float,
        up_bps: float,
        rtt_ms: float,
        udp: bool = True,
        buffer_ms: float | None = None,
    ) -> None:
        """Open the sockets; nothing is relayed before `__enter__`.

        Args:
            target_host: Where to relay to, an IPv4 address.
            target_port: Its port, TCP and UDP.
            down_bps: Rate from target to client, bit/s of payload.
            up_bps: Rate from client to target, bit/s of payload.
            rtt_ms: Round-trip time of the empty line.
            udp: Whether datagrams are relayed too.
            buffer_ms: Size of each queue in time; None = the round-trip time, at least 60 ms.

        Raises:
            OSError: If the address cannot be had.
        """
        self._target = (target_host, target_port)
        self._rtt_s = rtt_ms / 1000
        self._down_bps = down_bps
        buffer_s = (max(LEAST_BUFFER_MS, rtt_ms) if buffer_ms is None else buffer_ms) / 1000
        self._loop = Loop()
        self._up = Pipe(self._loop, rate_bps=up_bps, delay_s=self._rtt_s / 2, buffer_s=buffer_s)
        self._down = Pipe(self._loop, rate_bps=down_bps, delay_s=self._rtt_s / 2, buffer_s=buffer_s)
        self._listener, udp_socket = _open(up_bps, udp)
        self._conversations = (
            None if udp_socket is None else Conversations(self._loop, udp_socket, self._target, self._up, self._down)
        )
        self._flows: set[Flow] = set()
        self._loop.watch(self._listener, READ, self._accept)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._loop.wake()
        self._thread.join()

    @property
    def counters(self) -> Counters:
        """What has crossed the line so far; may be read from any thread."""
        return Counters(
            self._loop.now(),
            self._down.carried_bytes,
            self._up.carried_bytes,
            self._down.dropped_packets + self._up.dropped_packets,
        )

    def _run(self) -> None:
        while not self._stop.is_set():
            self._loop.turn(TURN_S)
        for flow in tuple(self._flows):
            flow.close(is_reset=True)
        if self._conversations is not None:
            self._conversations.close()
        self._loop.watch(self._listener, 0, self._accept)
        self._listener.close()
        self._loop.close()

    def _accept(self, _events: int) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._relay(client)
            except OSError:  # gone already, or out of descriptors: a reset says it
                client.close()

    def _relay(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        prepare(server, self._down_bps)
        ends = End(self._loop, client), End(self._loop, server)
        flow = Flow(*ends, self._up, self._down, self._flows.discard)
        self._flows.add(flow)
        self._loop.call_at(self._loop.now() + self._rtt_s, _connect(flow, self._target))


def _connect(flow: Flow, target: tuple[str, int]) -> Callable[[], None]:
    return lambda: flow.connect(target)


def _open(up_bps: float, udp: bool) -> tuple[socket.socket, socket.socket | None]:
    """Return listening sockets on one free port number."""
    for left in range(PORT_TRIES, 0, -1):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM) if udp else None
        try:
            prepare(listener, up_bps)  # accepted sockets inherit it
            listener.bind((HOST, 0))
            listener.listen(128)
            listener.setblocking(False)
            if datagrams is not None:
                datagrams.bind((HOST, listener.getsockname()[1]))
                datagrams.setblocking(False)
        except OSError:
            listener.close()
            if datagrams is not None:
                datagrams.close()
            if left == 1:
                raise
        else:
            return listener, datagrams
    raise OSError("no port is free for both TCP and UDP")


def run_line_process(channel: Channel, target: tuple[str, int], spec: LineSpec, buffer_ms: float | None) -> None:
    """Run a line until the other end of `channel` says "stop" or is gone; the target of a child process.

    Sends the port once (or a sentence if it cannot be opened), then `Counters` for every "counters" that it is sent.
    """
    with contextlib.suppress(OSError, AttributeError):  # Windows has no such call
        # A real line does not wait for a processor; where we may not ask for that, it is as late as the others.
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    try:
        line = ShapedLine(
            *target,
            down_bps=spec.down_bps,
            up_bps=spec.up_bps,
            rtt_ms=spec.rtt_ms,
            buffer_ms=buffer_ms,
        )
    except OSError as error:
        channel.send(f"the shaped line cannot be opened: {error.strerror or error}")
        return
    with line:
        channel.send(line.port)
        while True:
            try:
                word = channel.recv()
            except (EOFError, OSError):  # the parent is gone
                return
            if word != "counters":
                return
            channel.send(line.counters)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class ShapedLineProcess:
    """A line in a child process of its own, open between `__enter__` and `__exit__`; it ends with its parent.

    Attributes:
        port: Where it listens on 127.0.0.1, TCP and UDP; known after `__enter__`.
    """

    def __init__(
        self,
        target_host: str,
        target_port: int,
        *,
        down_bps: float,
        up_bps: float,
        rtt_ms: float,
        buffer_ms: float | None = None,
    ) -> None:
        """Take the same arguments as `ShapedLine`."""
        context = multiprocessing.get_context("spawn")
        self._channel, self._childs = context.Pipe()
        spec = LineSpec(down_bps, up_bps, rtt_ms)
        self._process = context.Process(
            target=run_line_process,
            args=(self._childs, (target_host, target_port), spec, buffer_ms),
            name="shaped-line",
            daemon=True,
        )
        self.port = 0

    def __enter__(self) -> Self:
        with _interrupts_ignored():  # it inherits that: Ctrl-C reaches the whole group, and it ends with its parent
            self._process.start()
        self._childs.close()
        answer = self._channel.recv() if self._channel.poll(START_TIMEOUT_S) else "the shaped line does not start"
        if not isinstance(answer, int):
            self.__exit__(None, None, None)
            raise OSError(answer)
        self.port = answer
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
        self._process.join(STOP_TIMEOUT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    @property
    def counters(self) -> Counters:
        """What has crossed the line so far."""
        self._channel.send("counters")
        answer = self._channel.recv()
        if not isinstance(answer, Counters):
            raise OSError("the shaped line gave a wrong answer")
        return answer
