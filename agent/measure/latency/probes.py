"""Probes that time round trips in the selector loop of the transfers: UDP echo, WebSocket ping, TCP connect.

Methods are never mixed within a series. UDP echo sees the whole path; a connect may be answered by a box on the way
(split TCP), so it is what is left when nothing else answers.
"""

import contextlib
import socket
import struct
import sys
import time
from typing import Protocol

from agent.measure.engines.engine import Job
from agent.measure.engines.ndt7_talk import PROTOCOL, upgrade
from agent.measure.faults import WorldError
from agent.measure.latency.rounds import Round
from agent.measure.sockets import dial
from agent.measure.sockets.dial import Address, Buffers
from agent.net import tcpinfo, websocket
from agent.net.http1 import HeadReader, HttpError, parse_response
from agent.net.loop import READ, WRITE, Loop
from agent.net.websocket import Opcode, ProtocolError, Receiver, UpgradeError
from agent.wire.vocabulary import RttMethod

ECHO_BYTES = 32
UDP_WIRE_BYTES = ECHO_BYTES + 28  # IPv4 and UDP headers
TCP_WIRE_BYTES = 240  # SYN and its answers, one direction
PING_WIRE_BYTES = 70
UPGRADE_S = 3.0
SYN_AGAIN_S = 1.0  # after which the kernel knocks again (RFC 6298)
# Linux notes when a datagram came (asm-generic/socket.h): a busy computer that reads it late does not lengthen it.
_STAMP = 35 if sys.platform == "linux" else None
_TIMESPEC = struct.Struct("@ll")


class Prober(Protocol):
    """Something that can time a round trip."""

    method: RttMethod
    wire_bytes: int  # of one probe, in one direction
    is_dead: bool  # it is known that no answer will come

    def send(self) -> None:
        """Send one probe; never raises."""

    def rounds(self) -> list[Round]:
        """Return all probes so far, in the order of sending; times are the loop's."""

    def close(self) -> None:
        """Free the sockets."""


