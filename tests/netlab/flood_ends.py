"""The two ends of a flood, each a program of its own that starts quickly: see flood.py.

python -S flood_ends.py receive ADDRESS QUIET_S         prints "ready", then one line of JSON
python -S flood_ends.py send ADDRESS BPS SECONDS SIZE
"""

import json
import os
import socket
import struct
import sys
import time
from contextlib import suppress

PORT = 9000
HEAD = struct.Struct("=QQ")  # number, time sent in ns of CLOCK_MONOTONIC
IP_UDP_BYTES = 28
SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 32, 33, 35  # Linux; Python does not name them


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


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive(sys.argv[2], float(sys.argv[3]))
    else:
        send(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
