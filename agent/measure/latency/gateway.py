"""Round trips to the default gateway: is it the radio or the cable of this computer, or the line behind?

ICMP echo where the kernel lets a program without rights send it (`net.ipv4.ping_group_range`). Else datagrams to a port
on which nothing listens, as traceroute has it: the gateway's own refusal is the answer. Refusals are limited to a few
per second by many gateways, so what is missing among them is no loss.
"""

import contextlib
import errno
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from agent.measure.latency.probes import Book, Prober
from agent.measure.latency.rounds import Round, summary
from agent.net.loop import READ, Loop, Timer
from agent.wire.records import Rtt
from agent.wire.vocabulary import RttMethod

PROBES = 5
GAP_LOW_S, GAP_HIGH_S = 0.05, 0.15
ANSWER_S = 1.0
ABSENT_S = 3.5  # three questions for its hardware address, one a second: then the kernel knows that it is not there
YOUNG_S = 0.3  # a probe that was sent later may still be answered when the watching ends
PORT = 33_434
_WIRE_BYTES = 60
_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}  # question, answer (RFC 792, RFC 4443)
_RECVERR = {socket.AF_INET: (0, 11), socket.AF_INET6: (41, 25)}  # IP_RECVERR, IPV6_RECVERR (linux/in.h, in6.h)
_NO_WAY = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN}


@dataclass(frozen=True)
class GatewayLook:
    """What is known of the gateway; without an answer it may still be there: many keep silent."""

    rtt: Rtt | None = None
    is_absent: bool = False  # nobody on the local network has its address


