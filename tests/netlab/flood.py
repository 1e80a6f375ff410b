"""Numbered UDP packets at a rate, and what arrives of them: run on the two sides of a laboratory.

python -m tests.netlab.flood receive ADDRESS            prints "ready", then one line of JSON
python -m tests.netlab.flood send ADDRESS BPS SECONDS SIZE
"""

import json
import os
import socket
import statistics
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.netlab.lab import Lab
from tests.netlab.links import Direction

PORT = 9000
HEAD = struct.Struct("=QQ")  # number, time sent in ns of CLOCK_MONOTONIC
IP_UDP_BYTES = 28
SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 32, 33, 35  # Linux; Python does not name them
QUIET_S = 2.5
ROOT = Path(__file__).parents[2]


def flood(
    lab: Lab, direction: Direction, bps: float, seconds: float, size_bytes: int = 1500, quiet_s: float = QUIET_S
) -> dict[str, Any]:
    """Send packets over the line and return what arrived.

    Args:
        lab: The line.
        direction: Which way.
        bps: Rate at layer 3.
        seconds: For how long.
        size_bytes: Of each packet at layer 3.
        quiet_s: The receiver ends after so long without a packet; longer than the line's longest delay.

    Returns:
        `numbers` received in order, `rate_bps` at layer 3 from the first arrival to the last, `delays_ms`.
    """
    up = direction == "upload"
    receiver_side, sender_side = (lab.popen_server, lab.run_client) if up else (lab.popen_client, lab.run_server)
    address = lab.server_address if up else lab.client_address
    words = [sys.executable, "-m", "tests.netlab.flood"]
    receiver = receiver_side([*words, "receive", address, str(quiet_s)], cwd=ROOT, stdout=-1, text=True)
    assert receiver.stdout is not None
    assert receiver.stdout.readline() == "ready\n"
    sent = sender_side([*words, "send", address, str(bps), str(seconds), str(size_bytes)], cwd=ROOT)
    assert sent.returncode == 0, sent.stderr
    found: dict[str, Any] = json.loads(receiver.communicate(timeout=60)[0])
    return found


def receive(address: str, quiet_s: float) -> None:
    """Print what arrives until nothing does.

    The kernel stamps the arrivals and keeps them until they are read, so that it does not matter how fast this is.
    """
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 29)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.bind((address, PORT))
        sock.settimeout(20)
        print("ready", flush=True)
        rows, arrivals, size_bytes = [], [], 0
        try:
            while True:
                data, notes, _, _ = sock.recvmsg(2048, 64)
                size_bytes = len(data)
                arrivals.append(_stamp_ns(notes))
                rows.append(HEAD.unpack_from(data))
                if len(rows) == 1:
                    sock.settimeout(quiet_s)
        except TimeoutError:
            pass
    wall_less_monotonic_ns = time.time_ns() - time.monotonic_ns()
    span_s = (arrivals[-1] - arrivals[0]) / 1e9 if len(rows) > 1 else 0.0
    rate_bps = (len(rows) - 1) * (size_bytes + IP_UDP_BYTES) * 8 / span_s if span_s else 0.0
    delays_ms = [(came - wall_less_monotonic_ns - sent) / 1e6 for came, (_, sent) in zip(arrivals, rows, strict=True)]
    numbers = [number for number, _ in rows]
    print(json.dumps({"numbers": numbers, "rate_bps": rate_bps, "delays_ms": delays_ms}))


def _stamp_ns(notes: list[tuple[int, int, bytes]]) -> int:
    seconds, nanoseconds = struct.unpack_from("=qq", notes[0][2])
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def send(address: str, bps: float, seconds: float, size_bytes: int) -> None:
    """Send evenly, before other work on the machine: a sender that pauses leaves the line idle."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    body = bytes(size_bytes - IP_UDP_BYTES - HEAD.size)
    total = round(bps * seconds / 8 / size_bytes)
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 1 << 24)
        sock.connect((address, PORT))
        began_ns, number = time.monotonic_ns(), 0
        while number < total:
            due = min(int((time.monotonic_ns() - began_ns) * bps / 8e9 / size_bytes) + 1, total)
            while number < due:
                sock.send(HEAD.pack(number, time.monotonic_ns()) + body)
                number += 1
            time.sleep(0.0005)


def steady_ms(delays_ms: list[float]) -> float:
    """Return the median of the second half: the queue has filled by then, or never does."""
    return statistics.median(delays_ms[len(delays_ms) // 2 :])


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive(sys.argv[2], float(sys.argv[3]))
    else:
        send(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
