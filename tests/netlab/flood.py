"""Numbered UDP packets at a rate over an emulated line, and what arrives of them."""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from tests.netlab.lab import Lab, Word
from tests.netlab.links import Direction

ENDS = Path(__file__).with_name("flood_ends.py")
QUIET_S = 2.5


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
    words: list[Word] = [sys.executable, "-S", ENDS]
    receiver = receiver_side([*words, "receive", address, str(quiet_s)], stdout=-1, text=True)
    assert receiver.stdout is not None
    assert receiver.stdout.readline() == "ready\n"
    sent = sender_side([*words, "send", address, str(bps), str(seconds), str(size_bytes)])
    assert sent.returncode == 0, sent.stderr
    found: dict[str, Any] = json.loads(receiver.communicate(timeout=60)[0])
    return found


def steady_ms(delays_ms: list[float]) -> float:
    """Return the median of the second half: the queue has filled by then, or never does."""
    return statistics.median(delays_ms[len(delays_ms) // 2 :])
