"""The measurement server: LibreSpeed, ndt7 and UDP echo on one port number, in one thread, in its own process.

`serve` runs until it is told to stop, and ends within two seconds. It opens no database and imports nothing of the
collector: what it needs to know are its options. Browsers and agents are told about its addresses in `librespeed` and
`ndt7`.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from nacl.signing import SigningKey

from agent.net import tcpinfo
from agent.net.loop import READ, Loop
from collector.testpoint import keyfile
from collector.testpoint.admission import Admission
from collector.testpoint.connection import Connection
from collector.testpoint.exchange import Context, Payload, Uploads
from collector.testpoint.options import TestpointOptions
from collector.testpoint.udpecho import UdpEcho

LOG = logging.getLogger(__name__)

SCRATCH_BYTES = 256 << 10
BACKLOG = 512
BUSY_TURN_S = 0.01
IDLE_TURN_S = 0.2
PORT_TRIES = 20
ACCEPT_PAUSE_S = 1.0

OnReady = Callable[[int, int], None]


def serve(options: TestpointOptions, *, stop: threading.Event, on_ready: OnReady | None = None) -> None:
    """Serve until `stop` is set.

    Args:
        options: Addresses and limits.
        stop: Looked at several times a second.
        on_ready: Called once with the TCP and the UDP port when both are open.

    Raises:
        OSError: If an address cannot be opened; nothing is served then.
    """
    listener, udp = open_sockets(options)
    server = _Server(options, listener, udp)
    try:
        tcp_port, udp_port = listener.getsockname()[1], udp.getsockname()[1]
        LOG.info(
            "test point on %s, TCP %d, UDP %d, %s, congestion control %s (asked for %s)",
            options.host,
            tcp_port,
            udp_port,
            "open" if options.open else "with access tokens",
            tcpinfo.congestion_control(listener) or "unknown",
            options.congestion_control,
        )
        if on_ready is not None:
            on_ready(tcp_port, udp_port)
        while not stop.is_set():
            server.turn()
    finally:
        server.close()


def open_sockets(options: TestpointOptions) -> tuple[socket.socket, socket.socket]:
    """Return a listening TCP socket and a UDP socket, on the same port number unless told otherwise.

    Raises:
        OSError: If that cannot be had.
    """
    is_free_choice = options.port == 0 and options.udp_port is None
    for left in range(PORT_TRIES if is_free_choice else 1, 0, -1):
        listener = _open_tcp(options)
        wanted = listener.getsockname()[1] if options.udp_port is None else options.udp_port
        udp = socket.socket(listener.family, socket.SOCK_DGRAM)
        try:
            udp.bind((options.host, wanted))
        except OSError:
            udp.close()
            listener.close()
            if left == 1:
                raise
            continue
        udp.setblocking(False)
        return listener, udp
    raise OSError("no port is free for both TCP and UDP")


def _open_tcp(options: TestpointOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcpinfo.set_congestion_control(listener, options.congestion_control)  # accepted sockets inherit it
        listener.bind((options.host, options.port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _receipt_key(options: TestpointOptions) -> SigningKey:
    """Return the key of the file; without it tests go on, with receipts that nobody can check."""
    try:
        return keyfile.own_key(options.receipt_key_file, os.urandom)
    except OSError as error:
        LOG.error("receipts are signed with a key of this run alone: %s", error)
        return keyfile.own_key(None, os.urandom)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class _Server:
    """The sockets and connections of one test point."""

    def __init__(self, options: TestpointOptions, listener: socket.socket, udp: socket.socket) -> None:
        self._listener = listener
        self._udp = udp
        self._loop = Loop()
        now_s = self._loop.now
        self._admission = Admission(options, now_s=now_s, utc_ms=_wall_ms)
        key = _receipt_key(options)
        self._context = Context(options, self._admission, Payload(os.urandom), now_s, Uploads(), key)
        self._echo = UdpEcho(udp, now_s, options.udp_packets_per_second)
        self._connections: set[Connection] = set()
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._ticked_s = 0.0
        self._loop.watch(listener, READ, self._accept)
        self._loop.watch(udp, READ, self._echo.answer)

    def turn(self) -> None:
        """Do what is to be done now, waiting a little for it."""
        is_busy = any(connection.is_transfer for connection in self._connections)
        turn_s = BUSY_TURN_S if is_busy else IDLE_TURN_S
        self._loop.turn(turn_s)
        now_s = self._loop.now()
        if now_s >= self._ticked_s + turn_s:
            self._ticked_s = now_s
            for connection in tuple(self._connections):
                connection.tick(now_s)

    def close(self) -> None:
        """Close everything at once."""
        for connection in tuple(self._connections):
            connection.close()
        self._loop.close()
        self._listener.close()
        self._udp.close()

    def _accept(self, _events: int) -> None:
        for _ in range(BACKLOG):
            try:
                sock, peer = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:  # gone before it was taken
                continue
            except OSError as error:  # out of descriptors: leave the rest in the queue for a moment
                LOG.warning("no connection can be accepted at the moment: %s", error)
                self._loop.watch(self._listener, 0, self._accept)
                self._loop.call_at(self._loop.now() + ACCEPT_PAUSE_S, self._accept_again)
                return
            self._take(sock, str(peer[0]))

    def _accept_again(self) -> None:
        self._loop.watch(self._listener, READ, self._accept)

    def _take(self, sock: socket.socket, address: str) -> None:
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:  # gone already
            sock.close()
            return
        is_welcome = self._admission.connected(address)
        connection = Connection(sock, address, self._context, self._loop, self._scratch, self._ended)
        self._connections.add(connection)
        if len(self._connections) > 2 * self._context.options.max_connections:
            connection.close()
        elif not is_welcome:
            connection.turn_away()

    def _ended(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._admission.disconnected(connection.address)