class _Prober:
    """One socket, or one for each probe."""

    method = RttMethod.ICMP
    wire_bytes = _WIRE_BYTES

    def __init__(self, loop: Loop, family: int, sockaddr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        self.book = Book(loop)
        self.family, self.sockaddr = family, sockaddr
        self.is_dead = False
        self.is_absent = False
        self.rounds = self.book.rounds
        self.sockets: list[socket.socket] = []

    def open(self, kind: int, protocol: int, received: Callable[[socket.socket], None]) -> socket.socket:
        """Return a connected socket whose errors are told."""
        sock = socket.socket(self.family, kind, protocol)
        self.sockets.append(sock)
        sock.setblocking(False)
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                sock.setsockopt(*_RECVERR[socket.AddressFamily(self.family)], 1)
        sock.connect(self.sockaddr)
        self.book.loop.watch(sock, READ, lambda _events: received(sock))
        return sock

    def failed(self, error: OSError) -> None:
        """Take what the kernel says instead of an answer."""
        if error.errno in _NO_WAY:
            self.is_absent = self.is_dead = True

    def close(self) -> None:
        """Free the sockets."""
        for sock in self.sockets:
            self.book.loop.watch(sock, 0, _nothing)
            sock.close()
        self.sockets = []


class Echo(_Prober):
    """ICMP echo by a socket that needs no rights."""

    def __init__(self, loop: Loop, family: int, sockaddr: tuple[str, int] | tuple[str, int, int, int]) -> None:
        """Open the socket.

        Raises:
            OSError: If this system does not let us.
        """
        super().__init__(loop, family, sockaddr)
        if sys.platform != "linux":  # elsewhere answers come with an IP header, or not at all
            raise PermissionError(errno.EPERM, "no ICMP without rights")
        protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
        self._question, self._answer = _ECHO[socket.AddressFamily(family)]
        self._sock = self.open(socket.SOCK_DGRAM, protocol, self._receive)

    def send(self) -> None:
        """Send one; the kernel fills in checksum and identifier."""
        number = self.book.send()
        packet = struct.pack("!BBHHH", self._question, 0, 0, 0, number & 0xFFFF) + bytes(16)
        try:
            self._sock.send(packet)
        except OSError as error:
            self.failed(error)

    def _receive(self, sock: socket.socket) -> None:
        try:
            while True:
                data = sock.recv(512)
                if len(data) >= 8 and data[0] == self._answer:
                    self.book.answered(struct.unpack_from("!H", data, 6)[0])
        except BlockingIOError:
            return
        except OSError as error:
            self.failed(error)


class Refusal(_Prober):
    """Datagrams that nobody wants."""

    def send(self) -> None:
        """Send one, from a socket of its own: a refusal does not say which datagram it means."""
        number = self.book.send()
        try:
            sock = self.open(socket.SOCK_DGRAM, 0, lambda sock: self._receive(number, sock))
            sock.send(b"enlace")
        except OSError as error:
            self.failed(error)

    def _receive(self, number: int, sock: socket.socket) -> None:
        try:
            sock.recv(512)
            self.book.answered(number)  # somebody listens there: as good an answer
        except ConnectionError:
            self.book.answered(number)
        except BlockingIOError:
            return
        except OSError as error:
            self.failed(error)
        self.book.loop.watch(sock, 0, _nothing)


def _nothing(_events: int) -> None:
    return


def open_prober(gateway: str, loop: Loop) -> Echo | Refusal | None:
    """Return what can time round trips to the gateway; None if its address is none, or of a family unknown here."""
    try:
        family, _, _, _, sockaddr = socket.getaddrinfo(
            gateway, PORT, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )[0]
    except (OSError, UnicodeError, IndexError):
        return None
    try:
        return Echo(loop, family, sockaddr)  # type: ignore[arg-type]  # the stubs know no families
    except OSError:
        return Refusal(loop, family, sockaddr)  # type: ignore[arg-type]  # the same


def look(
    gateway: str,
    loop: Loop,
    uniform: Callable[[float, float], float],
    *,
    count: int = PROBES,
    patience_s: float = ANSWER_S,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> GatewayLook:
    """Return what a few probes say.

    Args:
        gateway: Its address.
        loop: Where the sockets are waited for.
        uniform: Randomness for the gaps.
        count: Probes.
        patience_s: How long to wait where nothing answers; `ABSENT_S` to learn that nobody is there.
        is_cancelled: Ends it early.
    """
    prober = open_prober(gateway, loop)
    if isinstance(prober, Echo):
        told = _series(prober, loop, uniform, count, min(patience_s, ANSWER_S), is_cancelled)
        if told.rtt is not None or told.is_absent:
            return told
        prober = Refusal(loop, prober.family, prober.sockaddr)
    return _series(prober, loop, uniform, count, patience_s, is_cancelled) if prober else GatewayLook()


def _series(
    prober: Echo | Refusal,
    loop: Loop,
    uniform: Callable[[float, float], float],
    count: int,
    patience_s: float,
    is_cancelled: Callable[[], bool],
) -> GatewayLook:
    try:
        sent, due_s = 0, loop.now()
        until_s = due_s + patience_s
        while loop.now() < until_s and not (prober.is_dead or is_cancelled()):
            if sent < count and loop.now() >= due_s:
                prober.send()
                sent += 1
                due_s = loop.now() + uniform(GAP_LOW_S, GAP_HIGH_S)
                until_s = max(until_s, loop.now() + ANSWER_S)
            if sent == count and all(each.rtt_s is not None for each in prober.rounds()):
                break
            loop.turn(0.02)
        return GatewayLook(_told(prober.rounds(), prober), prober.is_absent)
    finally:
        prober.close()


def _told(rounds: Sequence[Round], prober: Prober) -> Rtt | None:
    rtt = summary(rounds, prober.method)
    if rtt is not None and isinstance(prober, Refusal):
        return msgspec.structs.replace(rtt, loss_pct=None)
    return rtt


class Beside:
    """Asks the gateway now and then while something else runs in the same loop: the server's series, a transfer."""

    def __init__(
        self, gateway: str | None, loop: Loop, opened: Callable[[str, Loop], Prober | None] = open_prober
    ) -> None:
        """Make it; without a gateway it stays silent.

        Args:
            gateway: Its address.
            loop: Of whatever else runs.
            opened: Returns what can time round trips to it.
        """
        self._gateway, self._loop, self._opened = gateway, loop, opened
        self.idle: Rtt | None = None  # while nothing was sent; what is seen beside a transfer never stands in for it
        self._loaded: Rtt | None = None

    @contextlib.contextmanager
    def watching(self, every_s: float, most: int, *, is_loaded: bool) -> Iterator[None]:
        """Send a probe every so often.

        Args:
            every_s: Between two probes.
            most: Probes.
            is_loaded: Whether a transfer fills the line meanwhile.
        """
        if is_loaded:
            self._loaded = None  # what an earlier transfer met says nothing of this one
        prober = self._opened(self._gateway, self._loop) if self._gateway else None
        if prober is None:
            yield
            return
        most = min(most, PROBES) if isinstance(prober, Refusal) else most
        timers: list[Timer] = []

        def tick() -> None:
            if len(prober.rounds()) < most and not prober.is_dead:
                prober.send()
                timers[:] = [self._loop.call_at(self._loop.now() + every_s, tick)]

        tick()
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()
            told = _told(_without_young(prober.rounds(), self._loop.now()), prober)
            if is_loaded:
                self._loaded = told
            else:
                self.idle = self.idle or told
            prober.close()

    def increase_ms(self) -> float | None:
        """Return by how much the gateway's median was longer beside the last transfer than idle; None = unknown."""
        loaded_ms, idle_ms = (one.rtt_ms if one else None for one in (self._loaded, self.idle))
        return None if loaded_ms is None or idle_ms is None else loaded_ms - idle_ms


def _without_young(rounds: list[Round], now_s: float) -> list[Round]:
    return [each for each in rounds if each.rtt_s is not None or now_s - each.sent_s > YOUNG_S]
