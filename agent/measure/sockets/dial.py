"""Names to addresses to connected sockets, each step with a time limit that holds in total."""

import contextlib
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from agent.measure import faults
from agent.measure.faults import WorldError
from agent.measure.servers.addresses import Target
from agent.net import http1
from agent.wire.vocabulary import FailureCode

RESOLVE_S = 8.0
CONNECT_EACH_S = 4.0
CONNECT_ALL_S = 10.0

T = TypeVar("T")


@dataclass(frozen=True)
class Address:
    """One address of a server, and the way to it."""

    target: Target
    family: Literal[4, 6]
    sockaddr: tuple[str, int] | tuple[str, int, int, int]
    proxy: Target | None = None  # then `sockaddr` is the proxy's

    @property
    def socket_family(self) -> int:
        """The family as the socket module counts."""
        return socket.AF_INET6 if self.family == 6 else socket.AF_INET


@dataclass(frozen=True)
class Buffers:
    """Sizes of kernel buffers; None leaves them to the kernel."""

    receive_bytes: int | None = None
    send_bytes: int | None = None


def proxy_of(target: Target) -> Target | None:
    """Return the web proxy that this computer's settings prescribe for the target, or None."""
    if is_loopback(target.host):
        return None
    url = urllib.request.getproxies().get("https" if target.is_secure else "http")
    if not url or urllib.request.proxy_bypass(target.host):
        return None
    parts = urlsplit(url if "//" in url else f"http://{url}")
    if parts.scheme not in ("http", "") or not parts.hostname:
        return None
    return Target(parts.hostname, parts.port or 80, False, "")