class Book:
    """Sent probes by number."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.sent_s: list[float] = []
        self.rtt_s: dict[int, float] = {}
        self._void: set[int] = set()

    def send(self) -> int:
        """Note a probe that leaves now; return its number."""
        self.sent_s.append(self.loop.now())
        return len(self.sent_s) - 1

    def answered(self, number: int, late_s: float = 0.0) -> None:
        """Note an answer that came `late_s` ago; a second one to the same probe is passed over."""
        if 0 <= number < len(self.sent_s):
            rtt_s = self.loop.now() - self.sent_s[number]
            self.rtt_s.setdefault(number, rtt_s - late_s if 0 < late_s < rtt_s else rtt_s)

    def void(self) -> None:
        """Note that nobody can answer what is not answered yet: it says nothing of the line."""
        self._void.update(number for number in range(len(self.sent_s)) if number not in self.rtt_s)

    def rounds(self) -> list[Round]:
        """Return all probes so far."""
        return [
            Round(sent_s, self.rtt_s.get(number), is_void=number in self._void)
            for number, sent_s in enumerate(self.sent_s)
        ]


class UdpEcho:
    """Datagrams that the test point sends back as they are."""

    method = RttMethod.UDP_ECHO
    wire_bytes = UDP_WIRE_BYTES
    is_dead = False

    def __init__(self, loop: Loop, address: Address, udp_port: int, secret: bytes) -> None:
        """Open the socket; `secret` tells our answers from foreign datagrams."""
        self._book = Book(loop)
        self._secret = secret[:16].ljust(16, b"\0")
        self._sock = socket.socket(address.socket_family, socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        self.rounds = self._book.rounds
        with contextlib.suppress(OSError):
            if _STAMP is not None:
                self._sock.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
            self._sock.connect((address.sockaddr[0], udp_port, *address.sockaddr[2:]))
        loop.watch(self._sock, READ, self._receive)

    def send(self) -> None:
        """Send one probe; what cannot be sent counts as lost."""
        number = self._book.send()
        payload = self._secret + struct.pack("!Q", number)
        with contextlib.suppress(OSError):
            self._sock.send(payload.ljust(ECHO_BYTES, b"\0"))

    def close(self) -> None:
        """Free the socket."""
        self._book.loop.watch(self._sock, 0, self._receive)
        self._sock.close()

    def _receive(self, _events: int) -> None:
        try:
            while True:
                data, late_s = self._take()
                if len(data) >= 24 and data[:16] == self._secret:
                    self._book.answered(struct.unpack_from("!Q", data, 16)[0], late_s)
        except ConnectionRefusedError:
            self.is_dead = True
        except OSError:  # mostly BlockingIOError: all is read
            return

    def _take(self) -> tuple[bytes, float]:
        """Return a datagram, and how long ago it came where the kernel says so, seconds."""
        if _STAMP is None:
            return self._sock.recv(2048), 0.0
        data, notes, _, _ = self._sock.recvmsg(2048, socket.CMSG_SPACE(_TIMESPEC.size))
        for level, kind, note in notes:
            if level == socket.SOL_SOCKET and kind == _STAMP and len(note) == _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack(note)
                return data, time.time() - seconds - nanoseconds / 1e9
        return data, 0.0


class TcpConnect:
    """Connections that are closed as soon as they stand."""

    method = RttMethod.TCP_CONNECT
    wire_bytes = TCP_WIRE_BYTES
    is_dead = False

    def __init__(self, loop: Loop, address: Address) -> None:
        """Make a prober; nothing is sent yet."""
        self._book = Book(loop)
        self._address = address
        self._waiting: dict[int, socket.socket] = {}
        self.rounds = self._book.rounds

    @property
    def is_waiting(self) -> bool:
        """Whether an answer may still come."""
        return bool(self._waiting)

    def send(self) -> None:
        """Begin one connection."""
        number = self._book.send()
        sock = socket.socket(self._address.socket_family, socket.SOCK_STREAM)
        sock.setblocking(False)
        self._waiting[number] = sock
        self._book.loop.watch(sock, WRITE, lambda _events: self._connected(number))
        try:
            sock.connect(self._address.sockaddr)
        except BlockingIOError:
            return
        except OSError:
            self._free(number)
            return
        self._connected(number)

    def close(self) -> None:
        """Free the sockets."""
        for number in list(self._waiting):
            self._free(number)

    def _connected(self, number: int) -> None:
        sock = self._waiting.get(number)
        if (
            sock is not None
            and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            and self._is_first(number, sock)
        ):
            self._book.answered(number)
        self._free(number)

    def _is_first(self, number: int, sock: socket.socket) -> bool:
        """Return whether the answer is to the first packet; after a second one nobody can tell, and one was lost."""
        info = tcpinfo.read(sock)
        again = info.total_retrans if info else None
        if again is not None:
            return again == 0
        return self._book.loop.now() - self._book.sent_s[number] < SYN_AGAIN_S

    def _free(self, number: int) -> None:
        sock = self._waiting.pop(number, None)
        if sock is not None:
            self._book.loop.watch(sock, 0, lambda _events: None)
            dial.close_hard(sock)


class WebSocketPing:
    """Pings on one ndt7 connection that carries no test data.

    An ndt7 server ends each connection after the time of a test, about ten seconds: every series needs one of its own.
    """

    method = RttMethod.WS_PING
    wire_bytes = PING_WIRE_BYTES

    def __init__(self, job: Job) -> None:
        """Make a prober; nothing is sent before `open`."""
        self._book = Book(job.loop)
        self._job = job
        self._sock: socket.socket | None = None
        self._accept = ""
        self._head = HeadReader()
        self._receiver = Receiver(expects_mask=False)
        self.is_open = False  # the server has agreed
        self.is_dead = False
        self.rounds = self._book.rounds

    def open(self) -> None:
        """Connect, and wait for the server to agree.

        Raises:
            WorldError: If it cannot be reached, or the test was called off.
        """
        loop = self._book.loop
        self._sock = sock = dial.connect(self._job.address, Buffers())
        request, self._accept = upgrade(self._job, "upload", {})
        self._head, self._receiver = HeadReader(), Receiver(expects_mask=False)
        self.is_dead = False
        with contextlib.suppress(OSError):
            sock.send(request)
        loop.watch(sock, READ, self._receive)
        until_s = loop.now() + UPGRADE_S
        while not (self.is_open or self.is_dead) and loop.now() < until_s:
            if self._job.is_cancelled():
                raise WorldError.cancelled()
            loop.turn(0.05)

    def renew(self) -> None:
        """Go on over a new connection; what the old one has not answered is void. Never raises."""
        self.close()
        with contextlib.suppress(WorldError):
            self.open()
        if not self.is_open:
            self.close()

    def send(self) -> None:
        """Send one ping; before the upgrade it counts as lost."""
        number = self._book.send()
        if self.is_open and self._sock:
            payload = struct.pack("!Q", number)
            with contextlib.suppress(OSError):
                self._sock.send(websocket.frame(Opcode.PING, payload, mask=self._job.random_bytes(4)))

    def close(self) -> None:
        """Free the socket."""
        self.is_open = False
        self.is_dead = True
        self._book.void()
        if self._sock is not None:
            self._book.loop.watch(self._sock, 0, self._receive)
            dial.close_hard(self._sock)
            self._sock = None

    def _receive(self, _events: int) -> None:
        try:
            while self._sock and (data := self._sock.recv(4096)):
                self._take(data)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, HttpError, ProtocolError, UpgradeError):
            pass
        self.close()  # refused, cut, or ended by the server

    def _take(self, data: bytes) -> None:
        if not self.is_open:
            rest = self._head.feed(data)
            if rest is None:
                return
            websocket.check_handshake(parse_response(self._head.head), self._accept, PROTOCOL)
            self.is_open = True
            data = rest
        for message in self._receiver.feed(memoryview(data)):
            if message.opcode is Opcode.PONG and len(message.payload) == 8:
                self._book.answered(struct.unpack("!Q", message.payload)[0])
            elif message.opcode is Opcode.PING and self._sock:
                self._sock.send(websocket.frame(Opcode.PONG, message.payload, mask=self._job.random_bytes(4)))
        if self._receiver.is_closed:
            self.close()
