"""What one core of the test point carries: bytes over loopback to and from a client that does nothing else.

The test point runs as its own process, held to one core; the client is another process of bare sockets on another
core. Loopback does the receiver's half of TCP in the sender's time, so a network card is kinder to a download.
"""

import base64
import multiprocessing
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from bench.footprint import cpu_s, status_kb
from bench.machine import table
from collector.testpoint.options import TestpointOptions
from tests.fakes.testpoint_process import run_process

WARM_UP_S = 1.0
MEASURED_S = 4.0
BUFFER_BYTES = 1 << 20
BAR_MBPS = 900
SPAWN = multiprocessing.get_context("spawn")

UPGRADE = (
    "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    "Sec-WebSocket-Protocol: net.measurementlab.ndt.v7\r\n\r\n"
)
PLAIN = "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """One kind of transfer."""

    name: str
    target: str
    is_download: bool
    is_websocket: bool
    connections: int


def cases() -> list[Case]:
    """Return what is measured, with one connection and with four."""
    kinds = [
        ("ndt7 download", "/ndt/v7/download", True, True),
        ("ndt7 download, CUBIC", "/ndt/v7/download?cc=cubic", True, True),
        ("ndt7 upload", "/ndt/v7/upload", False, True),
        ("LibreSpeed download", "/garbage?bytes=100000000000", True, False),
        ("LibreSpeed download, CUBIC", "/garbage?bytes=100000000000&cc=cubic", True, False),
        ("LibreSpeed upload", "/empty", False, False),
    ]
    return [Case(*kind, connections) for kind in kinds for connections in (1, 4)]


def _open(case: Case, port: int) -> socket.socket:
    """Return a connection on which the bulk may flow."""
    sock = socket.create_connection(("127.0.0.1", port))
    if case.is_websocket:
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        head = UPGRADE.format(target=case.target, key=key)
    else:
        method, length = ("GET", 0) if case.is_download else ("POST", 10**12)
        head = PLAIN.format(method=method, target=case.target, length=length)
    sock.sendall(head.encode("ascii"))
    if case.is_websocket:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += sock.recv(1)
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            raise SystemExit(answer.decode("latin-1"))
    sock.setblocking(False)
    return sock


def _receiver(_case: Case, sock: socket.socket) -> Callable[[], int]:
    buffer = bytearray(BUFFER_BYTES)
    return lambda: sock.recv_into(buffer)


def _sender(case: Case, sock: socket.socket) -> Callable[[], int]:
    """Return a function that sends one part of an endless stream of equal frames, or of a body."""
    block = os.urandom(BUFFER_BYTES)
    header = b"\x82" + struct.pack("!BQ", 0x80 | 127, len(block)) + b"mask" if case.is_websocket else b""
    frame = memoryview(header + block)
    position = 0

    def send() -> int:
        nonlocal position
        count = sock.send(frame[position:])
        position = (position + count) % len(frame)
        return count

    return send


def run_client(case: Case, port: int, core: int, results: Connection) -> None:
    """Move bytes for the time; send (seconds, bytes) of the measured part, after a word when it begins and one to end.

    Args:
        case: What to do.
        port: Where the test point listens.
        core: Where to run.
        results: Gets "begin" and then the figures.
    """
    _hold(core)
    selector = selectors.DefaultSelector()
    events = selectors.EVENT_READ if case.is_download else selectors.EVENT_WRITE
    for _ in range(case.connections):
        sock = _open(case, port)
        selector.register(sock, events, (_receiver if case.is_download else _sender)(case, sock))
    end_s = time.perf_counter() + WARM_UP_S
    _move(selector, end_s)
    results.send("begin")
    begin_s = time.perf_counter()
    moved = _move(selector, begin_s + MEASURED_S)
    results.send((time.perf_counter() - begin_s, moved))


def _move(selector: selectors.BaseSelector, end_s: float) -> int:
    moved = 0
    while time.perf_counter() < end_s:
        for key, _ in selector.select(0.1):
            count: int = key.data()
            if count == 0:
                raise SystemExit("the test point ended before the time")
            moved += count
    return moved


def _hold(core: int) -> None:
    if sys.platform == "linux":
        os.sched_setaffinity(0, {core})


def run_point(core: int, options: TestpointOptions, ready: Connection) -> None:
    """Run the test point on one core."""
    _hold(core)
    run_process(options, ready)


@dataclass(frozen=True)
class Seen:
    """One case, measured."""

    mbps: float
    cpu_s: float
    seconds: float
    memory_mb: float


def measure(case: Case) -> Seen:
    """Start a test point, move bytes, end it."""
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else [0]
    ours, theirs = SPAWN.Pipe()
    options = TestpointOptions(ndt7_duration_s=60.0, ndt7_cap_s=65.0, max_bytes_per_address=0, transfer_timeout_s=60.0)
    point = SPAWN.Process(target=run_point, args=(cores[0], options, theirs), daemon=True)
    point.start()
    port, _ = ours.recv()
    results, end = SPAWN.Pipe(duplex=False)
    client = SPAWN.Process(target=run_client, args=(case, port, cores[-1], end), daemon=True)
    client.start()
    end.close()
    try:
        results.recv()
        before_s = cpu_s(point.pid or 0)
        seconds, moved = results.recv()
        used_s = cpu_s(point.pid or 0) - before_s
        memory_mb = status_kb(point.pid or 0, "VmHWM") / 1000
    finally:
        client.join()
        point.terminate()
        point.join()
    return Seen(moved * 8 / seconds / 1e6, used_s, seconds, memory_mb)


def main() -> None:
    rows = []
    for case in cases():
        seen = measure(case)
        per_core = seen.mbps * seen.seconds / seen.cpu_s
        rows.append(
            [
                case.name,
                str(case.connections),
                f"{seen.mbps:,.0f}",
                f"{seen.cpu_s:.2f} of {seen.seconds:.1f}",
                f"{per_core:,.0f}",
                f"{seen.memory_mb:.0f}",
                "yes" if seen.mbps >= BAR_MBPS else "no",
            ]
        )
    head = ["transfer", "connections", "Mbit/s", "CPU s of the server", "Mbit/s per busy core", "peak MB"]
    print(table([*head, f">= {BAR_MBPS}"], rows))


if __name__ == "__main__":
    main()