def is_loopback(host: str) -> bool:
    """Return whether a host is this computer itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def resolve(target: Target, limit_s: float = RESOLVE_S) -> list[Address]:
    """Return the addresses of the target, or of the proxy on the way, in the system's order.

    Raises:
        WorldError: dns.
    """
    proxy = proxy_of(target)
    via = proxy or target
    found = _in_thread(lambda: socket.getaddrinfo(via.host, via.port, type=socket.SOCK_STREAM), limit_s)
    if found is None:
        raise WorldError(FailureCode.DNS, f"cannot find the address of {via.host} (no answer from the name server)")
    if isinstance(found, UnicodeError):
        raise WorldError(FailureCode.DNS, f"{via.host!r} cannot be a name on the Internet")
    if isinstance(found, OSError):
        raise WorldError(FailureCode.DNS, f"cannot find the address of {via.host} ({found.strerror})")
    families: dict[int, Literal[4, 6]] = {socket.AF_INET: 4, socket.AF_INET6: 6}
    return [
        Address(target, families[family], sockaddr, proxy)  # type: ignore[arg-type]  # the stubs know no families
        for family, _, _, _, sockaddr in found
        if family in families
    ]


def _in_thread(work: Callable[[], T], limit_s: float) -> T | OSError | UnicodeError | None:
    """Return what the work returns or raises, None if it takes too long; the thread is then left to itself."""
    box: list[T | OSError | UnicodeError] = []

    def run() -> None:
        try:
            box.append(work())
        except (OSError, UnicodeError) as error:
            box.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit_s)
    return box[0] if box else None


def connect_first(
    addresses: list[Address], buffers: Buffers, missed: dict[int, WorldError] | None = None
) -> tuple[Address, socket.socket]:
    """Return the first address that answers, and a connection to it.

    Args:
        addresses: In the order in which they are tried.
        buffers: Kernel buffers to ask for.
        missed: Takes what is wrong with the families that were tried in vain.

    Raises:
        WorldError: What the last address said.
    """
    last = WorldError(FailureCode.DNS, "the name has no address")
    until_s = time.monotonic() + CONNECT_ALL_S
    for address in addresses:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            break
        try:
            return address, connect(address, buffers, min(CONNECT_EACH_S, left_s))
        except WorldError as fault:
            last = fault
            if missed is not None:
                missed.setdefault(address.family, fault)
    raise last


def connect(address: Address, buffers: Buffers, limit_s: float = CONNECT_EACH_S) -> socket.socket:
    """Return one connection, with TLS where the target wants it, not blocking.

    Args:
        address: Where to.
        buffers: Kernel buffers to ask for.
        limit_s: For everything together.

    Raises:
        WorldError: connect_*, unreachable, tls_*, proxy_auth, portal, protocol or reset.
    """
    until_s = time.monotonic() + limit_s
    host = address.target.host
    try:
        sock = socket.socket(address.socket_family, socket.SOCK_STREAM)
    except OSError as error:
        raise faults.of_os_error(error, host) from error
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if buffers.receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers.receive_bytes)
        if buffers.send_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers.send_bytes)
        sock.settimeout(limit_s)
        sock.connect(address.sockaddr)
        if address.proxy:
            _tunnel(sock, address.target, until_s)
        if address.target.is_secure:
            sock.settimeout(max(0.1, until_s - time.monotonic()))
            sock = _tls_context().wrap_socket(sock, server_hostname=host)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise faults.of_os_error(error, address.proxy.host if address.proxy else host) from error
    except BaseException:
        sock.close()
        raise
    return sock


def connect_many(address: Address, buffers: Buffers, count: int) -> list[socket.socket]:
    """Return up to `count` connections, opened at the same time; those that fail are left out.

    Raises:
        WorldError: If none could be opened: what the first one said.
    """
    opened: list[socket.socket | WorldError | None] = [None] * count
    guard = threading.Lock()
    is_late = False

    def run(index: int) -> None:
        try:
            sock = connect(address, buffers, CONNECT_ALL_S)
        except WorldError as fault:
            opened[index] = fault
            return
        with guard:
            if is_late:
                sock.close()
            else:
                opened[index] = sock

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    until_s = time.monotonic() + CONNECT_ALL_S + 1
    for thread in threads:
        thread.join(max(0.0, until_s - time.monotonic()))
    with guard:
        is_late = True
    sockets = [each for each in opened if isinstance(each, socket.socket)]
    if not sockets:
        first = next((each for each in opened if isinstance(each, WorldError)), None)
        raise first or WorldError(FailureCode.CONNECT_TIMEOUT, f"no answer from {address.target.host} in time")
    return sockets


def _tunnel(sock: socket.socket, target: Target, until_s: float) -> None:
    """Ask the proxy for a tunnel (CONNECT, RFC 9110 9.3.6)."""
    name = f"[{target.host}]" if ":" in target.host else target.host
    sock.sendall(http1.format_request("CONNECT", f"{name}:{target.port}", [("Host", f"{name}:{target.port}")]))
    reader = http1.HeadReader()
    while True:
        sock.settimeout(max(0.1, until_s - time.monotonic()))
        data = sock.recv(1)  # byte by byte: what follows the head belongs to the tunnel
        if not data:
            raise WorldError(FailureCode.RESET, "the proxy ended the connection")
        if time.monotonic() > until_s:
            raise WorldError(FailureCode.CONNECT_TIMEOUT, "the proxy answers too slowly")
        try:
            if reader.feed(data) is not None:
                break
        except http1.HttpError as error:
            raise WorldError(FailureCode.PROTOCOL, f"the proxy: {error.sentence}") from error
    try:
        head = http1.parse_response(reader.head)
    except http1.HttpError as error:
        raise WorldError(FailureCode.PROTOCOL, f"the proxy: {error.sentence}") from error
    if not 200 <= head.status < 300:
        raise faults.of_status(head, "the proxy")


def _tls_context() -> ssl.SSLContext:
    import truststore  # the operating system's trust store; heavy, and not needed for plain test points

    context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    return context


def close_hard(sock: socket.socket) -> None:
    """Close with a reset: what is queued anywhere on this side is dropped, and the server stops sending."""
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    sock.close()
